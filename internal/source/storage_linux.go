package source

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// Space is low below 5 % of the file system, or below 1 GiB where that is less (as
// in GNOME's warning). It is sufficient again above 5/4 of that, so that the fact
// does not flicker.
const (
	lowShare = 20 // one part in 20
	lowBytes = 1 << 30
)

// The kernel has no event for free space, so it is polled. The more space there is,
// the longer the interval: a process that writes at fillRate could not have used it
// up in that time. A machine with enough space is woken four times an hour.
const (
	fillRate   = 256 << 20 // bytes per second
	checkLeast = time.Minute
	checkMost  = 15 * time.Minute
)

// storage watches the file system that holds the broker's state.
type storage struct{ dir string }

// Watch implements Source.
func (s storage) Watch(ctx context.Context, report func(...task.Fact)) error {
	var v volume
	return follow(ctx, nil, nil, func(context.Context) (time.Duration, error) {
		var fs unix.Statfs_t
		if err := unix.Statfs(s.dir, &fs); err != nil {
			return 0, fmt.Errorf("free space of %s: %w", s.dir, err)
		}
		fact, again := v.update(fs.Blocks*uint64(fs.Bsize), fs.Bavail*uint64(fs.Bsize))
		report(fact)
		return again, nil
	})
}

// volume remembers whether space was low.
type volume struct{ low bool }

// update returns the fact for the given sizes in bytes, and when to check again.
func (v *volume) update(size, free uint64) (task.Fact, time.Duration) {
	limit := min(size/lowShare, lowBytes)
	if v.low {
		limit += limit / 4
	}
	v.low = free < limit
	again := time.Duration(0)
	if free > limit {
		again = time.Duration((free-limit)/fillRate) * time.Second
	}
	f := yesNo(task.FactStorageLow, v.low, "")
	if v.low {
		f.Detail = fmt.Sprintf("less than %d MiB free", limit>>20)
	}
	return f, min(max(again, checkLeast), checkMost)
}
