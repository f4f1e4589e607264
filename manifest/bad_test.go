package manifest

import (
	"io/fs"
	"strings"
	"testing"
)

func localPath(p string) bool { return fs.ValidPath(p) && p != "." }

// TestBad changes one place of the sample and checks the error text.
func TestBad(t *testing.T) {
	text := string(readSample(t))
	const (
		exe   = `<com:ExeServer Executable="SampleBackgroundApp\SampleBackgroundApp.exe"`
		class = `<com:Class Id="14C5882B-35D3-41BE-86B2-5106269B97E6" DisplayName="Sample Task" />`
		other = `<com:Class Id="B0C5A6F2-6A1D-4C63-8F0E-7A5C5D3F9A11" />`
	)
	for _, c := range []struct{ old, new, want string }{
		// The document.
		{"</Package>", "", ":59: not well-formed XML: unexpected EOF"},
		{"</Package>", "</Package><Package/>", ":58: not well-formed XML: a second root element"},
		{"</Package>", "</Package>x", ":58: not well-formed XML: text outside the root element"},
		{"</Applications>", "</Application>", ":53: not well-formed XML: element <Applications> closed by </Application>"},
		{"<Package\n", "<!DOCTYPE Package [<!ENTITY a \"b\">]>\n<Package\n", ":2: a manifest must not contain DOCTYPE or other <!...> declarations"},
		{"<DisplayName>Sample", "<DisplayName>&a;Sample", ":15: not well-formed XML: invalid character entity &a;"},
		{`Name="SampleP`, `Name="xyz" Name="SampleP`, ":10: Identity has two attributes Name"},
		{`Name="SampleP`, `Age="1"Name="SampleP`, ":9: not well-formed XML: no space between attributes"},
		{`<uap:SplashScreen`, `<tile:SplashScreen`, ":40: tile:SplashScreen: the prefix tile is not declared; xmlns:tile is missing"},
		{`<uap:SplashScreen`, `<uap:SplashScreen x:y="1"`, ":40: x:y: the prefix x is not declared; xmlns:x is missing"},
		{`xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10"`, `xmlns="http://schemas.microsoft.com/appx/2010/manifest"`,
			`:2: the root element is Package in the namespace "http://schemas.microsoft.com/appx/2010/manifest"; it must be Package in "http://schemas.microsoft.com/appx/manifest/foundation/windows10"`},
		{`"uap rescap"`, `"uap mp rescap"`, ":7: Package IgnorableNamespaces lists mp, but xmlns:mp is missing"},

		{`version="1.0" `, `version="1.1" `, ":1: unsupported version \"1.1\"; only version 1.0 is supported"},
		{`version="1.0" enc`, `version="1.0" c`, ":1: not well-formed XML: the XML declaration must be like <?xml version=\"1.0\" encoding=\"utf-8\"?>"},
		{"<Properties>", "<!-- \x01 --><Properties>", ":14: not well-formed XML: invalid character U+0001"},

		// Identity.
		{`Name="SamplePackagedWinMainBackgroundApp"`, ``, ":9: Identity has no attribute Name"},
		{`Name="SamplePackagedWinMainBackgroundApp"`, `Name="a_b"`, `:10: Identity Name="a_b" is not 3 to 50 letters, digits, dots and dashes`},
		{`Name="SamplePackagedWinMainBackgroundApp"`, `Name="ab"`, `:10: Identity Name="ab" is not 3 to 50 letters, digits, dots and dashes`},
		{`Name="SamplePackagedWinMainBackgroundApp"`, `Name="abc."`, `:10: Identity Name="abc." ends in a dot`},
		{`Name="SamplePackagedWinMainBackgroundApp"`, `Name="Com1.app"`, `:10: Identity Name="Com1.app" begins with a reserved Windows device name`},
		{`Name="SamplePackagedWinMainBackgroundApp"`, `Name="a.xn--b"`, `:10: Identity Name="a.xn--b" contains a part that begins with xn--`},
		{`Name="SamplePackagedWinMainBackgroundApp"`, `name="abc"`,
			":9: Identity has no attribute Name\n:10: Identity: unknown attribute name; allowed are Name, Publisher, Version, ProcessorArchitecture, ResourceId"},
		{`"CN=Contoso"`, `"Contoso"`, `:11: Identity Publisher="Contoso" is not a distinguished name; one looks like CN=Contoso, C=US`},
		{`"CN=Contoso"`, `"CN=Contoso,C=US"`, `:11: Identity Publisher="CN=Contoso,C=US" is not a distinguished name; one looks like CN=Contoso, C=US`},
		{`"CN=Contoso"`, `"CN = Contoso"`, `:11: Identity Publisher="CN = Contoso" is not a distinguished name; one looks like CN=Contoso, C=US`},
		{`"1.0.0.0"`, `"1.0"`, `:12: Identity Version="1.0" is not four numbers of 0 to 65535 without leading zeros; one looks like 1.0.0.0`},
		{`"1.0.0.0"`, `"1.0.0.65536"`, `:12: Identity Version="1.0.0.65536" is not four numbers of 0 to 65535 without leading zeros; one looks like 1.0.0.0`},
		{`"1.0.0.0"`, `"1.0.0.01"`, `:12: Identity Version="1.0.0.01" is not four numbers of 0 to 65535 without leading zeros; one looks like 1.0.0.0`},
		{`"1.0.0.0"`, `"1.0.0.0" ProcessorArchitecture="amd64"`, `:12: Identity ProcessorArchitecture="amd64" is not the name used in manifests; write x64`},
		{`"1.0.0.0"`, `"1.0.0.0" ProcessorArchitecture="vax"`, `:12: Identity ProcessorArchitecture="vax" is not one of x86, x64, arm, arm64, x86a64, neutral`},
		{`"1.0.0.0"`, `"1.0.0.0" ResourceId=""`, `:12: Identity ResourceId="" is not 1 to 30 letters, digits, dots and dashes`},
		{`<Properties>`, `<Identity Name="abc" /><Properties>`, `:14: Package has a second Identity; the first is on line 9`},
		{"<Identity", "<Id", ":2: Package has no element Identity"},
		{"<DisplayName>SamplePackagedWinMainBackgroundApp</DisplayName>", "", ":14: Properties has no element DisplayName"},
		{"<DisplayName>SamplePackagedWinMainBackgroundApp</DisplayName>", "<DisplayName> </DisplayName>", `:15: DisplayName "" is not 1 to 256 characters long`},
		{"Properties>", "Property>", ":2: Package has no element Properties"},

		// Applications.
		{`Id="App"`, ``, ":29: Application has no attribute Id"},
		{`Id="App"`, `Id="My App"`, `:29: Application Id="My App" is not 1 to 64 letters and digits, in parts that begin with a letter, with dots between`},
		{`<Applications>`, `<Applications><Application Id="APP" />`, `:29: Application Id="App" appears twice; the first is on line 28`},
		{"Executable=\"SampleBackgroundApp\\SampleBackgroundApp.exe\"\n", "Executable=\"..\\a.exe\"\n", `:30: Application Executable="..\a.exe" leaves the package folder`},

		// Paths.
		{exe, `<com:ExeServer`, ":46: com:ExeServer has no attribute Executable"},
		{exe, `<com:ExeServer Executable=""`, `:46: com:ExeServer Executable="" is not a path of 1 to 256 characters`},
		{exe, `<com:ExeServer Executable="a\..\..\b.exe"`, `:46: com:ExeServer Executable="a\..\..\b.exe" leaves the package folder`},
		{exe, `<com:ExeServer Executable="../b.exe"`, `:46: com:ExeServer Executable="../b.exe" leaves the package folder`},
		{exe, `<com:ExeServer Executable="/usr/bin/b.exe"`, `:46: com:ExeServer Executable="/usr/bin/b.exe" is absolute; a path starts at the package folder`},
		{exe, `<com:ExeServer Executable="\\host\b.exe"`, `:46: com:ExeServer Executable="\\host\b.exe" is absolute; a path starts at the package folder`},
		{exe, `<com:ExeServer Executable="C:\b.exe"`, `:46: com:ExeServer Executable="C:\b.exe" has a drive letter; a path starts at the package folder`},
		{exe, `<com:ExeServer Executable="c:b.exe"`, `:46: com:ExeServer Executable="c:b.exe" has a drive letter; a path starts at the package folder`},
		{exe, `<com:ExeServer Executable="a\b/c.exe"`, `:46: com:ExeServer Executable="a\b/c.exe" mixes \ and /; use one of them`},
		{exe, `<com:ExeServer Executable="%TEMP%\b.exe"`, `:46: com:ExeServer Executable="%TEMP%\b.exe" contains a control character or one of < > " : % | ? *`},
		{exe, `<com:ExeServer Executable="a&#9;b.exe"`, `:46: com:ExeServer Executable="a` + "\uFFFD" + `b.exe" contains a control character or one of < > " : % | ? *`},
		{exe, `<com:ExeServer Executable=".\b.exe"`, `:46: com:ExeServer Executable=".\b.exe" has a part that ends in a dot`},
		{exe, `<com:ExeServer Executable="a\\b.exe"`, `:46: com:ExeServer Executable="a\\b.exe" has an empty part`},
		{exe, `<com:ExeServer Executable="b.exe "`, `:46: com:ExeServer Executable="b.exe " begins or ends with white space`},
		{exe, `<com:ExeServer Executable="notes"`, `:46: com:ExeServer Executable="notes" does not end in .exe; on Linux the program file itself may lack the extension`},
		{exe, `<com:ExeServer Executable="a\.exe"`, `:46: com:ExeServer Executable="a\.exe" has no name before .exe`},

		// Class servers.
		{`Arguments="-S`, `Argument="-S`, `:46: com:ExeServer: unknown attribute Argument; allowed are Executable, Arguments, DisplayName, LaunchAndActivationPermission`},
		{`Arguments="-S`, `Arguments=" -S`, `:46: com:ExeServer Arguments=" -StartSampleTaskServer" begins or ends with white space`},
		{`Arguments="-S`, `LaunchAndActivationPermission="everyone" Arguments="-S`,
			`:46: com:ExeServer LaunchAndActivationPermission="everyone" is not a security descriptor (SDDL) of the parts O: G: D: S:`},
		{`"SampleBackgroundApp" Arguments`, `"" Arguments`, `:46: com:ExeServer DisplayName="" is not 1 to 256 characters long`},
		{class, ``, ":46: com:ExeServer serves no class; it needs a Class element"},
		{class, class + "\n" + `<com:Class Id="14c5882b-35d3-41be-86b2-5106269b97e6" />`, `:48: com:Class Id="14c5882b-35d3-41be-86b2-5106269b97e6" is declared twice; the first is on line 47`},
		{class, `<com:Class DisplayName="x" />`, ":47: com:Class has no attribute Id"},
		{`Id="14C5882B-35D3-41BE-86B2-5106269B97E6"`, `Id="{14C5882B-35D3-41BE-86B2-5106269B97E6}"`,
			`:47: com:Class Id="{14C5882B-35D3-41BE-86B2-5106269B97E6}" is in braces; write the GUID without them`},
		{`Id="14C5882B-35D3-41BE-86B2-5106269B97E6"`, `Id="14C5882B"`, `:47: com:Class Id="14C5882B" is not a GUID; one looks like 14C5882B-35D3-41BE-86B2-5106269B97E6`},
		{"</com:ExeServer>", "</com:ExeServer>\n" + `<com:ServiceServer Arguments="a">` + other + `</com:ServiceServer>`, ":49: com:ServiceServer has no attribute ServiceName"},
		{`Category="windows.comServer"`, ``, `:44: com:Extension has no attribute Category`},
		{`Category="windows.comServer"`, `Category="Windows.ComServer"`, `:44: com:Extension Category="Windows.ComServer" is neither windows.comServer nor windows.comInterface`},
		{`Category="windows.comServer"`, `Category="windows.comInterface"`, `:45: com:ComServer is in com:Extension but belongs in an Extension of Category "windows.comServer"`},
		{"</com:ComServer>", "</com:ComServer>\n<com:ComServer />", ":50: com:Extension has a second com:ComServer; the first is on line 45"},

		// Elements that would be ignored silently.
		{class, `<Class Id="B0C5A6F2-6A1D-4C63-8F0E-7A5C5D3F9A11" />` + class,
			`:47: Class has the namespace "http://schemas.microsoft.com/appx/manifest/foundation/windows10"; it must have "http://schemas.microsoft.com/appx/manifest/com/windows10" or a later one`},
		{`manifest/com/windows10"`, `manifest/com/windows11"`,
			`:45: com:ComServer has the namespace "http://schemas.microsoft.com/appx/manifest/com/windows11"; it must have "http://schemas.microsoft.com/appx/manifest/com/windows10" or a later one`},
		{"<Extensions>", `<com:ExeServer Executable="a.exe" /><Extensions>`, ":43: com:ExeServer is in Application but belongs in ComServer"},
		{"<Extensions>", "<Extensions>" + other, ":43: com:Class is in Extensions but belongs in ExeServer"},
		{"</Applications>", `<com:Extension Category="windows.comServer" /></Applications>`,
			":53: com:Extension is in Applications but belongs in the Extensions of an Application or of the Package"},

		// References.
		{class, class + "\n" + `<com:ClassReference Id="B0C5A6F2-6A1D-4C63-8F0E-7A5C5D3F9A11" />`,
			`:48: com:ClassReference Id="B0C5A6F2-6A1D-4C63-8F0E-7A5C5D3F9A11" does not refer to a Class in a ComServer`},
	} {
		changed := strings.ReplaceAll(text, c.old, c.new)
		if changed == text {
			t.Errorf("%q is not in the sample", c.old)
			continue
		}
		_, err := Parse(FileName, []byte(changed))
		checkFault(t, c.new, err, FileName+strings.ReplaceAll(c.want, "\n:", "\n"+FileName+":"))
	}
}

// Parse reports all faults, in file order.
func TestAllFaults(t *testing.T) {
	text := string(readSample(t))
	for _, change := range [][2]string{
		{`Version="1.0.0.0"`, `Version="1"`}, {`"CN=Contoso"`, `"Contoso"`},
		{"14C5882B-", "14C5882B"}, {`Id="App"`, `Id="1"`},
	} {
		text = strings.Replace(text, change[0], change[1], 1)
	}
	_, err := Parse(FileName, []byte(text))
	checkFault(t, "four", err, `AppxManifest.xml:11: Identity Publisher="Contoso" is not a distinguished name; one looks like CN=Contoso, C=US
AppxManifest.xml:12: Identity Version="1" is not four numbers of 0 to 65535 without leading zeros; one looks like 1.0.0.0
AppxManifest.xml:29: Application Id="1" is not 1 to 64 letters and digits, in parts that begin with a letter, with dots between
AppxManifest.xml:47: com:Class Id="14C5882B35D3-41BE-86B2-5106269B97E6" is not a GUID; one looks like 14C5882B-35D3-41BE-86B2-5106269B97E6`)
}

func TestProgramMissing(t *testing.T) {
	m, err := Parse(FileName, readSample(t))
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	_, err = m.Package("/opt/app", func(rel string) (string, bool) {
		asked = append(asked, rel)
		return "", false
	})
	checkFault(t, "no program", err, `AppxManifest.xml:46: ExeServer Executable="SampleBackgroundApp\SampleBackgroundApp.exe": `+
		`the package has no runnable program SampleBackgroundApp/SampleBackgroundApp.exe or SampleBackgroundApp/SampleBackgroundApp`)
	if got, want := strings.Join(asked, " "), "SampleBackgroundApp/SampleBackgroundApp.exe SampleBackgroundApp/SampleBackgroundApp"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}
