#ifndef VEDETTE_LOG_H
#define VEDETTE_LOG_H

/* What libav says during one call on this thread. libav reports the cause of most errors
 * only in its log; the first line at error level is kept so that the error can carry it. */
typedef struct {
    char *why;
    int why_size;
    int damage; /* a message that means damage, and that no flag repeats in time */
} vd_sink;

void vd_log_begin(vd_sink *sink, char *why, int why_size);
void vd_log_end(void);
/* vd_log_why sets the reason itself, unless there is one already. */
void vd_log_why(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
