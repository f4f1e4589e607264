package manifest

import (
	"crypto/sha256"
	"encoding/base32"
	"unicode/utf16"
)

// Identity is the element Identity, which identifies the package.
type Identity struct {
	Name         string
	Publisher    string // the subject of the certificate that signs it, as written
	Version      string // "1.2.3.0"
	Architecture string // x86, x64, arm, arm64, x86a64, neutral; "" means neutral
	ResourceID   string
	Line         int
}

// FamilyName returns "Name_publisherhash". It is the same for every version and
// architecture, and identifies the package.
func (id Identity) FamilyName() string { return id.Name + "_" + PublisherID(id.Publisher) }

// FullName returns "Name_Version_Architecture_ResourceId_publisherhash". It
// identifies one build.
func (id Identity) FullName() string {
	arch := id.Architecture
	if arch == "" {
		arch = "neutral"
	}
	return id.Name + "_" + id.Version + "_" + arch + "_" + id.ResourceID + "_" + PublisherID(id.Publisher)
}

// AUMID returns the application user model id of the application with this Id.
func (id Identity) AUMID(application string) string { return id.FamilyName() + "!" + application }

// publisherAlphabet is Crockford's: it omits i, l, o and u.
var publisherAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// PublisherID returns the hash of a publisher that is part of the package's
// names: the first 64 bits of the SHA-256 of the text in UTF-16LE, as 13 digits
// of 5 bits each. Case, spaces and order matter.
func PublisherID(publisher string) string {
	units := utf16.Encode([]rune(publisher))
	text := make([]byte, 0, 2*len(units))
	for _, u := range units {
		text = append(text, byte(u), byte(u>>8))
	}
	sum := sha256.Sum256(text)
	return publisherAlphabet.EncodeToString(sum[:8])
}
