package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vedette-cctv/vedette/internal/miniotest"
)

// s3Bucket is the part of the configuration that names a bucket on an S3 server.
const s3Bucket = `storage: {bucket: {s3: {endpoint: "%s", bucket: evidence, access_key: "%s", secret_key: "%s", tls: false, path_style: true}}}`

// server starts a MinIO with an empty bucket, which ends with the house.
func (s Scene) server(ctx context.Context) (*miniotest.Server, error) {
	store, home := filepath.Join(s.Dir, "s3"), filepath.Join(s.Dir, "s3-home")
	// A folder in MinIO's store is a bucket.
	if err := os.MkdirAll(filepath.Join(store, "evidence"), 0o700); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	server, err := miniotest.Run(ctx, store, home)
	if err != nil {
		return nil, err
	}
	s.keep(func() error { server.Kill(); return nil })
	return server, nil
}

func s3Dies(ctx context.Context, s Scene, n int) error {
	server, err := s.server(ctx)
	if err != nil {
		return err
	}
	s.Also = fmt.Sprintf(s3Bucket, server.Endpoint, server.AccessKey, server.SecretKey)
	stop, err := s.cameras(nil)
	if err != nil {
		return err
	}
	defer stop()
	return s.one(ctx, n, func(*Life) error {
		server.Kill()
		if err := wait(ctx, 4*time.Second); err != nil {
			return err
		}
		if err := server.Again(); err != nil {
			return err
		}
		return wait(ctx, 3*time.Second+rand.N(3*time.Second))
	})
}

func s3Cut(ctx context.Context, s Scene, n int) error {
	server, err := s.server(ctx)
	if err != nil {
		return err
	}
	wire, err := newWire(server.Endpoint)
	if err != nil {
		return err
	}
	s.keep(wire.Close)
	s.Also = fmt.Sprintf(s3Bucket, wire.Addr(), server.AccessKey, server.SecretKey)
	stop, err := s.cameras(nil)
	if err != nil {
		return err
	}
	defer stop()
	return s.one(ctx, n, func(*Life) error {
		wire.bad.Store(true)
		err := wait(ctx, 4*time.Second)
		wire.bad.Store(false)
		return errors.Join(err, wait(ctx, 4*time.Second))
	})
}

// wire joins a client with a server and, while it is bad, cuts each connection after a
// random number of bytes.
type wire struct {
	net.Listener
	to   string
	bad  atomic.Bool
	open sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newWire(to string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{Listener: l, to: to, conns: map[net.Conn]bool{}}
	w.open.Go(w.serve)
	return w, nil
}

func (w *wire) Addr() string { return w.Listener.Addr().String() }

func (w *wire) serve() {
	for {
		client, err := w.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.to)
		if err != nil {
			client.Close()
			continue
		}
		w.mu.Lock()
		w.conns[client], w.conns[server] = true, true
		w.mu.Unlock()
		w.open.Go(func() {
			var both sync.WaitGroup
			both.Go(func() { w.carry(server, client) })
			both.Go(func() { w.carry(client, server) })
			both.Wait()
			w.mu.Lock()
			delete(w.conns, client)
			delete(w.conns, server)
			w.mu.Unlock()
		})
	}
}

// carry copies until one side ends, or the wire is bad and breaks.
func (w *wire) carry(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	left := 1 + rand.IntN(256<<10)
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if w.bad.Load() {
			if n = min(n, left); n == 0 {
				return
			}
			left -= n
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Close ends the wire and every connection on it.
func (w *wire) Close() error {
	err := w.Listener.Close()
	w.mu.Lock()
	for c := range w.conns {
		c.Close()
	}
	w.mu.Unlock()
	w.open.Wait()
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
