package decode

// #include "decode.h"
import "C"

import (
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unsafe"
)

// installLog keeps libav from writing to stderr. The callback is global to the process,
// so it also quiets the libav inside OpenCV.
var installLog = sync.OnceFunc(func() { C.vd_log_install() })

// Complaints counts the messages of libav at error and at warning level since the start
// of the program.
func Complaints() (errors, warnings uint64) {
	var e, w C.uint64_t
	C.vd_log_counts(&e, &w)
	return uint64(e), uint64(w)
}

// reason is room for the first message of a failed call.
type reason [200]C.char

func (r *reason) ptr() *C.char { return &r[0] }
func (r *reason) size() C.int  { return C.int(len(r)) }

// text is the message without what could disturb a log line or a terminal: it may quote
// the foreign file.
func (r *reason) text() string {
	s := C.GoString(r.ptr())
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
	return strings.TrimRight(strings.TrimSpace(s), ".!")
}

// libavError is a negative result of libav with what it said about it.
type libavError struct {
	code int
	why  string
}

func newError(code C.int, r *reason) error { return &libavError{int(code), r.text()} }

func (e *libavError) Error() string {
	var buf [128]C.char
	C.vd_error(C.int(e.code), &buf[0], C.int(len(buf)))
	s := C.GoString((*C.char)(unsafe.Pointer(&buf[0])))
	if e.why == "" {
		return s
	}
	return fmt.Sprintf("%s (%s)", s, e.why)
}
