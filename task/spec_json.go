package task

import "math"

// AppendSpec appends s in the form in which it is stored: JSON without the
// members that are zero. DecodeSpec of it gives s back; an empty list becomes
// nil.
func AppendSpec(dst []byte, s Spec) []byte {
	w := &jsonWriter{b: dst, short: true}
	s.appendJSON(w)
	return w.b
}

// DecodeSpec reads what AppendSpec or MarshalJSON wrote. It checks the form only:
// Validate says whether the registration makes sense. A member that it does not
// know is refused.
func DecodeSpec(data []byte) (Spec, error) {
	r := &jsonReader{b: data}
	s := r.spec()
	if err := r.end(); err != nil {
		return Spec{}, err
	}
	return s, nil
}

// MarshalJSON writes every member, as --json shows them.
func (s Spec) MarshalJSON() ([]byte, error) { return marshalJSON(s) }

// UnmarshalJSON is DecodeSpec.
func (s *Spec) UnmarshalJSON(data []byte) (err error) {
	*s, err = DecodeSpec(data)
	return err
}

func (s Spec) appendJSON(w *jsonWriter) {
	w.open('{')
	w.text("name", s.Name)
	w.guid("entry_point", s.EntryPoint)
	if w.member("trigger", isTrigger(s.Trigger)) {
		w.trigger(s.Trigger)
	}
	w.conditions("conditions", s.Conditions)
	w.bool("cancel_on_condition_loss", s.CancelOnConditionLoss)
	w.text("group", s.Group)
	w.retry(s.Retry)
	w.misfire(s.Misfire)
	w.hold(s.Hold)
	w.int("queue", s.Queue)
	w.text("exclusive", s.Exclusive)
	w.seconds("run_limit_s", s.RunLimit)
	if w.member("command", s.Command != nil) {
		w.command(s.Command)
	}
	w.close('}')
}

func (w *jsonWriter) conditions(key string, all []Condition) {
	if len(all) == 0 && w.short {
		return
	}
	w.key(key)
	w.open('[')
	for _, c := range all {
		w.comma()
		w.conditionValue(c)
	}
	w.close(']')
}

func (w *jsonWriter) retry(p RetryPolicy) {
	if w.short && p == (RetryPolicy{}) {
		return
	}
	w.key("retry")
	w.open('{')
	w.int("attempts", p.Attempts)
	w.seconds("first_s", p.First)
	w.seconds("limit_s", p.Limit)
	w.close('}')
}

func (w *jsonWriter) misfire(m Misfire) {
	if w.short && m == (Misfire{}) {
		return
	}
	w.key("misfire")
	w.open('{')
	w.text("policy", m.Policy.String())
	w.int("max", m.Max)
	w.close('}')
}

func (w *jsonWriter) hold(h Hold) {
	if w.short && h == (Hold{}) {
		return
	}
	w.key("hold")
	w.open('{')
	w.seconds("at_most_s", h.AtMost)
	w.text("then", h.Then.String())
	w.close('}')
}

func (w *jsonWriter) command(c *Command) {
	if w.redact {
		redacted := *c
		redacted.Args, redacted.Env = nil, nil
		c = &redacted
	}
	w.open('{')
	w.text("path", c.Path)
	w.texts("args", c.Args)
	w.text("dir", c.Dir)
	w.texts("env", c.Env)
	w.text("env_file", c.EnvFile)
	w.uint("umask", uint64(c.Umask))
	w.bool("retry", c.Retry)
	w.bool("redacted", w.redact)
	w.close('}')
}

func (r *jsonReader) spec() (s Spec) {
	r.object(func(key string) bool {
		switch key {
		case "name":
			s.Name = r.text()
		case "entry_point":
			s.EntryPoint = r.guid()
		case "trigger":
			s.Trigger = r.trigger()
		case "conditions":
			s.Conditions = r.conditions()
		case "cancel_on_condition_loss":
			s.CancelOnConditionLoss = r.bool()
		case "group":
			s.Group = r.text()
		case "retry":
			s.Retry = r.retry()
		case "misfire":
			s.Misfire = r.misfire()
		case "hold":
			s.Hold = r.hold()
		case "queue":
			s.Queue = r.int()
		case "exclusive":
			s.Exclusive = r.text()
		case "run_limit_s":
			s.RunLimit = r.seconds()
		case "command":
			s.Command = r.command()
		default:
			return false
		}
		return true
	})
	return s
}

func (r *jsonReader) conditions() (all []Condition) {
	r.list(func() {
		if all == nil {
			all = make([]Condition, 0, 2)
		}
		all = append(all, r.condition())
	})
	return all
}

// condition reads the class and what belongs to it; the number is for people.
func (r *jsonReader) condition() (c Condition) {
	class, orUnknown := "", false
	r.object(func(key string) bool {
		switch key {
		case "type":
			class = r.text()
		case "condition":
			c = enum(r, parseSystemCondition)
		case "condition_number":
			if !r.null() {
				r.integer(0, math.MaxUint8)
			}
		case "run_if_unknown":
			orUnknown = r.bool()
		default:
			return false
		}
		return true
	})
	if class != "SystemCondition" || c == nil {
		r.fail("no condition of the class %q", clip(class, 64))
	}
	if orUnknown {
		return OrUnknown(c)
	}
	return c
}

func (r *jsonReader) retry() (p RetryPolicy) {
	r.object(func(key string) bool {
		switch key {
		case "attempts":
			p.Attempts = r.int()
		case "first_s":
			p.First = r.seconds()
		case "limit_s":
			p.Limit = r.seconds()
		default:
			return false
		}
		return true
	})
	return p
}

func (r *jsonReader) misfire() (m Misfire) {
	r.object(func(key string) bool {
		switch key {
		case "policy":
			m.Policy = enum(r, ParseMisfirePolicy)
		case "max":
			m.Max = r.int()
		default:
			return false
		}
		return true
	})
	return m
}

func (r *jsonReader) hold() (h Hold) {
	r.object(func(key string) bool {
		switch key {
		case "at_most_s":
			h.AtMost = r.seconds()
		case "then":
			h.Then = enum(r, ParseHoldThen)
		default:
			return false
		}
		return true
	})
	return h
}

func (r *jsonReader) command() *Command {
	if r.null() {
		return nil
	}
	c := new(Command)
	r.object(func(key string) bool {
		switch key {
		case "path":
			c.Path = r.text()
		case "args":
			c.Args = r.texts()
		case "dir":
			c.Dir = r.text()
		case "env":
			c.Env = r.texts()
		case "env_file":
			c.EnvFile = r.text()
		case "umask":
			c.Umask = uint32(r.integer(0, math.MaxUint32))
		case "retry":
			c.Retry = r.bool()
		case "redacted":
			if r.bool() {
				r.fail("a command whose arguments were left out")
			}
		default:
			return false
		}
		return true
	})
	return c
}
