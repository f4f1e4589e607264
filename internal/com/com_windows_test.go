package com

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"
)

func TestMain(m *testing.M) {
	if err := Start(); err != nil {
		panic(err)
	}
	if os.Getenv(waitEnv) != "" {
		fmt.Println("waiting")
		select {}
	}
	os.Exit(m.Run())
}

const waitEnv = "BGTASK_TEST_WAIT"

// A program that only waits for calls must not be stopped by Go's deadlock
// detection.
func TestWaiting(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), waitEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Error(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		t.Errorf("the program ended: %v", err)
	case <-time.After(time.Second): // Go would have stopped it immediately
		_ = cmd.Process.Kill() // fails only if it has exited
		if err := <-ended; err == nil {
			t.Error("the program exited by itself")
		}
	}
}

// counter is an object with two interfaces. The second one returns a number,
// fails or panics.
type counter struct{ n uint32 }

var (
	iidFirst  = MustGUID("7e570001-0000-4000-8000-000000000001")
	iidSecond = MustGUID("7e570001-0000-4000-8000-000000000002")
	class     = MustGUID("7e570001-0000-4000-8000-0000000000c1")
)

const className = "Bgtask.Test.Counter"

const (
	slotNumber = FirstInspectable + iota
	slotSet
	slotFail
	slotPanic
	slotDeep
)

var (
	firstTable  = sync.OnceValue(func() unsafe.Pointer { return InspectableTable() })
	secondTable = sync.OnceValue(func() unsafe.Pointer {
		return InspectableTable(
			Method1(func(c *counter, out *uint32) error { *out = c.n; return nil }),
			Method1(func(c *counter, n uint32) error { c.n = n; return nil }),
			Method0(func(*counter) error { return errors.New("no HRESULT in it") }),
			Method0(func(c *counter) error { panic("a bug") }),
			Method1(func(c *counter, out uintptr) error { // an address as in code outside Go, which the runtime does not adjust
				deep(64)
				*(*uint32)(pointer(out)) = c.n
				return nil
			}),
		)
	})
)

func newCounter(n uint32, gone func()) *Unknown {
	return New(&counter{n}, Object{Class: className, Gone: gone},
		Interface{iidFirst, firstTable()}, Interface{iidSecond, secondTable()})
}

func query(t *testing.T, u *Unknown, iid GUID) *Unknown {
	t.Helper()
	other, err := u.Query(iid)
	if err != nil {
		t.Fatalf("query for %v: %v", iid, err)
	}
	return other
}

// The rules of QueryInterface: every interface returns the same pointer for
// IUnknown, and from each interface every other one can be reached.
func TestIdentity(t *testing.T) {
	gone := false
	u := newCounter(0, func() { gone = true })
	all := []GUID{IIDUnknown, IIDInspectable, IIDAgileObject, iidFirst, iidSecond}
	identity := query(t, u, IIDUnknown)
	for _, from := range all {
		a := query(t, u, from)
		for _, to := range all {
			b := query(t, a, to)
			if back := query(t, b, IIDUnknown); back != identity {
				t.Errorf("from %v to %v the identity differs", from, to)
			} else {
				back.Release()
			}
			same := query(t, b, from)
			if same != a {
				t.Errorf("%v is not reached back from %v", from, to)
			}
			same.Release()
			b.Release()
		}
		a.Release()
	}
	identity.Release()
	if _, err := u.Query(IIDClassFactory); !errors.Is(err, NoInterface) {
		t.Errorf("a missing interface: %v", err)
	}
	if name, err := u.RuntimeClass(); name != className || err != nil {
		t.Errorf("class name %q, %v", name, err)
	}
	if u.Release(); !gone {
		t.Error("the object was not freed with its last reference")
	}
}

func TestPlainObjectIsNotInspectable(t *testing.T) {
	u := New(&counter{}, Object{}, Interface{iidFirst, firstTable()})
	defer u.Release()
	if _, err := u.Query(IIDInspectable); !errors.Is(err, NoInterface) {
		t.Error(err)
	}
}

func TestIids(t *testing.T) {
	u := newCounter(0, nil)
	defer u.Release()
	var count, trust uint32
	var list *GUID
	if err := u.Call(3, uintptr(unsafe.Pointer(&count)), uintptr(unsafe.Pointer(&list))); err != nil {
		t.Fatal(err)
	}
	defer freeTaskMemory(unsafe.Pointer(list))
	if got := slices.Clone(unsafe.Slice(list, count)); !slices.Equal(got, []GUID{iidFirst, iidSecond}) {
		t.Error(got)
	}
	if err := u.Call(5, uintptr(unsafe.Pointer(&trust))); err != nil || trust != 0 {
		t.Error(trust, err)
	}
}

func TestMethods(t *testing.T) {
	u := newCounter(7, nil)
	defer u.Release()
	second := query(t, u, iidSecond)
	defer second.Release()
	if err := second.Call(slotSet, 41); err != nil {
		t.Error(err)
	}
	if n, err := Get[uint32](second, slotNumber); n != 41 || err != nil {
		t.Error(n, err)
	}
	if err := second.Call(slotFail); !errors.Is(err, Fail) {
		t.Error(err)
	}
	if own, ok := Impl[*counter](second); !ok || own.n != 41 {
		t.Error("the value behind the object is not found")
	}
	if _, ok := Impl[*ClassFactory](second); ok {
		t.Error("the value was found with another type")
	}
}

// A callback that moves the stack of its caller still writes its result to the
// caller's variable.
func TestAnswersArrive(t *testing.T) {
	u := newCounter(7, nil)
	defer u.Release()
	second := query(t, u, iidSecond)
	defer second.Release()
	var group sync.WaitGroup
	for range 100 { // each starts with a small stack
		group.Go(func() {
			if n, err := Get[uint32](second, slotDeep); n != 7 || err != nil {
				t.Error(n, err)
			}
		})
	}
	group.Wait()
}

func TestPanicStaysHere(t *testing.T) {
	was := slog.Default()
	defer slog.SetDefault(was)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	u := newCounter(0, nil)
	defer u.Release()
	second := query(t, u, iidSecond)
	defer second.Release()
	for range 100 {
		if err := second.Call(slotPanic); !errors.Is(err, Fail) {
			t.Fatal(err)
		}
	}
	if err := second.Call(slotSet, 1); err != nil {
		t.Error("after panics:", err)
	}
}

func TestStrings(t *testing.T) {
	before := liveStrings.Load()
	for _, s := range []string{"", "a", "grüße 🙂", "with\x00NUL", "long " + string(make([]byte, 70_000))} {
		h, err := NewHString(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.String(); got != s {
			t.Errorf("%.20q came back as %.20q", s, got)
		}
		h.Delete()
	}
	if h, err := NewHString("\xff"); err != nil || h.String() != "\ufffd" {
		t.Error(h.String(), err)
	} else {
		h.Delete()
	}
	if n := liveStrings.Load(); n != before {
		t.Errorf("%d strings leaked", n-before)
	}
}

func TestFactory(t *testing.T) {
	locks := 0
	f := NewFactory(ClassFactory{Make: func() (*Unknown, error) { return newCounter(3, nil), nil }, Lock: func(lock bool) {
		if lock {
			locks++
		} else {
			locks--
		}
	}})
	defer f.Release()
	create := func(outer *Unknown, iid GUID) (*Unknown, error) {
		out := f // must be overwritten
		err := f.Call(FirstUnknown, uintptr(unsafe.Pointer(outer)), uintptr(unsafe.Pointer(&iid)), uintptr(unsafe.Pointer(&out)))
		return out, err
	}
	if made, err := create(f, IIDUnknown); !errors.Is(err, NoAggregation) || made != nil {
		t.Error("aggregation:", made, err)
	}
	if made, err := create(nil, IIDClassFactory); !errors.Is(err, NoInterface) || made != nil {
		t.Error("a missing interface:", made, err)
	}
	made, err := create(nil, iidSecond)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Get[uint32](made, slotNumber); n != 3 || err != nil {
		t.Error(n, err)
	}
	made.Release()
	err = errors.Join(f.Call(FirstUnknown+1, 1), f.Call(FirstUnknown+1, 0), f.Call(FirstUnknown+1, 1))
	if err != nil || locks != 1 {
		t.Errorf("%d locks, %v", locks, err)
	}
}

// A MULTIPLEUSE class object also serves its own process, as in an open
// application. It is unavailable after Revoke.
func TestRegisteredClass(t *testing.T) {
	before := Live()
	f := NewFactory(ClassFactory{Make: func() (*Unknown, error) { return newCounter(9, nil), nil }})
	cookie, err := Register(class, f, MultipleUse|Suspended|Agile)
	if err != nil {
		t.Fatal(err)
	}
	f.Release()
	if err := Resume(); err != nil {
		t.Error(err)
	}
	made, err := Create(class, InProcess|LocalServer, iidSecond)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Get[uint32](made, slotNumber); n != 9 || err != nil {
		t.Error(n, err)
	}
	made.Release()
	if err := cookie.Revoke(); err != nil {
		t.Error(err)
	}
	if made, err := Create(class, InProcess|LocalServer, iidSecond); !errors.Is(err, ClassNotRegistered) {
		t.Error(made, err)
	}
	if n := Live(); n != before {
		t.Errorf("%d objects leaked", n-before)
	}
}

func TestServerProcessCount(t *testing.T) {
	if a, b := AddProcess(), AddProcess(); a != 1 || b != 2 {
		t.Error(a, b)
	}
	if a, b := ReleaseProcess(), ReleaseProcess(); a != 1 || b != 0 {
		t.Error(a, b)
	}
	if err := Resume(); err != nil { // COM suspended the class objects at 0
		t.Error(err)
	}
}

// deep needs more stack than a goroutine initially has.
func deep(n int) byte {
	var frame [1024]byte
	if n > 0 {
		frame[n] = deep(n - 1)
	}
	return frame[n&7]
}

func BenchmarkCall(b *testing.B) {
	u := newCounter(1, nil)
	defer u.Release()
	second, err := u.Query(iidSecond)
	if err != nil {
		b.Fatal(err)
	}
	defer second.Release()
	for b.Loop() {
		if err := second.Call(slotSet, 1); err != nil {
			b.Fatal(err)
		}
	}
}
