package msix

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"strings"
)

// Extract writes the files of the package and its manifest into an empty folder.
// Each block is checked against the block map before it is written. Folders get
// mode 0755 and files 0644; programs (ELF files, scripts with #!, and .exe files)
// get 0755. Existing files are not overwritten, and symbolic links out of the
// folder are not followed.
//
// Extract does not verify the signature; see [Reader.Verify]. If it fails, the
// files written so far remain, and the caller should remove the folder. Extract
// does not sync the files to disk.
func (p *Reader) Extract(ctx context.Context, root *os.Root) error {
	u := p.unpacker(p.blockMap.hash)
	for _, part := range p.parts {
		if !inBlockMap(part.name) {
			continue
		}
		if dir := path.Dir(part.name); dir != "." {
			if err := root.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		if err := p.extract(ctx, u, part, root); err != nil {
			return err
		}
	}
	return nil
}

func (p *Reader) extract(ctx context.Context, u *unpacker, part *part, root *os.Root) error {
	file, err := root.OpenFile(part.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	head := &headWriter{w: file}
	if part.name == manifestName {
		_, err = head.Write(p.manifest)
	} else {
		err = u.unpack(ctx, part, p.blockMap.files[part.name], head)
	}
	if err == nil {
		err = file.Chmod(modeOf(part.name, head.head))
	}
	return errors.Join(err, file.Close())
}

// headWriter keeps the first bytes that are written through it.
type headWriter struct {
	w    io.Writer
	head []byte
}

func (h *headWriter) Write(b []byte) (int, error) {
	if missing := 4 - len(h.head); missing > 0 {
		h.head = append(h.head, b[:min(missing, len(b))]...)
	}
	return h.w.Write(b)
}

func modeOf(name string, head []byte) os.FileMode {
	if bytes.Equal(head, []byte("\x7fELF")) || bytes.HasPrefix(head, []byte("#!")) || strings.EqualFold(path.Ext(name), ".exe") {
		return 0o755
	}
	return 0o644
}
