// Package footage finds the real footage that tests and benchmarks use. It lies outside
// the repository: in VEDETTE_DATA, or else in ../shared/data beside the checkout.
package footage

import (
	"os"
	"path/filepath"
	"testing"
)

// Path returns where a file of the footage is. When it is not present the test is
// skipped, and says so.
func Path(t testing.TB, name string) string {
	t.Helper()
	path, ok := Find(t, name)
	if !ok {
		t.Skipf("footage is not present: %s (set VEDETTE_DATA)", path)
	}
	return path
}

// Find returns where a file of the footage would be, and whether it is there.
func Find(t testing.TB, name string) (path string, ok bool) {
	t.Helper()
	dir := os.Getenv("VEDETTE_DATA")
	if dir == "" {
		dir = filepath.Join(root(t), "..", "shared", "data")
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(path)
	return path, err == nil
}

// root is the folder of go.mod: go test runs each package in its own folder.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
}
