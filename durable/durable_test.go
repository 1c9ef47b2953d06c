package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestMkdirSync(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b", "c")
	for range 2 { // the second finds it there
		if err := MkdirSync(deep); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(deep); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v; want a folder for our user alone", info, err)
	}
	file := filepath.Join(root, "file")
	if err := ReplaceFile(file, nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if err := MkdirSync(path); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: got %v, want not a directory", path, err)
		}
	}
	if err := SyncDir(filepath.Join(root, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// At every step there is the old content or the new, and nothing is left over.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := ReplaceFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	var seen []string
	if err := ReplaceFileSteps(path, []byte("new"), func(step string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		seen = append(seen, step+": "+string(data))
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"written f: old", "synced f: old", "renamed f: new"}; !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	// A folder in the place of the file cannot be replaced by it.
	blocked := filepath.Join(dir, "blocked")
	if err := MkdirSync(filepath.Join(blocked, "full")); err != nil {
		t.Fatal(err)
	}
	if err := ReplaceFile(blocked, []byte("x")); err == nil {
		t.Error("a folder was replaced")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*"+PartSuffix)); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	for range 2 { // the second finds it gone
		if err := RemoveIfThere(path); err != nil {
			t.Error(err)
		}
	}
}

func TestHint(t *testing.T) {
	for err, want := range map[error]string{
		syscall.ENOSPC: "free space", syscall.EDQUOT: "free space", syscall.EROFS: "read-only",
		syscall.EACCES: "change the owner", syscall.EIO: "replace it", syscall.ENOTDIR: "",
	} {
		got := Hint(fmt.Errorf("write: %w", err))
		if !errors.Is(got, err) || !strings.Contains(got.Error(), want) || want == "" && got.Error() != "write: "+err.Error() {
			t.Errorf("%v: got %v, want %q in it", err, got, want)
		}
	}
	if Hint(nil) != nil {
		t.Error("a hint without an error")
	}
}

func TestFreeBytes(t *testing.T) {
	free, err := FreeBytes(t.TempDir())
	if err != nil || free <= 0 {
		t.Errorf("got %d, %v", free, err)
	}
	if _, err := FreeBytes("/no/such/folder"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
