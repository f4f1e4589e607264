//go:build linux

package source

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// tree is the state of the files below one path: one sum for each directory. A
// change therefore costs reading one directory, and memory grows with the number
// of directories, not files.
type tree struct {
	root   string
	sums   map[string]uint64 // by directory; a root that is a file has one too
	anchor string            // directory watched in place of a root that is not a directory; "" if none
}

// sum returns the fingerprint of the tree. Trees with equal names, sizes, kinds
// and modification times have equal sums, in whatever order they were read.
func (t *tree) sum() (total uint64) {
	for dir, s := range t.sums {
		total += entryHash(dir, "", 0, int64(s), 0)
	}
	return total
}

// within reports whether path is dir or below it.
func within(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir) && path[len(dir)] == '/'
}

// scan reads path and everything below it. It calls watch for each new directory
// before reading that directory, so that no change is missed in between. It calls
// found for each entry.
func (t *tree) scan(ctx context.Context, path string, watch func(dir string) error, found func(path string)) error {
	info, err := stat(path, path == t.root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // deleted in the meantime
	case err != nil:
		return err
	case !info.IsDir():
		t.sums[path] = entryHash(path, "", uint32(info.Mode().Type()), info.ModTime().UnixNano(), info.Size())
		return nil
	}
	if _, known := t.sums[path]; !known {
		if err := watch(path); err != nil {
			return err
		}
	}
	dirs, err := t.list(path, found)
	for _, dir := range dirs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if below := t.scan(ctx, dir, watch, found); below != nil {
			err = below // go on: the rest should be watched anyway
		}
	}
	return err
}

// stat follows a symbolic link only at the root. Other links may lead out of the
// tree, or in circles.
func stat(path string, follow bool) (fs.FileInfo, error) {
	if follow {
		return os.Stat(path)
	}
	return os.Lstat(path)
}

// list reads one directory into its sum and returns the directories in it.
func (t *tree) list(dir string, found func(path string)) (dirs []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // deleted in the meantime; the event of its parent will follow
	}
	var sum uint64
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		found(path)
		info, err := e.Info()
		if err != nil {
			continue // deleted in the meantime
		}
		if info.IsDir() { // its modification time changes with its content, which has its own sum
			dirs = append(dirs, path)
			sum += entryHash(e.Name(), "/", 0, 0, 0)
			continue
		}
		sum += entryHash(e.Name(), "", uint32(info.Mode().Type()), info.ModTime().UnixNano(), info.Size())
	}
	t.sums[dir] = sum
	return dirs, err
}

// forget drops path and everything below it, and calls dropped for each
// directory.
func (t *tree) forget(path string, dropped func(dir string)) {
	for dir := range t.sums {
		if within(dir, path) {
			delete(t.sums, dir)
			dropped(dir)
		}
	}
}

func entryHash(name, mark string, kind uint32, time, size int64) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	_, _ = h.Write([]byte(mark))
	b := binary.LittleEndian.AppendUint32([]byte{0}, kind)
	b = binary.LittleEndian.AppendUint64(b, uint64(time))
	b = binary.LittleEndian.AppendUint64(b, uint64(size))
	_, _ = h.Write(b)
	return h.Sum64()
}

func isDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// sumFile is the file with the sum that a registration had when it last fired. It
// is not synced: after a power failure the sum may be an old one, and the
// registration fires once more.
func sumFile(dir string, id task.GUID) string { return filepath.Join(dir, id.String()+".sum") }

// sumText returns the start of a sum file, which identifies the watched paths.
func sumText(paths []string) string {
	return fmt.Sprintf("1 %016x ", entryHash(strings.Join(paths, "\x00"), "", 0, 0, 0))
}

func saveSum(dir string, id task.GUID, paths []string, sum uint64) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := sumFile(dir, id)
	if err := os.WriteFile(name+".new", fmt.Appendf(nil, "%s%016x\n", sumText(paths), sum), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

func loadSum(dir string, id task.GUID, paths []string) (sum uint64, ok bool) {
	b, err := os.ReadFile(sumFile(dir, id))
	if err != nil {
		return 0, false
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(string(b)), sumText(paths))
	if !ok {
		return 0, false
	}
	sum, err = strconv.ParseUint(text, 16, 64)
	return sum, err == nil
}

func forgetSum(dir string, id task.GUID) { _ = os.Remove(sumFile(dir, id)) }
