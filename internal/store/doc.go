// Package store keeps the engine's state and its history in SQLite.
//
//	Open -> Load -> Commit, Commit, ... -> Close
//
// One directory contains one store, store.db, and belongs to one broker at a time: Open
// takes the directory's lock. A Commit is one transaction and is durable when it
// returns (write-ahead log, synchronous=FULL). A failed Commit makes the store
// unusable: the engine's state in memory is then ahead of the disk, so the caller must
// open the store again and load.
//
// The writer is one connection, used only by the broker's loop. History, Events and
// Backup read concurrently with it, and may be called from any goroutine.
//
// A store that is damaged, of a newer version, on a network file system or held by
// another broker is refused with an explanation and a hint. It is never replaced by an
// empty one: a new store is created only in a directory without any trace of one.
//
// # How damage is found
//
// Each row ends in a checksum, which Load verifies, so no unchecked byte reaches the
// engine. SQLite's own check of its trees runs at Open if the last broker did not close
// the store properly, and on every daily copy before it counts.
package store
