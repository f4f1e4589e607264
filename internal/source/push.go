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

// pushAgain is the time after which a refused registration is tried again.
const pushAgain = time.Minute

// Push feeds PushNotificationTrigger. It is a connector in the sense of
// UnifiedPush: a distributor on the user's bus receives messages from a push
// server and delivers them to it.
//
// Each registration has a channel: a secret token, shared with the distributor,
// and an endpoint, the address to which servers send. The distributor keeps
// delivering to a token across restarts of the broker, so channels are stored in
// a file (pushbook.go) before they are used.
type Push struct {
	*wishes
	bus    string
	prefer string // distributor that the user configured; "" for any
	events Events

	set atomic.Bool // whether Set has been called

	mu      sync.Mutex // never held during a call to a distributor
	book    *pushBook
	refused map[task.GUID]error
	changed chan struct{} // closed and replaced when an endpoint or refusal arrives
}

var (
	_ Watcher = (*Push)(nil)
	_ Waiter  = (*Push)(nil)
)

// NewPush returns a watcher that stores its channels in file. Prefer is the
// distributor that the user configured, as its full name on the bus or the last
// part of it. If it is "", the distributor that was used before is used, or else
// any. An empty bus means the user's session bus.
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

// Check implements Watcher. It accepts every trigger; whether there is a
// distributor is part of the source's state.
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

// update registers and unregisters channels until the distributor knows exactly
// the wanted ones.
func (s *Push) update(ctx context.Context, c *connector) (again time.Duration, err error) {
	if err := c.present(ctx); err != nil {
		return 0, err
	}
	wanted := of[task.PushNotificationTrigger](s.wishes)
	s.mu.Lock()
	s.wake() // callers of Channel may be waiting for a removed registration
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

// unwanted returns the channels of registrations that no longer exist.
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

// channel returns the channel of a registration, and creates it if necessary. A
// new channel is durable before it is used: messages to a lost token could never
// be delivered or stopped.
func (s *Push) channel(id task.GUID) (pushChannel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.channel(id)
}

// refuse records that the distributor refused a registration. A nil error means
// that it accepted it.
func (s *Push) refuse(id task.GUID, err error) {
	s.mu.Lock()
	if err == nil {
		delete(s.refused, id)
	} else {
		s.refused[id] = err
		s.wake()
	}
	s.mu.Unlock()
	s.events.Trouble(id, err)
}

// wake wakes the callers of Channel. s.mu must be held.
func (s *Push) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Channel returns the address to which messages for a registration are sent. It
// waits until the distributor has assigned one. It fails when the distributor
// refuses, the registration is removed or ctx ends.
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
			return task.PushChannel{}, refuse(task.ErrNotRegistered, "the registration %s was removed", "register it again", id)
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

// errUnknownToken is the answer to a token that belongs to no registration.
var errUnknownToken = errors.New("no registration has this token")

// message fires the registration of a token. It returns when the distributor may
// forget the message.
func (s *Push) message(token string, content []byte) error {
	id, err := s.owner(token)
	if err != nil {
		return err
	}
	if n := len(content); n > task.MaxPayload {
		err := refuse(task.ErrLimit, "a push message of %d bytes was refused; at most %d are allowed", "send a reference instead of larger content", n, task.MaxPayload)
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

// endpoint records the address of a token. An empty address means that it has
// none any more.
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
	s.wake()
	return nil
}
