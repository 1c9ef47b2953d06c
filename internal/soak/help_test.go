package soak

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// mostMissing is how many seconds of footage a kill may cost here, where a machine that is
// busy with other tests lets writers wait; "make soak" measures what it costs.
const mostMissing = 10

func skip(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, ErrNotHere) {
		t.Skip(err)
	}
}

func cutInHalf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(t.TempDir(), "half.mp4")
	if err := os.WriteFile(half, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	return half
}
