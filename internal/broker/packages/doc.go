// Package packages installs, recognizes and removes packages.
//
//   - A package file is verified and extracted by the goroutine of the call (unpack.go);
//     the engine gets it when it is in its place. A folder is installed where it is
//     (folder.go).
//   - A program belongs to the package that it claims, that launched it, or in whose
//     folder it lies; any other program gets an implied package (owner.go).
//   - What a removed package leaves, its data and output, is removed by an action that is
//     owed until it is done (removal.go). Folders of earlier versions are found by looking,
//     and removed when their last process has ended (sweep.go).
//   - The packages of the distribution are those in its folders (distribution.go).
//
// Manager is the face of the room; the parts behind it are given what they need.
package packages
