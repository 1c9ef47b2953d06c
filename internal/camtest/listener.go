package camtest

import (
	"errors"
	"math/rand/v2"
	"net"
	"sync"

	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
)

// errAuth makes the server ask for credentials, or close the connection when they are
// wrong.
var errAuth error = liberrors.ErrServerAuth{}

// listener keeps the connections that it accepted, to do them harm. It accepts none
// before open, so that nobody meets a server whose stream is not there yet.
type listener struct {
	net.Listener
	ready     chan struct{}
	closed    chan struct{}
	openOnce  sync.Once
	closeOnce sync.Once

	mu    sync.Mutex
	conns map[*conn]struct{}
}

func newListener(ln net.Listener) *listener {
	return &listener{Listener: ln, ready: make(chan struct{}), closed: make(chan struct{}), conns: map[*conn]struct{}{}}
}

func (l *listener) open() { l.openOnce.Do(func() { close(l.ready) }) }

// Close implements net.Listener.
func (l *listener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.ready:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(errors.New("not a TCP connection"), nc.Close())
	}
	c := &conn{TCPConn: tcp, listener: l}
	l.mu.Lock()
	l.conns[c] = struct{}{}
	l.mu.Unlock()
	return c, nil
}

func (l *listener) each(do func(*conn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		do(c)
	}
}

// reset closes all connections without lingering, which sends RST.
func (l *listener) reset() {
	l.each(func(c *conn) {
		_ = c.SetLinger(0)
		_ = c.TCPConn.Close()
	})
}

// garbage writes noise that never looks like the end of a request. The generator is
// seeded so that a failure can be repeated.
func (l *listener) garbage() {
	noise := make([]byte, 4096)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	l.each(func(c *conn) { _, _ = c.Write(noise) })
}

type conn struct {
	*net.TCPConn
	listener *listener
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	return c.TCPConn.Close()
}
