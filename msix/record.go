package msix

import "encoding/binary"

// Constants of the records in a ZIP archive. All numbers are little-endian.
const (
	sigLocal      = 0x04034b50
	sigDirectory  = 0x02014b50
	sigDescriptor = 0x08074b50
	sigEnd        = 0x06054b50
	sigEnd64      = 0x06064b50
	sigLocator64  = 0x07064b50

	localLen        = 30
	directoryLen    = 46
	descriptorLen   = 16
	descriptor64Len = 24
	endLen          = 22
	end64Len        = 56
	locator64Len    = 20

	methodStored   = 0
	methodDeflated = 8

	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3
	flagPatch      = 1 << 5
	flagStrong     = 1 << 6
	flagMasked     = 1 << 13

	extra64          = 0x0001
	extraUnicodeName = 0x7075

	none16 = 0xffff
	none32 = 0xffffffff
)

var le = binary.LittleEndian

// ends holds the numbers of the end records.
type ends struct {
	count  uint64 // entries of the directory
	size   int64  // bytes of the directory
	offset int64  // where it begins
}

// extra returns the extra field with this id, or nil. It returns false if the
// fields are malformed or contain the id twice.
func extra(fields []byte, id uint16) (found []byte, ok bool) {
	for len(fields) > 0 {
		if len(fields) < 4 {
			return nil, false
		}
		size := int(le.Uint16(fields[2:]))
		if len(fields) < 4+size {
			return nil, false
		}
		if le.Uint16(fields) == id {
			if found != nil {
				return nil, false
			}
			found = fields[4 : 4+size : 4+size]
		}
		fields = fields[4+size:]
	}
	return found, true
}
