package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// maxDials bounds the redirects of one session; gortsplib itself follows them for ever.
const maxDials = 5

// udpBuffer is how many bytes the system may hold for us: a key frame of 1 MiB arrives
// within milliseconds, and Linux's default of 208 KiB would lose half of it.
const udpBuffer = 2 << 20

// dialer makes the connections of one session and can cut them all. Until the camera
// plays it watches over reading, because gortsplib sets no read deadlines: a server that
// accepts and then says nothing, in its TLS handshake say, would hold it for ever.
type dialer struct {
	host    string
	timeout time.Duration

	mu      sync.Mutex
	dials   int
	playing bool
	conns   []net.Conn
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(host, d.host) {
		return nil, &refusal{"the camera redirects to the host " + host + ": put that host's address in the URL if it is right"}
	}
	d.mu.Lock()
	d.dials++
	tooMany := d.dials > maxDials
	d.mu.Unlock()
	if tooMany {
		return nil, &refusal{fmt.Sprintf("the camera redirected %d times", maxDials)}
	}
	conn, err := (&net.Dialer{Timeout: d.timeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.conns = append(d.conns, conn)
	d.mu.Unlock()
	return &watched{Conn: conn, dialer: d}, nil
}

// expect sets the deadline of the next read.
func (d *dialer) expect(conn net.Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.playing {
		return nil
	}
	return conn.SetReadDeadline(time.Now().Add(d.timeout))
}

// plays ends the watch over reading: with UDP nothing comes by these connections any
// more, and whether pictures come is the session's to watch.
func (d *dialer) plays() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.playing = true
	for _, conn := range d.conns {
		_ = conn.SetReadDeadline(time.Time{})
	}
}

// listen opens a UDP socket with room for a key frame, if the system allows it.
func (d *dialer) listen(network, address string) (net.PacketConn, error) {
	pc, err := net.ListenPacket(network, address)
	if err != nil {
		return nil, err
	}
	if udp, ok := pc.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(udpBuffer) // less is no reason to stop
	}
	return pc, nil
}

// cut closes all connections.
func (d *dialer) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, conn := range d.conns {
		_ = conn.Close()
	}
}

// refusal is an error of which retrying soon is no use.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

// watched is a connection on which no read waits too long.
type watched struct {
	net.Conn
	dialer *dialer
}

// Read implements net.Conn.
func (w *watched) Read(b []byte) (int, error) {
	if err := w.dialer.expect(w.Conn); err != nil {
		return 0, err
	}
	n, err := w.Conn.Read(b)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("the camera said nothing for %s: %w", w.dialer.timeout, os.ErrDeadlineExceeded)
	}
	return n, err
}
