package engine

import (
	"strconv"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// hostCommands are what hosts and processes do.
var hostCommands = map[string]func(*world, args){
	// attach HOST package=P classes=A,B.single,C.suspended [launch=launch1] [home=/folder] [holds=run1,run2:completed]
	"attach": func(w *world, a args) { w.attach(a) },
	// crowd-of-hosts N package=P: host1 to hostN, with class A.
	"crowd-of-hosts": func(w *world, a args) {
		for i := range number(a.at(0)) {
			w.attach(args{plain: []string{"host" + strconv.Itoa(i+1)}, named: map[string]string{"package": a.named["package"], "classes": "A"}})
		}
	},
	"objects": func(w *world, a args) {
		w.start()
		w.step(ObjectsChanged{Host: w.hostID(a.at(0)), Objects: objects(a.named["classes"])})
	},
	"lost":    func(w *world, a args) { w.step(StreamLost{w.hostID(a.at(0))}) },
	"leave":   func(w *world, a args) { w.step(LeaveRequested{w.hostID(a.at(0))}) },
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
	"tree-ended": func(w *world, a args) { w.step(TreeEnded{w.token(a.at(0)), a.has("left")}) },
	// prompt: from now on, hosts accept an activation immediately.
	"prompt": func(w *world, a args) { w.prompt = true },
	// spin TASK N [changed]: N times it fires, by its trigger or by a change of its files, and completes.
	"spin": func(w *world, a args) {
		w.quietly(func() {
			for i := range number(a.at(1)) {
				id := w.tasks[a.at(0)]
				w.step(Occurred{TaskID: id, Details: task.StorageLibraryContentChangedTriggerDetails{Paths: []string{"/" + strconv.Itoa(i)}}})
				u := w.e.regs[id].run
				w.step(Finished{u.Host, u.ID, Result{Outcome: task.Completed}})
			}
		})
		w.out.Reset()
		w.printf("%s ran %d times", a.at(0), w.e.regs[w.tasks[a.at(0)]].Counts.Runs)
	},
	// spin-crash TASK N: N times its run panics, and the back-off is ended by hand.
	"spin-crash": func(w *world, a args) {
		w.quietly(func() {
			for range number(a.at(1)) {
				r := w.e.regs[w.tasks[a.at(0)]]
				if r.run == nil {
					w.step(Resume{Request: w.id(a), Caller: w.caller(a), TaskID: r.id()})
				}
				w.step(Finished{r.run.Host, r.run.ID, Result{Outcome: task.Crashed}})
			}
		})
		w.out.Reset()
		w.printf("%s crashed %d times in a row", a.at(0), w.e.regs[w.tasks[a.at(0)]].Faults)
	},
	// accept RUN [host=HOST]
	"accept": func(w *world, a args) { w.step(Accepted{w.hostOf(a), w.ids[a.at(0)]}) },
	"refuse": func(w *world, a args) {
		w.step(Refused{Host: w.hostOf(a), Instance: w.ids[a.at(0)], Text: strings.Join(a.plain[1:], " ")})
	},
	"progress": func(w *world, a args) {
		w.step(Progressed{w.hostOf(a), w.ids[a.at(0)], uint32(number(a.at(1)))})
	},
	"checkpoint": func(w *world, a args) {
		w.step(SaveCheckpoint{Request: w.id(a), Host: w.hostOf(a), Instance: w.ids[a.at(0)], Data: payload(a.at(1))})
	},
	// finish RUN OUTCOME [text ...] [host=HOST]
	"finish": func(w *world, a args) {
		w.step(Finished{w.hostOf(a), w.ids[a.at(0)], result(w, a.at(1), strings.Join(a.plain[2:], " "))})
	},
}

// class returns the CLSID that a letter stands for.
func class(s string) task.GUID {
	return task.GUID{15: s[0]}
}

func (w *world) pack(a args) task.Package {
	p := task.Package{Family: a.at(0), Name: a.at(0), Version: a.named["version"], LocalFolder: "/data/" + a.at(0),
		Content: a.named["content"], Folder: a.named["folder"]}
	switch {
	case a.has("file"):
		p.Origin = task.OriginFile
	case a.has("system"):
		p.Origin = task.OriginSystem
	}
	for _, c := range list(a.named["class"]) {
		p.Classes = append(p.Classes, class(c))
	}
	for _, words := range strings.Split(a.named["server"], ";") {
		if words == "" {
			continue
		}
		command, classes, some := strings.Cut(words, ":")
		parts := list(command)
		server := task.ClassServer{Executable: parts[0], Arguments: parts[1:], Classes: p.Classes}
		if some {
			server.Classes = nil
			for _, c := range strings.Split(classes, "+") {
				server.Classes = append(server.Classes, class(c))
			}
		}
		p.Servers = append(p.Servers, server)
	}
	return p
}

func (w *world) attach(a args) {
	w.start()
	ev := Attached{Host: w.hostID(a.at(0)), Package: a.named["package"], Token: w.token(a.named["launch"]), Active: a.has("active"), Home: a.named["home"], Objects: objects(a.named["classes"])}
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
		all = append(all, Object{CLSID: classNamed(name), SingleUse: strings.Contains(flags, "single"), Suspended: strings.Contains(flags, "suspended")})
	}
	return all
}

// classNamed returns the class of command tasks for its name, or the class of a letter.
func classNamed(s string) task.GUID {
	if s == "COMMAND" {
		return task.CommandClass
	}
	return class(s)
}

// hostID returns the id of a host's name: its own pid, the same each time.
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

// hostOf returns the host that the command names, or else the host of its run.
func (w *world) hostOf(a args) HostID {
	if name := a.named["host"]; name != "" {
		return w.hostID(name)
	}
	if u := w.e.runs[w.ids[a.at(0)]]; u != nil {
		return u.Host
	}
	return w.hostID("none")
}
