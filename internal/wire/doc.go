// Package wire is the protocol between the broker and its clients: the conversions
// between the vocabulary of package task and the generated code of proto/bgtask/v1, the
// error table, the socket and the peer's credentials.
//
// A conversion to the wire is named XTo, its inverse XFrom. Protobuf types appear only
// here and in the two layers that speak gRPC: the broker's service and the client.
// Messages from a peer are checked here: each conversion of a request refuses whatever
// exceeds a limit.
package wire
