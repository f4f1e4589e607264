//go:build linux

package source

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/godbus/dbus/v5"
)

// turns makes concurrent calls run in the order in which they arrived. The D-Bus
// library handles each call in its own goroutine, so without it a later message
// could overtake an earlier one.
//
// note, called in order by the connection's reader, appends each call to a queue.
// The goroutine of a call then waits in await until its call is first, and
// removes it with end.
type turns struct {
	signatures map[string]string // by interface and name: the methods that take turns
	open       atomic.Bool       // whether the methods are exported

	mu    sync.Mutex
	moved sync.Cond // signaled when a call has ended
	queue []turn    // calls that have arrived and not ended, in order
}

// turn identifies one call.
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

// note is called for each message in order of arrival. It ignores calls that no
// method handles, since end would never be called for them.
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
	t.queue = append(t.queue, turnOf(m))
}

// await returns when all earlier calls have ended.
func (t *turns) await(m *dbus.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for slices.Index(t.queue, turnOf(m)) > 0 {
		t.moved.Wait()
	}
}

// end removes a call and lets the next one proceed.
func (t *turns) end(m *dbus.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.queue, turnOf(m)); i >= 0 {
		t.queue = slices.Delete(t.queue, i, i+1)
	}
	t.moved.Broadcast()
}
