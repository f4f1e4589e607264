//go:build linux

package store

import (
	"maps"
	"slices"

	"github.com/bgtask/bgtask/task"
)

func spec(c *codec, s *task.Spec) {
	text(c, 1, &s.Name)
	id(c, 2, &s.EntryPoint)
	oneOf(c, 3, &s.Trigger, trigger)
	conditions(c, 4, &s.Conditions)
	c.flag(5, &s.CancelOnConditionLoss)
	name(c, 6, &s.Group)
	signed(c, 7, &s.Retry.Attempts)
	signed(c, 8, &s.Retry.First)
	signed(c, 9, &s.Retry.Limit)
	unsigned(c, 10, &s.Misfire.Policy)
	signed(c, 11, &s.Misfire.Max)
	signed(c, 12, &s.Hold.AtMost)
	unsigned(c, 13, &s.Hold.Then)
	signed(c, 14, &s.Queue)
	name(c, 15, &s.Exclusive)
	signed(c, 16, &s.RunLimit)
	optional(c, 17, &s.Command, command)
}

func command(c *codec, m *task.Command) {
	name(c, 1, &m.Path)
	c.texts(2, &m.Args)
	name(c, 3, &m.Dir)
	c.texts(4, &m.Env)
	name(c, 5, &m.EnvFile)
	unsigned(c, 6, &m.Umask)
	c.flag(7, &m.Retry)
}

// conditions encodes a list as one message, so that the bytes of the whole list are in
// one place and equal lists can share their memory.
func conditions(c *codec, n int, v *[]task.Condition) {
	if !c.reading {
		if len(*v) != 0 {
			message(c, n, v, conditionItems)
		}
		return
	}
	if c.at(n, wireBytes) {
		*v = c.sharedConditions(c.bytes())
		c.advance()
	}
}

// sharedConditions decodes a list once for all rows that have the same one. A shared list
// is never written to.
func (c *codec) sharedConditions(data []byte) []task.Condition {
	if all, ok := c.names.conditions[string(data)]; ok {
		return all
	}
	part := codec{reading: true, buf: data, names: c.names}
	part.advance()
	var all []task.Condition
	conditionItems(&part, &all)
	part.skipRest()
	if part.err != nil {
		c.fail("conditions: %w", part.err)
		return nil
	}
	all = slices.Clip(all)
	if len(c.names.conditions) < maxNames {
		c.names.conditions[string(data)] = all
	}
	return all
}

func conditionItems(c *codec, all *[]task.Condition) { list(c, 1, all, condition) }

func condition(c *codec, v *task.Condition) {
	plain, orUnknown := task.CutUnknown(*v)
	c.flag(1, &orUnknown)
	variant(c, 2, &plain, func(c *codec, s *task.SystemCondition) { unsigned(c, 1, s) })
	if plain == nil {
		c.fail("a condition is of no known kind")
	}
	if !c.reading { // a value that is being encoded may be read concurrently
		return
	}
	if *v = plain; orUnknown {
		*v = task.OrUnknown(plain)
	}
}

func trigger(c *codec, t *task.Trigger) {
	variant(c, 1, t, func(c *codec, v *task.TimeTrigger) {
		signed(c, 1, &v.Freshness)
		c.flag(2, &v.OneShot)
	})
	variant(c, 2, t, func(c *codec, v *task.MaintenanceTrigger) {
		signed(c, 1, &v.Freshness)
		c.flag(2, &v.OneShot)
	})
	variant(c, 3, t, func(c *codec, v *task.CalendarTrigger) {
		text(c, 1, &v.Expr)
		name(c, 2, &v.Zone)
		c.flag(3, &v.OneShot)
	})
	variant(c, 4, t, func(c *codec, v *task.SystemTrigger) {
		unsigned(c, 1, &v.Type)
		c.flag(2, &v.OneShot)
	})
	variant(c, 5, t, func(*codec, *task.ApplicationTrigger) {})
	variant(c, 6, t, func(c *codec, v *task.CustomSystemEventTrigger) {
		name(c, 1, &v.ID)
		unsigned(c, 2, &v.Recurrence)
	})
	variant(c, 7, t, func(c *codec, v *task.StorageLibraryContentChangedTrigger) {
		c.texts(1, &v.Paths)
		signed(c, 2, &v.Settle)
	})
	variant(c, 8, t, func(c *codec, v *task.SocketActivityTrigger) { text(c, 1, &v.Listen) })
	variant(c, 9, t, func(c *codec, v *task.DeviceWatcherTrigger) {
		name(c, 1, &v.Subsystem)
		properties(c, 2, &v.Properties)
	})
	variant(c, 10, t, func(c *codec, v *task.ToastNotificationActionTrigger) { name(c, 1, &v.Tag) })
	variant(c, 11, t, func(c *codec, v *task.PushNotificationTrigger) { text(c, 1, &v.ApplicationID) })
}

func details(c *codec, d *task.Details) {
	variant(c, 1, d, func(c *codec, v *task.TimeTriggerDetails) {
		c.time(1, &v.Due)
		signed(c, 2, &v.Missed)
	})
	variant(c, 2, d, func(c *codec, v *task.SystemTriggerDetails) {
		unsigned(c, 1, &v.Type)
		name(c, 2, &v.Old)
		name(c, 3, &v.New)
	})
	variant(c, 3, d, func(c *codec, v *task.ApplicationTriggerDetails) { c.blob(1, &v.Arguments) })
	variant(c, 4, d, func(c *codec, v *task.CustomSystemEventTriggerDetails) {
		name(c, 1, &v.ID)
		c.blob(2, &v.Payload)
	})
	variant(c, 5, d, func(c *codec, v *task.StorageLibraryContentChangedTriggerDetails) {
		c.texts(1, &v.Paths)
		c.flag(2, &v.Overflow)
	})
	variant(c, 6, d, func(c *codec, v *task.SocketActivityTriggerDetails) { text(c, 1, &v.Address) })
	variant(c, 7, d, func(c *codec, v *task.DeviceWatcherTriggerDetails) {
		name(c, 1, &v.Action)
		text(c, 2, &v.Device)
		properties(c, 3, &v.Properties)
	})
	variant(c, 8, d, func(c *codec, v *task.ToastNotificationActionTriggerDetails) {
		text(c, 1, &v.Action)
		unsigned(c, 2, &v.ID)
		text(c, 3, &v.Tag)
		text(c, 4, &v.UserInput)
		text(c, 5, &v.ActivationToken)
	})
	variant(c, 9, d, func(c *codec, v *task.PushNotificationTriggerDetails) { c.blob(1, &v.Content) })
	variant(c, 10, d, func(c *codec, v *task.ManualDetails) { c.blob(1, &v.Arguments) })
}

type property struct{ name, value string }

// properties encodes a map sorted by key, so that equal values have equal bytes.
func properties(c *codec, n int, v *map[string]string) {
	var all []property
	for _, k := range slices.Sorted(maps.Keys(*v)) {
		all = append(all, property{k, (*v)[k]})
	}
	list(c, n, &all, func(c *codec, p *property) {
		name(c, 1, &p.name)
		text(c, 2, &p.value)
	})
	if c.reading && len(all) != 0 {
		*v = make(map[string]string, len(all))
		for _, p := range all {
			(*v)[p.name] = p.value
		}
	}
}

func process(c *codec, p *task.Process) {
	signed(c, 1, &p.PID)
	unsigned(c, 2, &p.Start)
	name(c, 3, &p.Boot)
}

func classServer(c *codec, s *task.ClassServer) {
	name(c, 1, &s.Executable)
	c.texts(2, &s.Arguments)
	name(c, 3, &s.Dir)
	c.ids(4, &s.Classes)
	text(c, 5, &s.Declared)
}

func occurrence(c *codec, o *task.Occurrence) {
	unsigned(c, 1, &o.Number)
	c.time(2, &o.Due)
	c.time(3, &o.Observed)
	c.time(4, &o.Last)
	signed(c, 5, &o.Count)
	signed(c, 6, &o.Missed)
}

func run(c *codec, r *task.Run) {
	id(c, 1, &r.ID)
	id(c, 2, &r.TaskID)
	text(c, 3, &r.Name)
	name(c, 4, &r.Package)
	message(c, 5, &r.Occurrence, occurrence)
	signed(c, 6, &r.Attempt)
	name(c, 7, &r.Host)
	signed(c, 8, &r.PID)
	id(c, 9, &r.Launch)
	c.time(10, &r.Started)
	c.time(11, &r.Entered)
	c.time(12, &r.Ended)
	unsigned(c, 13, &r.Progress)
	unsigned(c, 14, &r.Outcome)
	unsigned(c, 15, &r.Reason)
	c.flag(16, &r.Forced)
	name(c, 17, &r.Exit)
	text(c, 18, &r.Text)
	c.time(19, &r.ProgressAt)
	text(c, 20, &r.Stderr)
	signed(c, 21, &r.Awake)
}

func missed(c *codec, m *task.Missed) {
	c.time(1, &m.First)
	c.time(2, &m.Last)
	signed(c, 3, &m.Count)
	c.flag(4, &m.More)
	unsigned(c, 5, &m.Cause)
	unsigned(c, 6, &m.MadeUp)
}

func ended(c *codec, e *task.Ended) {
	unsigned(c, 1, &e.Number)
	unsigned(c, 2, &e.End)
	c.time(3, &e.At)
}

func counts(c *codec, v *task.Counts) {
	signed(c, 1, &v.Runs)
	signed(c, 2, &v.Missed)
	for i := range v.ByOutcome { // last, because outcomes may be added
		signed(c, 3+i, &v.ByOutcome[i])
	}
}

func fact(c *codec, f *task.Fact) {
	name(c, 1, &f.Name)
	text(c, 2, &f.Value)
	name(c, 3, &f.Source)
	text(c, 4, &f.Detail)
	c.time(5, &f.Since)
	unsigned(c, 6, &f.Cause)
	c.flag(7, &f.Overridden)
	c.time(8, &f.Until)
	text(c, 9, &f.Real)
	c.texts(10, &f.UsedBy)
}

func state(c *codec, s *task.State) {
	unsigned(c, 1, &s.Phase)
	c.time(2, &s.Since)
	list(c, 3, &s.Reasons, reason)
	signed(c, 4, &s.Waiting)
	c.time(5, &s.Next)
	c.flag(6, &s.NextKnown)
	optional(c, 7, &s.Run, run)
	signed(c, 8, &s.Attempt)
	signed(c, 9, &s.Attempts)
	text(c, 10, &s.Text)
	signed(c, 11, &s.Faults)
	unsigned(c, 12, &s.Fault)
	c.time(13, &s.Now)
}

func reason(c *codec, r *task.Reason) {
	unsigned(c, 1, &r.Kind)
	oneOf(c, 2, &r.Condition, condition)
	unsigned(c, 3, &r.Cause)
	c.time(4, &r.Until)
	text(c, 5, &r.Detail)
}

func info(c *codec, i *task.Info) {
	id(c, 1, &i.TaskID)
	name(c, 2, &i.Package)
	message(c, 3, &i.Spec, withoutCommand)
	c.time(4, &i.Registered)
	message(c, 5, &i.State, state)
	optional(c, 6, &i.LastEnd, ended)
	optional(c, 7, &i.LastRun, run)
	message(c, 8, &i.Counts, counts)
	c.texts(9, &i.Warnings)
	text(c, 10, &i.Server)
	text(c, 11, &i.Declared)
	c.time(12, &i.GridFrom)
}

// withoutCommand encodes a spec for history, which must not contain the command.
func withoutCommand(c *codec, s *task.Spec) {
	public := *s
	public.Command = nil
	spec(c, &public)
	if c.reading {
		*s = public
	}
}

// event encodes the Seq too, although it is the row's key, so that a row under a wrong
// key is detected.
func event(c *codec, e *task.Event) {
	unsigned(c, 1, &e.Kind)
	c.time(2, &e.Time)
	name(c, 3, &e.Boot)
	signed(c, 4, &e.BootTime)
	id(c, 5, &e.TaskID)
	name(c, 6, &e.Package)
	name(c, 7, &e.Name)
	optional(c, 8, &e.State, state)
	optional(c, 9, &e.Occurrence, occurrence)
	unsigned(c, 10, &e.End)
	optional(c, 11, &e.Run, run)
	optional(c, 12, &e.Missed, missed)
	optional(c, 13, &e.Fact, fact)
	text(c, 14, &e.Old)
	optional(c, 15, &e.Info, info)
	text(c, 16, &e.Text)
	unsigned(c, 17, &e.Seq)
}
