package msix

import "github.com/bgtask/bgtask/manifest"

// What is read of a package before it is trusted.
const (
	MaxParts        = 100_000   // parts of a package
	MaxDirectory    = 32 << 20  // bytes of its central directory
	MaxBlockMap     = 64 << 20  // bytes of its block map: enough for 40 GiB of files
	MaxContentTypes = 4 << 20   // bytes of its list of content types
	MaxSignature    = 1 << 20   // bytes of its signature
	MaxCatalog      = 16 << 20  // bytes of its code integrity catalogue
	MaxSize         = 256 << 30 // bytes of all its files, unpacked
	MaxName         = 1024      // bytes of a name, 255 of each of its folders
)

// A package whose files are larger than freeGrowth in all may not grow more than
// maxGrowth times when it is unpacked.
const (
	freeGrowth = 1 << 30
	maxGrowth  = 100
)

// blockSize is how much of a file a block holds.
const blockSize = 64 << 10

// maxManifest is what package manifest reads.
const maxManifest = 1 << 20

// maxBlock bounds the packed form of a block.
const maxBlock = 2 * blockSize

// The parts that are not files of the application.
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

// inBlockMap says whether the block map lists the part.
func inBlockMap(name string) bool { return name == manifestName || !isFootprint(name) }
