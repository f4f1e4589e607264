package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/bgtask/bgtask/task"
)

// machineCommands are what happens to the machine: clocks, facts, the broker's life.
var machineCommands = map[string]func(*world, args){
	"advance": func(w *world, a args) { w.advance(w.duration(a.at(0))) },
	// sleep 8h [zone=America/New_York]
	"sleep": func(w *world, a args) {
		w.start()
		w.move(w.duration(a.at(0)), true)
		w.travel(a)
		w.step(Tick{})
	},
	"step-clock": func(w *world, a args) {
		w.start()
		w.now.Wall = w.now.Wall.Add(w.duration(a.at(0)))
		w.step(Tick{})
	},
	// pass 1m: time passes, and the next command comes at its end.
	"pass": func(w *world, a args) { w.start(); w.move(w.duration(a.at(0)), false) },
	// set-clock 2027-03-27T12:00: before the first command that needs the engine.
	"set-clock": func(w *world, a args) {
		at, err := time.ParseInLocation("2006-01-02T15:04", a.at(0), w.zone)
		if err != nil || w.e != nil {
			w.t.Fatalf("set-clock %s: %v", a.at(0), err)
		}
		w.now.Wall = at
	},
	"zone": func(w *world, a args) {
		w.start()
		w.now.Wall = w.now.Wall.In(mustLoad(a.at(0)))
		w.step(Tick{})
	},
	// crash [off=2h] [wall=-2h] [zone=Z]: the broker dies and comes back, and wall is a step of the clock
	// meanwhile; reboot off=8h [wall=-2h]: so does the machine.
	"crash": func(w *world, a args) {
		w.move(w.duration(a.named["off"]), false)
		w.now.Wall = w.now.Wall.Add(w.duration(a.named["wall"]))
		w.travel(a)
		w.restore()
	},
	"reboot": func(w *world, a args) {
		w.boots++
		w.now.Wall = w.now.Wall.Add(w.duration(a.named["off"]) + w.duration(a.named["wall"]))
		w.now.Boot, w.now.Awake, w.now.ID = 20*time.Second, 20*time.Second, fmt.Sprintf("boot%d", w.boots)
		w.restore()
	},
	// facts [SOURCE] internet=yes ...: a report of facts that belong together.
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
		st := task.SourceState{Name: a.at(0), Detail: strings.ReplaceAll(a.named["detail"], "_", " ")}
		for s := task.SourceStarting; s <= task.SourceNotHere; s++ {
			if strings.ReplaceAll(s.String(), " ", "-") == a.at(1) {
				st.Status = s
			}
		}
		st.Facts, st.Triggers = list(a.named["facts"]), list(a.named["triggers"])
		w.step(SourceChanged{st})
	},
	// will-speak SOURCE facts=...: a source that each broker from now on waits for.
	"will-speak": func(w *world, a args) {
		w.cfg.Sources = append(w.cfg.Sources, task.SourceState{Name: a.at(0), Facts: list(a.named["facts"])})
	},
	// changed TASK PATH ...: what the watcher of files saw.
	"changed": func(w *world, a args) {
		w.start()
		w.step(Occurred{TaskID: w.tasks[a.at(0)], Details: task.StorageLibraryContentChangedTriggerDetails{Paths: a.plain[1:]}})
	},
	// message TASK arg=...: a push message.
	"message": func(w *world, a args) {
		w.start()
		w.step(Occurred{Request: w.id(a), TaskID: w.tasks[a.at(0)], Details: task.PushNotificationTriggerDetails{Content: payload(a.named["arg"])}})
	},
	"connection": func(w *world, a args) {
		w.start()
		w.step(Occurred{TaskID: w.tasks[a.at(0)], Details: task.SocketActivityTriggerDetails{Address: a.at(1)}})
	},
}

func (w *world) travel(a args) {
	if zone := a.named["zone"]; zone != "" {
		w.now.Wall = w.now.Wall.In(mustLoad(zone))
	}
}
