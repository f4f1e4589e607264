package msix

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bgtask/bgtask/manifest"
)

// Options control how a package is made. The zero value makes an unsigned
// package.
type Options struct {
	// Modified is the modification time of all files in the package; zero means
	// 1980. The same folder and time always give the same bytes.
	Modified time.Time

	// Signer signs the package. If it is nil, the package is not signed.
	Signer *Signer
}

// Pack writes a package with all files of a folder, which must contain an
// AppxManifest.xml. It returns an error if the folder contains parts of an
// earlier package (block map, content types, signature, catalog) or names that a
// package cannot contain: device names, names with characters that Windows does
// not allow, and names that differ only in case.
//
// Files are written in the order of their names. They are compressed in blocks of
// 64 KiB, concurrently on all processors. Files of already compressed kinds
// (.png, .zip, ...) are stored. The manifest is copied unchanged. It must be
// valid and contain no build tokens; for a complete check use package manifest.
func Pack(ctx context.Context, w io.Writer, folder fs.FS, o Options) error {
	files, err := list(folder)
	if err != nil {
		return err
	}
	text, m, err := readFinal(folder)
	if err != nil {
		return err
	}
	if o.Signer != nil {
		if err := o.Signer.check(m.Identity.Publisher); err != nil {
			return err
		}
	}
	k := &packer{writer: newWriter(w, o.Modified), compressor: newCompressor()}
	k.blockMap.WriteString(xml.Header + `<BlockMap xmlns="` + blockMapSpace + `" HashMethod="` + sha256Method + `">`)
	for _, name := range files {
		if err := k.payload(ctx, folder, name); err != nil {
			return fmt.Errorf("packing %s: %w", show(name), err)
		}
	}
	if err := k.add(ctx, manifestName, bytes.NewReader(text)); err != nil {
		return err
	}
	k.blockMap.WriteString("</BlockMap>")
	return k.finish(ctx, o.Signer)
}

// packer writes one package.
type packer struct {
	*writer
	*compressor
	blockMap bytes.Buffer
	names    []string // as written in the archive
}

func (k *packer) payload(ctx context.Context, folder fs.FS, name string) error {
	file, err := folder.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(k.add(ctx, name, file), file.Close())
}

// add writes a file that is listed in the block map.
func (k *packer) add(ctx context.Context, name string, r io.Reader) error {
	method := methodOf(name)
	first := make([]byte, 1)
	n, err := io.ReadFull(r, first)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n == 0 {
		method = methodStored // nothing to deflate
	}
	p, err := k.begin(name, method)
	if err != nil {
		return err
	}
	if err := k.file(ctx, k.writer, p, io.MultiReader(bytes.NewReader(first[:n]), r), &k.blockMap); err != nil {
		return err
	}
	k.names = append(k.names, p.raw)
	return k.end(p)
}

// finish writes the block map, the content types, the signature and the
// directory.
func (k *packer) finish(ctx context.Context, s *Signer) error {
	blockMap := k.blockMap.Bytes()
	if len(blockMap) > MaxBlockMap {
		return fault(blockMapName, ErrLimit, "exceeds %d bytes: the package has too many files", MaxBlockMap)
	}
	if err := k.small(blockMapName, blockMap, methodDeflated); err != nil {
		return err
	}
	types := writeTypes(k.names, s != nil)
	if err := k.small(contentTypesName, types, methodDeflated); err != nil {
		return err
	}
	return k.close(ctx, s, digests{tagTypes: sha256Of(types), tagBlockMap: sha256Of(blockMap)})
}

// list returns the names of all files in a folder except the manifest, sorted.
func list(folder fs.FS) ([]string, error) {
	var files []string
	var errs []error
	taken := newNames()
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if err := checkPayload(name, d); err != nil {
			errs = append(errs, err)
			return nil
		}
		if err := taken.add(name); err != nil {
			errs = append(errs, err)
			return nil
		}
		if name != manifestName {
			files = append(files, name)
		}
		return nil
	})
	if err := errors.Join(err, errors.Join(errs...)); err != nil {
		return nil, err
	}
	if len(files) > MaxParts-5 {
		return nil, fault("", ErrLimit, "the folder has more than %d files", MaxParts-5)
	}
	slices.Sort(files)
	return files, nil
}

func checkPayload(name string, d fs.DirEntry) error {
	if !d.Type().IsRegular() {
		return &Error{Part: name, Err: ErrLink, Detail: "is not a regular file", Hint: "replace a symbolic link by a copy of its target"}
	}
	if name == manifestName {
		return nil
	}
	for _, own := range []string{manifestName, blockMapName, contentTypesName, signatureName, catalogName} {
		if fold(name) == fold(own) {
			return &Error{Part: name, Err: ErrName, Detail: "has the name of a part that the packer creates", Hint: "remove it from the folder"}
		}
	}
	return checkName(name)
}

// readFinal reads the manifest to pack, which must not be a template.
func readFinal(folder fs.FS) ([]byte, *manifest.Manifest, error) {
	text, err := fs.ReadFile(folder, manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &Error{Part: manifestName, Err: ErrMissing, Detail: "is missing in the folder", Hint: "create it with 'bgtask manifest build'"}
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := manifest.Parse(manifestName, text)
	if err != nil {
		return nil, nil, &manifestError{err}
	}
	if m.Template() {
		t := m.Tokens[0]
		return nil, nil, fault(manifestName, ErrManifest, "line %d: %s still contains %s, which the build must replace", t.Line, t.Where, t.Text)
	}
	return text, m, nil
}

// packedKinds are the extensions of files that deflate cannot make smaller.
var packedKinds = strings.Fields(".7z .aac .appx .avi .br .bz2 .cab .docx .flac .gif .gz .jpeg .jpg .m4a .mkv .mov .mp3 .mp4 .msix .ogg .png .pptx .rar .tgz .webm .webp .wma .wmv .woff .woff2 .xlsx .xz .zip .zst")

func methodOf(name string) uint16 {
	if slices.Contains(packedKinds, strings.ToLower(path.Ext(name))) {
		return methodStored
	}
	return methodDeflated
}

// listFile writes the File element of a file in the block map.
func listFile(w *bytes.Buffer, p *part, blocks []byte) {
	w.WriteString(`<File Name="`)
	_ = xml.EscapeText(w, []byte(strings.ReplaceAll(p.name, "/", `\`))) // a Buffer never fails
	fmt.Fprintf(w, `" Size="%d" LfhSize="%d"`, p.size, p.header)
	if len(blocks) == 0 {
		w.WriteString("/>")
		return
	}
	w.WriteByte('>')
	w.Write(blocks)
	w.WriteString("</File>")
}
