//go:build linux

package process

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

const (
	lookPause  = time.Second           // between two looks at the output
	flushPause = 50 * time.Millisecond // the same, when more was written than is kept
	block      = 4096                  // file systems punch holes of whole blocks
	leastSize  = block                 // the least that a launch counts for
)

// run keeps the output of live launches within its bounds until ctx ends. It sleeps while
// nothing is written.
func (o *output) run(ctx context.Context) {
	changes, err := watchWrites(o.dir)
	if err != nil {
		o.log.Warn("cannot watch the output of launches; looking at it every second", "error", err)
		for sleep(ctx, o.look()) {
		}
		return
	}
	defer changes.Close()
	defer context.AfterFunc(ctx, func() { _ = changes.SetReadDeadline(time.Unix(1, 0)) })()
	buf := make([]byte, 64<<10)
	for {
		pause := o.look()
		if pause == lookPause {
			if _, err := changes.Read(buf); err != nil {
				if ctx.Err() == nil {
					o.log.Error("the output of launches is no longer kept within its bounds", "error", err)
				}
				return
			}
			pause = o.look()
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// watchWrites returns a file that becomes readable when a file in dir was written to.
func watchWrites(dir string) (*os.File, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	f := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY); err != nil {
		_ = f.Close()
		return nil, os.NewSyscallError("inotify_add_watch", err)
	}
	return f, f.SetReadDeadline(time.Time{})
}

// look notes what live launches have written, cuts what is too much, and returns when to
// look again.
func (o *output) look() (pause time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	pause = lookPause
	for t, r := range o.live {
		o.note(t, r, time.Now().Add(-noticeWithin))
		if o.cut(t) {
			pause = flushPause
		}
	}
	return pause
}

// cut brings the streams of a launch back within their bound, and reports whether they were
// beyond it.
func (o *output) cut(t task.LaunchToken) (was bool) {
	for _, suffix := range suffixes {
		cut, err := cutHead(o.path(t, suffix), o.perStream)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			o.log.Warn("cannot shorten the output of a launch", "launch", t, "error", err)
		}
		was = was || cut
	}
	return was
}

// cutHead frees the space of all but the last keep bytes of a file, by punching a hole.
// Where that is not possible, it empties the file.
func cutHead(path string, keep int64) (cut bool, err error) {
	info, err := os.Stat(path)
	if err != nil || kept(info) <= keep+block {
		return false, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	hole := (info.Size() - keep) / block * block
	if hole <= 0 {
		return false, nil // the space lies beyond the size of the file
	}
	err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, hole)
	if err != nil {
		err = f.Truncate(0)
	}
	return true, err
}

// kept returns the space that a file takes, in bytes.
func kept(info os.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return min(int64(st.Blocks)*512, roundUp(info.Size()))
	}
	return info.Size()
}

func roundUp(size int64) int64 { return (size + block - 1) / block * block }

// keptFrom returns the offset at which the kept part of a stream begins.
func (o *output) keptFrom(f *os.File, size int64) int64 {
	data, err := unix.Seek(int(f.Fd()), 0, unix.SEEK_DATA)
	if err != nil {
		data = 0 // the file is empty, or the file system does not support holes
	}
	return max(data, size-o.perStream-block)
}

// finish ends the recording of a launch whose tree has ended. It removes empty output, and
// the oldest output when all launches have too much.
func (o *output) finish(t task.LaunchToken) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.live[t]
	if r == nil {
		return
	}
	o.note(t, r, time.Now().Add(-noticeWithin))
	o.cut(t)
	delete(o.live, t)
	if o.sizes(t) == [2]int64{} {
		o.remove(t)
		return
	}
	if o.total >= 0 {
		o.total += o.kept(t)
	}
	if o.total < 0 || o.total > o.all {
		o.prune()
	}
}

func (o *output) kept(t task.LaunchToken) (sum int64) {
	for _, suffix := range append(suffixes[:], marksSuffix) {
		if info, err := os.Stat(o.path(t, suffix)); err == nil {
			sum += kept(info)
		}
	}
	return max(sum, leastSize)
}

// Forget removes the output of a launch that is over.
func (s *Supervisor) Forget(t task.LaunchToken) { s.output.forget(t) }

func (o *output) forget(t task.LaunchToken) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.live[t] != nil {
		return
	}
	if o.total >= 0 {
		o.total = max(o.total-o.kept(t), 0)
	}
	o.remove(t)
}

func (o *output) remove(t task.LaunchToken) {
	for _, suffix := range append(suffixes[:], marksSuffix) {
		if err := os.Remove(o.path(t, suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
			o.log.Warn("cannot remove old output", "launch", t, "error", err)
		}
	}
}

// prune removes the output of the launches that ended first, until a tenth of the room is
// free, so that it is seldom needed.
func (o *output) prune() {
	old := o.ended()
	o.total = 0
	for _, e := range old {
		o.total += e.kept
	}
	if o.total <= o.all {
		return
	}
	for _, e := range old {
		if o.total <= o.all/10*9 {
			return
		}
		o.remove(e.token)
		o.total -= e.kept
	}
}

// endedOutput is the output of a launch that is over.
type endedOutput struct {
	token task.LaunchToken
	last  time.Time // of the last write
	kept  int64
}

// ended returns the output of launches that are over, oldest first.
func (o *output) ended() []endedOutput {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		o.log.Warn("cannot list old output", "error", err)
	}
	var all []endedOutput
	for _, e := range entries {
		name, isOut := strings.CutSuffix(e.Name(), suffixes[Stdout])
		token, ok := tokenOf(name)
		if !isOut || !ok || o.live[token] != nil {
			continue
		}
		all = append(all, endedOutput{token, o.lastWrite(token), o.kept(token)})
	}
	slices.SortFunc(all, func(a, b endedOutput) int {
		return cmp.Or(a.last.Compare(b.last), compareTokens(a.token, b.token))
	})
	return all
}

func (o *output) lastWrite(t task.LaunchToken) (last time.Time) {
	for _, suffix := range suffixes {
		if info, err := os.Stat(o.path(t, suffix)); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}
