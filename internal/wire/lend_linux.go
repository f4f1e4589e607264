package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// lendWithin bounds an exchange, in which neither end has to wait for anything else.
const lendWithin = 10 * time.Second

// Borrow asks the broker for the listening socket of a live run of this process.
// The caller closes the file.
func Borrow(ctx context.Context, socket string, instance task.GUID) (*os.File, error) {
	ctx, stop := context.WithTimeout(ctx, lendWithin)
	defer stop()
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", LendSocket(socket))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", task.ErrUnavailable, err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })()
	if _, err := c.Write(instance[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", task.ErrUnavailable, err)
	}
	file, err := receive(c.(*net.UnixConn))
	if ctx.Err() != nil && err != nil {
		err = fmt.Errorf("%w: %w", task.ErrUnavailable, context.Cause(ctx))
	}
	return file, err
}

// receive reads the answer to a Borrow.
func receive(c *net.UnixConn) (*os.File, error) {
	kind, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	n, m, _, _, err := c.ReadMsgUnix(kind, rights)
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", task.ErrUnavailable, err)
	}
	file, err := fileOf(rights[:m])
	switch {
	case err != nil:
		return nil, err
	case kind[0] == lent && file == nil:
		return nil, fmt.Errorf("%w: the broker's answer has no socket", task.ErrInternal)
	case kind[0] == lent:
		return file, nil
	case file != nil:
		_ = file.Close() // not asked for
	}
	text, err := io.ReadAll(io.LimitReader(c, task.MaxMessage))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", task.ErrUnavailable, err)
	}
	s := status.New(codes.OK, "").Proto()
	if err := proto.Unmarshal(text, s); err != nil || kind[0] != notLent || s.GetCode() == int32(codes.OK) {
		return nil, fmt.Errorf("%w: the broker's answer makes no sense", task.ErrInternal)
	}
	return nil, Error("take the listener", status.ErrorProto(s))
}

// fileOf returns the one descriptor in a control message, or nil if there is none.
func fileOf(rights []byte) (*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, errors.Join(err, fmt.Errorf("%w: %d descriptors instead of one", task.ErrInternal, len(fds)))
	}
	unix.CloseOnExec(fds[0])
	return os.NewFile(uintptr(fds[0]), "listener"), nil
}

// Lend answers one Borrow and closes the connection. It calls find for the socket of a
// run in the process pid, and closes the file that find returns.
func Lend(c *net.UnixConn, uid int, find func(pid int, instance task.GUID) (*os.File, error)) error {
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(lendWithin)); err != nil {
		return err
	}
	peer, err := peerOf(c)
	if err != nil {
		return err
	}
	defer peer.close()
	if peer.UID != uid {
		return fmt.Errorf("the peer is uid %d; only uid %d is let in", peer.UID, uid)
	}
	var instance task.GUID
	if _, err := io.ReadFull(c, instance[:]); err != nil {
		return err
	}
	file, err := find(peer.PID, instance)
	if err != nil {
		return refuseLoan(c, err)
	}
	defer file.Close()
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Control(func(fd uintptr) { _, _, sent = c.WriteMsgUnix([]byte{lent}, unix.UnixRights(int(fd)), nil) })
	return errors.Join(err, sent)
}

func refuseLoan(c *net.UnixConn, why error) error {
	text, err := proto.Marshal(status.Convert(Status(why)).Proto())
	if err != nil {
		return err
	}
	_, err = c.Write(append([]byte{notLent}, text...))
	return err
}
