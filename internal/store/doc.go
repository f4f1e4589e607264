// Package store keeps the engine's state and its history in SQLite.
//
//	Open -> Load -> Commit, Commit, ... -> Close
//
// One directory holds one store, store.db, and belongs to one broker at a time:
// Open takes the directory's lock. A Commit is one transaction and is durable
// when it returns (write-ahead log, synchronous=FULL). One that fails ends the
// store: the engine in memory is ahead of the disk, and the only way on is to
// open and load again.
//
// The writer is one connection, driven by the broker's loop alone. History,
// Events and Backup read beside it, from any goroutine.
//
// A store that is damaged, of a newer version, on a network file system or held
// by another broker is refused with a sentence and a remedy. It is never
// replaced by an empty one: only a directory without any trace of a store gets a
// new one.
//
// # How damage is found
//
// Each row ends in a checksum, which Load verifies, so that no byte of what the
// engine starts from goes unread. SQLite's own check of its trees runs at Open
// when the last broker did not close the store in order, and over every daily
// copy before it counts as one.
package store
