//go:build linux

package source

import (
	"context"
	"time"
)

// readEvery is the least time between two reads of a service's state: what a
// storm of events costs.
const readEvery = 100 * time.Millisecond

// hints holds at most one hint that something changed.
type hints chan struct{}

func newHints() hints { return make(hints, 1) }

func (h hints) give() {
	select {
	case h <- struct{}{}:
	default:
	}
}

// follow calls read now, after every hint, and after the time that read asks
// for (zero: none), until ctx or the events end or read fails.
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
