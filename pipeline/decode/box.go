package decode

// #include "decode.h"
import "C"

import "unsafe"

// box shrinks a plane of w x h bytes, stride apart, to dw x dh: each box of n x n bytes
// becomes its mean. The decoder calls the same C code without coming back to Go.
func box(dst []byte, dw, dh int, src []byte, stride, w, h, n int) {
	C.vd_box((*C.uint8_t)(unsafe.SliceData(dst)), C.int(dw), C.int(dh),
		(*C.uint8_t)(unsafe.SliceData(src)), C.int(stride), C.int(w), C.int(h), C.int(n))
}
