//go:build soakclock

// This file is put into the program's own package with go build -overlay. The program then
// reads a wall clock that can be set while it runs, as a person or a time server sets that
// of the kernel: seconds to add come from a file that is mapped into memory, and take
// effect at the next reading. The monotonic clock goes on as ever, as the kernel's does.
//
// Go reads both clocks through one pointer to the kernel's vDSO. Nothing of Go or of the
// program is changed, so that only the program is linked anew.
package main

/*
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *soak_ahead;

static int soak_clock_gettime(clockid_t id, struct timespec *ts) {
	int r = clock_gettime(id, ts);
	if (id == CLOCK_REALTIME)
		ts->tv_sec += *soak_ahead;
	return r;
}

static int soak_follow(void) {
	const char *path = getenv("VEDETTE_SOAK_CLOCK");
	if (path == NULL)
		return 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	void *page = mmap(NULL, sizeof *soak_ahead, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (page == MAP_FAILED)
		return 0;
	soak_ahead = page;
	return 1;
}

static uintptr_t soak_reader(void) { return (uintptr_t)soak_clock_gettime; }
*/
import "C"

import _ "unsafe" // for linkname

//go:linkname vdsoClockgettimeSym runtime.vdsoClockgettimeSym
var vdsoClockgettimeSym uintptr

func init() {
	if C.soak_follow() == 0 {
		panic("VEDETTE_SOAK_CLOCK names no file that can be mapped")
	}
	vdsoClockgettimeSym = uintptr(C.soak_reader())
}
