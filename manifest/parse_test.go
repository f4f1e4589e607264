package manifest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

func toUTF16(text string, order binary.AppendByteOrder) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

func TestEncodings(t *testing.T) {
	text := strings.Replace(string(readSample(t)), "<PublisherDisplayName>Contoso", "<PublisherDisplayName>Contosö \U0001F40C", 1)
	wide := strings.Replace(text, `encoding="utf-8"`, `encoding="UTF-16"`, 1)
	bare := text[strings.Index(text, "<Package"):]
	want, err := Parse(FileName, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if want.Properties.PublisherDisplayName != "Contosö \U0001F40C" {
		t.Fatalf("read %q", want.Properties.PublisherDisplayName)
	}
	for name, data := range map[string][]byte{
		"UTF-8 with mark":     []byte("\ufeff" + text),
		"UTF-16LE with mark":  toUTF16("\ufeff"+wide, binary.LittleEndian),
		"UTF-16BE with mark":  toUTF16("\ufeff"+wide, binary.BigEndian),
		"UTF-16LE":            toUTF16(wide, binary.LittleEndian),
		"UTF-16BE":            toUTF16(wide, binary.BigEndian),
		"UTF-8, declared not": []byte("\n" + bare),
		"CRLF":                []byte(strings.ReplaceAll(text, "\n", "\r\n")),
	} {
		got, err := Parse(FileName, data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestBadEncodings(t *testing.T) {
	text := string(readSample(t))
	for _, c := range []struct{ name, data, want string }{
		{"Latin-1", strings.Replace(text, "Contoso<", "Contos\xf6<", 1), "AppxManifest.xml: the text is neither UTF-8 nor UTF-16; save the file as UTF-8"},
		{"declared Latin-1", strings.Replace(text, "utf-8", "iso-8859-1", 1), `AppxManifest.xml:1: the encoding "iso-8859-1" is not supported; save the file as UTF-8`},
		{"UTF-16 in words only", strings.Replace(text, "utf-8", "utf-16", 1), `AppxManifest.xml:1: the encoding "utf-16" is not supported; save the file as UTF-8`},
		{"odd UTF-16", "\xff\xfe<", "AppxManifest.xml: the text is UTF-16 and ends within a character"},
		{"half a pair", "\xff\xfe<\x00\x00\xd8a\x00", "AppxManifest.xml: the text is UTF-16 and contains half a surrogate pair"},
		{"half a pair at the end", "\xff\xfe<\x00\x00\xd8", "AppxManifest.xml: the text is UTF-16 and contains half a surrogate pair"},
		{"nothing", "", "AppxManifest.xml: the file contains no element"},
		{"a mark", "\ufeff", "AppxManifest.xml: the file contains no element"},
	} {
		_, err := Parse(FileName, []byte(c.data))
		checkFault(t, c.name, err, c.want)
	}
}

func checkFault(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: accepted; want\n%s", name, want)
		return
	}
	if err.Error() != want {
		t.Errorf("%s: the error is\n%v\nwant\n%s", name, err, want)
	}
	if !errors.Is(err, task.ErrInvalid) && !errors.Is(err, task.ErrLimit) {
		t.Errorf("%s: the error wraps neither ErrInvalid nor ErrLimit", name)
	}
}

func TestLimits(t *testing.T) {
	text := readSample(t)
	room := task.MaxManifest - len(text)
	full := append(bytes.Clone(text), bytes.Repeat([]byte("\n"), room)...)
	if _, err := Read(FileName, bytes.NewReader(full)); err != nil {
		t.Errorf("a manifest of the largest size: %v", err)
	}
	_, err := Read(FileName, io.MultiReader(bytes.NewReader(full), strings.NewReader("\n")))
	checkFault(t, "a byte more", err, "AppxManifest.xml: is larger than the size limit of a manifest (1048576 bytes)")
	if !errors.Is(err, task.ErrLimit) {
		t.Error("a byte more: not ErrLimit")
	}

	nested := func(depth int) string {
		return `<Package xmlns="` + foundation + `">` + strings.Repeat("<a>", depth-1) + strings.Repeat("</a>", depth-1) + `</Package>`
	}
	_, err = Parse(FileName, []byte(nested(maxDepth+1)))
	checkFault(t, "too deep", err, "AppxManifest.xml:1: elements are nested deeper than 64")
	deep := bytes.Replace(text, []byte("<Resource "), []byte(strings.Repeat("<a>", maxDepth-2)+strings.Repeat("</a>", maxDepth-2)+"<Resource "), 1)
	if _, err = Parse(FileName, deep); err != nil {
		t.Errorf("as deep as may be: %v", err)
	}
	many := bytes.Replace(text, []byte("<Resource "), []byte(strings.Repeat("<a/>", maxElements)+"<Resource "), 1)
	_, err = Parse(FileName, many)
	checkFault(t, "too many", err, "AppxManifest.xml:25: there are more than 50000 elements")

	apps := bytes.Replace(text, []byte("<Applications>"), []byte("<Applications>"+strings.Repeat(`<Application Id="A" />`, maxApplications+1)), 1)
	_, err = Parse(FileName, apps)
	checkFault(t, "too many applications", err, "AppxManifest.xml:28: there are more than 100 applications")
}

func TestReadError(t *testing.T) {
	broken := errors.New("disk failure")
	_, err := Read(FileName, iotest.ErrReader(broken))
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want one that wraps the reader's", err)
	}
}

// The error lists the faults in order, up to a readable number.
func TestManyFaults(t *testing.T) {
	class := "\n" + `<com:Class Id="x" />`
	text := strings.Replace(string(readSample(t)), "<com:Class", strings.Repeat(class, 60)+"<com:Class", 1)
	_, err := Parse(FileName, []byte(text))
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != mostFaults+1 || lines[mostFaults] != "AppxManifest.xml: and 10 more" {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
	if want := "AppxManifest.xml:48: com:Class"; !strings.HasPrefix(lines[0], want) {
		t.Errorf("the first is %q, want %q", lines[0], want)
	}
}

func FuzzParse(f *testing.F) {
	text := readSample(f)
	f.Add(text)
	f.Add(toUTF16("\ufeff"+string(text), binary.LittleEndian))
	f.Add([]byte(`<Package xmlns="` + foundation + `"><Identity Name="a.b" Publisher="CN=$a$" Version="1.0.0.0"/></Package>`))
	f.Add([]byte(withServers(
		comServer("c", `<c:ExeServer Executable="a.exe"><c:Class Id="`+classA+`" /></c:ExeServer><c:ProgId Id="A.B" Clsid="`+classA+`" />`),
		comServer("c4", `<c4:Class Id="`+classC+`" /><c4:ExeServer Executable="d.exe"><c4:ClassReference Id="`+classC+`" c2:x="1" /></c4:ExeServer>`))))
	f.Add([]byte(`<p:Package xmlns:p="` + foundation + `" xmlns:u="` + NamespaceUAP + `" xmlns:x="urn:x"><p:Identity Name="a.b" Publisher="CN=a" Version="1.0.0.0" x:y="&#10;"/>` +
		`<p:Properties><p:DisplayName>n</p:DisplayName><x:z>t&#13;<bare p:q="1"/></x:z></p:Properties></p:Package>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(FileName, data)
		if _, all := Check(FileName, data, Options{Files: []string{"a.exe"}}); err != nil && Sound(all) {
			t.Errorf("Check finds nothing, and Parse: %v", err)
		}
		if err != nil {
			if m != nil {
				t.Error("a manifest and an error")
			}
			return
		}
		writeTwice(t, m)
		p, err := m.Package("/opt/app", func(rel string) (string, bool) {
			if !localPath(rel) {
				t.Errorf("asked for the path %q", rel)
			}
			return "/opt/app/" + rel, true
		})
		if (err != nil) != m.Template() {
			t.Errorf("template %v, and as a package: %v", m.Template(), err)
		}
		for _, s := range p.Servers {
			for _, c := range s.Classes {
				if found, ok := p.Server(c); !ok || found.Key() != s.Key() || !p.Declares(c) {
					t.Errorf("class %s is served twice or not declared", c)
				}
			}
		}
	})
}

// writeTwice checks that a written manifest can be read, and that writing it
// again gives the same text.
func writeTwice(t *testing.T, m *Manifest) {
	t.Helper()
	out, err := m.Marshal()
	if err != nil {
		if !errors.Is(err, task.ErrLimit) {
			t.Error(err)
		}
		return
	}
	again, err := Parse(FileName, out)
	if err != nil {
		t.Fatalf("what was written is refused: %v\n%s", err, out)
	}
	second, err := again.Marshal()
	if err != nil || !bytes.Equal(out, second) {
		t.Errorf("written a second time: %v\n%s\n%s", err, out, second)
	}
}
