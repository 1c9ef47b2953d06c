package exhibit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// source is where the files of a package are read from: the zip file, or a folder that it
// was unpacked to.
type source interface {
	// names are the files below the folder of the package, in the order of the package
	// where there is one.
	names() []string
	open(name string) (content, error)
}

// content is one file.
type content struct {
	io.ReaderAt
	size int64
	crc  *uint32 // that the zip file states
	io.Closer
}

// zipSource reads the files where they lie in the zip file.
type zipSource struct {
	r       io.ReaderAt
	entries []zipEntry
	folder  string
	place   map[string]int
}

// newZipSource takes a container apart. All files lie in one folder.
func newZipSource(r io.ReaderAt, c *container) (*zipSource, error) {
	folder, _, _ := strings.Cut(c.entries[0].name, "/")
	s := &zipSource{r: r, entries: c.entries, folder: folder, place: map[string]int{}}
	for i, e := range c.entries {
		name, ok := strings.CutPrefix(e.name, folder+"/")
		if !ok || !safePath(name) {
			return nil, malformed("%q has no place in the folder of the package", e.name)
		}
		if _, twice := s.place[name]; twice {
			return nil, malformed("%q is there twice", e.name)
		}
		s.place[name] = i
	}
	return s, nil
}

func (s *zipSource) names() []string {
	out := make([]string, len(s.entries))
	for i, e := range s.entries {
		out[i] = strings.TrimPrefix(e.name, s.folder+"/")
	}
	return out
}

func (s *zipSource) open(name string) (content, error) {
	i, ok := s.place[name]
	if !ok {
		return content{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	e := s.entries[i]
	return content{e.reader(s.r), e.size, &e.crc, io.NopCloser(nil)}, nil
}

// folderSource reads the files of an unpacked package.
type folderSource struct {
	root  *os.Root
	found []string
	size  int64
}

// openFolder looks at everything below a folder. What is neither file nor folder is refused:
// a link would lead out of it.
func openFolder(dir string) (*folderSource, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &folderSource{root: root}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is no plain file", path.Join(dir, name))
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		s.size += info.Size()
		if s.found = append(s.found, name); len(s.found) > maxEntries {
			return fmt.Errorf("%s has more files than a package can have: is it the right folder?", dir)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return s, nil
}

func (s *folderSource) names() []string { return slices.Clone(s.found) }

func (s *folderSource) open(name string) (content, error) {
	f, err := s.root.Open(name)
	if err != nil {
		return content{}, err
	}
	st, err := f.Stat()
	if err != nil {
		return content{}, errors.Join(err, f.Close())
	}
	return content{f, st.Size(), nil, f}, nil
}

// readSmall reads a file that has to be known whole.
func readSmall(s source, name string) (data []byte, err error) {
	c, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if c.size > maxSmall {
		return nil, fmt.Errorf("%s has %d bytes", name, c.size)
	}
	return io.ReadAll(io.NewSectionReader(c, 0, c.size))
}
