package winbroker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// FuzzRecords checks that any content of the files in the local folder, which users and
// other programs can write, is either read or treated as missing.
func FuzzRecords(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", "[]", `{"spec":null}`,
		`{"registered":"2026-01-02T03:04:05Z","spec":{"name":"A","entry_point":"14c5882b-35d3-41be-86b2-5106269b97e6","trigger":{"class":"TimeTrigger","freshness_s":900}}}`,
		`{"number":1,"instance":"14c5882b-35d3-41be-86b2-5106269b97e6","pid":7,"started":"2026-01-02T03:04:05Z","outcome":"completed","reason":"Abort"}`,
		`{"number":18446744073709551615,"outcome":"?"}`, `{"Data":"aGFsZg==","Number":1}`,
	} {
		f.Add([]byte(seed))
	}
	id := task.GUID{1}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := testRecords(t)
		if err := os.MkdirAll(r.dir(id), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{registrationFile, checkpointFile, runFile(1)} {
			if err := os.WriteFile(filepath.Join(r.dir(id), name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		info := task.Info{TaskID: id}
		if reg, ok := r.registration(id); ok {
			info.Spec = reg.Spec
			_ = reg.Spec.ValidateForWindows()
		}
		r.checkpoint(id)
		if err := r.fill(&info); err != nil {
			t.Errorf("an unreadable file caused an error: %v", err)
		}
		if begun, err := r.begin(id, run{}); err != nil || begun.Number != 2 {
			t.Errorf("%+v, %v", begun, err)
		}
	})
}
