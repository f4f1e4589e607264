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

// TestProtocolPageHasEveryError compares the table of errors with the page. A row may
// name several of our codes, with one gRPC code for all of them or one for each.
func TestProtocolPageHasEveryError(t *testing.T) {
	listed := map[string]string{}
	for row := range strings.Lines(protocolPage(t)) {
		cells := strings.Split(row, "|")
		if len(cells) != 5 || cells[2] != strings.ToUpper(cells[2]) || !strings.Contains(cells[1], "`") {
			continue
		}
		grpc := strings.Split(strings.TrimSpace(cells[2]), ", ")
		for i, word := range quotedWord.FindAllStringSubmatch(cells[1], -1) {
			listed[word[1]] = grpc[min(i, len(grpc)-1)]
		}
	}
	for _, row := range errorTable {
		code := task.Code(row.sentinel)
		want := strings.ToUpper(camelHump.ReplaceAllString(row.code.String(), "${1}_$2"))
		if listed[code] != want {
			t.Errorf("%s is %q on the page, but %s here", code, listed[code], want)
		}
		delete(listed, code)
	}
	for code := range listed {
		t.Errorf("the page has %s, which does not exist", code)
	}
}

// TestProtocolPageHasEveryMessage checks that the table of the stream names the messages
// of both sides.
func TestProtocolPageHasEveryMessage(t *testing.T) {
	_, section, _ := strings.Cut(protocolPage(t), "| from the host | from the broker |")
	section, _, _ = strings.Cut(section, "Rules for a host")
	listed := map[string]bool{}
	for _, word := range quotedWord.FindAllStringSubmatch(section, -1) {
		listed[word[1]] = true
	}
	for _, m := range []protoreflect.Message{new(pb.AttachRequest).ProtoReflect(), new(pb.AttachResponse).ProtoReflect()} {
		fields := m.Descriptor().Fields()
		for i := range fields.Len() {
			name := string(fields.Get(i).Name())
			if !listed[name] {
				t.Errorf("the page does not have %s of %s", name, m.Descriptor().Name())
			}
			delete(listed, name)
		}
	}
	for name := range listed {
		t.Errorf("the page has %s, which does not exist", name)
	}
}
