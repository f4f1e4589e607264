// Package winbroker adapts the broker of Windows to what the SDK needs: a
// client.Broker and the host of its classes.
//
// Windows keeps only the id and the name of a registration, and nothing of a run that
// is over. What an application may want to know later is written into its local
// folder, one file per registration and one per run (records.go). These are the
// application's own records: runs of other programs are not in them.
//
// All calls to the system go through the interface system, so that the decisions made
// here are tested on every platform; system_windows.go is the real implementation.
package winbroker
