// Package msix makes, signs, opens and verifies .msix packages, the install
// format of Windows, with nothing but Go.
//
// [Pack] writes a package of a folder: the parts in the order and the layout of
// Microsoft's MakeAppx, each file in blocks of 64 KiB that stand alone and are
// named with their hashes in the block map. With a [Signer] the package is signed
// in the same pass; [Sign] signs one that is there, whoever packed it.
//
// [Open] reads the structure of a package and refuses one that could mean
// different things to different readers: parts that overlap, bytes that belong to
// no part, names that leave the folder or mean one file twice. [Reader.Verify]
// holds every byte against the signature and the block map, and the certificate
// against the caller's roots and the publisher that the manifest names.
// [Reader.Extract] writes the files into a folder, each block checked before it is
// written.
//
// Everything streams: a package may be larger than the memory. What is read of a
// stranger's package before it is trusted is bounded; the limits are constants of
// this package.
//
// An error is a *[Error]: one of the sentinels below, the part of the package it is
// about, a sentence, and a remedy where there is one. Bundles (.msixbundle) and
// encrypted packages are refused.
package msix
