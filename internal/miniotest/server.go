package miniotest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is a MinIO server on loopback with an empty store. The test ends it.
type Server struct {
	Endpoint  string // host:port, plain HTTP
	AccessKey string
	SecretKey string

	tb     testing.TB // nil after Run
	binary string
	data   string
	home   string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
	log    *bytes.Buffer // read only after the end
}

// startLimit is how long the server may take to answer; a busy machine needs seconds.
const startLimit = 3 * time.Minute

// Start builds the server if need be, starts it, and waits until it answers.
func Start(tb testing.TB) *Server {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	s, err := Run(ctx, tb.TempDir(), tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	s.tb = tb
	tb.Cleanup(s.Kill)
	return s
}

// Run is Start for a program that is no test: data is the folder of the store, in which a
// folder is a bucket, and home one that the server may write to. The caller ends it.
func Run(ctx context.Context, data, home string) (*Server, error) {
	binary, err := Build(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{
		AccessKey: "test" + strings.ToLower(rand.Text()[:8]),
		SecretKey: rand.Text(),
		binary:    binary,
		data:      data,
		home:      home,
	}
	// Between our choice of a port and the server's use of it another process may take
	// it: then another is tried.
	for try := 0; ; try++ {
		if s.Endpoint, err = freeAddr(); err == nil {
			err = s.run(s.Endpoint)
		}
		if err == nil || try == 4 {
			return s, err
		}
	}
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// run starts the process and waits until it answers.
func (s *Server) run(addr string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = &bytes.Buffer{}
	cmd := exec.Command(s.binary, "server", "--quiet", "--address", addr, "--console-address", "127.0.0.1:0", s.data)
	cmd.Env = append(os.Environ(),
		"HOME="+s.home,
		"MINIO_ROOT_USER="+s.AccessKey, "MINIO_ROOT_PASSWORD="+s.SecretKey,
		"MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1") // CI_CD: takes a store on the root disk
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		// Pdeathsig comes when the thread that started the process ends, so the process
		// gets one of its own, for as long as it runs. A goroutine that ends with its thread
		// locked takes the thread along, and with it whatever else was started from there.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("minio: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := s.answers(ctx, addr, exited); err != nil {
		cmd.Process.Kill()
		<-exited
		return fmt.Errorf("minio: %w\n%s", err, s.log)
	}
	s.cmd = cmd
	s.exited = exited
	return nil
}

func (s *Server) answers(ctx context.Context, addr string, exited <-chan struct{}) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Second}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		// "cluster" turns healthy only when objects can be written.
		if resp, err := client.Get("http://" + addr + "/minio/health/cluster"); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-exited:
			return fmt.Errorf("server on %s ended at once", addr)
		case <-ctx.Done():
			return fmt.Errorf("server on %s: no answer: %w", addr, ctx.Err())
		}
	}
}

// Stop ends the server in good order; its data stays.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the server as a power cut would; its data stays.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(sig)
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second): // MinIO waits for open requests
		s.cmd.Process.Kill()
		<-s.exited
	}
	s.cmd = nil
}

// Restart starts a server that was stopped or killed, on the same port and data.
func (s *Server) Restart() {
	s.tb.Helper()
	if err := s.Again(); err != nil {
		s.tb.Fatal(err)
	}
}

// Again is Restart for a program that is no test.
func (s *Server) Again() error { return s.run(s.Endpoint) }
