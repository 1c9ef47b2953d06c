#ifndef VEDETTE_CORE_H
#define VEDETTE_CORE_H

#include "decode.h"
#include "log.h"

#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>

/* The part that a decoder of access units and one of files share: an open codec and the
 * picture that it holds until the caller has made room for it. */
typedef struct {
    AVCodecContext *codec;
    AVFrame *frame;
    AVFrame *plain; /* the picture as 8-bit 4:2:0, when the codec gives anything else */
    struct SwsContext *sws;
    int held;    /* frame is a picture not yet taken */
    int ended;   /* drained to the end */
    int pending; /* an error to report after the pictures that came before it */
    int64_t fed; /* seq of the newest packet */
} vd_core;

int vd_core_open(vd_core *c, const AVCodec *codec, const AVCodecParameters *par, int loop_filter);
void vd_core_close(vd_core *c);
void vd_core_flush(vd_core *c);
void vd_core_send(vd_core *c, const AVPacket *pkt, int64_t seq, vd_picture *pic, vd_sink *sink);
int vd_core_take(vd_core *c, const vd_form *form, uint8_t *dst, vd_picture *pic, vd_sink *sink);
int vd_core_skip(vd_core *c, vd_picture *pic, vd_sink *sink);

#endif
