package engine

import (
	"strconv"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// requestCommands are what clients ask for.
var requestCommands = map[string]func(*world, args){
	"policy": func(w *world, a args) {
		w.cfg.Policy.RunsAtOnce = number(a.named["runs"])
		w.cfg.Policy.RunsPerPackage = number(a.named["package"])
		w.cfg.Policy.Launches = number(a.named["launches"])
		w.cfg.Policy.MinFreshness = w.duration(a.named["min"])
		w.cfg.Policy.RunLimit = w.duration(a.named["limit"])
		w.cfg.Policy.DefaultAccess, _ = task.ParseAccess(a.named["access"])
	},
	// commands EXECUTABLE: the class server of command tasks.
	"commands": func(w *world, a args) {
		w.cfg.Commands = task.ClassServer{Executable: a.at(0), Classes: []task.GUID{task.CommandClass}}
	},
	// package NAME class=A,B server=/bin/x,-arg[:A+B][;/bin/y:B] [version=1.0] [content=x] [folder=/x] [file] [system] [downgrade]
	"package": func(w *world, a args) {
		w.step(Install{Request: w.id(a), Package: w.pack(a), Downgrade: a.has("downgrade")})
	},
	// may-package: what installing it would be answered.
	"may-package": func(w *world, a args) {
		w.start()
		w.action(Reply{Answer: w.e.CheckInstall(Install{Package: w.pack(a), Downgrade: a.has("downgrade")})})
	},
	"folders-removed": func(w *world, a args) { w.step(FoldersRemoved{a.at(0)}) },
	"imply":           func(w *world, a args) { w.step(Imply{Request: w.id(a), Package: w.pack(a)}) },
	"register":        func(w *world, a args) { w.register(a, false) },
	"ensure":          func(w *world, a args) { w.register(a, true) },
	"unregister": func(w *world, a args) {
		w.step(Unregister{Request: w.id(a), Caller: w.caller(a), TaskID: w.tasks[a.at(0)], Cancel: a.has("cancel")})
	},
	"uninstall": func(w *world, a args) {
		w.step(Uninstall{Request: w.id(a), Package: a.at(0), KeepData: a.has("keep"), System: a.has("system")})
	},
	// crowd N REGISTRATION: registers it N times, with a number after its name; of the steps only the events are counted.
	"crowd": func(w *world, a args) {
		w.quietly(func() {
			name := a.at(1)
			for i := range number(a.at(0)) {
				a.plain = []string{name + strconv.Itoa(i+1)}
				w.register(a, false)
			}
		})
		w.out.Reset()
		w.printf("%d tasks are registered", len(w.e.regs))
	},
	"override": func(w *world, a args) {
		for _, name := range sortedKeys(a.named) {
			w.step(OverrideFact{Request: w.id(a), Name: name, Value: task.Value(a.named[name]), For: w.duration(a.at(0))})
		}
	},
	"clear": func(w *world, a args) { w.step(ClearOverride{Request: w.id(a), Name: a.at(0)}) },
	"fire":  func(w *world, a args) { w.fire(a, true) },
	// fill TASK N arg=@65536: N requests, of which only the last answer is shown.
	"fill": func(w *world, a args) {
		for range number(a.at(1)) {
			w.out.Reset()
			w.fire(args{plain: a.plain[:1], named: a.named}, false)
		}
	},
	"request": func(w *world, a args) { w.fire(a, false) },
	"raise": func(w *world, a args) {
		w.step(Raise{Request: w.id(a), Caller: w.caller(a), EventID: a.at(0), Payload: payload(a.named["payload"])})
	},
	"cancel": func(w *world, a args) {
		reason := task.ReasonAbort
		if s := a.named["reason"]; s != "" {
			reason, _ = task.ParseReason(s)
		}
		w.step(Cancel{Request: w.id(a), Caller: w.caller(a), TaskID: w.tasks[a.at(0)], Reason: reason, Kill: a.has("kill")})
	},
	"resume": func(w *world, a args) {
		w.step(Resume{Request: w.id(a), Caller: w.caller(a), TaskID: w.tasks[a.at(0)]})
	},
	"request-access": func(w *world, a args) { w.step(RequestAccess{Request: w.id(a), Caller: Caller{Package: a.at(0)}}) },
	"access": func(w *world, a args) {
		status, err := task.ParseAccess(a.at(1))
		if err != nil {
			w.t.Fatal(err)
		}
		w.step(SetAccess{Request: w.id(a), Package: a.at(0), Access: status})
	},
	"stop": func(w *world, a args) {
		reason, _ := task.ParseReason(a.at(0))
		w.step(StopAll{Request: w.id(a), Reason: reason, Within: w.duration(a.at(1))})
	},
	"hand-over": func(w *world, a args) { w.step(HandOver{}) },
}

func (w *world) fire(a args, byHand bool) {
	w.step(Fire{Request: w.id(a), Caller: w.caller(a), TaskID: w.tasks[a.at(0)], Arguments: payload(a.named["arg"]), ByHand: byHand, Now: a.has("now")})
}

// register NAME package=P class=A time=15m|maintenance=1h|calendar=...|on=InternetAvailable|app|event=ID|paths=/a [once]
// [when=InternetAvailable,DeviceIdle?,...] [cancel-on-loss] [queue=3] [hold=1h:drop|1h:run] [misfire=skip|all:3] [exclusive=k]
// [attempts=3] [first=1s] [longest=1m] [limit=1m] [zone=UTC] [command=/bin/x] [unique]
func (w *world) register(a args, ensure bool) {
	s := task.Spec{Name: a.at(0), EntryPoint: class(orElse(a.named["class"], "A")), CancelOnConditionLoss: a.has("cancel-on-loss"), Exclusive: a.named["exclusive"],
		Group: a.named["group"], Queue: number(a.named["queue"]), RunLimit: w.duration(a.named["limit"])}
	s.Trigger = w.trigger(a)
	s.Conditions = w.conditions(a.named["when"])
	s.Retry = task.RetryPolicy{Attempts: number(a.named["attempts"]), First: w.duration(a.named["first"]), Limit: w.duration(a.named["longest"])}
	if h, ok := a.named["hold"]; ok {
		d, then, _ := strings.Cut(h, ":")
		s.Hold.AtMost = w.duration(d)
		if then == "run" {
			s.Hold.Then = task.RunAnyway
		}
	}
	switch policy, n, _ := strings.Cut(a.named["misfire"], ":"); policy {
	case "skip":
		s.Misfire.Policy = task.Skip
	case "all":
		s.Misfire = task.Misfire{Policy: task.RunAll, Max: number(n)}
	}
	ev := Register{Request: w.id(a), Caller: w.caller(a), Package: orElse(a.named["package"], "app"), Spec: s, Ensure: ensure, Unique: a.has("unique")}
	if path, ok := a.named["command"]; ok {
		ev.Spec.EntryPoint, ev.Spec.Command, ev.Package = task.CommandClass, &task.Command{Path: path}, task.CommandPackage
	}
	if zone := a.named["zone"]; zone != "" {
		ev.Zone = mustLoad(zone)
	}
	w.step(ev)
}

func (w *world) conditions(s string) []task.Condition {
	var all []task.Condition
	for _, name := range list(s) {
		c, err := task.ParseCondition(name)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (w *world) trigger(a args) task.Trigger {
	once := a.has("once")
	switch {
	case a.named["time"] != "":
		return task.TimeTrigger{Freshness: w.duration(a.named["time"]), OneShot: once}
	case a.named["maintenance"] != "":
		return task.MaintenanceTrigger{Freshness: w.duration(a.named["maintenance"]), OneShot: once}
	case a.named["calendar"] != "":
		return task.CalendarTrigger{Expr: strings.ReplaceAll(a.named["calendar"], "_", " "), Zone: a.named["zone"], OneShot: once}
	case a.named["event"] != "":
		recurrence := task.Always
		if once {
			recurrence = task.Once
		}
		return task.CustomSystemEventTrigger{ID: a.named["event"], Recurrence: recurrence}
	case a.named["paths"] != "":
		return task.StorageLibraryContentChangedTrigger{Paths: list(a.named["paths"])}
	case a.named["listen"] != "":
		return task.SocketActivityTrigger{Listen: a.named["listen"]}
	case a.has("push"):
		return task.PushNotificationTrigger{}
	case a.named["on"] != "":
		for _, row := range task.SystemTriggerTypes() {
			if row.Name == a.named["on"] {
				return task.SystemTrigger{Type: row.Type, OneShot: once}
			}
		}
	}
	return task.ApplicationTrigger{}
}

// caller returns the user's command line, or the package P if caller=P is given.
func (w *world) caller(a args) Caller {
	if p := a.named["caller"]; p != "" {
		return Caller{Package: p}
	}
	return Caller{All: true}
}

// payload returns the text s, or 1,024 bytes for "@1024".
func payload(s string) []byte {
	if n, ok := strings.CutPrefix(s, "@"); ok {
		return make([]byte, number(n))
	}
	return []byte(s)
}
