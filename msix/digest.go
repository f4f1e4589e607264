package msix

import (
	"bytes"
	"crypto"
	"crypto/x509/pkix"
	"encoding/asn1"
)

// The signed content: SpcIndirectData with the digests of the package.
type (
	indirectData struct {
		Data   sipAttribute
		Digest digestInfo
	}
	sipAttribute struct {
		Type  asn1.ObjectIdentifier
		Value sipInfo
	}
	sipInfo struct {
		Version            int
		ID                 []byte
		R1, R2, R3, R4, R5 int
	}
	digestInfo struct {
		Algorithm pkix.AlgorithmIdentifier
		Digests   []byte
	}
)

// sipID identifies the digests as those of a package.
var sipID = []byte{0x4b, 0xdf, 0xc5, 0x0a, 0x07, 0xce, 0xe2, 0x4d, 0xb7, 0x6e, 0x23, 0xc8, 0x39, 0xa0, 0x9f, 0xd1}

// The digests, in their order. The last one is present only if the package has a
// catalog.
const (
	tagPackage  = "AXPC" // the file up to the signature part
	tagDir      = "AXCD" // the directory and end records as they would be without the signature part
	tagTypes    = "AXCT" // the content types
	tagBlockMap = "AXBM"
	tagCatalog  = "AXCI"
)

var digestTags = []string{tagPackage, tagDir, tagTypes, tagBlockMap, tagCatalog}

// digests are the signed digests of the package, by tag.
type digests map[string][]byte

func (d digests) bytes() []byte {
	b := []byte("APPX")
	for _, tag := range digestTags {
		if sum := d[tag]; sum != nil {
			b = append(append(b, tag...), sum...)
		}
	}
	return b
}

func (d digests) statement() ([]byte, error) {
	return asn1.Marshal(indirectData{
		Data:   sipAttribute{oidSipInfo, sipInfo{Version: 0x01010000, ID: sipID}},
		Digest: digestInfo{sha256Algorithm, d.bytes()},
	})
}

// parseStatement decodes the value of an SpcIndirectData. The string is the
// reason for a failure, or "".
func parseStatement(content []byte) (digests, crypto.Hash, string) {
	whole, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: content})
	if err != nil {
		return nil, 0, "contains a statement that cannot be decoded"
	}
	var data indirectData
	if rest, err := asn1.Unmarshal(whole, &data); err != nil || len(rest) > 0 {
		return nil, 0, "contains a statement that cannot be decoded"
	}
	if !data.Data.Type.Equal(oidSipInfo) || !bytes.Equal(data.Data.Value.ID, sipID) {
		return nil, 0, "is not the signature of a package"
	}
	hash := hashOf(data.Digest.Algorithm.Algorithm)
	if hash == 0 {
		return nil, 0, "uses a hash other than SHA-256, SHA-384 and SHA-512"
	}
	all, ok := bytes.CutPrefix(data.Digest.Digests, []byte("APPX"))
	d := digests{}
	for _, tag := range digestTags {
		rest, found := bytes.CutPrefix(all, []byte(tag))
		if found && len(rest) >= hash.Size() {
			d[tag], all = rest[:hash.Size()], rest[hash.Size():]
		}
	}
	if !ok || len(all) > 0 {
		return nil, 0, "does not contain exactly the digests of a package"
	}
	return d, hash, ""
}
