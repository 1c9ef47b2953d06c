package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // readiness is known only by connecting
)

// Server is a PostgreSQL server on loopback with empty databases. The test ends it.
type Server struct {
	tb   testing.TB
	port string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
	log    *bytes.Buffer // read only after the end

	postgres string
	dir      string
	who      *syscall.SysProcAttr
}

const (
	superuser  = "vedette"
	startLimit = 3 * time.Minute
)

// Start makes a cluster and starts its server. Writes are not synced to disk: a test
// that wants to see what a power cut does needs more than this.
func Start(tb testing.TB) *Server {
	tb.Helper()
	postgres, initdb, err := find()
	if err != nil {
		tb.Skipf("PostgreSQL is not installed: %v", err)
	}
	s := &Server{tb: tb, postgres: postgres}
	if s.who, err = unprivileged(); err != nil {
		tb.Skipf("PostgreSQL refuses to run as root, and there is no other user: %v", err)
	}
	// Not tb.TempDir: its parents may be closed to the other user.
	if s.dir, err = os.MkdirTemp("", "pgtest-*"); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.Stop()
		if err := os.RemoveAll(s.dir); err != nil {
			tb.Error(err)
		}
	})
	if c := s.who.Credential; c != nil {
		if err := os.Chown(s.dir, int(c.Uid), int(c.Gid)); err != nil {
			tb.Fatal(err)
		}
	}
	init := s.command(initdb, "-D", s.data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := init.CombinedOutput(); err != nil {
		tb.Fatalf("initdb: %v\n%s", err, out)
	}
	for try := 0; ; try++ {
		err := s.run()
		if err == nil {
			return s
		}
		if try == 4 { // the port may have been taken meanwhile, but not five times
			tb.Fatal(err)
		}
	}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func find() (postgres, initdb string, err error) {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Sort(debian)
	slices.Reverse(debian) // the newest first
	for _, dir := range append(dirs, debian...) {
		p, i := filepath.Join(dir, "postgres"), filepath.Join(dir, "initdb")
		if executable(p) && executable(i) {
			return p, i, nil
		}
	}
	return "", "", fmt.Errorf("postgres and initdb are neither in PATH nor in /usr/lib/postgresql")
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// unprivileged says as whom to run: as ourselves, or as another user when we are root.
func unprivileged() (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	var err error
	for _, name := range []string{"postgres", "nobody"} {
		var u *user.User
		if u, err = user.Lookup(name); err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("user %s: not a number", name)
		}
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return attr, nil
	}
	return nil, err
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "LC_ALL=C")
	cmd.SysProcAttr = s.who
	return cmd
}

func (s *Server) run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("postgres: %w", err)
		}
		_, s.port, _ = net.SplitHostPort(l.Addr().String())
		l.Close()
	}
	cmd := s.command(s.postgres, "-D", s.data(), "-h", "127.0.0.1", "-p", s.port, "-k", "", "-F",
		"-c", "max_connections=50", "-c", "shared_buffers=64MB", "-c", "autovacuum_naptime=10s")
	s.log = &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = s.log, s.log
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
		return fmt.Errorf("postgres: %w", err)
	}
	if err := s.answers(exited); err != nil {
		cmd.Process.Signal(syscall.SIGQUIT)
		<-exited
		s.port = ""
		return fmt.Errorf("postgres: %w\n%s", err, s.log)
	}
	s.cmd, s.exited = cmd, exited
	return nil
}

func (s *Server) answers(exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	db, err := sql.Open("pgx", s.dsn("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-exited:
			return fmt.Errorf("server ended at once")
		case <-ctx.Done():
			return err
		}
	}
}

// Stop ends the server at once; its data stays.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGINT) // "fast" shutdown
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second):
		s.cmd.Process.Signal(syscall.SIGQUIT)
		<-s.exited
	}
	s.cmd = nil
}

// Kill ends the server as a power cut does, in the middle of whatever it does. Only what
// was written to files stays.
func (s *Server) Kill() {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	main := s.cmd.Process.Pid
	if err := syscall.Kill(main, syscall.SIGSTOP); err != nil { // so that it has no new children
		s.tb.Fatal(err)
	}
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", main, main))
	if err != nil {
		s.tb.Fatal(err)
	}
	children := strings.Fields(string(list))
	for _, child := range children {
		if pid, err := strconv.Atoi(child); err == nil {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	s.cmd.Process.Kill()
	<-s.exited
	s.cmd = nil
	// The next server refuses to start while one of them has its memory.
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for _, child := range children {
		for alive(child) {
			<-tick.C
		}
	}
}

// alive says whether a process runs: a zombie holds nothing any more.
func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}

// Restart starts a stopped server again, on the same port and data.
func (s *Server) Restart() {
	s.tb.Helper()
	if err := s.run(); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *Server) dsn(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Host: "127.0.0.1:" + s.port, Path: "/" + database,
		RawQuery: "sslmode=disable"}
	return u.String()
}

// Database makes an empty database and returns its DSN. name must be a plain word.
func (s *Server) Database(name string) string {
	s.tb.Helper()
	db, err := sql.Open("pgx", s.dsn("postgres"))
	if err != nil {
		s.tb.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE DATABASE "` + name + `"`); err != nil {
		s.tb.Fatal(err)
	}
	return s.dsn(name)
}
