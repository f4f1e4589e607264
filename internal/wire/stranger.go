package wire

import (
	"fmt"
	"net"
	"os"

	"github.com/bgtask/bgtask/task"
)

// Stranger says that another user listens on a socket; nil when it is the caller, or
// nobody.
func Stranger(path string) error {
	conn, err := net.Dial("unix", path)
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
