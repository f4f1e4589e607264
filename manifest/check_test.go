package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

// lines formats findings, one per line.
func lines(all []Finding) string {
	var lines []string
	for _, f := range all {
		lines = append(lines, fmt.Sprintf("%d:%d %v %s: %s", f.Line, f.Column, f.Severity, f.Rule, f.Message))
	}
	return strings.Join(lines, "\n")
}

const clean = `9:3 warning identity-neutral: the package contains programs but names no processor architecture`

// TestCheck changes one place of the sample and checks the findings, in addition
// to the one that the sample always has.
func TestCheck(t *testing.T) {
	text := string(readSample(t))
	for _, c := range []struct{ old, new, want string }{
		{"<Properties>", "<Properties>", ""},
		{`Version="1.0.0.0"`, `Version="1.0.0.0" ProcessorArchitecture="x64"`, "-"},
		{`Version="1.0.0.0"`, `Version="0.1.0.0"`, `12:5 warning identity-version-zero: Identity Version="0.1.0.0" begins with 0`},
		{"<PublisherDisplayName>Contoso</PublisherDisplayName>", "", "14:3 error missing: Properties has no element PublisherDisplayName"},
		{`<Logo>Images\StoreLogo.png`, `<Logo>Images/StoreLogo.png`, `17:5 warning slash: Logo "Images/StoreLogo.png" uses / as the path separator`},
		{`<Logo>Images\StoreLogo.png`, `<Logo>StoreLogo.gif`, `17:5 error logo: Logo "StoreLogo.gif" does not end in .png, .jpg or .jpeg`},
		{`Language="en-us"`, `Language="english!"`, `25:15 error language: Resource Language="english!" is not a language tag; one looks like en-us`},
		{`Name="Windows.Desktop"`, `Name="Windows.Desk"`, `21:25 error device-family: TargetDeviceFamily Name="Windows.Desk" is not a known device family`},
		{`MinVersion="10.0.19041.0"`, `MinVersion="10.0.22000.0"`, `21:48 error max-version-tested: TargetDeviceFamily MinVersion="10.0.22000.0" is above MaxVersionTested="10.0.19041.0"`},
		{`MinVersion="10.0.19041.0"`, `MinVersion="10.0.9999.0"`, `21:48 warning min-version: TargetDeviceFamily MinVersion="10.0.9999.0": background tasks with a CLSID need Windows 10.0.19041.0`},
		{` MaxVersionTested="10.0.19041.0"`, ``, `21:5 error missing: TargetDeviceFamily has no attribute MaxVersionTested`},
		{`<TargetDeviceFamily Name="Windows.Desktop" MinVersion="10.0.19041.0" MaxVersionTested="10.0.19041.0" />`, ``, "20:3 error missing: Dependencies has no element TargetDeviceFamily"},
		{`Square44x44Logo="Images\S`, `Square44x44Logo="Images/S`,
			`38:9 warning slash: uap:VisualElements Square44x44Logo="Images/Square44x44Logo.png" uses / as the path separator`},
		{`BackgroundColor="transparent"`, `BackgroundColor="Transparent"`,
			`36:9 error background-color: uap:VisualElements BackgroundColor="Transparent" is not transparent, an HTML color name such as darkSlateGray, or #RRGGBB`},
		{`Description="SampleBackgroundApp"`, ``, `33:7 error missing: uap:VisualElements has no attribute Description`},
		{`Square44x44Logo="Images\Square44x44Logo.png"`, ``, `33:7 error missing: uap:VisualElements has no attribute Square44x44Logo`},
		{`<rescap:Capability Name="runFullTrust" />`, ``, `2:1 error full-trust: the Capability runFullTrust is missing; Windows requires it to start a class server`},
		{`<rescap:Capability Name="runFullTrust" />`, `<rescap:Capability Name="runFullTrust" /><rescap:Capability Name="runTrust" />`,
			`56:65 warning capability: rescap:Capability Name="runTrust" is not a known restricted capability`},
		{`<rescap:Capability Name="runFullTrust" />`, `<rescap:Capability Name="runFullTrust" /><rescap:Capability Name="runFullTrust" />`,
			`56:65 error twice: rescap:Capability Name="runFullTrust" appears twice; the first is on line 56`},
		{`MinVersion="10.0.19041.0" MaxVersionTested="10.0.19041.0"`, `MinVersion="10.0.14393.0" MaxVersionTested="10.0.14393.0"`,
			"21:48 warning min-version: TargetDeviceFamily MinVersion=\"10.0.14393.0\": background tasks with a CLSID need Windows 10.0.19041.0\n" +
				"44:9 warning namespace-newer: com:Extension uses a namespace introduced in Windows 10.0.15063.0, but MaxVersionTested=\"10.0.14393.0\" is older"},
		{`"uap rescap"`, `"rescap"`, "33:7 warning ignorable-missing: the prefix uap is used but not listed in IgnorableNamespaces"},
		{`"uap rescap"`, `"uap rescap com"`, "7:3 warning ignorable-com: IgnorableNamespaces lists com: a Windows version that does not know it silently ignores the class servers"},
		{` Arguments="-StartSampleTaskServer"`, ``, "46:13 warning com-arguments: com:ExeServer has no Arguments, so the program cannot distinguish a launch to serve from a start by the user"},
		{`<com:ExeServer Executable="SampleBackgroundApp\S`, `<com:ExeServer Executable="SampleBackgroundApp/S`,
			`46:28 warning slash: com:ExeServer Executable="SampleBackgroundApp/SampleBackgroundApp.exe" uses / as the path separator`},
		{`DisplayName="Sample Task"`, `DisplayName="Sample Task" ProgId="A.B"`, `47:94 error com-reference: com:Class ProgId="A.B" does not refer to a ProgId in this ComServer`},
		{`DisplayName="Sample Task"`, `DisplayName="Sample Task" AutoConvertTo="14c5882b-35d3-41be-86b2-5106269b97e7"`,
			`47:94 error com-reference: com:Class AutoConvertTo="14c5882b-35d3-41be-86b2-5106269b97e7" does not refer to a class in this ComServer`},
		{"<com:ComServer>", `<com:ComServer><com:ProgId Id="A.B" />`, "46:13 error com-order: com:ExeServer must come before com:ProgId"},
		{"</com:ComServer>", `<com:SurrogateServer><com:Class Id="` + classA + `" /></com:SurrogateServer></com:ComServer>`,
			"49:11 warning com-unsupported: com:SurrogateServer is not started on Linux: its classes are in a DLL\n" +
				"49:32 error missing: com:Class has no attribute Path\n49:32 error missing: com:Class has no attribute ThreadingModel"},
		{"<Extensions>", `<Extensions><Extension Category="windows.backgroundTasks" EntryPoint="A.B" />`,
			"43:19 note extension: Extension Category=\"windows.backgroundTasks\" has no effect on Linux\n" +
				"43:65 error activatable-class: Extension EntryPoint=\"A.B\" is not an ActivatableClass of the package"},
		{"<Resources>", "<Resource />\n<Resources>", "24:3 error unknown-element: Resource is not allowed in Package, which may contain Identity, Properties, Resources, Dependencies, Prerequisites, Capabilities, Extensions, Applications"},
		{`Language="en-us"`, `Language="x-generate"`, `25:15 error token: Resource Language="x-generate" still contains x-generate, which the build must replace`},
		{`EntryPoint="Windows.FullTrustApplication"`, `EntryPoint="$targetentrypoint$"`,
			`31:18 error token: Application EntryPoint="$targetentrypoint$" still contains $targetentrypoint$, which the build must replace`},
		{`"CN=Contoso"`, `"Contoso"`, `11:5 error identity-publisher: Identity Publisher="Contoso" is not a distinguished name; one looks like CN=Contoso, C=US`},
	} {
		changed := strings.Replace(text, c.old, c.new, 1)
		_, all := Check(FileName, []byte(changed), Options{})
		want := strings.Split(clean, "\n")
		if c.want == "-" {
			want = nil
		} else if c.want != "" {
			want = append(want, strings.Split(c.want, "\n")...)
		}
		got := strings.Split(lines(all), "\n")
		if lines(all) == "" {
			got = nil
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.new, diff)
		}
		for _, f := range all {
			if f.Remedy == "" {
				t.Errorf("%s: %s has no remedy", c.new, f.Rule)
			}
		}
	}
}

func TestCheckTemplate(t *testing.T) {
	text := strings.NewReplacer(`Language="en-us"`, `Language="x-generate"`, `SampleBackgroundApp.exe`, `$targetnametoken$.exe`,
		`"Windows.FullTrustApplication"`, `"$targetentrypoint$"`).Replace(string(readSample(t)))
	if _, all := Check(FileName, []byte(text), Options{}); Sound(all) || !strings.Contains(lines(all), "$targetnametoken$") {
		t.Errorf("as a final manifest:\n%s", lines(all))
	}
	m, all := Check(FileName, []byte(text), Options{Template: true, Files: []string{`Images\Square44x44Logo.png`, "Images/Square150x150Logo.png", "images/STORELOGO.png", "Images/Wide310x150Logo.scale-200.png"}})
	if !Sound(all) || !m.Template() {
		t.Errorf("as a template:\n%s", lines(all))
	}
}

func TestCheckFiles(t *testing.T) {
	files := []string{"SampleBackgroundApp/SampleBackgroundApp", "Images/scale-100/StoreLogo.png", `Images\Square150x150Logo.scale-100.png`, "Images/Square44x44Logo.png"}
	_, all := Check(FileName, readSample(t), Options{Files: files, Linux: true})
	want := clean + "\n" + `39:26 error file: uap:DefaultTile Wide310x150Logo: the package has no file Images/Wide310x150Logo.png`
	if diff := cmp.Diff(want, lines(all)); diff != "" {
		t.Errorf("on Linux (-want +got):\n%s", diff)
	}
	_, all = Check(FileName, readSample(t), Options{Files: append(files, "Images/Wide310x150Logo.png")})
	want = clean + "\n" + `30:18 error file: Application Executable="SampleBackgroundApp\SampleBackgroundApp.exe": the package has no file SampleBackgroundApp/SampleBackgroundApp.exe
46:28 error file: com:ExeServer Executable="SampleBackgroundApp\SampleBackgroundApp.exe": the package has no file SampleBackgroundApp/SampleBackgroundApp.exe`
	if diff := cmp.Diff(want, lines(all)); diff != "" {
		t.Errorf("on Windows (-want +got):\n%s", diff)
	}
}

func TestCheckPublisher(t *testing.T) {
	_, all := Check(FileName, readSample(t), Options{Publisher: "CN=Contoso"})
	if diff := cmp.Diff(clean, lines(all)); diff != "" {
		t.Errorf("the same (-want +got):\n%s", diff)
	}
	_, all = Check(FileName, readSample(t), Options{Publisher: "CN=Contoso, C=US"})
	want := clean + "\n" + `11:5 error identity-certificate: Identity Publisher="CN=Contoso" is not the subject of the certificate, "CN=Contoso, C=US"`
	if diff := cmp.Diff(want, lines(all)); diff != "" {
		t.Errorf("another (-want +got):\n%s", diff)
	}
}

func TestCheckClasses(t *testing.T) {
	m, err := Parse(FileName, readSample(t))
	if err != nil {
		t.Fatal(err)
	}
	a, b := task.MustGUID(classA), task.MustGUID(classB)
	for _, c := range []struct {
		registered, served []task.GUID
		want               string
	}{
		{[]task.GUID{sampleClass}, []task.GUID{sampleClass}, ""},
		{[]task.GUID{sampleClass}, nil, ""},
		{[]task.GUID{a}, []task.GUID{sampleClass}, "0:0 error class-undeclared: the program registers a task with class " + classA + ", which no ExeServer declares"},
		{[]task.GUID{a}, []task.GUID{a, b}, "0:0 error class-undeclared: the program serves class " + classA + ", which no ExeServer declares\n" +
			"0:0 error class-undeclared: the program serves class " + classB + ", which no ExeServer declares\n" +
			"47:1 warning class-unserved: the program does not serve class 14c5882b-35d3-41be-86b2-5106269b97e6"},
	} {
		if diff := cmp.Diff(c.want, lines(m.CheckClasses(c.registered, c.served))); diff != "" {
			t.Errorf("%v %v (-want +got):\n%s", c.registered, c.served, diff)
		}
	}
}

// Final manifests of public projects pass. Templates are rejected with each of
// their tokens, and pass when checked as templates.
func TestCorpusChecked(t *testing.T) {
	for name, want := range readCorpus(t) {
		data, err := os.ReadFile(filepath.Join(corpus, name))
		if err != nil {
			t.Fatal(err)
		}
		_, all := Check(name, data, Options{})
		if Sound(all) != (want.Kind == "final") {
			t.Errorf("%s is %s:\n%s", name, want.Kind, lines(all))
		}
		for _, token := range strings.Fields(want.Tokens) {
			if !slices.ContainsFunc(all, func(f Finding) bool { return f.Rule == RuleToken && strings.Contains(f.Message, token) }) {
				t.Errorf("%s: %s is not named", name, token)
			}
		}
		if _, all := Check(name, data, Options{Template: true}); !Sound(all) {
			t.Errorf("%s, as a template:\n%s", name, lines(all))
		}
	}
}

// Each rule has exactly one row, with a demand and a remedy.
func TestRuleTable(t *testing.T) {
	seen := map[Rule]bool{}
	for _, info := range RuleTable() {
		if seen[info.Rule] || info.Demand == "" || info.Remedy == "" || info.Rule != Rule(strings.ToLower(string(info.Rule))) {
			t.Errorf("the row of %s", info.Rule)
		}
		seen[info.Rule] = true
	}
}

// doc/MANIFEST.md contains the table of rules.
func TestRulesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../doc/MANIFEST.md")
	if err != nil {
		t.Fatal(err)
	}
	cell := strings.NewReplacer("|", `\|`, "<", "&lt;")
	for _, info := range RuleTable() {
		row := fmt.Sprintf("| `%s` | %v | %s | %s |\n", info.Rule, info.Severity, cell.Replace(info.Demand), cell.Replace(info.Remedy))
		if !strings.Contains(string(page), row) {
			t.Errorf("doc/MANIFEST.md lacks the row\n%s", row)
		}
	}
}

func TestUnqualified(t *testing.T) {
	for name, want := range map[string]string{
		"a/logo.png": "a/logo.png", "a/logo.scale-200.png": "a/logo.png", "a/scale-200/logo.png": "a/logo.png", "logo": "logo",
		"a/logo.targetsize-44_altform-unplated.png": "a/logo.png", "a.b.png": "a.b.png", "a.b.contrast-black.scale-100.png": "a.b.png", "en-us/x/logo.png": "x/logo.png",
	} {
		if got := unqualified(name); got != want {
			t.Errorf("%s without qualifiers is %s, want %s", name, got, want)
		}
	}
}
