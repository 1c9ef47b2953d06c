package object

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// ErrNoLibrary says that ONNX Runtime is not installed, or none that is new enough.
var ErrNoLibrary = errors.New("no usable ONNX Runtime library")

// LibraryVariable names the library in the environment; nothing else is tried then.
const LibraryVariable = "VEDETTE_ONNXRUNTIME"

// oldest is the first version that speaks the interface that we were built for.
const oldest = "1.24"

// loaded guards the one library that a process can load. It stays loaded until the
// process ends: threads of its own may still run in it.
var loaded struct {
	sync.Mutex
	path string
}

// Libraries are the places where ONNX Runtime may be, best first: the user's cache, where
// make setup puts it, then the system. The last is a bare name that the dynamic linker
// resolves.
func Libraries() []string {
	var found []string
	if cache, err := os.UserCacheDir(); err == nil {
		found = append(found, newestFirst(filepath.Join(cache, "vedette", "libonnxruntime.so*"))...)
	}
	for _, dir := range []string{"/usr/local/lib", "/usr/lib/vedette", "/usr/lib/*-linux-gnu", "/usr/lib64", "/usr/lib"} {
		found = append(found, newestFirst(filepath.Join(dir, "libonnxruntime.so*"))...)
	}
	return append(found, "libonnxruntime.so.1")
}

func newestFirst(pattern string) []string {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil
	}
	paths = slices.DeleteFunc(paths, func(p string) bool { return strings.HasSuffix(p, ".part") })
	slices.Sort(paths)
	slices.Reverse(paths)
	return paths
}

// load makes sure that the library is loaded: path, or the first of Libraries that works.
// It returns where it was found and its version.
func load(path string) (found, version string, err error) {
	loaded.Lock()
	defer loaded.Unlock()
	if ort.IsInitialized() {
		if path != "" && path != loaded.path {
			return "", "", fmt.Errorf("%s: this process already runs %s", path, loaded.path)
		}
		return loaded.path, ort.GetVersion(), nil
	}
	places := []string{path}
	if path == "" {
		places = Libraries()
	}
	var why []error
	for _, place := range places {
		if err := initialize(place); err != nil {
			why = append(why, err)
			continue
		}
		loaded.path = place
		return place, ort.GetVersion(), nil
	}
	return "", "", fmt.Errorf("%w (%s or newer; make setup fetches one): %w", ErrNoLibrary, oldest, errors.Join(why...))
}

func initialize(path string) error {
	if filepath.IsAbs(path) {
		// The linker's message for a missing file names its own search, not the reason.
		if _, err := os.Stat(path); err != nil {
			return err
		}
	}
	ort.SetSharedLibraryPath(path)
	// Errors come back as values; the library must not write them to stderr as well.
	err := ort.InitializeEnvironment(ort.WithLogLevelFatal())
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "setting ORT API base"):
		return fmt.Errorf("%s: older than %s", path, oldest)
	case strings.Contains(err.Error(), "OrtGetApiBase"):
		return fmt.Errorf("%s: not an ONNX Runtime library", path)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// libraryOr is the library to load: what was asked for, else what the environment says.
func libraryOr(path string) string {
	if path == "" {
		return os.Getenv(LibraryVariable)
	}
	return path
}
