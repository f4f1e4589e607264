package msix

import "github.com/bgtask/bgtask/manifest"

// Limits on what is read from a package before it is trusted.
const (
	MaxParts        = 100_000   // number of parts
	MaxDirectory    = 32 << 20  // bytes of the central directory
	MaxBlockMap     = 64 << 20  // bytes of the block map, enough for 40 GiB of files
	MaxContentTypes = 4 << 20   // bytes of the list of content types
	MaxSignature    = 1 << 20   // bytes of the signature
	MaxCatalog      = 16 << 20  // bytes of the code integrity catalog
	MaxSize         = 256 << 30 // bytes of all files, unpacked
	MaxName         = 1024      // bytes of a name; each part of it has at most 255
)

// A package that unpacks to more than freeGrowth bytes may be at most maxGrowth times
// smaller than its content.
const (
	freeGrowth = 1 << 30
	maxGrowth  = 100
)

// blockSize is the number of bytes of a file in one block.
const blockSize = 64 << 10

// maxManifest is the size limit of package manifest.
const maxManifest = 1 << 20

// maxBlock limits the packed size of a block.
const maxBlock = 2 * blockSize

// Parts that are not files of the application.
const (
	manifestName     = manifest.FileName
	blockMapName     = "AppxBlockMap.xml"
	contentTypesName = "[Content_Types].xml"
	signatureName    = "AppxSignature.p7x"
	catalogName      = "AppxMetadata/CodeIntegrity.cat"
)

func isFootprint(name string) bool {
	switch name {
	case manifestName, blockMapName, contentTypesName, signatureName, catalogName:
		return true
	}
	return false
}

// inBlockMap reports whether the block map lists the part.
func inBlockMap(name string) bool { return name == manifestName || !isFootprint(name) }
