//go:build linux

package source

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/godbus/dbus/v5"
)

// turns keeps the calls of a connection in the order in which they came: each is
// handled in a goroutine of its own, and so later messages could overtake earlier
// ones.
type turns struct {
	signatures map[string]string // of the methods that take turns, by interface and name
	open       atomic.Bool       // they are there

	mu    sync.Mutex
	moved sync.Cond // one has had its turn
	line  []turn    // those that came and have not ended, in their order
}

// turn is one call.
type turn struct {
	sender string
	serial uint32
}

func newTurns(signatures map[string]string) *turns {
	t := &turns{signatures: signatures}
	t.moved.L = &t.mu
	return t
}

func turnOf(m *dbus.Message) turn {
	sender, _ := m.Headers[dbus.FieldSender].Value().(string)
	return turn{sender, m.Serial()}
}

// note is called for each message in the order in which they come. A call that no
// method takes gets no turn, for nobody would end it.
func (t *turns) note(m *dbus.Message) {
	path, _ := m.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	iface, _ := m.Headers[dbus.FieldInterface].Value().(string)
	member, _ := m.Headers[dbus.FieldMember].Value().(string)
	signature, _ := m.Headers[dbus.FieldSignature].Value().(dbus.Signature)
	takes, ok := t.signatures[iface+"."+member]
	if !t.open.Load() || m.Type != dbus.TypeMethodCall || path != connectorPath || !ok || signature.String() != takes {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.line = append(t.line, turnOf(m))
}

// await returns when no earlier call is left.
func (t *turns) await(m *dbus.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for slices.Index(t.line, turnOf(m)) > 0 {
		t.moved.Wait()
	}
}

// end gives the turn to the next one.
func (t *turns) end(m *dbus.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.line, turnOf(m)); i >= 0 {
		t.line = slices.Delete(t.line, i, i+1)
	}
	t.moved.Broadcast()
}
