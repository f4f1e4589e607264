package manifest

import "testing"

// Published pairs of publisher and hash. The last one is the sample's, computed
// by other software.
func TestPublisherID(t *testing.T) {
	for publisher, want := range map[string]string{
		"CN=Microsoft Corporation, O=Microsoft Corporation, L=Redmond, S=Washington, C=US":  "8wekyb3d8bbwe",
		"CN=Microsoft Windows, O=Microsoft Corporation, L=Redmond, S=Washington, C=US":      "cw5n1h2txyewy",
		"CN=Skype Software Sarl, O=Microsoft Corporation, L=Luxembourg, S=Luxembourg, C=LU": "kzf8qxf38zg5c",
		"CN=C357A519-CEE3-4675-9EF4-44DE1D99A5D6":                                           "amge560j0aq9g",
		"CN=07AACB4D-E1D7-4606-AF0F-77713A7C52F6":                                           "a2xxwqz7shah6",
		"CN=B408A06D-44F7-4860-A12E-644DD44FA740":                                           "pd2za7f9waemw",
		"CN=B408A06D-44F7-4860-A12E-644DD44FA743":                                           "f08ys7xx9zb3y",
		"CN=Contoso": "h91ms92gdsmmt",
	} {
		if got := PublisherID(publisher); got != want {
			t.Errorf("PublisherID(%q) = %s, want %s", publisher, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	id := Identity{
		Name:      "Microsoft.WindowsCalculator",
		Publisher: "CN=Microsoft Corporation, O=Microsoft Corporation, L=Redmond, S=Washington, C=US",
		Version:   "11.2401.0.0",
	}
	if got, want := id.FamilyName(), "Microsoft.WindowsCalculator_8wekyb3d8bbwe"; got != want {
		t.Errorf("family %s, want %s", got, want)
	}
	if got, want := id.AUMID("App"), "Microsoft.WindowsCalculator_8wekyb3d8bbwe!App"; got != want {
		t.Errorf("AUMID %s, want %s", got, want)
	}
	if got, want := id.FullName(), "Microsoft.WindowsCalculator_11.2401.0.0_neutral__8wekyb3d8bbwe"; got != want {
		t.Errorf("full name %s, want %s", got, want)
	}
	id.Architecture, id.ResourceID = "x64", "split.scale-125"
	if got, want := id.FullName(), "Microsoft.WindowsCalculator_11.2401.0.0_x64_split.scale-125_8wekyb3d8bbwe"; got != want {
		t.Errorf("full name %s, want %s", got, want)
	}
}
