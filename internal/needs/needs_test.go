package needs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// spy is a test that ends as Missing ends it.
type spy struct {
	testing.TB
	name, skipped, failed string
}

func (s *spy) Helper()          {}
func (s *spy) Name() string     { return s.name }
func (s *spy) Skip(all ...any)  { s.skipped = all[0].(string) }
func (s *spy) Error(all ...any) { s.failed = all[0].(error).Error() }
func (s *spy) Fatal(all ...any) {
	s.failed = all[0].(string)
	panic(s)
}

func TestMissingSkipsAndRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing")
	t.Setenv(Record, path)
	t.Setenv("CI", "")
	for _, name := range []string{"TestOne", "TestTwo/part"} {
		s := &spy{name: name}
		Missing(s, "sqlite3", Package("sqlite3"))
		if s.skipped != "sqlite3 is missing: install sqlite3" || s.failed != "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "sqlite3\tinstall sqlite3\tTestOne\nsqlite3\tinstall sqlite3\tTestTwo/part\n"
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestMissingFailsInCI(t *testing.T) {
	t.Setenv("CI", "true")
	s := &spy{name: "TestOne"}
	defer func() {
		if recover() != s || s.failed != "root is missing: run as root" || s.skipped != "" {
			t.Errorf("%+v", s)
		}
	}()
	Missing(s, "root", Root)
}

// TestPackagesAreListed finds the packages that tests name in the list that make
// setup installs.
func TestPackagesAreListed(t *testing.T) {
	list, err := os.ReadFile("../../scripts/packages")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?:needs\.Package\(|\bNeed\(t, )"([^"]+)"`)
	found := 0
	err = filepath.WalkDir("../..", func(path string, e os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range named.FindAllStringSubmatch(string(source), -1) {
			found++
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(m[1]) + `\s`).Match(list) {
				t.Errorf("%s names the package %s, which scripts/packages does not list", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("no test names a package: this test looks for the wrong call")
	}
}
