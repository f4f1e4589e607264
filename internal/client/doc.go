// Package client is the other end of the broker's socket, shared by the SDK and the
// command line. It dials, starts a broker if none is running, repeats a call whose
// answer was lost under the same request id, and keeps a host attached across the
// broker's restarts.
package client
