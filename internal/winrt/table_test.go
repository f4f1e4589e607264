package winrt

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// judge is the content of the metadata.
type judge struct {
	kinds   map[string]string
	iids    map[string]string
	methods map[string][]string // methods of an interface, interfaces of a class, or values of an enumeration
}

func metadata(t *testing.T) judge {
	t.Helper()
	text, err := os.ReadFile("testdata/metadata.txt")
	if err != nil {
		t.Fatal(err)
	}
	j := judge{map[string]string{}, map[string]string{}, map[string][]string{}}
	name := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch words := strings.Fields(line); {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "\t"):
			j.methods[name] = append(j.methods[name], line[1:])
		default:
			name = words[1]
			j.kinds[name] = words[0]
			if len(words) > 2 {
				j.iids[name] = words[2]
			}
		}
	}
	return j
}

// methodNames returns the names as in the table: the second of two equal names
// has the suffix 2.
func methodNames(signatures []string) []string {
	var names []string
	for _, s := range signatures {
		name, _, _ := strings.Cut(s, "(")
		if slices.Contains(names, name) {
			name += "2"
		}
		names = append(names, name)
	}
	return names
}

func TestTableIsThatOfTheMetadata(t *testing.T) {
	j := metadata(t)
	seen := map[string]bool{}
	for _, i := range Interfaces() {
		if seen[i.Name] {
			t.Errorf("%s appears twice", i.Name)
		}
		seen[i.Name] = true
		if want := j.iids[i.Name]; i.IID.String() != want {
			t.Errorf("%s is %v, but %q in the metadata", i.Name, i.IID, want)
		}
		if i.Delegate != (j.kinds[i.Name] == "delegate") {
			t.Errorf("%s is a %s", i.Name, j.kinds[i.Name])
		}
		all := methodNames(j.methods[i.Name])
		if len(i.Methods) > len(all) || !slices.Equal(i.Methods, all[:len(i.Methods)]) {
			t.Errorf("%s has the methods %v, but %v in the metadata", i.Name, i.Methods, all)
		}
		first := 6
		if i.Delegate {
			first = 3
		}
		for n, m := range i.Methods {
			if slot := i.Slot(m); slot != first+n {
				t.Errorf("%s.%s is in slot %d", i.Name, m, slot)
			}
		}
	}
}

// In the signature of a parameterized interface, a class is represented by its
// default interface.
func TestDefaultInterfaces(t *testing.T) {
	j := metadata(t)
	for class, i := range map[string]*Interface{
		ClassRegistration: Registration, ClassGroup: Group, ClassBuilder: Builder, ClassTimeTrigger: TimeTrigger, ClassMaintenanceTrigger: MaintenanceTrigger,
		ClassSystemTrigger: SystemTrigger, ClassApplicationTrigger: ApplicationTrigger, ClassPushTrigger: Trigger, ClassCondition: SystemCondition, ClassDeferral: Deferral,
	} {
		if !slices.Contains(j.methods[class], "*"+i.Name) {
			t.Errorf("the default interface of %s is not %s: %v", class, i.Name, j.methods[class])
		}
	}
}

// The numbers in package task are those of Windows.
func TestEnumerations(t *testing.T) {
	j := metadata(t)
	numbers := map[string]map[string]int{}
	put := func(enum, name string, n int) {
		if numbers[enum] == nil {
			numbers[enum] = map[string]int{}
		}
		numbers[enum][name] = n
	}
	for _, r := range task.Reasons() {
		if r.Windows {
			put("BackgroundTaskCancellationReason", r.Name, int(r.Reason))
		}
	}
	for _, r := range task.SystemTriggerTypes() {
		put("SystemTriggerType", r.Name, int(r.Type))
	}
	for _, r := range task.SystemConditions() {
		if r.Windows {
			put("SystemConditionType", r.Name, int(r.Condition))
		}
	}
	for _, a := range task.AccessStatuses() {
		put("BackgroundAccessStatus", a.Name, int(a.Status))
	}
	for i, name := range []string{"Allowed", "CurrentlyRunning", "DisabledByPolicy", "UnknownError"} {
		put("ApplicationTriggerResult", name, i)
	}
	for enum, values := range numbers {
		all := map[string]bool{}
		for _, line := range j.methods[background+enum] {
			all[line] = true
		}
		for name, n := range values {
			if line := name + " = " + strconv.Itoa(n); !all[line] {
				t.Errorf("%s has no %s: %v", enum, line, j.methods[background+enum])
			}
		}
	}
}
