//go:build linux

package source

import (
	"context"
	"time"
)

// readEvery is the least time between two reads of a service's state. It bounds
// the cost of a storm of events.
const readEvery = 100 * time.Millisecond

// hints holds at most one hint: the information that something may have changed,
// and nothing about what. Giving a hint never blocks, and any number of hints
// before the next read count as one.
type hints chan struct{}

func newHints() hints { return make(hints, 1) }

func (h hints) give() {
	select {
	case h <- struct{}{}:
	default:
	}
}

// follow calls read immediately, after every hint, and after the duration that
// read returns (zero means none). It returns when ctx ends, ended receives an
// error, or read fails.
func follow(ctx context.Context, h hints, ended <-chan error, read func(context.Context) (time.Duration, error)) error {
	for {
		again, err := read(ctx)
		if err != nil {
			return err
		}
		if !sleep(ctx, readEvery) {
			return ctx.Err()
		}
		var timer <-chan time.Time
		if again > 0 {
			timer = time.After(again - readEvery)
		}
		select {
		case <-h:
		case <-timer:
		case err = <-ended:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}
