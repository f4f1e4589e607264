//go:build linux

package source

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bgtask/bgtask/task"
)

// pushAgain is when a distributor that refused a registration is asked again.
const pushAgain = time.Minute

// Push feeds PushNotificationTrigger: it is a connector of UnifiedPush, which is
// what distributors on the user's bus bring messages to.
type Push struct {
	*wishes
	bus    string
	prefer string // the distributor that the user has chosen; "": any
	events Events

	set atomic.Bool // it is known which registrations there are

	mu      sync.Mutex // never held while a distributor is asked
	book    *pushBook
	refused map[task.GUID]error
	changed chan struct{} // closed when an endpoint or a refusal is there
}

var (
	_ Watcher = (*Push)(nil)
	_ Waiter  = (*Push)(nil)
)

// NewPush makes a watcher, which keeps its channels in file. Prefer is the name on
// the bus of the distributor that the user has chosen, or its last part; "" takes
// the one that brought messages before, or any. The bus "" is the user's.
func NewPush(bus, file, prefer string, events Events) *Push {
	if bus == "" {
		bus = sessionBus()
	}
	return &Push{wishes: newWishes(), bus: bus, prefer: prefer, events: events, book: &pushBook{file: file}, refused: map[task.GUID]error{}, changed: make(chan struct{})}
}

// Entry implements Watcher.
func (s *Push) Entry() Entry {
	return Entry{Name: "UnifiedPush", Triggers: []string{task.PushNotificationTrigger{}.Class()}, Source: s}
}

// Check implements Watcher: that there is no distributor is said by the source's
// state.
func (s *Push) Check(task.Trigger) error { return nil }

// Set implements Watcher.
func (s *Push) Set(wanted map[task.GUID]task.Trigger) {
	s.set.Store(true)
	s.wishes.Set(wanted)
}

// Watch implements Source.
func (s *Push) Watch(ctx context.Context, report func(...task.Fact)) error {
	if err := s.load(); err != nil {
		return err
	}
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	report()
	return follow(ctx, c.hints, c.ended(), func(ctx context.Context) (time.Duration, error) {
		return s.update(ctx, c)
	})
}

func (s *Push) load() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.load()
}

// update has the distributor know what is wanted, and nothing else.
func (s *Push) update(ctx context.Context, c *connector) (again time.Duration, err error) {
	if err := c.present(ctx); err != nil {
		return 0, err
	}
	wanted := of[task.PushNotificationTrigger](s.wishes)
	s.mu.Lock()
	s.tell() // some may wait for what is wanted no more
	s.mu.Unlock()
	for id, channel := range s.unwanted(wanted) {
		if err := c.unregister(ctx, channel.Token); err != nil {
			again = pushAgain
			continue
		}
		if err := s.forget(id); err != nil {
			return 0, err
		}
	}
	for id, t := range wanted {
		channel, err := s.channel(id)
		if err != nil {
			return 0, err
		}
		now, later := c.due(channel.Token)
		if now {
			err = c.register(ctx, channel.Token, pushDescription(t))
			s.refuse(id, err)
		}
		if later || err != nil {
			again = pushAgain
		}
	}
	return again, ctx.Err()
}

func pushDescription(t task.PushNotificationTrigger) string {
	if t.ApplicationID == "" {
		return "background task"
	}
	return "background task of " + t.ApplicationID
}

// unwanted are the channels of registrations that are gone.
func (s *Push) unwanted(wanted map[task.GUID]task.PushNotificationTrigger) map[task.GUID]pushChannel {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[task.GUID]pushChannel{}
	for id, c := range s.book.Channels {
		if _, ok := wanted[id]; !ok && s.set.Load() {
			all[id] = c
		}
	}
	return all
}

func (s *Push) forget(id task.GUID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.book.Channels, id)
	delete(s.refused, id)
	return s.book.save()
}

// channel is that of a registration. A new one is durable before it is used: a
// token that were lost would bring messages to nobody for ever.
func (s *Push) channel(id task.GUID) (pushChannel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.channel(id)
}

// refuse notes that the distributor does not take a registration; nil: it does.
func (s *Push) refuse(id task.GUID, err error) {
	s.mu.Lock()
	if err == nil {
		delete(s.refused, id)
	} else {
		s.refused[id] = err
		s.tell()
	}
	s.mu.Unlock()
	s.events.Trouble(id, err)
}

// tell wakes those who wait for an endpoint. The lock is held.
func (s *Push) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Channel is where messages for a registration are sent to. It waits until there is
// such a place, and fails when the distributor refuses or the registration goes.
func (s *Push) Channel(ctx context.Context, id task.GUID) (task.PushChannel, error) {
	for {
		s.mu.Lock()
		channel, refused, changed := s.book.Channels[id], s.refused[id], s.changed
		distributor := s.book.Distributor
		s.mu.Unlock()
		_, wanted := of[task.PushNotificationTrigger](s.wishes)[id]
		switch {
		case refused != nil:
			return task.PushChannel{}, refused
		case !wanted && s.set.Load():
			return task.PushChannel{}, refuse(task.ErrNotRegistered, "the registration %s was removed", "register it anew", id)
		case channel.Endpoint != "":
			return task.PushChannel{Endpoint: channel.Endpoint, Distributor: distributor}, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return task.PushChannel{}, context.Cause(ctx)
		}
	}
}

// errNobodys is the answer to a token that belongs to no registration.
var errNobodys = errors.New("no registration has this token")

// message brings one to its run, and returns when it may be forgotten.
func (s *Push) message(token string, content []byte) error {
	id, err := s.owner(token)
	if err != nil {
		return err
	}
	if n := len(content); n > task.MaxPayload {
		err := refuse(task.ErrLimit, "a push message of %d bytes was refused; at most %d are allowed", "have the server send a reference to what is larger", n, task.MaxPayload)
		s.events.Trouble(id, err)
		return err
	}
	err = s.events.Fired(id, task.PushNotificationTriggerDetails{Content: content})
	s.events.Trouble(id, err)
	return err
}

func (s *Push) owner(token string) (task.GUID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.owner(token)
}

// endpoint notes where messages are sent to; "" is nowhere.
func (s *Push) endpoint(token, endpoint string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := s.book.owner(token)
	if err != nil {
		return err
	}
	if len(endpoint) > task.MaxPath {
		return refuse(task.ErrLimit, "the address of a push channel has %d bytes; at most %d are allowed", "", len(endpoint), task.MaxPath)
	}
	if err := s.book.put(id, pushChannel{token, endpoint}); err != nil {
		return err
	}
	s.tell()
	return nil
}
