package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bgtask/bgtask/task"
)

// args are the words after a command: NAME=VALUE, and the plain ones in order.
type args struct {
	plain []string
	named map[string]string
}

func parseArgs(words []string) args {
	a := args{named: map[string]string{}}
	for _, word := range words {
		if k, v, ok := strings.Cut(word, "="); ok {
			a.named[k] = v
		} else {
			a.plain = append(a.plain, word)
		}
	}
	return a
}

func (a args) has(word string) bool {
	for _, p := range a.plain {
		if p == word {
			return true
		}
	}
	return false
}

func (a args) at(i int) string {
	if i < len(a.plain) {
		return a.plain[i]
	}
	return ""
}

// run executes one command line and returns what it printed.
func (w *world) run(line string) string {
	w.out.Reset()
	words := strings.Fields(line)
	a := parseArgs(words[1:])
	command := commands[words[0]]
	if command == nil {
		w.t.Fatalf("unknown command %q", line)
	}
	command(w, a)
	if w.out.Len() == 0 {
		return "ok\n"
	}
	return w.out.String()
}

var commands map[string]func(*world, args)

func init() {
	commands = map[string]func(*world, args){
		"policy": func(w *world, a args) {
			w.cfg.Policy.RunsAtOnce = number(a.named["runs"])
			w.cfg.Policy.RunsPerPackage = number(a.named["package"])
			w.cfg.Policy.Launches = number(a.named["launches"])
			w.cfg.Policy.MinFreshness = w.duration(a.named["min"])
			w.cfg.Policy.RunLimit = w.duration(a.named["limit"])
		},
		// package NAME class=A,B server=/bin/x,-arg [version=1.0]
		"package":  func(w *world, a args) { w.step(Install{Request: w.id(a), Package: w.pack(a)}) },
		"imply":    func(w *world, a args) { w.step(Imply{Request: w.id(a), Package: w.pack(a)}) },
		"register": func(w *world, a args) { w.register(a, false) },
		"ensure":   func(w *world, a args) { w.register(a, true) },
		"unregister": func(w *world, a args) {
			w.step(Unregister{Request: w.id(a), Caller: Caller{All: true}, TaskID: w.tasks[a.at(0)], Cancel: a.has("cancel")})
		},
		"uninstall": func(w *world, a args) { w.step(Uninstall{Request: w.id(a), Package: a.at(0)}) },
		"facts": func(w *world, a args) {
			source := "machine"
			if a.at(0) != "" {
				source = a.at(0)
			}
			var facts []task.Fact
			for _, name := range sortedKeys(a.named) {
				facts = append(facts, task.Fact{Name: name, Value: task.Value(strings.TrimSuffix(a.named[name], "unknown"))})
			}
			w.step(FactsReported{Source: source, Facts: facts})
		},
		"source": func(w *world, a args) {
			st := task.SourceState{Name: a.at(0), Detail: a.named["detail"]}
			for s := task.SourceStarting; s <= task.SourceNotHere; s++ {
				if strings.ReplaceAll(s.String(), " ", "-") == a.at(1) {
					st.Status = s
				}
			}
			st.Facts, st.Triggers = list(a.named["facts"]), list(a.named["triggers"])
			w.step(SourceChanged{st})
		},
		"override": func(w *world, a args) {
			for _, name := range sortedKeys(a.named) {
				w.step(OverrideFact{Request: w.id(a), Name: name, Value: task.Value(a.named[name]), For: w.duration(a.at(0))})
			}
		},
		"clear":   func(w *world, a args) { w.step(ClearOverride{Request: w.id(a), Name: a.at(0)}) },
		"fire":    func(w *world, a args) { w.fire(a, true) },
		"request": func(w *world, a args) { w.fire(a, false) },
		"raise": func(w *world, a args) {
			w.step(Raise{Request: w.id(a), Caller: Caller{All: true}, EventID: a.at(0), Payload: []byte(a.named["payload"])})
		},
		"changed": func(w *world, a args) {
			w.step(Occurred{TaskID: w.tasks[a.at(0)], Details: task.StorageLibraryContentChangedTriggerDetails{Paths: a.plain[1:]}})
		},
		"cancel": func(w *world, a args) {
			reason := task.ReasonAbort
			if s := a.named["reason"]; s != "" {
				reason, _ = task.ParseReason(s)
			}
			w.step(Cancel{Request: w.id(a), Caller: Caller{All: true}, TaskID: w.tasks[a.at(0)], Reason: reason, Kill: a.has("kill")})
		},
		"resume": func(w *world, a args) {
			w.step(Resume{Request: w.id(a), Caller: Caller{All: true}, TaskID: w.tasks[a.at(0)]})
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

		"advance":    func(w *world, a args) { w.advance(w.duration(a.at(0))) },
		"sleep":      func(w *world, a args) { w.start(); w.move(w.duration(a.at(0)), true); w.step(Tick{}) },
		"step-clock": func(w *world, a args) { w.start(); w.now.Wall = w.now.Wall.Add(w.duration(a.at(0))); w.step(Tick{}) },
		"zone": func(w *world, a args) {
			zone, err := time.LoadLocation(a.at(0))
			if err != nil {
				w.t.Fatal(err)
			}
			w.now.Wall = w.now.Wall.In(zone)
			w.step(Tick{})
		},
		// crash [off=2h]: the broker dies and comes back; reboot off=8h [wall=-2h]: so does the machine.
		"crash": func(w *world, a args) { w.move(w.duration(a.named["off"]), false); w.restore() },
		"reboot": func(w *world, a args) {
			w.boots++
			w.now.Wall = w.now.Wall.Add(w.duration(a.named["off"]) + w.duration(a.named["wall"]))
			w.now.Boot, w.now.Awake, w.now.ID = 20*time.Second, 20*time.Second, fmt.Sprintf("boot%d", w.boots)
			w.restore()
		},

		// attach HOST package=P classes=A,B.single,C.suspended [launch=launch1] [holds=run1,run2:completed]
		"attach": func(w *world, a args) { w.attach(a) },
		"objects": func(w *world, a args) {
			w.start()
			w.step(ObjectsChanged{Host: w.hostID(a.at(0)), Objects: objects(a.named["classes"])})
		},
		"lost":    func(w *world, a args) { w.step(StreamLost{w.hostID(a.at(0))}) },
		"leave":   func(w *world, a args) { w.step(LeaveAsked{w.hostID(a.at(0))}) },
		"started": func(w *world, a args) { w.step(ServerStarted{w.token(a.at(0)), w.hostID(a.at(1))}) },
		"start-failed": func(w *world, a args) {
			w.step(StartFailed{Token: w.token(a.at(0)), Text: strings.Join(a.plain[1:], " "), Lost: a.has("nothing-carries-it")})
		},
		// exited HOST [launch=launch1] [status=exit_1] [stderr=...]
		"exited": func(w *world, a args) {
			status := strings.ReplaceAll(a.named["status"], "_", " ")
			w.step(Exited{Process: w.hostID(a.at(0)), Token: w.token(a.named["launch"]),
				Exit: Exit{Known: status != "", Status: status, Stderr: strings.ReplaceAll(a.named["stderr"], "_", " ")}})
		},
		"tree-ended": func(w *world, a args) { w.step(TreeEnded{w.token(a.at(0))}) },
		"accept":     func(w *world, a args) { w.step(Accepted{w.hostOf(a.at(0)), w.ids[a.at(0)]}) },
		"refuse":     func(w *world, a args) { w.step(Refused{Host: w.hostOf(a.at(0)), Instance: w.ids[a.at(0)]}) },
		"progress": func(w *world, a args) {
			w.step(Progressed{w.hostOf(a.at(0)), w.ids[a.at(0)], uint32(number(a.at(1)))})
		},
		"checkpoint": func(w *world, a args) {
			w.step(SaveCheckpoint{Request: w.id(a), Host: w.hostOf(a.at(0)), Instance: w.ids[a.at(0)], Data: []byte(a.at(1))})
		},
		// finish RUN OUTCOME [text ...]
		"finish": func(w *world, a args) {
			w.step(Finished{w.hostOf(a.at(0)), w.ids[a.at(0)], result(w, a.at(1), strings.Join(a.plain[2:], " "))})
		},

		"state": func(w *world, a args) {
			w.start()
			i, _ := w.e.Task(w.now, w.tasks[a.at(0)])
			w.printf("%s: %s", a.at(0), w.stateLine(i.State))
		},
		"why": func(w *world, a args) {
			w.start()
			x, _ := w.e.Why(w.now, w.tasks[a.at(0)])
			fmt.Fprintln(&w.out, strings.TrimRight(x.String(), "\n"))
		},
	}
}

func result(w *world, outcome, text string) Result {
	o, err := task.ParseOutcome(outcome)
	if err != nil {
		w.t.Fatal(err)
	}
	return Result{Outcome: o, Text: text}
}

// id makes the request's id: id=7 repeats request 7.
func (w *world) id(a args) RequestID {
	w.request++
	n := w.request
	if s, ok := a.named["id"]; ok {
		n = 1_000_000 + uint64(number(s))
		delete(a.named, "id")
	}
	var g task.GUID
	for i := range 8 {
		g[i] = byte(n >> (8 * i))
	}
	g[15] = 1
	return g
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func (w *world) duration(s string) time.Duration {
	if s == "" {
		return 0
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		return time.Duration(number(days)) * 24 * time.Hour
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		w.t.Fatalf("duration %q: %v", s, err)
	}
	return d
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// class makes a CLSID of a letter.
func class(s string) task.GUID {
	return task.GUID{15: s[0]}
}

func (w *world) pack(a args) task.Package {
	p := task.Package{Family: a.at(0), Name: a.at(0), Version: a.named["version"], LocalFolder: "/data/" + a.at(0)}
	for _, c := range list(a.named["class"]) {
		p.Classes = append(p.Classes, class(c))
	}
	for _, words := range strings.Split(a.named["server"], ";") {
		if words == "" {
			continue
		}
		parts := list(words)
		p.Servers = append(p.Servers, task.ClassServer{Executable: parts[0], Arguments: parts[1:], Classes: p.Classes})
	}
	return p
}

func (w *world) attach(a args) {
	w.start()
	ev := Attached{Host: w.hostID(a.at(0)), Package: a.named["package"], Token: w.token(a.named["launch"]), Active: a.has("active"), Objects: objects(a.named["classes"])}
	if was, ok := w.hostPkg[a.at(0)]; ok && ev.Package == "" {
		ev.Package, ev.Token = was.Package, was.Token
	}
	w.hostPkg[a.at(0)] = ev
	for _, h := range list(a.named["holds"]) {
		name, outcome, over := strings.Cut(h, ":")
		held := Held{Instance: w.ids[name]}
		if u := w.e.runs[held.Instance]; u != nil {
			held.TaskID = u.TaskID
		} else {
			held.TaskID = w.tasks[a.named["task"]]
		}
		if over {
			r := result(w, outcome, "")
			held.Result = &r
		}
		ev.Instances = append(ev.Instances, held)
	}
	w.step(ev)
}

func objects(s string) []Object {
	var all []Object
	for _, word := range list(s) {
		name, flags, _ := strings.Cut(word, ".")
		all = append(all, Object{CLSID: class(name), SingleUse: strings.Contains(flags, "single"), Suspended: strings.Contains(flags, "suspended")})
	}
	return all
}

// hostID gives a host's name a pid of its own, the same at every mention.
func (w *world) hostID(name string) HostID {
	if name == "" {
		return HostID{}
	}
	if _, ok := w.hosts[name]; !ok {
		w.hosts[name] = HostID{PID: 100 + len(w.hosts), Start: uint64(len(w.hosts) + 1), Boot: w.now.ID}
	}
	return w.hosts[name]
}

func (w *world) token(name string) task.LaunchToken {
	return task.LaunchToken(w.ids[name])
}

func (w *world) hostOf(run string) HostID {
	if u := w.e.runs[w.ids[run]]; u != nil {
		return u.Host
	}
	return w.hostID("nobody")
}

func (w *world) fire(a args, byHand bool) {
	w.step(Fire{Request: w.id(a), Caller: Caller{All: true}, TaskID: w.tasks[a.at(0)], Arguments: []byte(a.named["arg"]), ByHand: byHand, Now: a.has("now")})
}

// register NAME package=P class=A time=15m|maintenance=1h|calendar=...|on=InternetAvailable|app|event=ID|paths=/a [once]
// [when=InternetAvailable,...] [unless-known=...] [cancel-on-loss] [queue=3] [hold=1h:drop|1h:run] [misfire=skip|all:3] [exclusive=k] [attempts=3] [limit=1m]
func (w *world) register(a args, ensure bool) {
	s := task.Spec{Name: a.at(0), EntryPoint: class(orElse(a.named["class"], "A")), CancelOnConditionLoss: a.has("cancel-on-loss"), Exclusive: a.named["exclusive"],
		Group: a.named["group"], Queue: number(a.named["queue"]), RunLimit: w.duration(a.named["limit"])}
	s.Trigger = w.trigger(a)
	s.Conditions, s.RunIfUnknown = w.conditions(a.named["when"]), w.conditions(a.named["unless-known"])
	s.Retry.Attempts = number(a.named["attempts"])
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
	w.step(Register{Request: w.id(a), Caller: Caller{All: true}, Package: orElse(a.named["package"], "app"), Spec: s, Ensure: ensure, Unique: a.has("unique")})
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
		return task.CalendarTrigger{Expr: strings.ReplaceAll(a.named["calendar"], "_", " "), OneShot: once}
	case a.named["event"] != "":
		recurrence := task.Always
		if once {
			recurrence = task.Once
		}
		return task.CustomSystemEventTrigger{ID: a.named["event"], Recurrence: recurrence}
	case a.named["paths"] != "":
		return task.StorageLibraryContentChangedTrigger{Paths: list(a.named["paths"])}
	case a.named["on"] != "":
		for _, row := range task.SystemTriggerTypes() {
			if row.Name == a.named["on"] {
				return task.SystemTrigger{Type: row.Type, OneShot: once}
			}
		}
	}
	return task.ApplicationTrigger{}
}
