#include "core.h"

#include <libavutil/opt.h>
#include <string.h>

struct vd_encoder {
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *pkt;
};

static int open_encoder(vd_encoder *e, const AVCodec *codec, const vd_encoding *form)
{
    e->codec = avcodec_alloc_context3(codec);
    e->frame = av_frame_alloc();
    e->pkt = av_packet_alloc();
    if (!e->codec || !e->frame || !e->pkt)
        return AVERROR(ENOMEM);
    AVCodecContext *c = e->codec;
    c->width = e->frame->width = form->width;
    c->height = e->frame->height = form->height;
    c->pix_fmt = e->frame->format = AV_PIX_FMT_YUV420P;
    c->color_range = e->frame->color_range = form->full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    c->time_base = (AVRational){1, VD_TICKS};
    c->framerate = av_d2q(form->fps, 100000); /* a hint: every picture keeps its own time */
    c->max_b_frames = 0;                      /* decoding order is presentation order */
    c->gop_size = 1 << 20;                    /* the caller says where key frames are */
    c->thread_count = form->threads;
    int ret = av_opt_set(c->priv_data, "preset", "veryfast", 0);
    if (ret >= 0)
        ret = av_opt_set_double(c->priv_data, "crf", form->crf, 0);
    if (ret >= 0)
        ret = av_opt_set_int(c->priv_data, "forced-idr", 1, 0);
    if (ret >= 0) /* no key frames at cuts: a camera has none */
        ret = av_opt_set(c->priv_data, "x264-params", "scenecut=0", 0);
    if (ret < 0)
        return ret;
    ret = avcodec_open2(c, codec, NULL);
    return ret < 0 ? ret : av_frame_get_buffer(e->frame, 0);
}

int vd_encoder_open(vd_encoder **out, const vd_encoding *form, char *why, int why_size)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
    if (!codec)
        return VD_ABSENT;
    vd_encoder *e = av_mallocz(sizeof *e);
    if (!e)
        return AVERROR(ENOMEM);
    *out = e;
    vd_sink sink;
    vd_log_begin(&sink, why, why_size);
    int ret = open_encoder(e, codec, form);
    vd_log_end();
    if (ret < 0)
        vd_encoder_close(out);
    return ret;
}

void vd_encoder_close(vd_encoder **out)
{
    vd_encoder *e = *out;
    if (!e)
        return;
    avcodec_free_context(&e->codec);
    av_frame_free(&e->frame);
    av_packet_free(&e->pkt);
    av_freep(out);
}

static void copy_plane(uint8_t *dst, int dst_stride, const uint8_t *src, int stride, int w, int h)
{
    for (int y = 0; y < h; y++)
        memcpy(dst + (size_t)y * dst_stride, src + (size_t)y * stride, w);
}

static int feed(vd_encoder *e, const uint8_t *y, int y_stride, const uint8_t *cb, const uint8_t *cr,
                int c_stride, int64_t pts, int key)
{
    AVFrame *f = e->frame;
    int ret = av_frame_make_writable(f);
    if (ret < 0)
        return ret;
    copy_plane(f->data[0], f->linesize[0], y, y_stride, f->width, f->height);
    copy_plane(f->data[1], f->linesize[1], cb, c_stride, f->width / 2, f->height / 2);
    copy_plane(f->data[2], f->linesize[2], cr, c_stride, f->width / 2, f->height / 2);
    f->pts = pts;
    f->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    return avcodec_send_frame(e->codec, f);
}

int vd_encode(vd_encoder *e, const uint8_t *y, int y_stride, const uint8_t *cb, const uint8_t *cr,
              int c_stride, int64_t pts, int key, char *why, int why_size)
{
    vd_sink sink;
    vd_log_begin(&sink, why, why_size);
    int ret = y ? feed(e, y, y_stride, cb, cr, c_stride, pts, key) : avcodec_send_frame(e->codec, NULL);
    vd_log_end();
    return ret;
}

int vd_encoded(vd_encoder *e, vd_packet *out, char *why, int why_size)
{
    vd_sink sink;
    vd_log_begin(&sink, why, why_size);
    av_packet_unref(e->pkt);
    int ret = avcodec_receive_packet(e->codec, e->pkt);
    vd_log_end();
    if (ret == AVERROR(EAGAIN))
        return VD_NONE;
    if (ret == AVERROR_EOF)
        return VD_END;
    if (ret < 0)
        return ret;
    out->data = e->pkt->data;
    out->size = e->pkt->size;
    out->pts = e->pkt->pts;
    out->key = (e->pkt->flags & AV_PKT_FLAG_KEY) != 0;
    return VD_GOT;
}
