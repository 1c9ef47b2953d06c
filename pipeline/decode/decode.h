#ifndef VEDETTE_DECODE_H
#define VEDETTE_DECODE_H

#include <stdint.h>

/* The largest and smallest coded picture, in pixels. The longer side may stand upright. */
#define VD_MAX_SIDE 8192
#define VD_MAX_PIXELS (8192 * 4320)
#define VD_MIN_SIDE 16

/* What a call came back with. Negative values are libavutil error codes. */
enum {
    VD_NONE = 0, /* no picture yet: feed more, or for a file ask again */
    VD_GOT = 1,  /* a picture was written */
    VD_FORM = 2, /* a picture is held, but does not fit the announced form: see vd_picture */
    VD_END = 3,  /* the file or the drained coder has no more pictures */
    VD_ABSENT = 4, /* libavcodec was built without that codec */
};

/* The form of the picture that the caller has made room for. */
typedef struct {
    int width, height; /* of the coded picture */
    int factor;        /* box of factor x factor pixels becomes one */
} vd_form;

enum { VD_DAMAGED = 1, VD_UNRECOVERED = 2 };

typedef struct {
    int width, height; /* of the coded picture, after cropping */
    int full_range;    /* luma 0..255 */
    int key;           /* nothing before it was needed to decode it */
    int flaws;         /* VD_DAMAGED: its own bits or references; VD_UNRECOVERED: no key before it */
    int more;          /* another picture is already held */
    int64_t seq;       /* of the access unit or packet it came from, in decoding order */
    int64_t fed;       /* the newest seq that the codec was given; set by every call */
    int64_t hurt;      /* the newest seq that this call found to be damaged; 0: none */
    int64_t pts;       /* the best guess at its time stamp in a file; INT64_MIN: none */
} vd_picture;

typedef struct vd_decoder vd_decoder;
typedef struct vd_file vd_file;

/* ---- decoder ---- */
enum { VD_H264 = 1, VD_H265 = 2 };

int vd_decoder_open(vd_decoder **d, int codec, int loop_filter);
void vd_decoder_close(vd_decoder **d);
void vd_decoder_flush(vd_decoder *d);

/* vd_decode feeds one access unit, numbered seq, and takes the first picture, if there is
 * one. data == NULL begins draining. */
int vd_decode(vd_decoder *d, const uint8_t *data, int size, int64_t seq,
              const vd_form *form, uint8_t *dst, vd_picture *pic, char *why, int why_size);
/* vd_take takes a picture that is already held, without feeding anything. */
int vd_take(vd_decoder *d, const vd_form *form, uint8_t *dst, vd_picture *pic,
            char *why, int why_size);
/* vd_skip passes over the picture that is held: VD_GOT, but nothing is written. */
int vd_skip(vd_decoder *d, vd_picture *pic, char *why, int why_size);

/* ---- file ---- */
typedef struct {
    int width, height;
    double fps;        /* average; 0: unknown */
    double duration;   /* seconds; 0: unknown */
    double time_base;  /* seconds per tick of vd_picture.pts */
    int64_t frames;    /* as the container says; 0: it does not */
    char codec[32];
    char container[64];
} vd_info;

/* vd_file_open reads from fd, which stays the caller's and must outlive the file. */
int vd_file_open(vd_file **f, int fd, int loop_filter, vd_info *info, char *why, int why_size);
void vd_file_close(vd_file **f);
int vd_file_next(vd_file *f, const vd_form *form, uint8_t *dst, vd_picture *pic,
                 char *why, int why_size);
/* vd_file_end says how reading ended: 0 at the end of the file, an error, and in *cut
 * whether a packet was shorter than the container said. */
int vd_file_end(const vd_file *f, int *cut);

/* ---- encoder ---- */
#define VD_TICKS 90000 /* a second, on the encoder's time axis */

typedef struct {
    int width, height; /* even */
    int full_range;
    double fps;
    double crf;
    int threads;
} vd_encoding;

/* A coded picture in Annex B form; data is valid until the next call. */
typedef struct {
    const uint8_t *data;
    int size;
    int key;
    int64_t pts;
} vd_packet;

typedef struct vd_encoder vd_encoder;

int vd_encoder_open(vd_encoder **e, const vd_encoding *form, char *why, int why_size);
void vd_encoder_close(vd_encoder **e);
/* vd_encode feeds a picture of the form's size; y == NULL begins draining. */
int vd_encode(vd_encoder *e, const uint8_t *y, int y_stride, const uint8_t *cb, const uint8_t *cr,
              int c_stride, int64_t pts, int key, char *why, int why_size);
/* vd_encoded takes the next coded picture: VD_GOT, VD_NONE or VD_END. */
int vd_encoded(vd_encoder *e, vd_packet *out, char *why, int why_size);

/* ---- errors and log ---- */
void vd_error(int code, char *text, int size);
void vd_log_install(void);
void vd_log_counts(uint64_t *errors, uint64_t *warnings);

/* ---- planes ---- */
void vd_box(uint8_t *dst, int dst_w, int dst_h, const uint8_t *src, int src_stride,
            int src_w, int src_h, int n);

#endif
