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

// TestWaiting: a program that waits for calls only is not ended by Go as one that
// is stuck.
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
		t.Errorf("it ended: %v", err)
	case <-time.After(time.Second): // Go would have ended it at once
		cmd.Process.Kill()
		<-ended
	}
}

// counter is an object for tests: two interfaces, of which the second tells a
// number, fails, or panics.
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
			Method1(func(c *counter, out uintptr) error { // as code that is not Go's has it: nobody corrects it
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

// TestIdentity: the rules of QueryInterface. IUnknown is the same pointer from
// every interface, and each interface is reached from each.
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
				t.Errorf("from %v to %v the object is another one", from, to)
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
		t.Errorf("an interface that it does not have: %v", err)
	}
	if name, err := u.RuntimeClass(); name != className || err != nil {
		t.Errorf("class name %q, %v", name, err)
	}
	if u.Release(); !gone {
		t.Error("the last reference was given back, and the object stays")
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
	defer coTaskMemFree.Call(uintptr(unsafe.Pointer(list)))
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
	if err := second.Call(slotFail); err != Fail {
		t.Error(err)
	}
	if own, ok := Impl[*counter](second); !ok || own.n != 41 {
		t.Error("the value behind the object is not found")
	}
	if _, ok := Impl[*ClassFactory](second); ok {
		t.Error("it is found as something else")
	}
}

// TestAnswersArrive: a call back that moves the stack of its caller answers into the
// caller's variable all the same.
func TestAnswersArrive(t *testing.T) {
	u := newCounter(7, nil)
	defer u.Release()
	second := query(t, u, iidSecond)
	defer second.Release()
	var group sync.WaitGroup
	for range 100 { // each begins with a small stack
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
		if err := second.Call(slotPanic); err != Fail {
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
		out := f // is to be overwritten
		err := f.Call(FirstUnknown, uintptr(unsafe.Pointer(outer)), uintptr(unsafe.Pointer(&iid)), uintptr(unsafe.Pointer(&out)))
		return out, err
	}
	if made, err := create(f, IIDUnknown); err != NoAggregation || made != nil {
		t.Error("aggregation:", made, err)
	}
	if made, err := create(nil, IIDClassFactory); err != NoInterface || made != nil {
		t.Error("an interface that the class does not have:", made, err)
	}
	made, err := create(nil, iidSecond)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Get[uint32](made, slotNumber); n != 3 || err != nil {
		t.Error(n, err)
	}
	made.Release()
	f.Call(FirstUnknown+1, 1)
	f.Call(FirstUnknown+1, 0)
	if err := f.Call(FirstUnknown+1, 1); err != nil || locks != 1 {
		t.Errorf("%d locks, %v", locks, err)
	}
}

// TestRegisteredClass: MULTIPLEUSE serves the process itself too, as an app that is
// open; after the revoke it is gone.
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
	if made, err := Create(class, InProcess|LocalServer, iidSecond); err != ClassNotRegistered {
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
	if err := Resume(); err != nil { // at 0 the class objects were suspended
		t.Error(err)
	}
}

// deep needs more stack than a goroutine has at first.
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
		second.Call(slotSet, 1)
	}
}
