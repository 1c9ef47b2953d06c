package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// shutdownGrace is how long requests may take to finish once the server stops.
const shutdownGrace = 10 * time.Second

// Serve answers on ln until ctx ends, then lets requests under way finish, ends the
// streams of events by closing the hub, and returns nil. certFile and keyFile are PEM
// files; empty for plain HTTP. A certificate that is renewed in place is taken up
// without a restart.
func (s *Server) Serve(ctx context.Context, ln net.Listener, certFile, keyFile string) error {
	defer ln.Close()
	if (certFile == "") != (keyFile == "") {
		return errors.New("web: certificate and key go together")
	}
	s.Secure = s.Secure || certFile != ""
	handler, err := s.Handler()
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), // handshakes of port scanners
		// No ReadTimeout or WriteTimeout: they would end streams and long clips. The
		// guard and the handlers set deadlines for what they serve.
	}
	if certFile != "" {
		c := &certificate{certFile: certFile, keyFile: keyFile}
		if _, err := c.get(nil); err != nil {
			return fmt.Errorf("web: %w", err)
		}
		srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	}
	done := make(chan error, 1)
	go func() {
		if certFile != "" {
			done <- srv.ServeTLS(ln, "", "")
		} else {
			done <- srv.Serve(ln)
		}
	}()
	select {
	case err := <-done:
		s.Events.Close()
		srv.Close()
		return fmt.Errorf("web: %w", err)
	case <-ctx.Done():
	}
	s.Events.Close()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		s.Log.Warn("web: requests cut off", "after", shutdownGrace)
		srv.Close()
	}
	<-done
	return nil
}

// certificate reads a key pair again when its file has changed.
type certificate struct {
	certFile, keyFile string

	mu      sync.Mutex
	pair    *tls.Certificate
	changed time.Time
	looked  time.Time
}

// certificateEvery is how often the file is looked at.
const certificateEvery = time.Minute

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pair != nil && time.Since(c.looked) < certificateEvery {
		return c.pair, nil
	}
	c.looked = time.Now()
	info, err := os.Stat(c.certFile)
	if err == nil && c.pair != nil && info.ModTime().Equal(c.changed) {
		return c.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		if c.pair != nil { // half-written: the old one still holds, and the file is looked at again
			return c.pair, nil
		}
		return nil, fmt.Errorf("certificate: %w", err)
	}
	c.pair = &pair
	if info != nil {
		c.changed = info.ModTime()
	}
	return c.pair, nil
}
