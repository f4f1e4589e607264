package wire

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// protocolPage is the page for those who write clients in other languages.
func protocolPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../doc/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	quotedWord = regexp.MustCompile("`([a-z_]+)`")
	camelHump  = regexp.MustCompile("([a-z])([A-Z])")
)

// TestProtocolPageHasEveryError: a row may name several codes of ours, and then one
// code of gRPC for all or one for each.
func TestProtocolPageHasEveryError(t *testing.T) {
	told := map[string]string{}
	for row := range strings.Lines(protocolPage(t)) {
		cells := strings.Split(row, "|")
		if len(cells) != 5 || cells[2] != strings.ToUpper(cells[2]) || !strings.Contains(cells[1], "`") {
			continue
		}
		grpc := strings.Split(strings.TrimSpace(cells[2]), ", ")
		for i, word := range quotedWord.FindAllStringSubmatch(cells[1], -1) {
			told[word[1]] = grpc[min(i, len(grpc)-1)]
		}
	}
	for _, row := range errorTable {
		code := task.Code(row.sentinel)
		want := strings.ToUpper(camelHump.ReplaceAllString(row.code.String(), "${1}_$2"))
		if told[code] != want {
			t.Errorf("%s is %q on the page, and %s here", code, told[code], want)
		}
		delete(told, code)
	}
	for code := range told {
		t.Errorf("the page has %s, which there is not", code)
	}
}

// TestProtocolPageHasEveryMessage: the table of the stream names what both sides
// can say.
func TestProtocolPageHasEveryMessage(t *testing.T) {
	_, section, _ := strings.Cut(protocolPage(t), "| from the host | from the broker |")
	section, _, _ = strings.Cut(section, "Rules for a host")
	told := map[string]bool{}
	for _, word := range quotedWord.FindAllStringSubmatch(section, -1) {
		told[word[1]] = true
	}
	for _, m := range []protoreflect.Message{new(pb.AttachRequest).ProtoReflect(), new(pb.AttachResponse).ProtoReflect()} {
		fields := m.Descriptor().Fields()
		for i := range fields.Len() {
			name := string(fields.Get(i).Name())
			if !told[name] {
				t.Errorf("the page does not tell of %s of %s", name, m.Descriptor().Name())
			}
			delete(told, name)
		}
	}
	for name := range told {
		t.Errorf("the page tells of %s, which there is not", name)
	}
}
