package bgtasktest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/bgtasktest"
)

// fatal is a test that records why it failed instead of failing.
type fatal struct {
	testing.TB
	why string
}

func (f *fatal) Fatalf(format string, args ...any) {
	f.why = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// TestStartRefusesAnInvalidBuilder checks that Start fails the test for a Builder
// that no broker would register.
func TestStartRefusesAnInvalidBuilder(t *testing.T) {
	f := &fatal{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run := bgtask.TaskFunc(func(context.Context, *bgtask.Instance) error { return nil })
		bgtasktest.Start(f, run, bgtasktest.Activation{Task: bgtask.Builder{Name: "a/b"}})
	}()
	<-ended
	if !strings.Contains(f.why, "Activation.Task: register: a/b: a name has no") {
		t.Errorf("Start failed with %q", f.why)
	}
}
