package wire

import (
	"fmt"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// SpecTo converts a registration's spec.
func SpecTo(s task.Spec) *pb.Spec {
	return &pb.Spec{
		Name:                  text(s.Name),
		EntryPoint:            guidTo(s.EntryPoint),
		Trigger:               triggerTo(s.Trigger),
		Conditions:            mapped(s.Conditions, conditionTo),
		CancelOnConditionLoss: s.CancelOnConditionLoss,
		Group:                 text(s.Group),
		Retry:                 retryTo(s.Retry),
		Misfire:               misfireTo(s.Misfire),
		Hold:                  holdTo(s.Hold),
		Queue:                 uint32(s.Queue),
		Exclusive:             text(s.Exclusive),
		RunLimit:              durationTo(s.RunLimit),
		Command:               commandTo(s.Command),
	}
}

// SpecFrom converts the spec that a client asks to register, and validates it.
func SpecFrom(m *pb.Spec) (task.Spec, error) {
	if m == nil {
		return task.Spec{}, &task.Error{Err: task.ErrInvalid, Detail: "there is nothing to register"}
	}
	s, err := request(m, (*decoder).spec)
	if err == nil {
		err = s.Validate()
	}
	return s, err
}

func (d *decoder) spec(m *pb.Spec) task.Spec {
	return task.Spec{
		Name:                  d.text("name", m.GetName(), task.MaxName),
		EntryPoint:            d.guid("entry_point", m.GetEntryPoint()),
		Trigger:               d.trigger(m.GetTrigger()),
		Conditions:            list(d, "conditions", task.MaxConditions, m.GetConditions(), (*decoder).condition),
		CancelOnConditionLoss: m.GetCancelOnConditionLoss(),
		Group:                 d.text("group", m.GetGroup(), task.MaxName),
		Retry:                 d.retry(m.GetRetry()),
		Misfire:               d.misfire(m.GetMisfire()),
		Hold:                  d.hold(m.GetHold()),
		Queue:                 int(m.GetQueue()),
		Exclusive:             d.text("exclusive", m.GetExclusive(), task.MaxName),
		RunLimit:              d.duration("run_limit", m.GetRunLimit()),
		Command:               d.command(m.GetCommand()),
	}
}

func conditionTo(c task.Condition) *pb.Condition {
	c, orUnknown := task.CutUnknown(c)
	m := &pb.Condition{RunIfUnknown: orUnknown}
	switch c := c.(type) {
	case task.SystemCondition:
		m.Kind = &pb.Condition_System{System: pb.SystemConditionType(c)}
	case nil:
		return nil
	}
	return m
}

// condition returns condition number 0 for a kind that this version does not know.
// Validate refuses it in a request; an answer that contains one can still be shown.
func (d *decoder) condition(m *pb.Condition) task.Condition {
	var c task.Condition = task.SystemCondition(0)
	if kind, ok := m.GetKind().(*pb.Condition_System); ok {
		c = enum[task.SystemCondition](d, "condition", kind.System)
	}
	if m.GetRunIfUnknown() {
		c = task.OrUnknown(c)
	}
	return c
}

// conditionIfAny returns nil for a message that is absent.
func (d *decoder) conditionIfAny(m *pb.Condition) task.Condition {
	if m == nil {
		return nil
	}
	return d.condition(m)
}

func retryTo(r task.RetryPolicy) *pb.RetryPolicy {
	if r == (task.RetryPolicy{}) {
		return nil
	}
	return &pb.RetryPolicy{Attempts: uint32(r.Attempts), First: durationTo(r.First), Limit: durationTo(r.Limit)}
}

func (d *decoder) retry(m *pb.RetryPolicy) task.RetryPolicy {
	return task.RetryPolicy{
		Attempts: int(m.GetAttempts()),
		First:    d.duration("retry.first", m.GetFirst()),
		Limit:    d.duration("retry.limit", m.GetLimit()),
	}
}

func misfireTo(m task.Misfire) *pb.Misfire {
	if m == (task.Misfire{}) {
		return nil
	}
	return &pb.Misfire{Policy: pb.MisfirePolicy(m.Policy) + 1, Max: uint32(m.Max)}
}

func (d *decoder) misfire(m *pb.Misfire) task.Misfire {
	return task.Misfire{Policy: shifted[task.MisfirePolicy](d, "misfire.policy", m.GetPolicy()), Max: int(m.GetMax())}
}

func holdTo(h task.Hold) *pb.Hold {
	if h == (task.Hold{}) {
		return nil
	}
	return &pb.Hold{AtMost: durationTo(h.AtMost), Then: pb.HoldThen(h.Then) + 1}
}

func (d *decoder) hold(m *pb.Hold) task.Hold {
	return task.Hold{
		AtMost: d.duration("hold.at_most", m.GetAtMost()),
		Then:   shifted[task.HoldThen](d, "hold.then", m.GetThen()),
	}
}

func commandTo(c *task.Command) *pb.Command {
	if c == nil {
		return nil
	}
	return &pb.Command{
		Path: text(c.Path), Args: texts(c.Args), Dir: text(c.Dir), Env: texts(c.Env), EnvFile: text(c.EnvFile), Umask: c.Umask, Retry: c.Retry,
	}
}

func (d *decoder) command(m *pb.Command) *task.Command {
	if m == nil {
		return nil
	}
	return &task.Command{
		Path:    d.text("command.path", m.GetPath(), task.MaxPath),
		Args:    d.texts("command.args", m.GetArgs(), task.MaxCommandLine, task.MaxCommandLine),
		Dir:     d.text("command.dir", m.GetDir(), task.MaxPath),
		Env:     d.texts("command.env", m.GetEnv(), task.MaxEnvironment, task.MaxEnvironment),
		EnvFile: d.text("command.env_file", m.GetEnvFile(), task.MaxPath),
		Umask:   m.GetUmask(),
		Retry:   m.GetRetry(),
	}
}

func triggerTo(t task.Trigger) *pb.Trigger {
	switch t := t.(type) {
	case task.TimeTrigger:
		return &pb.Trigger{Kind: &pb.Trigger_Time{Time: &pb.TimeTrigger{Freshness: durationTo(t.Freshness), OneShot: t.OneShot}}}
	case task.MaintenanceTrigger:
		return &pb.Trigger{Kind: &pb.Trigger_Maintenance{Maintenance: &pb.MaintenanceTrigger{Freshness: durationTo(t.Freshness), OneShot: t.OneShot}}}
	case task.CalendarTrigger:
		return &pb.Trigger{Kind: &pb.Trigger_Calendar{Calendar: &pb.CalendarTrigger{Expr: text(t.Expr), Zone: text(t.Zone), OneShot: t.OneShot}}}
	case task.SystemTrigger:
		return &pb.Trigger{Kind: &pb.Trigger_System{System: &pb.SystemTrigger{Type: pb.SystemTriggerType(t.Type), OneShot: t.OneShot}}}
	case task.ApplicationTrigger:
		return &pb.Trigger{Kind: &pb.Trigger_Application{Application: &pb.ApplicationTrigger{}}}
	case task.CustomSystemEventTrigger:
		return &pb.Trigger{Kind: &pb.Trigger_CustomSystemEvent{CustomSystemEvent: &pb.CustomSystemEventTrigger{
			Id: text(t.ID), Recurrence: pb.Recurrence(t.Recurrence) + 1}}}
	case task.StorageLibraryContentChangedTrigger:
		return &pb.Trigger{Kind: &pb.Trigger_StorageLibraryContentChanged{StorageLibraryContentChanged: &pb.StorageLibraryContentChangedTrigger{
			Paths: texts(t.Paths), Settle: durationTo(t.Settle)}}}
	case task.SocketActivityTrigger:
		return &pb.Trigger{Kind: &pb.Trigger_SocketActivity{SocketActivity: &pb.SocketActivityTrigger{Listen: text(t.Listen)}}}
	case task.DeviceWatcherTrigger:
		return &pb.Trigger{Kind: &pb.Trigger_DeviceWatcher{DeviceWatcher: &pb.DeviceWatcherTrigger{
			Subsystem: text(t.Subsystem), Properties: propertiesTo(t.Properties)}}}
	case task.ToastNotificationActionTrigger:
		return &pb.Trigger{Kind: &pb.Trigger_ToastNotificationAction{ToastNotificationAction: &pb.ToastNotificationActionTrigger{Tag: text(t.Tag)}}}
	case task.PushNotificationTrigger:
		return &pb.Trigger{Kind: &pb.Trigger_PushNotification{PushNotification: &pb.PushNotificationTrigger{ApplicationId: text(t.ApplicationID)}}}
	}
	return nil
}

func (d *decoder) trigger(m *pb.Trigger) task.Trigger {
	switch t := m.GetKind().(type) {
	case *pb.Trigger_Time:
		return task.TimeTrigger{Freshness: d.duration("freshness", t.Time.GetFreshness()), OneShot: t.Time.GetOneShot()}
	case *pb.Trigger_Maintenance:
		return task.MaintenanceTrigger{Freshness: d.duration("freshness", t.Maintenance.GetFreshness()), OneShot: t.Maintenance.GetOneShot()}
	case *pb.Trigger_Calendar:
		return task.CalendarTrigger{
			Expr:    d.text("expr", t.Calendar.GetExpr(), task.MaxExpression),
			Zone:    d.text("zone", t.Calendar.GetZone(), task.MaxName),
			OneShot: t.Calendar.GetOneShot(),
		}
	case *pb.Trigger_System:
		return task.SystemTrigger{Type: enum[task.SystemTriggerType](d, "type", t.System.GetType()), OneShot: t.System.GetOneShot()}
	case *pb.Trigger_Application:
		return task.ApplicationTrigger{}
	case *pb.Trigger_CustomSystemEvent:
		return task.CustomSystemEventTrigger{
			ID:         d.text("id", t.CustomSystemEvent.GetId(), task.MaxName),
			Recurrence: shifted[task.Recurrence](d, "recurrence", t.CustomSystemEvent.GetRecurrence()),
		}
	case *pb.Trigger_StorageLibraryContentChanged:
		return task.StorageLibraryContentChangedTrigger{
			Paths:  d.texts("paths", t.StorageLibraryContentChanged.GetPaths(), task.MaxWatchedPaths, task.MaxPath),
			Settle: d.duration("settle", t.StorageLibraryContentChanged.GetSettle()),
		}
	case *pb.Trigger_SocketActivity:
		return task.SocketActivityTrigger{Listen: d.text("listen", t.SocketActivity.GetListen(), task.MaxPath)}
	case *pb.Trigger_DeviceWatcher:
		return task.DeviceWatcherTrigger{
			Subsystem:  d.text("subsystem", t.DeviceWatcher.GetSubsystem(), task.MaxName),
			Properties: d.properties("properties", t.DeviceWatcher.GetProperties()),
		}
	case *pb.Trigger_ToastNotificationAction:
		return task.ToastNotificationActionTrigger{Tag: d.text("tag", t.ToastNotificationAction.GetTag(), task.MaxName)}
	case *pb.Trigger_PushNotification:
		return task.PushNotificationTrigger{ApplicationID: d.text("application_id", t.PushNotification.GetApplicationId(), task.MaxName)}
	case nil:
		return nil // Validate reports that one is required
	}
	d.faults = append(d.faults, &task.Error{Subject: "trigger", Err: task.ErrTriggerNotSupported,
		Detail: fmt.Sprintf("this version does not know %T", m.GetKind()), Hint: "use the same version of bgtask on both sides"})
	return nil
}

func propertiesTo(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	all := make(map[string]string, len(m))
	for name, value := range m {
		all[text(name)] = text(value)
	}
	return all
}
