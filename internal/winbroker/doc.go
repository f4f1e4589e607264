// Package winbroker is Windows' own broker as the SDK needs it: a client.Broker
// and the host of its classes.
//
// Windows keeps little and tells less: of a registration its id and name, of a run
// nothing once it is over. What an application may want to know later is written
// into its local folder, one file per registration and one per run (records.go).
// That is the application's own account: other programs' runs are not in it.
//
// All calls of the system go through the interface system, so that what is decided
// here is tested everywhere; system_windows.go is the real one.
package winbroker
