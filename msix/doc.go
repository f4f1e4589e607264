// Package msix creates, signs, opens and verifies .msix packages, the install
// format of Windows, in pure Go.
//
// [Pack] writes a package of a folder. Order and layout of the parts are those of
// Microsoft's MakeAppx. Each file is split into independent blocks of 64 KiB,
// whose hashes are in the block map. With a [Signer] the package is signed in the
// same pass. [Sign] signs an existing package, made by any tool.
//
// [Open] reads the structure of a package. It rejects packages that different
// programs could read differently: with parts that overlap, bytes that belong to
// no part, names that lead out of the folder, or names that denote the same file.
// [Reader.Verify] checks every byte against the signature and the block map, and
// the certificate against the caller's roots and the publisher in the manifest.
// [Reader.Extract] writes the files into a folder and checks each block before
// writing it.
//
// All content is streamed, so a package may be larger than memory. What is read
// from an untrusted package is limited by the constants of this package.
//
// Errors are of type *[Error], which wraps one of the sentinel errors below and
// has the part of the package concerned, a description and, where possible, a
// hint. Bundles (.msixbundle) and encrypted packages are not supported.
package msix
