//go:build linux

package loop

import (
	"iter"
	"testing"

	"github.com/bgtask/bgtask/task"
)

func everything(task.Event) bool { return true }

func numbered(from, to uint64) iter.Seq[task.Event] {
	return func(yield func(task.Event) bool) {
		for seq := from; seq <= to && yield(task.Event{Seq: seq}); seq++ {
		}
	}
}

func TestASubscriberThatLagsIsDropped(t *testing.T) {
	h := NewHub()
	slow, quick := h.Subscribe(everything), h.Subscribe(everything)
	for ev := range numbered(1, task.MaxWatchBuffer+1) {
		h.Publish([]task.Event{ev})
		if got := <-quick.Events; got.Seq != ev.Seq {
			t.Fatalf("the quick subscriber got %d, want %d", got.Seq, ev.Seq)
		}
	}
	select {
	case <-slow.Lagged:
	default:
		t.Fatal("the slow subscriber was not dropped")
	}
	select {
	case <-quick.Lagged:
		t.Error("the quick subscriber was dropped")
	default:
	}
	h.Unsubscribe(slow)
	h.Unsubscribe(slow)
	h.Publish([]task.Event{{Seq: 9999}})
	if n := len(slow.Events); n != task.MaxWatchBuffer {
		t.Errorf("after it was dropped, %d events are buffered", n)
	}
}
