package vedettetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a vedette that runs in a process of its own.
type Process struct {
	URL      string // of the console
	Password string // the one-time password, when this start made one

	cmd    *exec.Cmd
	log    logBuffer
	exited chan struct{}
	err    error
}

var (
	consoleLine  = regexp.MustCompile(`^\s*console\s+(\S+)`)
	passwordLine = regexp.MustCompile(`^\s*password\s+(\S+)`)
)

// startTimeout bounds how long a start may take; a start that replays a full spool on a
// slow disk is the slowest.
const startTimeout = 3 * time.Minute

// Start runs the command and waits until it says where its console is. The process ends
// with the caller's, however that ends.
func Start(env []string, name string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(name, args...), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	started, announced := make(chan error, 1), make(chan struct{})
	go func() {
		// Pdeathsig comes when the thread that started the process ends, so the process
		// gets one of its own, for as long as it runs. A goroutine that ends with its thread
		// locked takes the thread along, and with it whatever else was started from there.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.read(out, announced)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	select {
	case <-announced:
		return p, nil
	case <-p.exited:
		return nil, fmt.Errorf("vedette exited before it was ready: %w\n%s", p.err, p.Log())
	case <-timer.C:
		p.Kill()
		return nil, fmt.Errorf("vedette was not ready in %s\n%s", startTimeout, p.Log())
	}
}

// read follows the standard output: an empty line after the console's address ends the
// announcement.
func (p *Process) read(out io.Reader, announced chan struct{}) {
	var once sync.Once
	for sc := bufio.NewScanner(out); sc.Scan(); {
		line := sc.Text()
		if m := consoleLine.FindStringSubmatch(line); m != nil {
			p.URL = m[1]
		}
		if m := passwordLine.FindStringSubmatch(line); m != nil {
			p.Password = m[1]
		}
		if p.URL != "" && strings.TrimSpace(line) == "" {
			once.Do(func() { close(announced) })
		}
	}
	p.err = p.cmd.Wait()
	close(p.exited)
}

// Log is what the process wrote to its standard error so far.
func (p *Process) Log() string { return p.log.String() }

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Usage is the CPU time of a process that has ended.
func (p *Process) Usage() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// Kill ends the process as a power cut would (SIGKILL) and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// Stop asks the process to end in order and waits; it returns the log when the process
// did not end well.
func (p *Process) Stop(ctx context.Context) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("vedette did not stop: %w\n%s", ctx.Err(), p.Log())
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return fmt.Errorf("vedette ended badly: %w\n%s", exit, p.Log())
	}
	return p.err
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
