//go:build linux

package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The mark is a small file beside the store that records what the store must contain.
//
// SQLite alone cannot notice that a commit which it has acknowledged is gone: to SQLite
// a damaged or missing log is just a shorter log. So after each commit, before it is
// acknowledged, the mark records where in the log the commit ended, the checksum of the
// log, and the number of the last event. This write is not synced: a process that is
// killed loses nothing that it wrote. The mark is synced within a second, when the log
// is emptied, and at Close.
//
// A commit is on the disk before its mark is written, so a mark never claims more than
// the disk has. What it claims and the disk does not have is damage.
//
// The mark has two slots that are written alternately, so a torn write leaves the
// previous one intact.

const (
	markName = fileName + "-mark"
	markSlot = 512 // one sector: most disks write it completely or not at all
	markSize = 2 * markSlot
	markText = markSlot - 68

	markMagic = 0x6267746d // "bgtm"
)

// markState is what the store's owner was doing.
type markState uint32

const (
	markClosed  markState = iota + 1 // the log is empty, and everything is in the store
	markOpen                         // a broker is using the store, or died using it
	markDamaged                      // SQLite found damage in the store, so it is not opened again
)

// mark is a record of what was acknowledged.
type mark struct {
	Turn  uint64 // the slot with the higher one counts
	State markState
	Store uint64   // identifies the store; also in its table meta
	Log   position // how far the log extends at least; unset if Frames is 0
	Seq   uint64   // number of the last event
	After uint64   // commits since then without an event
	Text  string   // describes the damage
}

func (m *mark) encode() [markSlot]byte {
	var b [markSlot]byte
	text := m.Text[:min(len(m.Text), markText)]
	p := binary.LittleEndian.AppendUint32(b[:0], markMagic)
	p = binary.LittleEndian.AppendUint32(p, uint32(m.State))
	for _, v := range []uint64{m.Turn, m.Store, m.Seq, m.After} {
		p = binary.LittleEndian.AppendUint64(p, v)
	}
	for _, v := range []uint32{m.Log.Salt[0], m.Log.Salt[1], m.Log.Frames, m.Log.Sum[0], m.Log.Sum[1], uint32(len(text))} {
		p = binary.LittleEndian.AppendUint32(p, v)
	}
	copy(b[len(p):], text)
	binary.LittleEndian.PutUint32(b[markSlot-4:], crc32.Checksum(b[:markSlot-4], castagnoli))
	return b
}

// decodeMark is the inverse of encode. It returns false if the slot was never written
// or is damaged.
func decodeMark(b []byte) (m mark, ok bool) {
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	long := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	if len(b) != markSlot || word(0) != markMagic || word(markSlot-4) != crc32.Checksum(b[:markSlot-4], castagnoli) {
		return mark{}, false
	}
	text := word(60)
	if text > markText {
		return mark{}, false
	}
	return mark{
		State: markState(word(4)), Turn: long(8), Store: long(16), Seq: long(24), After: long(32),
		Log:  position{Salt: salt{word(40), word(44)}, Frames: word(48), Sum: sum{word(52), word(56)}},
		Text: string(b[64 : 64+text]),
	}, true
}

var errNoMark = errors.New("its mark, " + markName + ", is damaged")

// readMark reads the mark beside the store. The error is fs.ErrNotExist if there is
// none, and errNoMark if neither slot can be read.
func readMark(path string) (mark, error) {
	f, err := os.Open(path)
	if err != nil {
		return mark{}, err
	}
	defer f.Close()
	var b [markSize]byte
	if _, err := io.ReadFull(f, b[:]); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return mark{}, errNoMark
		}
		return mark{}, err
	}
	first, one := decodeMark(b[:markSlot])
	second, two := decodeMark(b[markSlot:])
	switch {
	case one && (!two || first.Turn > second.Turn):
		return first, nil
	case two:
		return second, nil
	}
	return mark{}, errNoMark
}

// marker writes the mark. It belongs to the writer's goroutine. Its own goroutine syncs
// what acknowledge wrote, a second later.
type marker struct {
	file *os.File
	mark mark

	written chan struct{} // holds a token while something must be synced
	stop    chan struct{}
	stopped chan struct{}
	failed  atomic.Pointer[error] // of a sync
}

// syncDelay is how long an acknowledged commit may depend on a mark that a power
// failure could undo.
const syncDelay = time.Second

// createMark writes the first mark of a store, durably.
func createMark(path string, m mark) error {
	fresh := path + ".new"
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	var b [markSize]byte
	m.Turn = 2
	slot := m.encode()
	copy(b[:], slot[:])
	_, err = f.Write(b[:])
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

func openMark(path string, m mark) (*marker, error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	k := &marker{file: f, mark: m, written: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{})}
	go k.syncLater()
	return k, nil
}

// syncLater syncs the mark some time after each write. It runs no timer while nothing
// is written.
func (k *marker) syncLater() {
	defer close(k.stopped)
	for {
		select {
		case <-k.stop:
			return
		case <-k.written:
		}
		select {
		case <-k.stop:
			return
		case <-time.After(syncDelay):
		}
		if err := k.sync(); err != nil {
			k.failed.Store(&err)
		}
	}
}

// acknowledge writes the mark. It is synced within about a second.
func (k *marker) acknowledge() error {
	if err := k.failed.Load(); err != nil {
		return *err
	}
	if err := k.write(); err != nil {
		return err
	}
	select {
	case k.written <- struct{}{}:
	default:
	}
	return nil
}

// write writes the current mark into the slot whose turn it is. It does not sync.
func (k *marker) write() error {
	k.mark.Turn++
	b := k.mark.encode()
	_, err := k.file.WriteAt(b[:], int64(k.mark.Turn%2)*markSlot)
	return err
}

// settle writes the mark and waits until it is on the disk.
func (k *marker) settle(state markState) error {
	k.mark.State = state
	return errors.Join(k.write(), k.sync())
}

func (k *marker) sync() error { return unix.Fdatasync(int(k.file.Fd())) }

func (k *marker) close() error {
	close(k.stop)
	<-k.stopped
	return k.file.Close()
}

// checkLog compares the log, which SQLite has not opened yet, with the mark. The error
// is ErrDamaged if the log lacks something that was acknowledged.
func checkLog(path string, m mark) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m.missesLog("is gone")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return m.missesLog("is empty")
	}
	if m.State == markClosed {
		return fmt.Errorf("%w: the store was closed properly, but there is a log beside it: %s", ErrDamaged, path)
	}
	return m.holds(f, info.Size())
}

func (m *mark) missesLog(how string) error {
	if m.Log.Frames == 0 {
		return nil
	}
	return &lostLog{fmt.Errorf("%w: its log, with the last acknowledged commits, %s", ErrDamaged, how)}
}

// lostLog is damage unless the store itself contains everything: a program that opens
// the store for reading copies the log into it and empties it.
type lostLog struct{ error }

func (e *lostLog) Unwrap() error { return e.error }

// newerBy limits how many generations of the log may begin before their mark is on the
// disk: one if the process died, several if the machine lost power.
const newerBy = 64

// holds checks that the log contains what the mark claims.
func (m *mark) holds(r io.ReaderAt, size int64) error {
	l, err := openLog(r, size)
	if errors.Is(err, errLogHeader) {
		return m.missesLog("has a damaged header")
	}
	if err != nil {
		return err
	}
	same := l.salt == m.Log.Salt
	if !same && m.Log.Frames > 0 && l.salt[0]-m.Log.Salt[0]-1 >= newerBy {
		return fmt.Errorf("%w: its log is not the one with the last acknowledged commits", ErrDamaged)
	}
	for {
		more, err := l.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if same && l.frames == m.Log.Frames && l.sum != m.Log.Sum {
			return fmt.Errorf("%w: its log differs from the acknowledged commits", ErrDamaged)
		}
	}
	if same && l.frames < m.Log.Frames {
		return fmt.Errorf("%w: frame %d of its log is damaged or missing, but %d frames were acknowledged", ErrDamaged, l.frames+1, m.Log.Frames)
	}
	later, err := l.laterTransaction()
	if later {
		return fmt.Errorf("%w: frame %d of its log is damaged, but a later transaction follows it", ErrDamaged, l.frames+1)
	}
	return err
}
