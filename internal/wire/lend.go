package wire

import "strings"

// LendSocket is where the listening sockets of runs are handed over: beside the
// broker's socket, because gRPC carries no descriptors.
//
// The one who asks sends the 16 bytes of an InstanceID. The answer is one byte: 0,
// and the socket comes with it (SCM_RIGHTS); or 1, and an encoded google.rpc.Status
// follows. Then the connection ends.
func LendSocket(socket string) string { return strings.TrimSuffix(socket, ".sock") + "-fd.sock" }

const (
	lent    byte = 0
	notLent byte = 1
)
