package manifest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/task"
)

// corpus is next to the checkout: manifests from public repositories, and a list
// of their contents that was made without this package.
const corpus = "../../shared/testdata/manifests"

// row has the columns of expected.tsv about the content of a manifest.
type row struct {
	Kind                                          string
	Applications, ExeServers, Classes, Surrogates string
	ComNamespaces, Tokens, Flags                  string
}

func readCorpus(t *testing.T) map[string]row {
	t.Helper()
	file, err := os.Open(filepath.Join(corpus, "expected.tsv"))
	if errors.Is(err, fs.ErrNotExist) {
		needs.Missing(t, "the corpus of manifests", needs.Elsewhere("only CI has it"))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	in := csv.NewReader(file)
	in.Comma = '\t'
	in.LazyQuotes = true
	lines, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"file", "kind", "applications", "exeservers", "classes", "surrogates", "com_namespaces", "tokens", "flags", "source"}
	if diff := cmp.Diff(want, lines[0]); diff != "" {
		t.Fatalf("columns of expected.tsv (-known +found):\n%s", diff)
	}
	rows := make(map[string]row)
	for _, l := range lines[1:] {
		rows[l[0]] = row{l[1], l[2], l[3], l[4], l[5], l[6], l[7], l[8]}
	}
	return rows
}

func TestCorpus(t *testing.T) {
	rows := readCorpus(t)
	entries, err := os.ReadDir(corpus)
	if err != nil {
		t.Fatal(err)
	}
	read, final := 0, 0
	for _, e := range entries {
		name := e.Name()
		if name == "expected.tsv" {
			continue
		}
		want, listed := rows[name]
		if !listed && name != "winmain-sample.AppxManifest.xml" { // the tutorial's own; see TestPage
			t.Errorf("%s is not in expected.tsv", name)
		}
		delete(rows, name)
		data, err := os.ReadFile(filepath.Join(corpus, name))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(name, data)
		if err != nil {
			t.Errorf("%s is refused:\n%v", name, err)
			continue
		}
		read++
		if !m.Template() {
			final++
		}
		if listed {
			if diff := cmp.Diff(want, describe(t, m, data, want)); diff != "" {
				t.Errorf("%s (-expected +read):\n%s", name, diff)
			}
		}
		checkPackage(t, m)
	}
	for name := range rows {
		t.Errorf("%s is in expected.tsv only", name)
	}
	t.Logf("read %d manifests, %d of them final", read, final)
}

// checkPackage checks that a final manifest makes a package and that a template
// does not.
func checkPackage(t *testing.T, m *Manifest) {
	t.Helper()
	p, err := m.Package("/opt/app", everything)
	if m.Template() {
		for _, token := range m.Tokens {
			if err == nil || !strings.Contains(err.Error(), token.Text) {
				t.Errorf("%s: a template with %s makes a package, or the refusal does not name it: %v", m.File, token.Text, err)
			}
		}
		return
	}
	if err != nil {
		t.Errorf("%s cannot be turned into a package: %v", m.File, err)
	}
	if !strings.HasPrefix(p.Family, m.Identity.Name+"_") {
		t.Errorf("%s: family %q", m.File, p.Family)
	}
}

func describe(t *testing.T, m *Manifest, data []byte, want row) row {
	t.Helper()
	got := row{Kind: "final", Applications: strconv.Itoa(len(m.Applications))}
	if m.Template() {
		got.Kind = "template"
	}
	kinds, classes := make(map[Kind]int), 0
	for _, com := range m.ComServers {
		classes += len(com.Classes)
	}
	for _, s := range m.Servers {
		kinds[s.Kind]++
		classes += len(s.Classes)
	}
	got.ExeServers = strconv.Itoa(kinds[ExeServer])
	got.Surrogates = strconv.Itoa(kinds[SurrogateServer])
	got.Classes = strconv.Itoa(classes)
	var tokens []string
	for _, token := range m.Tokens {
		if token.Text != "x-generate" {
			tokens = append(tokens, token.Text)
		}
	}
	slices.Sort(tokens)
	got.Tokens = strings.Join(slices.Compact(tokens), " ")
	root := parse(&findings{}, data)
	got.ComNamespaces = strings.Join(prefixes(root, func(uri string) bool { return comVersion(uri) > 0 }), "+")
	got.Flags = sameFlags(flags(m, root, data), want.Flags)
	return got
}

// sameFlags returns the flags in the order of the list, if they are the same set.
func sameFlags(got []string, want string) string {
	w := strings.Fields(want)
	a, b := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(w))
	if slices.Equal(a, b) {
		return want
	}
	return strings.Join(got, " ")
}

func flags(m *Manifest, root *node, data []byte) []string {
	var list []string
	if anyNode(root, func(n *node) bool { return n.name.Local == "PhoneIdentity" }) {
		list = append(list, "PhoneIdentity")
	}
	if slices.ContainsFunc(m.Tokens, func(t Token) bool { return t.Text == "x-generate" }) {
		list = append(list, "x-generate")
	}
	if anyNode(root, func(n *node) bool {
		a := n.attr("Category")
		return n.name.Local == "Extension" && a != nil && a.value == "windows.backgroundTasks"
	}) {
		list = append(list, "windows.backgroundTasks")
	}
	// The list counts only Extensions after the Applications.
	order := func(local string) int {
		return slices.Index(root.children, root.child(foundation, local))
	}
	if order("Extensions") > order("Applications") {
		list = append(list, "package-level-Extensions")
	}
	if bytes.Contains(data, []byte("\r\n")) {
		list = append(list, "CRLF")
	}
	if late := prefixes(root, beyond2021); len(late) > 0 {
		list = append(list, "beyond-2021-xsd:"+strings.Join(late, "+"))
	}
	return list
}

// beyond2021 reports whether a namespace is missing in the schemas published up
// to 2021.
func beyond2021(uri string) bool {
	rest, ok := strings.CutPrefix(uri, "http://schemas.microsoft.com/appx/")
	if !ok {
		return false
	}
	if strings.HasPrefix(rest, "developer/") {
		return rest == "developer/templatestudio"
	}
	newest := map[string]int{"uap": 13, "desktop": 8, "com": 4}
	family, version, _ := strings.Cut(strings.TrimPrefix(rest, "manifest/"), "/windows10/")
	n, err := strconv.Atoi(version)
	return err == nil && newest[family] > 0 && n > newest[family]
}

func prefixes(root *node, match func(uri string) bool) []string {
	var list []string
	for _, a := range root.attrs {
		if a.name.Space == "xmlns" && match(a.value) {
			list = append(list, a.name.Local)
		}
	}
	sort.Strings(list)
	return list
}

func anyNode(n *node, match func(*node) bool) bool {
	return match(n) || slices.ContainsFunc(n.children, func(c *node) bool { return anyNode(c, match) })
}

// everything resolves any path, as if all programs were present.
func everything(rel string) (string, bool) { return "/opt/app/" + rel, true }

// TestPage reads the manifest exactly as the tutorial prints it.
func TestPage(t *testing.T) {
	readCorpus(t)
	data, err := os.ReadFile(filepath.Join(corpus, "winmain-sample.AppxManifest.xml"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(FileName, data)
	if err != nil {
		t.Fatal(err)
	}
	checkSample(t, m, 46)
	_, err = m.Package("/opt/app", everything)
	want := `AppxManifest.xml:25: Resource Language="x-generate" still contains x-generate, which the build must replace
AppxManifest.xml:30: Application Executable="SampleBackgroundApp\$targetnametoken$.exe" still contains $targetnametoken$, which the build must replace
AppxManifest.xml:31: Application EntryPoint="$targetentrypoint$" still contains $targetentrypoint$, which the build must replace`
	if err == nil || err.Error() != want {
		t.Errorf("the page's template as a package:\n%v\nwant:\n%s", err, want)
	}
	if !errors.Is(err, task.ErrInvalid) {
		t.Error("the refusal is not ErrInvalid")
	}
	cut := append([]byte("\n"), data...) // as copied from the page's Markdown
	_, err = Parse(FileName, cut)
	want = "AppxManifest.xml:2: the XML declaration is not at the start of the file; remove what precedes it"
	if err == nil || err.Error() != want {
		t.Errorf("with a blank line before it: %v", err)
	}
}
