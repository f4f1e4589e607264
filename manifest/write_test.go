package manifest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

// withoutLines compares manifests without the positions in the file.
var withoutLines = cmp.FilterPath(func(p cmp.Path) bool {
	field, ok := p.Last().(cmp.StructField)
	return ok && slices.Contains([]string{"Line", "Tokens", "Warnings"}, field.Name())
}, cmp.Ignore())

func write(t *testing.T, m *Manifest) []byte {
	t.Helper()
	out, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkRoundTrip checks that reading a written manifest gives the same content,
// and that writing it again gives the same text.
func checkRoundTrip(t *testing.T, m *Manifest) []byte {
	t.Helper()
	out := write(t, m)
	again, err := Parse(m.File, out)
	if err != nil {
		t.Fatalf("%s: Parse rejects what Marshal wrote:\n%v\n%s", m.File, err, out)
	}
	if diff := cmp.Diff(m, again, withoutLines); diff != "" {
		t.Errorf("%s, written and read (-before +after):\n%s", m.File, diff)
	}
	if diff := cmp.Diff(string(out), string(write(t, again))); diff != "" {
		t.Errorf("%s, written a second time (-first +second):\n%s", m.File, diff)
	}
	return out
}

// canonical formats an element and its content as text that does not depend on
// order.
func canonical(n *node) string {
	var parts []string
	for _, a := range n.attrs {
		switch {
		case a.name.Space == "xmlns" || a.name == (attr{}).name || a.name.Local == "xmlns" || a.name.Local == "IgnorableNamespaces":
		default:
			parts = append(parts, fmt.Sprintf("@{%s}%s=%q", a.name.Space, a.name.Local, a.value))
		}
	}
	for _, c := range n.children {
		if n.name.Local == "Package" && len(c.attrs) == 0 && len(c.children) == 0 && strings.TrimSpace(string(c.text)) == "" {
			continue // an empty section is not written
		}
		parts = append(parts, canonical(c))
	}
	slices.Sort(parts)
	return fmt.Sprintf("{%s}%s(%s %q)", n.name.Space, n.name.Local, strings.Join(parts, " "), strings.TrimSpace(string(n.text)))
}

// Writing a manifest of a public project loses nothing.
func TestCorpusWritten(t *testing.T) {
	for name := range readCorpus(t) {
		data, err := os.ReadFile(filepath.Join(corpus, name))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(name, data)
		if err != nil {
			t.Fatal(err)
		}
		out := checkRoundTrip(t, m)
		before, after := canonical(parse(&findings{}, data)), canonical(parse(&findings{}, out))
		if before != after {
			t.Errorf("%s lost or gained something:\n%s\n%s", name, before, after)
		}
	}
}

func TestWritten(t *testing.T) {
	m := &Manifest{
		File:       FileName,
		Identity:   Identity{Name: "Contoso.Notes", Publisher: `CN="Contoso, Ltd.", C=US`, Version: "1.2.0.0", Architecture: "x64"},
		Properties: Properties{DisplayName: "Notes & more", PublisherDisplayName: "Contoso", Logo: `Images\StoreLogo.png`},
		Dependencies: Dependencies{Families: []DeviceFamily{
			{Name: "Windows.Desktop", MinVersion: "10.0.19041.0", MaxVersionTested: "10.0.26100.0"},
		}},
		Resources: []Resource{{Language: "en-us"}},
		Applications: []Application{{
			ID: "App", Executable: "notes.exe", EntryPoint: "Windows.FullTrustApplication",
			Visual: Visual{DisplayName: "Notes", Description: "Keeps\nnotes", BackgroundColor: "transparent", Square150x150Logo: "a.png", Square44x44Logo: "b.png"},
			Other:  Other{Attrs: []Attr{{NamespaceUAP + "/10", "TrustLevel", "mediumIL"}}},
		}},
		Servers: []Server{
			{Kind: ExeServer, Application: "App", Executable: "notes.exe", Arguments: "-serve", Classes: []Class{{ID: task.MustGUID(classA), DisplayName: "Sync"}}},
			{Kind: ExeServer, Application: "App", Executable: "notes.exe", Arguments: "-clean", Classes: []Class{{ID: task.MustGUID(classB)}}},
		},
		Capabilities: []Capability{{Name: "internetClient"}, {Space: NamespaceRescap, Name: "runFullTrust"}},
		Other: Other{Elements: []Element{
			{Space: "urn:strange", Local: "Thing", Attrs: []Attr{{"urn:other", "a", "<1>"}}, Text: "x", Children: []Element{{Local: "bare", Children: []Element{{Space: foundation, Local: "Back"}}}}},
		}},
	}
	const want = `<?xml version="1.0" encoding="utf-8"?>
<Package
  xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10"
  xmlns:com="http://schemas.microsoft.com/appx/manifest/com/windows10"
  xmlns:ns1="urn:strange"
  xmlns:ns2="urn:other"
  xmlns:rescap="http://schemas.microsoft.com/appx/manifest/foundation/windows10/restrictedcapabilities"
  xmlns:uap="http://schemas.microsoft.com/appx/manifest/uap/windows10"
  xmlns:uap10="http://schemas.microsoft.com/appx/manifest/uap/windows10/10"
  IgnorableNamespaces="ns1 ns2 rescap uap uap10">

  <Identity Name="Contoso.Notes" Publisher="CN=&quot;Contoso, Ltd.&quot;, C=US" Version="1.2.0.0" ProcessorArchitecture="x64" />

  <Properties>
    <DisplayName>Notes &amp; more</DisplayName>
    <PublisherDisplayName>Contoso</PublisherDisplayName>
    <Logo>Images\StoreLogo.png</Logo>
  </Properties>

  <Dependencies>
    <TargetDeviceFamily Name="Windows.Desktop" MinVersion="10.0.19041.0" MaxVersionTested="10.0.26100.0" />
  </Dependencies>

  <Resources>
    <Resource Language="en-us" />
  </Resources>

  <Applications>
    <Application Id="App" Executable="notes.exe" EntryPoint="Windows.FullTrustApplication" uap10:TrustLevel="mediumIL">
      <uap:VisualElements
          DisplayName="Notes"
          Description="Keeps&#xA;notes"
          BackgroundColor="transparent"
          Square150x150Logo="a.png"
          Square44x44Logo="b.png" />
      <Extensions>
        <com:Extension Category="windows.comServer">
          <com:ComServer>
            <com:ExeServer Executable="notes.exe" Arguments="-serve">
              <com:Class Id="0A000000-0000-0000-0000-000000000000" DisplayName="Sync" />
            </com:ExeServer>
            <com:ExeServer Executable="notes.exe" Arguments="-clean">
              <com:Class Id="0B000000-0000-0000-0000-000000000000" />
            </com:ExeServer>
          </com:ComServer>
        </com:Extension>
      </Extensions>
    </Application>
  </Applications>

  <Capabilities>
    <Capability Name="internetClient" />
    <rescap:Capability Name="runFullTrust" />
  </Capabilities>

  <ns1:Thing ns2:a="&lt;1&gt;">
    x
    <bare xmlns="">
      <Back xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10" />
    </bare>
  </ns1:Thing>

</Package>
`
	out := write(t, m)
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	again, err := Parse(FileName, out)
	if err != nil {
		t.Fatal(err)
	}
	checkRoundTrip(t, again)
}

// Elements of several com namespaces keep their namespace and, in the first one,
// the prescribed order.
func TestMixedVersions(t *testing.T) {
	text := withServers(
		comServer("c", `<c:ExeServer Executable="a.exe"><c:Class Id="`+classA+`" /></c:ExeServer><c:ProgId Id="A.B" /><c3:ServiceServer ServiceName="s"><c:Class Id="`+classB+`" /></c3:ServiceServer>`)+
			`<c2:Extension Category="windows.comServer" Executable="x.exe" />`+
			`<Extension Category="windows.backgroundTasks" EntryPoint="X"><BackgroundTasks><Task Type="timer" /></BackgroundTasks></Extension>`,
		comServer("c4", `<c4:Class Id="`+classC+`" DisplayName="C" /><c4:ExeServer Executable="d.exe"><c4:ClassReference Id="`+classC+`" EnableOleDefaultHandler="true" /></c4:ExeServer>`))
	m, _ := parsePackage(t, text)
	out := checkRoundTrip(t, m)
	for _, part := range []string{`<com2:Extension Category="windows.comServer" Executable="x.exe" />`, "<com3:ServiceServer", "<com4:ClassReference", "<com:ProgId", `EnableOleDefaultHandler="true"`} {
		if !bytes.Contains(out, []byte(part)) {
			t.Errorf("%s is lost:\n%s", part, out)
		}
	}
	if server, prog := bytes.Index(out, []byte("ServiceServer")), bytes.Index(out, []byte("ProgId")); server < prog {
		t.Errorf("ServiceServer is before ProgId:\n%s", out)
	}
}

// Line breaks and tabs written as character references are preserved.
func TestWhiteSpaceWritten(t *testing.T) {
	text := "a\tb\nc\rd\r\ne"
	m := &Manifest{
		File:       FileName,
		Identity:   Identity{Name: "Contoso.Notes", Publisher: "CN=Contoso", Version: "1.2.0.0"},
		Properties: Properties{DisplayName: "Notes", Other: Other{Elements: []Element{{Space: "urn:x", Local: "Kept", Text: " " + text, Attrs: []Attr{{Local: "kept", Value: text}}}}}},
	}
	checkRoundTrip(t, m)
}

func TestUnwritable(t *testing.T) {
	for _, text := range []string{"a\x00b", "\xff"} {
		m := &Manifest{Properties: Properties{DisplayName: text}}
		if _, err := m.Marshal(); err == nil || !strings.Contains(err.Error(), "contains a character that XML does not allow") {
			t.Errorf("%q: %v", text, err)
		}
	}
	m := &Manifest{Properties: Properties{Description: strings.Repeat("a", task.MaxManifest)}}
	if _, err := m.Marshal(); err == nil || !strings.Contains(err.Error(), "would exceed its size limit") {
		t.Errorf("too large: %v", err)
	}
}
