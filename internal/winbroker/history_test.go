package winbroker

import (
	"slices"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// TestHistory checks the filters of History.
func TestHistory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, task.Object{CLSID: class})
		for _, outcome := range []task.Outcome{task.Completed, task.Failed, task.Completed} {
			answer := s.activates(&fakeActivation{})
			s.host.Finish(task.GUID{9}, task.Result{Outcome: outcome})
			<-answer
		}
		count := func(q wire.HistoryQuery) (numbers []uint64) {
			q.TaskID = s.taskID
			for e, err := range s.broker.History(t.Context(), q) {
				if err != nil {
					t.Error(err)
				}
				numbers = append(numbers, e.Run.Occurrence.Number)
			}
			return numbers
		}
		for _, c := range []struct {
			q    wire.HistoryQuery
			want []uint64
		}{
			{wire.HistoryQuery{}, []uint64{3, 2, 1}},
			{wire.HistoryQuery{Limit: 2}, []uint64{3, 2}},
			{wire.HistoryQuery{Outcomes: []task.Outcome{task.Failed}}, []uint64{2}},
			{wire.HistoryQuery{Kinds: []task.EventKind{task.EventFired}}, nil},
			{wire.HistoryQuery{Until: time.Now().Add(-time.Hour)}, nil},
		} {
			if got := count(c.q); !slices.Equal(got, c.want) {
				t.Errorf("%+v: %v, want %v", c.q, got, c.want)
			}
		}
		s.over()
	})
}
