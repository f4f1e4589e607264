package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/bgtask/bgtask/task"
)

// Peer is the process at the other end of a socket, as the kernel reports it.
type Peer struct {
	credentials.CommonAuthInfo
	UID int
	GID int
	PID int // 0: not visible in our pid namespace

	// PIDFD refers to the process even after its pid has been reused. It is closed with
	// the connection. It is nil if the kernel does not provide it (before Linux 6.5).
	PIDFD *os.File

	conn      net.Conn
	beforeEnd atomic.Pointer[func()]
}

// Disconnect closes the connection. A peer that does not read gets no other message.
func (p *Peer) Disconnect() { p.conn.Close() }

// BeforeEnd makes the connection call f when it has ended, before gRPC notices the end:
// gRPC discards what it has read but not passed on.
func (p *Peer) BeforeEnd(f func()) { p.beforeEnd.Store(&f) }

// AuthType implements credentials.AuthInfo.
func (*Peer) AuthType() string { return "unix" }

// PeerFrom returns the peer of a call.
func PeerFrom(ctx context.Context) (*Peer, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil, false
	}
	info, ok := p.AuthInfo.(*Peer)
	return info, ok
}

// sameUser is the credentials of a Unix socket. Nothing is encrypted, because the kernel
// identifies the peer. Only processes of one user are admitted.
type sameUser struct {
	uid  int
	open *atomic.Int64 // connections of a server; nil for a client
}

var _ credentials.TransportCredentials = sameUser{}

func (c sameUser) ClientHandshake(_ context.Context, _ string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return c.handshake(conn)
}

func (c sameUser) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if c.open.Add(1) > task.MaxConnections {
		c.open.Add(-1)
		return nil, nil, fmt.Errorf("more than %d connections", task.MaxConnections)
	}
	known, info, err := c.handshake(conn)
	if err != nil {
		c.open.Add(-1)
		return nil, nil, err
	}
	return known, info, nil
}

func (c sameUser) handshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, nil, errors.New("not a Unix socket")
	}
	p, err := peerOf(unix)
	if err != nil {
		return nil, nil, err
	}
	if p.UID != c.uid {
		p.close()
		return nil, nil, fmt.Errorf("the peer is uid %d; only uid %d is let in", p.UID, c.uid)
	}
	p.CommonAuthInfo = credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}
	known := &peerConn{UnixConn: unix, peer: p, open: c.open}
	p.conn = known
	return known, p, nil
}

func (c sameUser) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "unix"}
}

func (c sameUser) Clone() credentials.TransportCredentials { return c }

func (c sameUser) OverrideServerName(string) error { return nil }

// peerConn is a connection that, when it is closed, closes its pidfd and no longer counts
// against the limit.
type peerConn struct {
	*net.UnixConn
	peer *Peer
	open *atomic.Int64
	once sync.Once
}

func (c *peerConn) Read(b []byte) (int, error) {
	n, err := c.UnixConn.Read(b)
	if err != nil {
		if f := c.peer.beforeEnd.Swap(nil); f != nil {
			(*f)()
		}
	}
	return n, err
}

func (c *peerConn) Close() error {
	err := c.UnixConn.Close()
	c.once.Do(func() {
		c.peer.close()
		if c.open != nil {
			c.open.Add(-1)
		}
	})
	return err
}

func (p *Peer) close() {
	if p.PIDFD != nil {
		_ = p.PIDFD.Close() // nothing was written
	}
}
