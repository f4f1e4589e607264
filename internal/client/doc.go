// Package client is the other end of the broker's socket: what the SDK and the
// command line share. It dials, starts a broker when there is none, repeats a
// call whose answer was lost under the same request id, and keeps a host
// attached across the broker's restarts.
package client
