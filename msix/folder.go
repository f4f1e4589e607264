package msix

import (
	"bytes"
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
)

// BlockMapName is the name of the block map in a package, and in a folder to
// which a package was unpacked.
const BlockMapName = blockMapName

// Digest returns a digest of all files of the package in hex: the hash of the
// block map. It does not depend on the signature.
func (p *Reader) Digest() string { return hex.EncodeToString(p.mapHash[crypto.SHA256]) }

// VerifyFolder compares an unpacked package with the block map in its folder: it
// must contain the same files with the same content. It does not show who made
// the package.
func VerifyFolder(ctx context.Context, folder fs.FS) error {
	m, err := folderMap(folder)
	if err != nil {
		return err
	}
	left := make(map[string]bool)
	for name := range m.files {
		left[name] = true
	}
	err = fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir() || !inBlockMap(name):
			return err
		case !d.Type().IsRegular():
			return &Error{Part: name, Err: ErrLink, Detail: "is not a regular file"}
		case m.files[name] == nil:
			return &Error{Part: name, Err: ErrContent, Detail: "is in the folder but not in its block map",
				Hint: "remove it; or, if the folder is being edited, remove " + blockMapName}
		}
		delete(left, name)
		return m.verifyFile(ctx, folder, m.files[name])
	})
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fault(slices.Min(slices.Collect(maps.Keys(left))), ErrMissing, "is in the block map but not in the folder")
	}
	return nil
}

func folderMap(folder fs.FS) (*blockMap, error) {
	file, err := folder.Open(blockMapName)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, MaxBlockMap+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxBlockMap {
		return nil, fault(blockMapName, ErrLimit, "is larger than %d bytes", MaxBlockMap)
	}
	return readBlockMap(bytes.NewReader(text))
}

// verifyFile compares a file with its blocks.
func (m *blockMap) verifyFile(ctx context.Context, folder fs.FS, f *mapped) error {
	file, err := folder.Open(f.name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	digest, block := m.hash.New(), make([]byte, blockSize)
	for i := range f.blocks() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		plain := block[:min(blockSize, f.size-i*blockSize)]
		if _, err := io.ReadFull(file, plain); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fault(f.name, ErrContent, "is shorter than stated in the block map")
		} else if err != nil {
			return err
		}
		if !matches(digest, plain, f.hashes[int(i)*m.hash.Size():][:m.hash.Size()]) {
			return fault(f.name, ErrContent, "block %d of %d does not have the hash stated in the block map", i+1, f.blocks())
		}
	}
	if n, err := file.Read(block[:1]); n > 0 {
		return fault(f.name, ErrContent, "is longer than stated in the block map")
	} else if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
