package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// user makes requests, and repeats those that a broker did not answer before it died.
type user struct {
	m        *machine
	ids      uint64
	waiting  []engine.Event // requests without an answer
	asked    []engine.Event // the last requests, to be repeated
	versions map[string]int
}

func newUser(m *machine) user { return user{m: m, versions: map[string]int{}} }

func (m *machine) newID() (id engine.RequestID) {
	m.user.ids++
	for i := range 8 {
		id[i] = byte(m.user.ids >> (8 * i))
	}
	id[15] = 1
	return id
}

// requestOf returns the id of a request, or false for other events.
func requestOf(ev engine.Event) (engine.RequestID, bool) {
	switch ev := ev.(type) {
	case engine.Register:
		return ev.Request, true
	case engine.Unregister:
		return ev.Request, true
	case engine.Fire:
		return ev.Request, true
	case engine.Raise:
		return ev.Request, true
	case engine.Cancel:
		return ev.Request, true
	case engine.Resume:
		return ev.Request, true
	case engine.RequestAccess:
		return ev.Request, true
	case engine.SetAccess:
		return ev.Request, true
	case engine.Install:
		return ev.Request, true
	case engine.Imply:
		return ev.Request, true
	case engine.Uninstall:
		return ev.Request, true
	case engine.OverrideFact:
		return ev.Request, true
	case engine.ClearOverride:
		return ev.Request, true
	case engine.SaveCheckpoint:
		return ev.Request, true
	}
	return engine.RequestID{}, false
}

func (u *user) ask(ev engine.Event) {
	u.waiting = append(u.waiting, ev)
	if u.asked = append(u.asked, ev); len(u.asked) > 10 {
		u.asked = u.asked[1:]
	}
	u.m.deliver(ev)
}

// repeat sends a request again that may have been answered long ago.
func (u *user) repeat() {
	if len(u.asked) > 0 {
		u.m.deliver(pick(u.m, u.asked...))
	}
}

func (u *user) replied(r engine.Reply) {
	u.waiting = slices.DeleteFunc(u.waiting, func(ev engine.Event) bool {
		id, _ := requestOf(ev)
		return id == r.Request
	})
}

// brokerDied makes some clients go away with their requests and others send them again.
func (u *user) brokerDied() {
	u.waiting = slices.DeleteFunc(u.waiting, func(engine.Event) bool { return !u.m.kind && u.m.chance(20) })
}

func (u *user) brokerStarted() {
	for _, ev := range u.waiting {
		u.m.after(u.m.between(0, 3*time.Second), func() {
			if slices.ContainsFunc(u.waiting, func(w engine.Event) bool { return sameRequest(w, ev) }) {
				u.m.deliver(ev)
			}
		})
	}
}

func sameRequest(a, b engine.Event) bool {
	x, _ := requestOf(a)
	y, _ := requestOf(b)
	return x == y
}

var all = engine.Caller{All: true}

func class(letter byte) task.GUID { return task.GUID{15: letter} }

var commandServer = task.ClassServer{Executable: "/bin/single-command", Arguments: []string{"run"}, Classes: []task.GUID{task.CommandClass}}

// catalog returns a package that can be installed: many classes in one server, one
// activation per process, two servers, or no server at all.
func (u *user) catalog(family string) task.Package {
	u.versions[family]++
	p := task.Package{Family: family, Name: family, Version: fmt.Sprint(u.versions[family]), LocalFolder: "/data/" + family}
	serve := func(exe string, letters string) {
		s := task.ClassServer{Executable: "/opt/" + exe}
		for i := range len(letters) {
			s.Classes = append(s.Classes, class(letters[i]))
		}
		p.Servers, p.Classes = append(p.Servers, s), append(p.Classes, s.Classes...)
	}
	switch family {
	case "many":
		serve("many", "AB")
	case "single":
		serve("single", "C")
	case "two":
		serve("two-first", "D")
		if u.m.kind || u.versions[family] == 1 || u.m.chance(60) {
			serve("two-single", "E")
		}
	case "app":
		p.Classes = []task.GUID{class('F')}
	case "implied":
		p.Implied, p.Version, p.Servers = true, "", []task.ClassServer{{Executable: "/home/implied"}}
	}
	return p
}

var families = []string{"many", "single", "two", "app", "implied"}

// letters are the classes of each family.
var letters = map[string]string{"many": "AB", "single": "C", "two": "DE", "app": "F", "implied": "G"}

// objectsOf returns the objects that a launched server shows.
func objectsOf(s task.ClassServer) []engine.Object {
	classes := s.Classes
	if len(classes) == 0 {
		classes = []task.GUID{class('G')}
	}
	var objects []engine.Object
	for _, c := range classes {
		objects = append(objects, engine.Object{CLSID: c, SingleUse: strings.Contains(s.Executable, "single")})
	}
	return objects
}

// install installs or updates a package.
func (u *user) install(family string) {
	p := u.catalog(family)
	if p.Implied {
		u.ask(engine.Imply{Request: u.m.newID(), Package: p})
		return
	}
	u.ask(engine.Install{Request: u.m.newID(), Package: p})
}

// startApp makes the user start an application.
func (u *user) startApp(family string) {
	p := u.m.newProcess(family, task.LaunchToken{})
	p.active = u.m.chance(50)
	for _, l := range letters[family] {
		if u.m.chance(80) {
			p.objects = append(p.objects, engine.Object{CLSID: class(byte(l)), SingleUse: !u.m.kind && u.m.chance(20)})
		}
	}
	u.m.setTemper(p)
	p.temper.stays = false
	u.m.printf("-- the user starts %v of %s", p.id, family)
	p.connect()
}
