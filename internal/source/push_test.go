//go:build linux

package source

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// distributor plays a UnifiedPush distributor with one version of the interface.
type distributor struct {
	t    *testing.T
	conn *dbus.Conn
	name string

	mu     sync.Mutex
	tokens map[string]string // registered, with their descriptions
	fails  string            // reason for refusing registrations; "" to accept them
	more   hints

	asked, hangs chan struct{} // asked is closed when Unregister was called; it returns when hangs is closed
}

func playDistributor(t *testing.T, bus *sourcetest.Bus, name string, version int) *distributor {
	t.Helper()
	d := &distributor{t: t, conn: bus.Connect(t), name: distributorPrefix + name, tokens: map[string]string{}, more: newHints()}
	methods, iface := map[string]any{"Register": d.register, "Unregister": d.unregister}, "1"
	switch version {
	case 2:
		iface = "2"
		methods = map[string]any{
			"Register": func(m properties) (properties, *dbus.Error) {
				word, reason, err := d.register(value[string](m, "service"), value[string](m, "token"), value[string](m, "description"))
				return properties{"success": dbus.MakeVariant(word), "reason": dbus.MakeVariant(reason)}, err
			},
			"Unregister": func(m properties) (properties, *dbus.Error) {
				return properties{}, d.unregister(value[string](m, "token"))
			},
		}
	case 0: // like 1, but without a description
		methods["Register"] = func(service, token string) (string, string, *dbus.Error) { return d.register(service, token, "") }
	}
	if err := d.conn.ExportMethodTable(methods, distributorPath, distributorIface+iface); err != nil {
		t.Fatal(err)
	}
	if _, err := d.conn.RequestName(d.name, 0); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *distributor) register(service, token, description string) (string, string, *dbus.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.more.give()
	if d.fails != "" {
		return "REGISTRATION_FAILED", d.fails, nil
	}
	if service != connectorName {
		d.t.Errorf("the connector registers as %s", service)
	}
	d.tokens[token] = description
	return "REGISTRATION_SUCCEEDED", "", nil
}

func (d *distributor) unregister(token string) *dbus.Error {
	d.mu.Lock()
	asked, hangs := d.asked, d.hangs
	d.mu.Unlock()
	if hangs != nil {
		close(asked)
		<-hangs
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.tokens, token)
	d.more.give()
	return nil
}

// until waits for n registrations and returns their tokens.
func (d *distributor) until(n int) []string {
	d.t.Helper()
	for late := time.After(sourcetest.Patience); ; {
		d.mu.Lock()
		var all []string
		for token := range d.tokens {
			all = append(all, token)
		}
		d.mu.Unlock()
		if len(all) == n {
			return all
		}
		select {
		case <-d.more:
		case <-late:
			d.t.Fatalf("%d registrations, want %d", len(all), n)
		}
	}
}

// connector calls a method of the connector.
func (d *distributor) connector(iface, method string, args ...any) *dbus.Call {
	return d.conn.Object(connectorName, connectorPath).Call(connectorIface+iface+"."+method, 0, args...)
}

func wantsPush(ids ...task.GUID) map[task.GUID]task.Trigger {
	all := map[task.GUID]task.Trigger{}
	for _, id := range ids {
		all[id] = task.PushNotificationTrigger{}
	}
	return all
}

func mustChannel(t *testing.T, s *Push, id task.GUID, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sourcetest.Patience)
	defer cancel()
	c, err := s.Channel(ctx, id)
	if err != nil || c.Endpoint != want {
		t.Errorf("channel %+v, %v; want %s", c, err, want)
	}
}

func TestPushMessages(t *testing.T) {
	for version, iface := range []string{"1", "1", "2"} {
		bus := sourcetest.NewBus(t)
		d := playDistributor(t, bus, "test", version)
		e := newEvents()
		file := filepath.Join(t.TempDir(), "push")
		s := NewPush(bus.Address, file, "", e)
		r, stop := start(t, Chain{s.Entry()})
		r.state(t, "UnifiedPush", task.SourceUp)
		s.Set(wantsPush(idA))
		token := d.until(1)[0]
		arguments := func(second string, v any) []any {
			if iface == "2" {
				return []any{properties{"token": dbus.MakeVariant(token), second: dbus.MakeVariant(v), "id": dbus.MakeVariant("7")}}
			}
			return []any{token, v}
		}
		message := func(content string) *dbus.Call {
			args := arguments("message", []byte(content))
			if iface == "1" {
				args = append(args, "7")
			}
			return d.connector(iface, "Message", args...)
		}
		if err := d.connector(iface, "NewEndpoint", arguments("endpoint", "https://push/1")...).Err; err != nil {
			t.Fatal(err)
		}
		mustChannel(t, s, idA, "https://push/1")
		answer := properties{}
		call := message("hello")
		if call.Err != nil {
			t.Fatalf("version %d: %v", version, call.Err)
		}
		if got := e.next(t, idA); string(got.(task.PushNotificationTriggerDetails).Content) != "hello" {
			t.Errorf("details %+v", got)
		}
		if iface == "2" && (call.Store(&answer) != nil || value[string](answer, "id") != "7") {
			t.Errorf("the acknowledgment is %v", answer)
		}
		if err := message(strings.Repeat("x", task.MaxPayload+1)).Err; err == nil {
			t.Error("a message that is too long was acknowledged")
		}
		if err := e.awaitTrouble(t, idA); !errors.Is(err, task.ErrLimit) {
			t.Errorf("trouble after a message that is too long: %v", err)
		}

		stop() // the next broker has the same token, and accepts messages before Set
		s = NewPush(bus.Address, file, "", e)
		r, _ = start(t, Chain{s.Entry()})
		r.state(t, "UnifiedPush", task.SourceUp)
		if err := message("again").Err; err != nil {
			t.Errorf("after a restart: %v", err)
		}
		e.next(t, idA)
		mustChannel(t, s, idA, "https://push/1")
		s.Set(nil)
		d.until(0)
		for late := time.Now().Add(sourcetest.Patience); message("late").Err == nil; { // the token is forgotten only after the call to the distributor returned
			e.next(t, idA)
			if time.Now().After(late) {
				t.Fatal("a message for a removed registration was acknowledged")
			}
		}
	}
}

func TestPushChannelsThatEnd(t *testing.T) {
	bus := sourcetest.NewBus(t)
	d := playDistributor(t, bus, "test", 2)
	e := newEvents()
	s := NewPush(bus.Address, filepath.Join(t.TempDir(), "push"), "", e)
	r, _ := start(t, Chain{s.Entry()})
	s.Set(wantsPush(idA))
	token := d.until(1)[0]
	args := properties{"token": dbus.MakeVariant(token)}
	d.mu.Lock()
	clear(d.tokens)
	d.mu.Unlock()
	if err := d.connector("2", "Unregistered", args).Err; err != nil {
		t.Fatal(err)
	}
	if again := d.until(1)[0]; again != token {
		t.Error("registered again with another token")
	}
	d.mu.Lock()
	d.fails = "NETWORK"
	d.mu.Unlock()
	s.Set(wantsPush(idA, idB))
	if _, err := s.Channel(t.Context(), idB); err == nil || !strings.Contains(err.Error(), "NETWORK") {
		t.Errorf("error %v", err)
	}
	if err := d.conn.Close(); err != nil {
		t.Fatal(err)
	}
	r.state(t, "UnifiedPush", task.SourceGone)
	playDistributor(t, bus, "other", 2) // is not used: its endpoints would be others
	d = playDistributor(t, bus, "test", 1)
	r.state(t, "UnifiedPush", task.SourceUp)
	d.until(2)
}

func TestWhichDistributor(t *testing.T) {
	bus := sourcetest.NewBus(t)
	file := filepath.Join(t.TempDir(), "push")
	s := NewPush(bus.Address, file, "", newEvents())
	r, stop := start(t, Chain{s.Entry()})
	r.state(t, "UnifiedPush", task.SourceNotHere)
	one := playDistributor(t, bus, "one", 2)
	r.state(t, "UnifiedPush", task.SourceUp)
	s.Set(wantsPush(idA))
	one.until(1)

	second := NewPush(bus.Address, filepath.Join(t.TempDir(), "push"), "", newEvents())
	r2, stop2 := start(t, Chain{second.Entry()})
	r2.state(t, "UnifiedPush", task.SourceGone)
	if why := r2.states["UnifiedPush"].Detail; !strings.Contains(why, "another broker") {
		t.Errorf("the detail for a second broker on the bus is %q", why)
	}
	stop2()

	stop()
	two := playDistributor(t, bus, "two", 2)
	s = NewPush(bus.Address, file, "two", newEvents()) // the user's choice
	r, _ = start(t, Chain{s.Entry()})
	r.state(t, "UnifiedPush", task.SourceUp)
	s.Set(wantsPush(idA))
	two.until(1)
	one.until(0)
}

// A distributor that does not respond must not block Set, which the broker's loop
// calls.
func TestADistributorThatHangs(t *testing.T) {
	bus := sourcetest.NewBus(t)
	file := filepath.Join(t.TempDir(), "push")
	one := playDistributor(t, bus, "one", 2)
	s := NewPush(bus.Address, file, "", newEvents())
	_, stop := start(t, Chain{s.Entry()})
	s.Set(wantsPush(idA))
	one.until(1)
	stop()

	one.mu.Lock()
	one.asked, one.hangs = make(chan struct{}), make(chan struct{})
	one.mu.Unlock()
	playDistributor(t, bus, "two", 2)
	s = NewPush(bus.Address, file, "two", newEvents())
	_, stop = start(t, Chain{s.Entry()})
	<-one.asked
	set := make(chan struct{})
	go func() { s.Set(wantsPush(idA)); close(set) }()
	select {
	case <-set:
	case <-time.After(sourcetest.Patience):
		t.Error("Set waits for the distributor")
	}
	close(one.hangs)
	<-set
	stop()
}

// Channel returns an error when the registration is removed while it waits.
func TestAChannelThatNeverComes(t *testing.T) {
	bus := sourcetest.NewBus(t)
	d := playDistributor(t, bus, "test", 2)
	s := NewPush(bus.Address, filepath.Join(t.TempDir(), "push"), "", newEvents())
	start(t, Chain{s.Entry()})
	s.Set(wantsPush(idA))
	d.until(1)
	waited := make(chan error, 1)
	go func() {
		_, err := s.Channel(t.Context(), idA)
		waited <- err
	}()
	s.Set(nil)
	d.until(0)
	select {
	case err := <-waited:
		if !errors.Is(err, task.ErrNotRegistered) {
			t.Errorf("error %v", err)
		}
	case <-time.After(sourcetest.Patience):
		t.Error("Channel did not return")
	}
}

// A channel that cannot be stored is not used, and a failed change has no effect.
func TestAPushBookThatCannotBeWritten(t *testing.T) {
	b := &pushBook{file: filepath.Join(t.TempDir(), "none", "push")}
	if err := b.load(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.channel(idA); err == nil || len(b.Channels) != 0 {
		t.Errorf("channels %v, error %v", b.Channels, err)
	}
	b.Channels[idA] = pushChannel{"t", "https://push/1"}
	if err := b.put(idA, pushChannel{"t", "https://push/2"}); err == nil || b.Channels[idA].Endpoint != "https://push/1" {
		t.Errorf("channels %v, error %v", b.Channels, err)
	}
}

// A distributor may send the next message without waiting for the response to the
// last one.
func TestMessagesKeepTheirOrder(t *testing.T) {
	bus := sourcetest.NewBus(t)
	d := playDistributor(t, bus, "test", 1)
	e := newEvents()
	s := NewPush(bus.Address, filepath.Join(t.TempDir(), "push"), "", e)
	start(t, Chain{s.Entry()})
	s.Set(wantsPush(idA))
	token := d.until(1)[0]
	object := d.conn.Object(connectorName, connectorPath)
	done := make(chan *dbus.Call, messagesAtOnce)
	for range 10 {
		object.Call(connectorIface+"1.Message", dbus.FlagNoReplyExpected, "not", "its", "arguments") // gets no turn
		for i := range messagesAtOnce / 2 {
			object.Go(connectorIface+"1.Message", 0, done, token, []byte{byte(i)}, "")
		}
		for i := range messagesAtOnce / 2 {
			if got := e.next(t, idA).(task.PushNotificationTriggerDetails).Content[0]; int(got) != i {
				t.Fatalf("message %d arrived as number %d", got, i)
			}
			if err := (<-done).Err; err != nil {
				t.Fatal(err)
			}
		}
	}
}
