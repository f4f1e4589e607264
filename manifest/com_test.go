package manifest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

const (
	classA = "0a000000-0000-0000-0000-000000000000"
	classB = "0b000000-0000-0000-0000-000000000000"
	classC = "0c000000-0000-0000-0000-000000000000"
	classD = "0d000000-0000-0000-0000-000000000000"
)

// withServers returns a small manifest with extensions in its application and in
// the package.
func withServers(inApplication, inPackage string) string {
	return `<Package xmlns="` + foundation + `" xmlns:c="` + comNamespace + `" xmlns:c2="` + comNamespace + `/2"
		xmlns:c3="` + comNamespace + `/3" xmlns:c4="` + comNamespace + `/4" xmlns:r="` + rescap + `">
		<Identity Name="Test" Publisher="CN=Test" Version="1.0.0.0" />
		<Properties><DisplayName>ms-resource:Name</DisplayName></Properties>
		<Applications><Application Id="App"><Extensions>` + inApplication + `</Extensions></Application></Applications>
		<Extensions>` + inPackage + `</Extensions>
		<Capabilities><r:Capability Name="runFullTrust" /></Capabilities>
		</Package>`
}

// comServer wraps elements in the Extension and ComServer elements of a com
// namespace.
func comServer(prefix, content string) string {
	return fmt.Sprintf("\n<%[1]s:Extension Category=\"windows.comServer\"><%[1]s:ComServer>%[2]s</%[1]s:ComServer></%[1]s:Extension>", prefix, content)
}

func parsePackage(t *testing.T, text string) (*Manifest, task.Package) {
	t.Helper()
	m, err := Parse(FileName, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Package("/opt/app", everything)
	if err != nil {
		t.Fatal(err)
	}
	return m, p
}

func TestEveryNamespaceAndPlace(t *testing.T) {
	text := withServers(
		comServer("c", `<c:ExeServer Executable="a.exe"><c:Class Id="`+classA+`" /></c:ExeServer>`)+
			comServer("c2", `<c2:ExeServer Executable="b.exe"><c2:Class Id="`+classB+`" /></c2:ExeServer>`),
		comServer("c3", `<c3:ExeServer Executable="c.exe"><c3:Class Id="`+classC+`" /></c3:ExeServer>`)+
			comServer("c4", `<c4:ExeServer Executable="bin/D.EXE"><c:Class Id="`+classD+`" /></c4:ExeServer>`))
	m, p := parsePackage(t, strings.ReplaceAll(text, comNamespace+"/4", comNamespace+"/17"))
	want := []task.ClassServer{
		{Executable: "/opt/app/a.exe", Classes: []task.GUID{task.MustGUID(classA)}, Declared: "AppxManifest.xml:6"},
		{Executable: "/opt/app/b.exe", Classes: []task.GUID{task.MustGUID(classB)}, Declared: "AppxManifest.xml:7"},
		{Executable: "/opt/app/c.exe", Classes: []task.GUID{task.MustGUID(classC)}, Declared: "AppxManifest.xml:9"},
		{Executable: "/opt/app/bin/D.EXE", Classes: []task.GUID{task.MustGUID(classD)}, Declared: "AppxManifest.xml:10"},
	}
	if diff := cmp.Diff(want, p.Servers); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
	var places []string
	for _, s := range m.Servers {
		places = append(places, s.Application)
	}
	if want := []string{"App", "App", "", ""}; !slices.Equal(places, want) {
		t.Errorf("in the applications %q, want %q", places, want)
	}
	if p.DisplayName != "Test" {
		t.Errorf("display name %q: a reference to a resource means nothing to users", p.DisplayName)
	}
}

// Servers with equal executable and arguments are one class server.
func TestOneServer(t *testing.T) {
	_, p := parsePackage(t, withServers(comServer("c",
		`<c:ExeServer Executable="a.exe" Arguments="-x  y"><c:Class Id="`+classA+`" /></c:ExeServer>`+
			`<c:ExeServer Executable="a.exe" Arguments="-x"><c:Class Id="`+classB+`" /></c:ExeServer>`+
			`<c:ExeServer Executable="a.exe" Arguments="-x &quot;y&quot;"><c:Class Id="`+classC+`" /></c:ExeServer>`), ""))
	want := []task.ClassServer{
		{Executable: "/opt/app/a.exe", Arguments: []string{"-x", "y"}, Classes: []task.GUID{task.MustGUID(classA), task.MustGUID(classC)}, Declared: "AppxManifest.xml:6"},
		{Executable: "/opt/app/a.exe", Arguments: []string{"-x"}, Classes: []task.GUID{task.MustGUID(classB)}, Declared: "AppxManifest.xml:6"},
	}
	if diff := cmp.Diff(want, p.Servers); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}

// Servers that cannot be started on Linux cause a warning and declare no class.
func TestOtherKinds(t *testing.T) {
	m, p := parsePackage(t, withServers(comServer("c",
		`<c:SurrogateServer AppId="`+classD+`"><c:Class Id="`+classA+`" Path="a.dll" ThreadingModel="STA" /></c:SurrogateServer>`+
			`<c3:ServiceServer ServiceName="s"><c3:Class Id="`+classB+`" /></c3:ServiceServer>`+
			`<c:TreatAsClass Id="`+classC+`" TreatAs="`+classA+`" />`), ""))
	var kinds []Kind
	for _, s := range m.Servers {
		kinds = append(kinds, s.Kind)
	}
	if want := []Kind{SurrogateServer, ServiceServer}; !slices.Equal(kinds, want) {
		t.Errorf("kinds %v, want %v", kinds, want)
	}
	if len(p.Servers)+len(p.Classes) > 0 {
		t.Errorf("the package has servers %v and classes %v", p.Servers, p.Classes)
	}
	want := []string{
		"AppxManifest.xml:6: c:SurrogateServer is not started on Linux: its classes are in a DLL",
		"AppxManifest.xml:6: c3:ServiceServer is not started on Linux: it is a Windows service",
		"AppxManifest.xml:6: c:TreatAsClass is not supported on Linux and declares no class",
	}
	if diff := cmp.Diff(want, p.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// Servers can refer to classes next to them (com4), before or after the class.
func TestClassReference(t *testing.T) {
	ref := func(id string) string { return `<c4:ClassReference Id="` + id + `" />` }
	_, p := parsePackage(t, withServers(
		comServer("c", `<c:ExeServer Executable="a.exe">`+ref(classA)+ref(strings.ToUpper(classB))+`</c:ExeServer>
			<c4:ExeServer Executable="none.exe" />`),
		comServer("c4", `<c4:Class Id="`+classA+`" /><c4:Class Id="`+classB+`" /><c4:Class Id="`+classC+`" />`)))
	a, b, c := task.MustGUID(classA), task.MustGUID(classB), task.MustGUID(classC)
	want := []task.ClassServer{{Executable: "/opt/app/a.exe", Classes: []task.GUID{a, b}, Declared: "AppxManifest.xml:6"}}
	if diff := cmp.Diff(want, p.Servers); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]task.GUID{a, b, c}, p.Classes); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}

	_, err := Parse(FileName, []byte(withServers(
		comServer("c", `<c:ExeServer Executable="a.exe">`+ref(classA)+`</c:ExeServer>`+"\n"+`<c:ExeServer Executable="b.exe">`+ref(classA)+`</c:ExeServer>`),
		comServer("c4", `<c4:Class Id="`+classA+`" />`))))
	checkFault(t, "two servers", err, `AppxManifest.xml:7: c4:ClassReference Id="`+classA+`" is served twice; the first is on line 6`)
}

func TestWarnings(t *testing.T) {
	text := string(readSample(t))
	for _, change := range [][2]string{
		{`"uap rescap"`, `"uap rescap com"`}, {`MinVersion="10.0.19041.0"`, `MinVersion="10.0.17763.0"`}, {`Name="runFullTrust"`, `Name="other"`},
	} {
		text = strings.Replace(text, change[0], change[1], 1)
	}
	_, p := parsePackage(t, text)
	want := []string{
		"AppxManifest.xml:2: the Capability runFullTrust is missing; Windows requires it to start a class server",
		"AppxManifest.xml:7: IgnorableNamespaces lists com: a Windows version that does not know it silently ignores the class servers",
		`AppxManifest.xml:21: TargetDeviceFamily MinVersion="10.0.17763.0": background tasks with a CLSID need Windows 10.0.19041.0`,
	}
	if diff := cmp.Diff(want, p.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// Line breaks in an attribute are spaces in XML.
func TestAttributeSpace(t *testing.T) {
	for in, want := range map[string][]string{
		"-a\n\t-b":     {"-a", "-b"},
		"-a\r\n-b":     {"-a", "-b"},
		"-a&#10;-b":    {"-a\n-b"},
		"&lt;&amp;'x'": {"<&'x'"},
	} {
		_, p := parsePackage(t, withServers(comServer("c",
			`<c:ExeServer Executable="a.exe" Arguments="`+in+`"><c:Class Id="`+classA+`" /></c:ExeServer>`), ""))
		if diff := cmp.Diff(want, p.Servers[0].Arguments); diff != "" {
			t.Errorf("Arguments=%q (-want +got):\n%s", in, diff)
		}
	}
}
