package wire

import "strings"

// LendSocket returns the path of the socket on which the broker hands over the listening
// sockets of runs. It is beside the broker's socket, because gRPC carries no descriptors.
//
// A client sends the 16 bytes of an InstanceID. The first byte of the answer is 0 if the
// socket comes with it (SCM_RIGHTS), or 1 if an encoded google.rpc.Status follows. Then
// the broker closes the connection.
func LendSocket(socket string) string { return strings.TrimSuffix(socket, ".sock") + "-fd.sock" }

const (
	lent    byte = 0
	notLent byte = 1
)
