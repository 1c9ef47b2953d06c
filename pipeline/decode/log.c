#include "decode.h"
#include "log.h"

#include <libavutil/error.h>
#include <libavutil/log.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static _Thread_local vd_sink *sink;
static atomic_uint_fast64_t errors, warnings;

/* means_damage knows what libavcodec 5.1 flags too late or not at all. H.265 reports a
 * missing reference only here. H.264 flags a broken slice on the picture itself, but
 * B-frames that refer to that picture leave the decoder before it. Other messages at error
 * level are harmless and frequent with some cameras (malformed SEI, too many references). */
static int means_damage(const char *format)
{
    return strstr(format, "Could not find ref with POC") || strstr(format, "error while decoding MB");
}

static void take_line(void *context, int level, const char *format, va_list args)
{
    if (level > AV_LOG_WARNING)
        return;
    if (level > AV_LOG_ERROR) {
        atomic_fetch_add_explicit(&warnings, 1, memory_order_relaxed);
        return;
    }
    atomic_fetch_add_explicit(&errors, 1, memory_order_relaxed);
    if (!sink)
        return;
    if (means_damage(format))
        sink->damage = 1;
    if (sink->why_size > 0 && !sink->why[0]) {
        int prefix = 0; /* no "[h264 @ 0x…]": an address says nothing to an operator */
        av_log_format_line2(context, level, format, args, sink->why, sink->why_size, &prefix);
    }
}

void vd_error(int code, char *text, int size)
{
    av_strerror(code, text, size);
}

void vd_log_install(void)
{
    av_log_set_callback(take_line);
}

void vd_log_counts(uint64_t *e, uint64_t *w)
{
    *e = atomic_load_explicit(&errors, memory_order_relaxed);
    *w = atomic_load_explicit(&warnings, memory_order_relaxed);
}

void vd_log_begin(vd_sink *s, char *why, int why_size)
{
    s->why = why;
    s->why_size = why_size;
    s->damage = 0;
    if (why_size > 0)
        why[0] = 0;
    sink = s;
}

void vd_log_end(void)
{
    sink = NULL;
}

void vd_log_why(const char *format, ...)
{
    if (!sink || sink->why_size <= 0 || sink->why[0])
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(sink->why, sink->why_size, format, args);
    va_end(args);
}
