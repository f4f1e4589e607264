package manifest

import (
	"crypto/sha256"
	"encoding/base32"
	"unicode/utf16"
)

// Identity is the element Identity: who the package is.
type Identity struct {
	Name         string
	Publisher    string // the subject of the certificate that signs it, as written
	Version      string // "1.2.3.0"
	Architecture string // x86, x64, arm, arm64, x86a64, neutral; "" means neutral
	ResourceID   string
	Line         int
}

// FamilyName is "Name_publisherhash": the same for every version and
// architecture. It is the identity of a package.
func (id Identity) FamilyName() string { return id.Name + "_" + PublisherID(id.Publisher) }

// FullName is "Name_Version_Architecture_ResourceId_publisherhash": one build.
func (id Identity) FullName() string {
	arch := id.Architecture
	if arch == "" {
		arch = "neutral"
	}
	return id.Name + "_" + id.Version + "_" + arch + "_" + id.ResourceID + "_" + PublisherID(id.Publisher)
}

// AUMID is the application user model id of the application with that Id.
func (id Identity) AUMID(application string) string { return id.FamilyName() + "!" + application }

// publisherAlphabet has no i, l, o, u.
var publisherAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// PublisherID is the hash of a publisher in the names of its packages: the first
// 64 bits of the SHA-256 of the text in UTF-16LE, as 13 digits of 5 bits. Case,
// spaces and order count.
func PublisherID(publisher string) string {
	units := utf16.Encode([]rune(publisher))
	text := make([]byte, 0, 2*len(units))
	for _, u := range units {
		text = append(text, byte(u), byte(u>>8))
	}
	sum := sha256.Sum256(text)
	return publisherAlphabet.EncodeToString(sum[:8])
}
