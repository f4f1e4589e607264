// Package rpc is the protocol's face: it decodes requests, finds out who sent them,
// hands them to the loop, and encodes the answers. It touches the engine only through a
// loop.Handle.
//
// Who a caller is comes from the kernel, once for each connection (identity.go). What it
// may see and do follows from that: the user's command line may do everything, an
// application only what concerns its package (call.go).
//
// Errors become statuses in the interceptors (service.go), and so does a panic: one bad
// call must not end the broker for all others.
package rpc
