package manifest_test

import (
	"fmt"
	"strings"

	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

// notes returns a package with one program and one task class.
func notes() *manifest.Manifest {
	return &manifest.Manifest{
		File:       manifest.FileName,
		Identity:   manifest.Identity{Name: "Contoso.Notes", Publisher: "CN=Contoso", Version: "1.2.0.0", Architecture: "x64"},
		Properties: manifest.Properties{DisplayName: "Notes", PublisherDisplayName: "Contoso", Logo: `Images\StoreLogo.png`},
		Dependencies: manifest.Dependencies{Families: []manifest.DeviceFamily{
			{Name: "Windows.Desktop", MinVersion: "10.0.19041.0", MaxVersionTested: "10.0.26100.0"},
		}},
		Applications: []manifest.Application{{
			ID: "App", Executable: "notes.exe", EntryPoint: "Windows.FullTrustApplication",
			Visual: manifest.Visual{DisplayName: "Notes", Description: "Notes", BackgroundColor: "transparent",
				Square150x150Logo: `Images\Square150x150Logo.png`, Square44x44Logo: `Images\Square44x44Logo.png`},
		}},
		Servers: []manifest.Server{{
			Kind: manifest.ExeServer, Application: "App", Executable: "notes.exe", Arguments: "-serve",
			Classes: []manifest.Class{{ID: task.MustGUID("b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a11"), DisplayName: "Sync"}},
		}},
		Capabilities: []manifest.Capability{{Space: manifest.NamespaceRescap, Name: "runFullTrust"}},
	}
}

func ExampleManifest_Marshal() {
	text, err := notes().Marshal()
	if err != nil {
		fmt.Println(err)
		return
	}
	m, findings := manifest.Check(manifest.FileName, text, manifest.Options{})
	fmt.Println(m.Identity.FullName(), manifest.Sound(findings))
	// Output: Contoso.Notes_1.2.0.0_x64__h91ms92gdsmmt true
}

func ExampleCheck() {
	text, err := notes().Marshal()
	if err != nil {
		fmt.Println(err)
		return
	}
	wrong := strings.Replace(string(text), "B0C5A6F2-", "{B0C5A6F2-", 1)
	_, findings := manifest.Check(manifest.FileName, []byte(wrong), manifest.Options{})
	for _, f := range findings {
		fmt.Printf("%s: %v: %s\n", f.Place(manifest.FileName), f.Severity, f.Message)
		fmt.Println("  hint:", f.Remedy)
	}
	// Output:
	// AppxManifest.xml:33:26: error: com:Class Id="{B0C5A6F2-6A1D-4C63-8F0E-7A5C5D3F9A11" is in braces; write the GUID without them
	//   hint: use the form 14C5882B-35D3-41BE-86B2-5106269B97E6
}

func ExampleIdentity() {
	id := manifest.Identity{Name: "Microsoft.WindowsCalculator", Version: "11.2401.0.0", Architecture: "x64",
		Publisher: "CN=Microsoft Corporation, O=Microsoft Corporation, L=Redmond, S=Washington, C=US"}
	fmt.Println(id.FamilyName())
	fmt.Println(id.FullName())
	fmt.Println(id.AUMID("App"))
	// Output:
	// Microsoft.WindowsCalculator_8wekyb3d8bbwe
	// Microsoft.WindowsCalculator_11.2401.0.0_x64__8wekyb3d8bbwe
	// Microsoft.WindowsCalculator_8wekyb3d8bbwe!App
}
