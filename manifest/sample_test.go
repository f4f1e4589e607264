package manifest

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

const sample = "testdata/sample.xml"

func readSample(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var sampleClass = task.MustGUID("14C5882B-35D3-41BE-86B2-5106269B97E6")

// checkSample checks what the tutorial's manifest and ours have in common.
func checkSample(t *testing.T, m *Manifest, line int) {
	t.Helper()
	identity := Identity{Name: "SamplePackagedWinMainBackgroundApp", Publisher: "CN=Contoso", Version: "1.0.0.0", Line: 9}
	if diff := cmp.Diff(identity, m.Identity); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
	properties := Properties{DisplayName: "SamplePackagedWinMainBackgroundApp", PublisherDisplayName: "Contoso", Logo: `Images\StoreLogo.png`}
	if diff := cmp.Diff(properties, m.Properties); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	servers := []Server{{
		Kind:        ExeServer,
		Application: "App",
		Executable:  `SampleBackgroundApp\SampleBackgroundApp.exe`,
		Arguments:   "-StartSampleTaskServer",
		DisplayName: "SampleBackgroundApp",
		Classes:     []Class{{ID: sampleClass, DisplayName: "Sample Task", Line: line + 1}},
		Line:        line,
	}}
	if diff := cmp.Diff(servers, m.Servers); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
}

func TestSample(t *testing.T) {
	m, err := Parse(FileName, readSample(t))
	if err != nil {
		t.Fatal(err)
	}
	checkSample(t, m, 46)
	apps := []Application{{
		ID: "App", Executable: `SampleBackgroundApp\SampleBackgroundApp.exe`, EntryPoint: "Windows.FullTrustApplication",
		Visual: Visual{
			Space: NamespaceUAP, DisplayName: "SampleBackgroundApp", Description: "SampleBackgroundApp", BackgroundColor: "transparent",
			Square150x150Logo: `Images\Square150x150Logo.png`, Square44x44Logo: `Images\Square44x44Logo.png`,
			Other: Other{Elements: []Element{
				{Space: NamespaceUAP, Local: "DefaultTile", Attrs: []Attr{{"", "Wide310x150Logo", `Images\Wide310x150Logo.png`}}, Line: 39},
				{Space: NamespaceUAP, Local: "SplashScreen", Attrs: []Attr{{"", "Image", `Images\SplashScreen.png`}}, Line: 40},
			}},
		},
		Line: 29,
	}}
	if diff := cmp.Diff(apps, m.Applications); diff != "" {
		t.Errorf("applications (-want +got):\n%s", diff)
	}
	linux := func(rel string) (string, bool) {
		return "/opt/app/" + rel, rel == "SampleBackgroundApp/SampleBackgroundApp"
	}
	got, err := m.Package("/opt/app", linux)
	if err != nil {
		t.Fatal(err)
	}
	want := task.Package{
		Family:      "SamplePackagedWinMainBackgroundApp_h91ms92gdsmmt",
		Name:        "SamplePackagedWinMainBackgroundApp",
		Publisher:   "CN=Contoso",
		Version:     "1.0.0.0",
		DisplayName: "SamplePackagedWinMainBackgroundApp",
		Folder:      "/opt/app",
		Servers: []task.ClassServer{{
			Executable: "/opt/app/SampleBackgroundApp/SampleBackgroundApp",
			Arguments:  []string{"-StartSampleTaskServer"},
			Classes:    []task.GUID{sampleClass},
			Declared:   "AppxManifest.xml:46",
		}},
		Classes: []task.GUID{sampleClass},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("package (-want +got):\n%s", diff)
	}
}
