package custody

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// header begins a log file: the form of what follows, and the name of the log.
const header = "vedette custody log v1 "

func parseHeader(line []byte) (origin string, err error) {
	origin, ok := strings.CutPrefix(string(line), header)
	if !ok {
		return "", fmt.Errorf("%w: the file does not begin with %q", ErrAltered, header)
	}
	if err := checkOrigin(origin); err != nil {
		return "", fmt.Errorf("%w: %w", ErrAltered, err)
	}
	return origin, nil
}

// lineReader reads a log file line by line.
type lineReader struct {
	r  *bufio.Reader
	at int64 // offset of the next line
}

func newLineReader(r io.Reader, at int64) *lineReader {
	return &lineReader{bufio.NewReaderSize(r, 1<<16), at}
}

// errTorn says that the file ends in the middle of a line.
var errTorn = errors.New("the last line has no end")

// next returns the next line without its newline, valid until the next call, and io.EOF
// at the end of the file.
func (r *lineReader) next() ([]byte, error) {
	line, err := r.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line = bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) && len(line) <= maxEntry {
			var more []byte
			more, err = r.r.ReadSlice('\n')
			line = append(line, more...)
		}
	}
	r.at += int64(len(line))
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("%w: a line of more than %d bytes", ErrAltered, maxEntry)
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, errTorn
	case err != nil:
		return nil, err
	}
	return line[:len(line)-1], nil
}

func isSeal(line []byte) bool { return bytes.HasPrefix(line, []byte(sealWord)) }
