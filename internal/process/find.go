//go:build linux

package process

import (
	"errors"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// Find resumes following a launch of an earlier broker. If p is known, the leader must
// still be that process. If p is zero, because the broker died between the fork and the
// record of it, the oldest process that carries the token is the leader. ErrGone means
// that there is no leader; Strays then returns what is left of its tree.
func (s *Supervisor) Find(p task.Process, token task.LaunchToken, c Callbacks) (task.Process, error) {
	l, err := s.reserve(token, c)
	if err != nil {
		return task.Process{}, err
	}
	p, err = s.find(l, p)
	if err != nil {
		s.forget(token)
		return task.Process{}, err
	}
	l.deliverWaiting()
	return p, nil
}

func (s *Supervisor) find(l *launch, p task.Process) (task.Process, error) {
	token := l.tree.token
	var handle *handle
	var err error
	if p.IsZero() {
		p, handle, err = s.search(token)
	} else {
		handle, err = s.open(p)
	}
	if err != nil {
		return task.Process{}, err
	}
	child := children.adopt(p.PID, handle)
	l.prepare(s.output.files(token), 0, child)
	s.output.resume(token)
	if err := s.begin(l, p, handle); err != nil {
		if child {
			children.remove(p.PID)
		}
		return task.Process{}, err
	}
	return p, nil
}

func (s *Supervisor) open(p task.Process) (*handle, error) {
	if p.Boot != s.boot {
		return nil, ErrGone
	}
	h, err := openHandle(p.PID, p.Start)
	if err == nil && s.foreign(p.PID) {
		h.close()
		return nil, ErrGone
	}
	return h, err
}

// foreign reports whether the broker of another state directory launched the process. The
// copy of a state directory contains the launches of the original, which belong to the
// original only. A process that has overwritten its environment is not foreign.
func (s *Supervisor) foreign(pid int) bool {
	id := environment(pid, StateEnv)[0]
	return id != "" && id != s.stateID
}

func (s *Supervisor) carriesToken(pid int, token task.LaunchToken) bool {
	carried, ok := s.carried(pid)
	return ok && carried == token
}

// search looks for the leader of a launch of which only the token is known. A leader that
// Start started leads a session.
func (s *Supervisor) search(token task.LaunchToken) (task.Process, *handle, error) {
	procs, err := readProcs()
	if err != nil {
		return task.Process{}, nil, err
	}
	carriers := slices.DeleteFunc(procs, func(p proc) bool {
		return p.pid == s.self() || p.dead() || !s.carriesToken(p.pid, token)
	})
	slices.SortFunc(carriers, func(a, b proc) int {
		if leads(a) != leads(b) {
			return before(leads(a))
		}
		return older(a, b)
	})
	for _, c := range carriers {
		handle, err := openHandle(c.pid, c.start)
		if err == nil {
			return s.process(c), handle, nil
		}
		if !errors.Is(err, ErrGone) {
			return task.Process{}, nil, err
		}
	}
	return task.Process{}, nil, ErrGone
}

func leads(p proc) bool { return p.session == p.pid }

// Stray is a process that carries a launch token of this state directory but belongs to no
// launch that the supervisor follows.
type Stray struct {
	Process task.Process
	Launch  task.LaunchToken
}

// Strays returns the strays, oldest first. A broker that died leaves them; End ends them.
// Call it when all launches that have to be found were found.
func (s *Supervisor) Strays() ([]Stray, error) {
	procs, err := readProcs()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(procs, older)
	var strays []Stray
	for _, p := range procs {
		if p.pid == s.self() || p.dead() {
			continue
		}
		if token, ok := s.carried(p.pid); ok && s.launch(token) == nil {
			strays = append(strays, Stray{s.process(p), token})
		}
	}
	return strays, nil
}

// carried returns the token of this state directory in the environment of a process.
func (s *Supervisor) carried(pid int) (task.LaunchToken, bool) {
	v := environment(pid, task.TreeEnv, StateEnv)
	if v[1] != s.stateID {
		return task.LaunchToken{}, false
	}
	return tokenOf(v[0])
}
