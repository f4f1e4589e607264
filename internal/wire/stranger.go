package wire

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/bgtask/bgtask/task"
)

// strangerWithin bounds the connect: a socket whose backlog is full would block it.
const strangerWithin = 5 * time.Second

// Stranger returns an error if another user listens on a socket, and nil if the caller
// does or if no process listens.
func Stranger(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), strangerWithin)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil
	}
	defer conn.Close()
	p, err := peerOf(conn.(*net.UnixConn))
	if err != nil {
		return nil
	}
	defer p.close()
	return stranger(path, p.UID, os.Getuid())
}

func stranger(path string, theirs, ours int) error {
	if theirs == ours {
		return nil
	}
	return &task.Error{Subject: path, Err: task.ErrAccessDenied, Detail: fmt.Sprintf("the broker there is of uid %d, and you are uid %d", theirs, ours),
		Hint: "each user has a broker of their own; as that user: runuser -u NAME -- bgtask"}
}
