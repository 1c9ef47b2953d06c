package storage

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The test binary is also the second process that some tests need: what TestMain finds
// in this variable is done instead of the tests.
const childVar = "VEDETTE_STORAGE_CHILD"

var childWork = map[string]func(args []string) error{
	"open-index-as": func(args []string) error {
		uid, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		// Only now: the other user may not be able to start the test binary.
		if err := syscall.Setuid(uid); err != nil {
			return err
		}
		_, err = OpenSQLite(args[0])
		return err
	},
	"hold-spool": func(args []string) error {
		s, err := OpenSpool(args[0], SpoolOptions{})
		if err != nil {
			return err
		}
		fmt.Println("held")
		bufio.NewReader(os.Stdin).ReadByte() // until the parent lets go
		return s.Close()
	},
	"attach": attachChild,
	"crash":  crashChild,
	"delete": deleteChild,
	"stop":   stopChild,
	"fill":   fillChild,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(childVar); name != "" {
		if err := childWork[name](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child prepares a second process. It dies with the test.
func child(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), childVar+"="+name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	holder := child(t, "hold-spool", dir)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("holder: %q, %v", line, err)
	}
	_, err = OpenSpool(dir, SpoolOptions{})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", holder.Process.Pid)) {
		t.Errorf("got %v, want the holder's number %d", err, holder.Process.Pid)
	}
	// A holder that is killed leaves no lock behind.
	holder.Process.Kill()
	holder.Wait()
	in.Close()
	s, err := OpenSpool(dir, SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
