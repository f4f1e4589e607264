package wire

import (
	"strings"
	"testing"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// protocol is an enumeration of the protocol, and its counterpart in package task.
type protocol struct {
	file    string
	of      protoreflect.Enum
	shift   int // the protocol's number less package task's
	numbers map[string]int
}

func numbersOf[T ~uint8 | ~uint32](all []T, name func(T) string) map[string]int {
	numbers := map[string]int{}
	for _, n := range all {
		numbers[name(n)] = int(n)
	}
	return numbers
}

func rows[R any](all []R, number func(R) (string, int)) map[string]int {
	numbers := map[string]int{}
	for _, row := range all {
		name, n := number(row)
		numbers[name] = n
	}
	return numbers
}

var protocols = []protocol{
	{"task.proto", pb.SystemConditionType(0), 0, rows(task.SystemConditions(), func(r task.ConditionRow) (string, int) { return r.Name, int(r.Condition) })},
	{"task.proto", pb.SystemTriggerType(0), 0, rows(task.SystemTriggerTypes(), func(r task.SystemTriggerRow) (string, int) { return r.Name, int(r.Type) })},
	{"run.proto", pb.Outcome(0), 0, rows(task.Outcomes(), func(r task.OutcomeRow) (string, int) { return r.Name, int(r.Outcome) })},
	{"run.proto", pb.End(0), 0, numbersOf(task.Ends(), task.End.String)},
	{"run.proto", pb.Phase(0), 1, numbersOf(task.Phases(), task.Phase.String)},
	{"run.proto", pb.CancellationReason(0), 1, rows(task.Reasons(), func(r task.ReasonRow) (string, int) { return r.Name, int(r.Reason) })},
	{"run.proto", pb.ReasonKind(0), 0, rows(task.ReasonKinds(), func(r task.ReasonKindRow) (string, int) { return r.Name, int(r.Kind) })},
	{"run.proto", pb.MissCause(0), 1, numbersOf(task.MissCauses(), task.MissCause.String)},
	{"run.proto", pb.EventKind(0), 0, numbersOf(task.EventKinds(), task.EventKind.String)},
	{"package.proto", pb.AccessStatus(0), 0, rows(task.AccessStatuses()[1:], func(r task.AccessRow) (string, int) { return r.Name, int(r.Status) })},
}

// TestProtocolHasEveryRow checks that the protocol has every number of package task.
// Otherwise a number would be sent that has no name in the protocol.
func TestProtocolHasEveryRow(t *testing.T) {
	for _, p := range protocols {
		enum := p.of.Descriptor()
		prefix := snake(string(enum.Name())) + "_"
		for name, n := range p.numbers {
			want := prefix + snake(name)
			value := enum.Values().ByNumber(protoreflect.EnumNumber(n + p.shift))
			switch {
			case value == nil:
				t.Errorf("proto/bgtask/v1/%s: enum %s has no %s. Add\n  // what it means\n  %s = %d;\nand run: go generate ./proto/...", p.file, enum.Name(), name, want, n+p.shift)
			case string(value.Name()) != want:
				t.Errorf("proto/bgtask/v1/%s: enum %s: number %d is %s here and %s in package task", p.file, enum.Name(), n+p.shift, value.Name(), want)
			}
		}
		if have := enum.Values().Len() - 1; have != len(p.numbers) { // and the unspecified one
			t.Errorf("proto/bgtask/v1/%s: enum %s has %d values, package task has %d: one is there and has no row", p.file, enum.Name(), have, len(p.numbers))
		}
	}
}

// snake spells a name as the protocol does: "ACPower" and "ac power" as "AC_POWER".
func snake(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		switch {
		case r == ' ' || r == '-':
			r = '_'
		case i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]) && unicode.IsUpper(runes[i-1])):
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}
