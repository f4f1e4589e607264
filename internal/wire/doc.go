// Package wire is the protocol between the broker and everybody else: the
// conversions between the vocabulary of package task and the generated code of
// proto/bgtask/v1, the error table, the socket and the peer's credentials.
//
// Protobuf types are seen here and in the two layers that speak gRPC, the
// broker's service and the client; nowhere else. What comes from a peer is
// checked here: each conversion from the wire refuses what is over a limit.
package wire
