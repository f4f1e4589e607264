package declaration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMarshal(t *testing.T) {
	d := &Declaration{
		Name: "Contoso.Notes", Publisher: `CN="Contoso, Ltd.", C=US`, Version: "1.0.0.0", Program: ".", Files: []string{"a b", "c"},
		Tasks: []Task{{Name: "Sync", Class: "b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a11", Arguments: "-serve"}, {Name: "Übersicht", Class: "b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a12"}},
	}
	golden(t, "notes.toml", string(d.Marshal()))
}

// Parse reads back what Marshal wrote, whatever the values contain.
func TestMarshalParses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := parsed(t, notes)
		d.Description = rapid.StringMatching(`[ -~äß\\"]{1,40}x`).Draw(t, "description")
		d.Description = "x" + d.Description
		d.Tasks[0].Name = "x" + rapid.String().Draw(t, "name")
		d.Programs = map[string]string{"windows/arm64": rapid.StringMatching(`[ -~]{1,20}`).Draw(t, "program")}
		d.Program = ""
		again, err := Parse(FileName, d.Marshal())
		if err != nil {
			if len([]rune(d.Tasks[0].Name)) > 256 {
				return
			}
			t.Fatalf("%v\n%s", err, d.Marshal())
		}
		if diff := cmp.Diff(d, again); diff != "" {
			t.Fatalf("read back (-before +after):\n%s", diff)
		}
	})
}

func parsed(t *rapid.T, text string) *Declaration {
	d, err := Parse(FileName, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
