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

// distributor plays one of UnifiedPush, of a version of its interface.
type distributor struct {
	t    *testing.T
	conn *dbus.Conn
	name string

	mu     sync.Mutex
	tokens map[string]string // registered, with their descriptions
	fails  string            // why it refuses
	more   hints

	asked, hangs chan struct{} // of Unregister: closed when it was called, and when it may answer
}

func playDistributor(t *testing.T, bus *sourcetest.Bus, name string, version int) *distributor {
	t.Helper()
	d := &distributor{t: t, conn: bus.Connect(t), name: distributorPrefix + name, tokens: map[string]string{}, more: newHints()}
	methods, iface := map[string]any{"Register": d.first, "Unregister": d.unregister}, "1"
	switch version {
	case 2:
		iface = "2"
		methods = map[string]any{
			"Register": func(m properties) (properties, *dbus.Error) {
				word, reason, err := d.first(value[string](m, "service"), value[string](m, "token"), value[string](m, "description"))
				return properties{"success": dbus.MakeVariant(word), "reason": dbus.MakeVariant(reason)}, err
			},
			"Unregister": func(m properties) (properties, *dbus.Error) {
				return properties{}, d.unregister(value[string](m, "token"))
			},
		}
	case 0: // as 1, and without a description
		methods["Register"] = func(service, token string) (string, string, *dbus.Error) { return d.first(service, token, "") }
	}
	if err := d.conn.ExportMethodTable(methods, distributorPath, distributorIface+iface); err != nil {
		t.Fatal(err)
	}
	if _, err := d.conn.RequestName(d.name, 0); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *distributor) first(service, token, description string) (string, string, *dbus.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.more.give()
	if d.fails != "" {
		return "REGISTRATION_FAILED", d.fails, nil
	}
	if service != connectorName {
		d.t.Errorf("registered is %s", service)
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

// until waits for so many registrations and gives their tokens.
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
			d.t.Fatalf("it has %d registrations, not %d", len(all), n)
		}
	}
}

// tells calls the connector.
func (d *distributor) tells(iface, method string, args ...any) *dbus.Call {
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
		t.Errorf("the channel is %+v, %v; not %s", c, err, want)
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
			return d.tells(iface, "Message", args...)
		}
		if err := d.tells(iface, "NewEndpoint", arguments("endpoint", "https://push/1")...).Err; err != nil {
			t.Fatal(err)
		}
		mustChannel(t, s, idA, "https://push/1")
		answer := properties{}
		call := message("hello")
		if call.Err != nil {
			t.Fatalf("version %d: %v", version, call.Err)
		}
		if got := e.next(t, idA); string(got.(task.PushNotificationTriggerDetails).Content) != "hello" {
			t.Errorf("told was %+v", got)
		}
		if iface == "2" && (call.Store(&answer) != nil || value[string](answer, "id") != "7") {
			t.Errorf("acknowledged with %v", answer)
		}
		if err := message(strings.Repeat("x", task.MaxPayload+1)).Err; err == nil {
			t.Error("a message that is too long was acknowledged")
		}
		if err := e.told(t, idA); !errors.Is(err, task.ErrLimit) {
			t.Errorf("of a message that is too long is told: %v", err)
		}

		stop() // the next broker has the same token, and hears what comes before it knows what is wanted
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
		for late := time.Now().Add(sourcetest.Patience); message("late").Err == nil; { // it is forgotten after the answer
			e.next(t, idA)
			if time.Now().After(late) {
				t.Fatal("a message for nobody was acknowledged")
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
	if err := d.tells("2", "Unregistered", args).Err; err != nil {
		t.Fatal(err)
	}
	if again := d.until(1)[0]; again != token {
		t.Error("it is registered anew with another token")
	}
	d.mu.Lock()
	d.fails = "NETWORK"
	d.mu.Unlock()
	s.Set(wantsPush(idA, idB))
	if _, err := s.Channel(t.Context(), idB); err == nil || !strings.Contains(err.Error(), "NETWORK") {
		t.Errorf("refused with %v", err)
	}
	if err := d.conn.Close(); err != nil {
		t.Fatal(err)
	}
	r.state(t, "UnifiedPush", task.SourceGone)
	playDistributor(t, bus, "other", 2) // brings nothing: its addresses would be others
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
		t.Errorf("a second broker on the bus is told %q", why)
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

// A distributor that does not answer holds up nobody but itself: Set is called by the
// broker's loop.
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
		t.Error("Set waits for a distributor")
	}
	close(one.hangs)
	<-set
	stop()
}

// Who waits for a channel is told when its registration goes.
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
			t.Errorf("told was %v", err)
		}
	case <-time.After(sourcetest.Patience):
		t.Error("it waits for ever")
	}
}

// A channel that cannot be kept is not used, and a forgotten one does not come back.
func TestAPushBookThatCannotBeWritten(t *testing.T) {
	b := &pushBook{file: filepath.Join(t.TempDir(), "none", "push")}
	if err := b.load(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.channel(idA); err == nil || len(b.Channels) != 0 {
		t.Errorf("kept is %v, %v", b.Channels, err)
	}
	b.Channels[idA] = pushChannel{"t", "https://push/1"}
	if err := b.put(idA, pushChannel{"t", "https://push/2"}); err == nil || b.Channels[idA].Endpoint != "https://push/1" {
		t.Errorf("kept is %v, %v", b.Channels, err)
	}
}

// A distributor need not wait for an answer before it sends the next message.
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
		object.Call(connectorIface+"1.Message", dbus.FlagNoReplyExpected, "not", "its", "arguments") // has no turn
		for i := range messagesAtOnce / 2 {
			object.Go(connectorIface+"1.Message", 0, done, token, []byte{byte(i)}, "")
		}
		for i := range messagesAtOnce / 2 {
			if got := e.next(t, idA).(task.PushNotificationTriggerDetails).Content[0]; int(got) != i {
				t.Fatalf("message %d came as number %d", got, i)
			}
			if err := (<-done).Err; err != nil {
				t.Fatal(err)
			}
		}
	}
}
