package wire

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/bgtask/bgtask/task"
)

// filler makes values of the vocabulary. With full set nothing is left zero, so
// that a field which a conversion forgets shows up.
type filler struct {
	*rand.Rand
	full bool
}

// kinds are the members of the sealed sets.
var kinds = map[reflect.Type][]any{
	reflect.TypeFor[task.Trigger](): {
		task.TimeTrigger{}, task.MaintenanceTrigger{}, task.CalendarTrigger{}, task.SystemTrigger{}, task.ApplicationTrigger{},
		task.CustomSystemEventTrigger{}, task.StorageLibraryContentChangedTrigger{}, task.SocketActivityTrigger{}, task.DeviceWatcherTrigger{},
		task.ToastNotificationActionTrigger{}, task.PushNotificationTrigger{},
	},
	reflect.TypeFor[task.Details](): {
		task.TimeTriggerDetails{}, task.SystemTriggerDetails{}, task.ApplicationTriggerDetails{}, task.CustomSystemEventTriggerDetails{},
		task.StorageLibraryContentChangedTriggerDetails{}, task.SocketActivityTriggerDetails{}, task.DeviceWatcherTriggerDetails{},
		task.ToastNotificationActionTriggerDetails{}, task.PushNotificationTriggerDetails{}, task.ManualDetails{},
	},
	reflect.TypeFor[task.Condition](): {
		task.InternetAvailable, task.EnergySaverOff, task.OrUnknown(task.DeviceIdle),
	},
	reflect.TypeFor[HostFrame](): {
		Hello{}, ObjectsChanged{}, Accepted{}, Refused{}, Progress{}, SaveCheckpoint{}, Finished{}, Leave{},
	},
	reflect.TypeFor[BrokerFrame](): {
		Welcome{}, Activate{}, CancelRun{}, Acknowledge{}, LeaveConfirmed{}, Stay{}, Drop{},
	},
}

// numbers are the enumerations' largest numbers; the smallest is 0, or 1.
var numbers = map[reflect.Type]int{
	reflect.TypeFor[task.Outcome]():            int(task.Lost),
	reflect.TypeFor[task.End]():                int(task.EndRemoved),
	reflect.TypeFor[task.Phase]():              int(task.Removing),
	reflect.TypeFor[task.MisfirePolicy]():      int(task.RunAll),
	reflect.TypeFor[task.HoldThen]():           int(task.RunAnyway),
	reflect.TypeFor[task.Recurrence]():         int(task.Always),
	reflect.TypeFor[task.SystemTriggerType]():  int(task.OnDefaultSignInAccountChange),
	reflect.TypeFor[task.SystemCondition]():    int(task.EnergySaverOff),
	reflect.TypeFor[task.Verdict]():            int(task.Holds),
	reflect.TypeFor[task.Cause]():              int(task.CauseSourceGone),
	reflect.TypeFor[task.SourceStatus]():       int(task.SourceStandby),
	reflect.TypeFor[task.MissCause]():          int(task.MissedSuspended),
	reflect.TypeFor[task.ReasonKind]():         int(task.WaitLaunching),
	reflect.TypeFor[task.EventKind]():          int(task.EventClock),
	reflect.TypeFor[task.AccessStatus]():       int(task.DeniedByUser),
	reflect.TypeFor[task.CancellationReason](): int(task.ReasonEnergySaver),
	reflect.TypeFor[task.CheckLevel]():         int(task.CheckFail),
	reflect.TypeFor[task.HappeningKind]():      int(task.HappensSuspend),
	reflect.TypeFor[Change]():                  int(Updated),
}

func (f *filler) fill(v reflect.Value) {
	t := v.Type()
	if !f.full && f.IntN(4) == 0 && t != reflect.TypeFor[task.Condition]() { // one is always there
		return // zero
	}
	if most, ok := numbers[t]; ok {
		v.SetUint(uint64(1 + f.IntN(most)))
		return
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(f.Int64N(1<<33)-1<<31, f.Int64N(1e9)).UTC()))
		return
	case reflect.TypeFor[task.Result]():
		f.result(v)
		return
	case reflect.TypeFor[task.Cursor]():
		v.SetString(fmt.Sprint(f.Uint64()))
		return
	}
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(1 + f.Int64N(1<<31))
	case reflect.Int64:
		v.SetInt(1 + f.Int64N(1<<62))
	case reflect.Uint8:
		v.SetUint(1 + f.Uint64N(255))
	case reflect.Uint32:
		v.SetUint(1 + f.Uint64N(1<<32-1))
	case reflect.Uint64:
		v.SetUint(1 + f.Uint64N(1<<63))
	case reflect.String:
		v.SetString(fmt.Sprintf("t%d\u00e9\x00\u2028", f.Uint32()))
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		f.inside(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(t, 1+f.IntN(3), 3))
		for i := range v.Len() {
			f.inside(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.inside(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{fmt.Sprint(f.Uint32()): "value", "": "none"}))
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Interface:
		all, ok := kinds[t]
		if !ok {
			panic("the filler does not know " + t.String())
		}
		one := reflect.ValueOf(all[f.IntN(len(all))])
		member := reflect.New(one.Type()).Elem()
		if t == reflect.TypeFor[task.Condition]() {
			member.Set(one) // a value of the set, not only a type
		} else {
			f.inside(member)
		}
		v.Set(member)
	default:
		panic("the filler does not know " + t.String())
	}
}

// inside fills what must not be nil as a whole.
func (f *filler) inside(v reflect.Value) {
	if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[task.Result]() {
		was := f.full
		f.full = true
		f.fill(v)
		f.full = was
		return
	}
	for i := range v.NumField() {
		f.fill(v.Field(i))
	}
}

// result makes one that a host may give.
func (f *filler) result(v reflect.Value) {
	outcomes := []task.Outcome{task.Completed, task.Failed, task.RetryAsked, task.Canceled, task.Crashed}
	v.Set(reflect.ValueOf(task.Result{
		Outcome: outcomes[f.IntN(len(outcomes))], Reason: task.CancellationReason(1 + f.IntN(11)), Text: "why", Exit: "exit 3",
	}))
}
