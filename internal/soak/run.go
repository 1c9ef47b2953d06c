package soak

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// Break does one fault n times to a new house below dir, and looks at what is left. told is
// called after each injection.
func (f Fault) Break(ctx context.Context, program, dir string, films []string, n int, tick func()) (_ Findings, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Findings{}, err
	}
	h := &House{Program: program, Dir: dir}
	defer func() { err = errors.Join(err, h.close(), os.RemoveAll(filepath.Join(dir, "data"))) }()
	if err := f.Run(ctx, Scene{House: h, Films: films, Tick: tick}, n); err != nil {
		return Findings{}, err
	}
	return h.Autopsy(ctx)
}
