#include "core.h"

#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

int vd_core_open(vd_core *c, const AVCodec *codec, const AVCodecParameters *par, int loop_filter)
{
    c->codec = avcodec_alloc_context3(codec);
    c->frame = av_frame_alloc();
    if (!c->codec || !c->frame)
        return AVERROR(ENOMEM);
    if (par) {
        int ret = avcodec_parameters_to_context(c->codec, par);
        if (ret < 0)
            return ret;
    }
    /* Cameras share the machine: one thread each. Frame threads would also delay pictures. */
    c->codec->thread_count = 1;
    c->codec->max_pixels = VD_MAX_PIXELS;
    if (!loop_filter)
        c->codec->skip_loop_filter = AVDISCARD_ALL;
    /* Damaged pictures come marked instead of not at all; Go decides what becomes of them. */
    c->codec->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    return avcodec_open2(c->codec, codec, NULL);
}

void vd_core_close(vd_core *c)
{
    sws_freeContext(c->sws);
    c->sws = NULL;
    av_frame_free(&c->plain);
    av_frame_free(&c->frame);
    avcodec_free_context(&c->codec);
}

void vd_core_flush(vd_core *c)
{
    av_frame_unref(c->frame);
    avcodec_flush_buffers(c->codec);
    c->held = c->ended = c->pending = 0;
}

/* note_damage blames the newest packet for what libavcodec just complained about. */
static void note_damage(const vd_core *c, vd_picture *pic, vd_sink *sink)
{
    if (sink->damage)
        pic->hurt = c->fed;
    sink->damage = 0;
}

/* vd_core_send feeds a packet; NULL begins draining. seq comes back with its picture. */
void vd_core_send(vd_core *c, const AVPacket *pkt, int64_t seq, vd_picture *pic, vd_sink *sink)
{
    if (pkt)
        c->codec->reordered_opaque = c->fed = seq;
    int ret = avcodec_send_packet(c->codec, pkt);
    if (ret < 0 && ret != AVERROR_EOF)
        c->pending = ret;
    note_damage(c, pic, sink);
}

/* fetch holds the next picture: 1 held, 0 none without more input. */
static int fetch(vd_core *c)
{
    if (c->held)
        return 1;
    av_frame_unref(c->frame);
    int ret = avcodec_receive_frame(c->codec, c->frame);
    if (ret == 0) {
        c->held = 1;
        return 1;
    }
    if (ret == AVERROR_EOF)
        c->ended = 1;
    else if (ret != AVERROR(EAGAIN))
        c->pending = ret;
    return 0;
}

static int is_plain(enum AVPixelFormat f)
{
    return f == AV_PIX_FMT_YUV420P || f == AV_PIX_FMT_YUVJ420P;
}

/* make_plain converts whatever the codec gave to 8-bit 4:2:0 of the same size and range. */
static int make_plain(vd_core *c, const AVFrame *f, int full)
{
    enum AVPixelFormat to = full ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
    if (!c->plain || c->plain->width != f->width || c->plain->height != f->height ||
        c->plain->format != to) {
        av_frame_free(&c->plain);
        c->plain = av_frame_alloc();
        if (!c->plain)
            return AVERROR(ENOMEM);
        c->plain->width = f->width;
        c->plain->height = f->height;
        c->plain->format = to;
        int ret = av_frame_get_buffer(c->plain, 0);
        if (ret < 0)
            return ret;
    }
    c->sws = sws_getCachedContext(c->sws, f->width, f->height, f->format, f->width, f->height,
                                  to, SWS_BILINEAR | SWS_ACCURATE_RND, NULL, NULL, NULL);
    if (!c->sws)
        return AVERROR(ENOMEM);
    const int *matrix = sws_getCoefficients(SWS_CS_DEFAULT);
    sws_setColorspaceDetails(c->sws, matrix, full, matrix, full, 0, 1 << 16, 1 << 16);
    int ret = sws_scale(c->sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height,
                        c->plain->data, c->plain->linesize);
    return ret < 0 ? ret : 0;
}

static void drop(vd_core *c)
{
    av_frame_unref(c->frame);
    c->held = 0;
}

/* release lets go of the picture that has been dealt with and holds the next one. */
static int release(vd_core *c, vd_picture *pic, vd_sink *sink)
{
    drop(c);
    pic->more = fetch(c) || c->pending < 0;
    note_damage(c, pic, sink);
    return VD_GOT;
}

int vd_core_take(vd_core *c, const vd_form *form, uint8_t *dst, vd_picture *pic, vd_sink *sink)
{
    int found = fetch(c);
    pic->fed = c->fed;
    note_damage(c, pic, sink);
    if (!found) {
        int ret = c->pending;
        c->pending = 0;
        if (ret < 0)
            return ret;
        return c->ended ? VD_END : VD_NONE;
    }
    const AVFrame *f = c->frame;
    pic->width = f->width;
    pic->height = f->height;
    pic->key = f->key_frame;
    pic->seq = f->reordered_opaque;
    pic->pts = f->best_effort_timestamp;
    pic->more = 0;
    pic->flaws = 0;
    if (f->flags & AV_FRAME_FLAG_CORRUPT)
        pic->flaws |= VD_UNRECOVERED;
    if (f->decode_error_flags)
        pic->flaws |= VD_DAMAGED;
    pic->full_range = f->color_range == AVCOL_RANGE_JPEG || f->format == AV_PIX_FMT_YUVJ420P ||
                      f->format == AV_PIX_FMT_YUVJ422P || f->format == AV_PIX_FMT_YUVJ444P ||
                      f->format == AV_PIX_FMT_YUVJ440P || f->format == AV_PIX_FMT_YUVJ411P;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(f->format);
    if (desc && (desc->flags & AV_PIX_FMT_FLAG_RGB))
        pic->full_range = 0; /* converted to limited range */
    else if (desc && desc->nb_components < 3)
        pic->full_range = f->color_range != AVCOL_RANGE_MPEG; /* grey says so when it is not */

    int ret = 0;
    if (f->width < VD_MIN_SIDE || f->height < VD_MIN_SIDE || f->width > VD_MAX_SIDE ||
        f->height > VD_MAX_SIDE || (int64_t)f->width * f->height > VD_MAX_PIXELS) {
        vd_log_why("picture of %dx%d pixels; accepted are %d to %d a side and %d in all",
                   f->width, f->height, VD_MIN_SIDE, VD_MAX_SIDE, VD_MAX_PIXELS);
        ret = AVERROR(ERANGE);
    } else if (!is_plain(f->format) && !sws_isSupportedInput(f->format)) {
        vd_log_why("pixel format %s", desc ? desc->name : "unknown");
        ret = AVERROR_PATCHWELCOME;
    }
    if (ret < 0) {
        drop(c);
        return ret;
    }
    if (!dst || form->factor < 1 || form->factor > 256 || form->width != f->width ||
        form->height != f->height)
        return VD_FORM;

    const AVFrame *from = f;
    if (!is_plain(f->format)) {
        ret = make_plain(c, f, pic->full_range);
        if (ret < 0) {
            drop(c);
            return ret;
        }
        from = c->plain;
    }
    int n = form->factor, w = f->width / n, h = f->height / n;
    int cw = (w + 1) / 2, ch = (h + 1) / 2;
    vd_box(dst, w, h, from->data[0], from->linesize[0], f->width, f->height, n);
    for (int i = 1; i <= 2; i++)
        vd_box(dst + (size_t)w * h + (size_t)(i - 1) * cw * ch, cw, ch, from->data[i],
               from->linesize[i], (f->width + 1) / 2, (f->height + 1) / 2, n);

    return release(c, pic, sink);
}

int vd_core_skip(vd_core *c, vd_picture *pic, vd_sink *sink)
{
    return c->held ? release(c, pic, sink) : VD_NONE;
}
