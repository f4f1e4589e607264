package declaration

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/manifest"
)

func TestAssetsDrawn(t *testing.T) {
	d := parse(t, notes)
	assets, err := d.Assets()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := d.Assets()
	sizes := map[string]int{"Images/StoreLogo.png": 50, "Images/Square150x150Logo.png": 150, "Images/Square44x44Logo.png": 44}
	for i, a := range assets {
		img, err := png.Decode(bytes.NewReader(a.Data))
		if err != nil {
			t.Fatal(err)
		}
		if got := img.Bounds(); got != image.Rect(0, 0, sizes[a.Name], sizes[a.Name]) {
			t.Errorf("%s has %v", a.Name, got)
		}
		if _, _, _, alpha := img.At(0, 0).RGBA(); alpha != 0 {
			t.Errorf("%s: the corner is not transparent", a.Name)
		}
		if !bytes.Equal(a.Data, again[i].Data) {
			t.Errorf("%s differs the second time", a.Name)
		}
	}
	if len(assets) != len(sizes) {
		t.Errorf("%d assets", len(assets))
	}
}

func TestAssetsOfPicture(t *testing.T) {
	dir := t.TempDir()
	picture := func(name string, width, height int) {
		img := image.NewNRGBA(image.Rect(0, 0, width, height))
		for i := range width * height { // the left half red, the right half blue
			img.SetNRGBA(i%width, i/width, color.NRGBA{R: 255, A: 255})
			if i%width >= width/2 {
				img.SetNRGBA(i%width, i/width, color.NRGBA{B: 255, A: 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	picture("good.png", 300, 300)
	picture("wide.png", 300, 200)
	picture("small.png", 149, 149)
	if err := os.WriteFile(filepath.Join(dir, "text.png"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := parse(t, notes)
	d.Dir, d.Logo = dir, "good.png"
	assets, err := d.Assets()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range assets {
		img, err := png.Decode(bytes.NewReader(a.Data))
		if err != nil {
			t.Fatal(err)
		}
		size := img.Bounds().Dx()
		left, right := img.At(1, 1), img.At(size-2, size-2)
		if left != (color.RGBA{255, 0, 0, 255}) && left != (color.NRGBA{255, 0, 0, 255}) || right == left {
			t.Errorf("%s: %v and %v", a.Name, left, right)
		}
	}
	for name, want := range map[string]string{
		"wide.png": "the picture has 300 x 200 pixels", "small.png": "the picture has 149 x 149 pixels", "text.png": "unknown format", "none.png": "no such file",
	} {
		d.Logo = name
		if _, err := d.Assets(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStage(t *testing.T) {
	source, dir := t.TempDir(), filepath.Join(t.TempDir(), "package")
	for name, text := range map[string]string{
		"go.mod": "module notes\n\ngo 1.24\n", "cmd/notes/main.go": "package main\n\nfunc main() { println(\"here\") }\n",
		"words.txt": "a", "data/deep/x": "b",
	} {
		if err := writeFile(filepath.Join(source, name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	d := parse(t, strings.Replace(notes, "capabilities", "files = [\"words.txt\", \"data\"]\ncapabilities", 1))
	d.Dir = source
	if err := d.Stage(t.Context(), Here(), dir); err != nil {
		t.Fatal(err)
	}
	var files []string
	if err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"AppxManifest.xml", "Images/Square150x150Logo.png", "Images/Square44x44Logo.png", "Images/StoreLogo.png", "data/deep/x", d.ExecutableFor(Here()), "words.txt"}
	if !slices.Equal(files, want) {
		t.Errorf("the folder contains %q", files)
	}
	info, err := os.Stat(filepath.Join(dir, d.ExecutableFor(Here())))
	if err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("the program: %v %v", info, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, manifest.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := manifest.Parse(manifest.FileName, text); err != nil {
		t.Error(err)
	}
	if err := d.Stage(t.Context(), Here(), dir); err == nil || !strings.Contains(err.Error(), "the folder exists and is not empty") {
		t.Errorf("into a folder that is not empty: %v", err)
	}
}

// A program that is built already may be anywhere.
func TestStageTakesAProgramFromElsewhere(t *testing.T) {
	built := filepath.Join(t.TempDir(), "built")
	if err := writeFile(built, []byte("here")); err != nil {
		t.Fatal(err)
	}
	d := parse(t, notes)
	d.Dir, d.Programs = t.TempDir(), map[string]string{Here().String(): built}
	dir := filepath.Join(t.TempDir(), "package")
	if err := d.Stage(t.Context(), Here(), dir); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, d.ExecutableFor(Here()))); err != nil || string(text) != "here" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestStageFaults(t *testing.T) {
	source := t.TempDir()
	if err := writeFile(filepath.Join(source, "main.go"), []byte("package main\n\nfunc main() { nothing() }\n")); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(filepath.Join(source, "go.mod"), []byte("module notes\n\ngo 1.24\n")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", filepath.Join(source, "link")); err != nil {
		t.Fatal(err)
	}
	for change, want := range map[string]string{
		`program = "."`: "building for linux/amd64 failed: ",
		``:              "it declares no program for linux/amd64",
		"programs = { \"linux/amd64\" = \"dist/notes\" }": "make the package: dist/notes: ",
		"files = [\"link\"]":                              "is neither a file nor a folder",
		"files = [\"none\"]":                              "make the package: none: ",
	} {
		d := parse(t, strings.Replace(notes, `program = "./cmd/notes"`, change, 1))
		d.Dir = source
		dir := filepath.Join(t.TempDir(), "p")
		err := d.Stage(context.Background(), Platform{"linux", "amd64"}, dir)
		if _, there := os.Stat(dir); there == nil {
			t.Errorf("%s: an incomplete package is left", change)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

// A package folder inside a folder to copy would be copied into itself.
func TestStageIntoItself(t *testing.T) {
	d := parse(t, strings.Replace(notes, `program = "./cmd/notes"`, `files = ["."]`, 1))
	d.Dir = t.TempDir()
	err := d.Stage(t.Context(), Here(), filepath.Join(d.Dir, "out"))
	if err == nil || !strings.Contains(err.Error(), "would be copied into itself") {
		t.Errorf("%v", err)
	}
}
