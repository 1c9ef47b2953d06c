#include "core.h"

struct vd_decoder {
    vd_core core;
    AVPacket *pkt;
};

int vd_decoder_open(vd_decoder **out, int codec, int loop_filter)
{
    const AVCodec *found = avcodec_find_decoder(codec == VD_H265 ? AV_CODEC_ID_HEVC : AV_CODEC_ID_H264);
    if (!found)
        return AVERROR_DECODER_NOT_FOUND;
    vd_decoder *d = av_mallocz(sizeof *d);
    if (!d)
        return AVERROR(ENOMEM);
    *out = d;
    d->pkt = av_packet_alloc();
    int ret = d->pkt ? vd_core_open(&d->core, found, NULL, loop_filter) : AVERROR(ENOMEM);
    if (ret < 0)
        vd_decoder_close(out);
    return ret;
}

void vd_decoder_close(vd_decoder **d)
{
    if (!*d)
        return;
    vd_core_close(&(*d)->core);
    av_packet_free(&(*d)->pkt);
    av_freep(d);
}

void vd_decoder_flush(vd_decoder *d)
{
    vd_core_flush(&d->core);
}

int vd_decode(vd_decoder *d, const uint8_t *data, int size, int64_t seq,
              const vd_form *form, uint8_t *dst, vd_picture *pic, char *why, int why_size)
{
    vd_sink sink;
    vd_log_begin(&sink, why, why_size);
    pic->hurt = 0;
    if (data) {
        /* Not reference-counted: libavcodec copies it and adds the padding that it needs. */
        d->pkt->data = (uint8_t *)data;
        d->pkt->size = size;
        vd_core_send(&d->core, d->pkt, seq, pic, &sink);
        d->pkt->data = NULL;
        d->pkt->size = 0;
    } else {
        vd_core_send(&d->core, NULL, 0, pic, &sink);
    }
    int ret = vd_core_take(&d->core, form, dst, pic, &sink);
    vd_log_end();
    return ret;
}

int vd_take(vd_decoder *d, const vd_form *form, uint8_t *dst, vd_picture *pic,
            char *why, int why_size)
{
    vd_sink sink;
    vd_log_begin(&sink, why, why_size);
    pic->hurt = 0;
    int ret = vd_core_take(&d->core, form, dst, pic, &sink);
    vd_log_end();
    return ret;
}

int vd_skip(vd_decoder *d, vd_picture *pic, char *why, int why_size)
{
    vd_sink sink;
    vd_log_begin(&sink, why, why_size);
    pic->hurt = 0;
    int ret = vd_core_skip(&d->core, pic, &sink);
    vd_log_end();
    return ret;
}
