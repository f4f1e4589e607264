package client

import (
	"time"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// hostState is what a host must send, and what of it was sent on the current stream.
// Frames are made from it when they are sent, not queued: on a new stream, hello
// contains everything.
type hostState struct {
	objects     []task.Object
	objectsSent bool
	held        []*instance // in the order of activation
	refused     []wire.Refused
	saves       []*save
	leave       chan bool // the caller of Leave; nil: none
	leaveSent   bool
	finished    chan struct{} // closed when a run finishes; nil: not needed
}

// instance is a run whose end the broker has not acknowledged yet.
type instance struct {
	id           task.GUID
	task         task.GUID
	entering     bool // the handler has not answered yet; nothing is sent before
	accepted     bool // Accepted was sent
	progress     uint32
	progressSent bool
	notBefore    time.Time // of the next progress update
	result       *task.Result
	resultSent   bool
}

// save is a checkpoint on its way.
type save struct {
	frame wire.SaveCheckpoint
	sent  bool
	done  chan error
}

const progressEvery = time.Second / task.MaxProgressRate

func (s *hostState) find(id task.GUID) *instance {
	for _, i := range s.held {
		if i.id == id {
			return i
		}
	}
	return nil
}

func (s *hostState) progress(id task.GUID, value uint32) {
	if i := s.find(id); i != nil && i.result == nil && i.progress != value {
		i.progress, i.progressSent = value, false
	}
}

func (s *hostState) finish(id task.GUID, result task.Result) {
	i := s.find(id)
	if i == nil || i.result != nil {
		return
	}
	i.result = &result
	if s.finished != nil {
		close(s.finished)
		s.finished = nil
	}
}

func (s *hostState) running() int {
	n := 0
	for _, i := range s.held {
		if i.result == nil {
			n++
		}
	}
	return n
}

func (s *hostState) acknowledge(id task.GUID) {
	for n, i := range s.held {
		if i.id == id && i.result != nil {
			s.held = append(s.held[:n:n], s.held[n+1:]...)
			return
		}
	}
}

func (s *hostState) saved(f wire.CheckpointSaved) {
	for _, w := range s.saves {
		if w.frame.Request == f.Request {
			w.done <- f.Err
		}
	}
	s.forget(f.Request)
}

func (s *hostState) forget(request task.GUID) {
	for n, w := range s.saves {
		if w.frame.Request == request {
			s.saves = append(s.saves[:n:n], s.saves[n+1:]...)
			return
		}
	}
}

func (s *hostState) left(may bool) {
	if s.leave != nil {
		s.leave <- may
		s.leave = nil
	}
}

// hello returns the first frame of a stream. It contains everything but the checkpoints
// and the request to leave.
func (s *hostState) hello(token task.LaunchToken) wire.Hello {
	f := wire.Hello{Token: token, Objects: s.objects}
	s.objectsSent, s.leaveSent, s.refused = true, false, nil
	for _, i := range s.held {
		i.accepted, i.progressSent, i.resultSent = true, true, i.result != nil
		f.Instances = append(f.Instances, task.HeldInstance{Instance: i.id, TaskID: i.task, Progress: i.progress, Result: i.result})
	}
	for _, w := range s.saves {
		w.sent = false
	}
	return f
}

// next returns the next frame to send and marks it as sent. Without a frame, it returns
// how long to wait for the next progress update; zero means until something changes.
func (s *hostState) next(now time.Time) (wire.HostFrame, time.Duration) {
	if !s.objectsSent {
		s.objectsSent = true
		return wire.ObjectsChanged{Objects: s.objects}, 0
	}
	if len(s.refused) > 0 {
		f := s.refused[0]
		s.refused = s.refused[1:]
		return f, 0
	}
	wait := time.Duration(0)
	for _, i := range s.held {
		f, w := i.next(now)
		if f != nil {
			return f, 0
		}
		if w > 0 && (wait == 0 || w < wait) {
			wait = w
		}
	}
	for _, w := range s.saves {
		if !w.sent {
			w.sent = true
			return w.frame, 0
		}
	}
	if s.leave != nil && !s.leaveSent && len(s.held) == 0 {
		s.leaveSent = true
		return wire.Leave{}, 0
	}
	return nil, wait
}

func (i *instance) next(now time.Time) (wire.HostFrame, time.Duration) {
	switch {
	case i.entering:
		return nil, 0
	case !i.accepted:
		i.accepted = true
		return wire.Accepted{Instance: i.id}, 0
	case !i.progressSent:
		if wait := i.notBefore.Sub(now); wait > 0 && i.result == nil {
			return nil, wait
		}
		i.progressSent, i.notBefore = true, now.Add(progressEvery)
		return wire.Progress{Instance: i.id, Value: i.progress}, 0
	case i.result != nil && !i.resultSent:
		i.resultSent = true
		return wire.Finished{Instance: i.id, Result: *i.result}, 0
	}
	return nil, 0
}
