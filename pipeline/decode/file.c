#include "core.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <sys/stat.h>
#include <unistd.h>

/* After so many packets without a picture a call comes back with VD_NONE, so that the
 * caller can see whether it was cancelled. */
#define VD_PATIENCE 64
#define VD_IO_BUFFER (64 << 10)

struct vd_file {
    vd_core core;
    AVFormatContext *format;
    AVIOContext *io;
    AVPacket *pkt;
    int stream;
    int fd;
    int64_t packets;
    int drained;  /* the codec was told that nothing more comes */
    int read_err; /* reading ended with this instead of the end of the file */
    int cut;      /* a packet was shorter than the container said */
};

static int read_some(void *opaque, uint8_t *buf, int size)
{
    const vd_file *f = opaque;
    for (;;) {
        ssize_t n = read(f->fd, buf, size);
        if (n > 0)
            return (int)n;
        if (n == 0)
            return AVERROR_EOF;
        if (errno != EINTR)
            return AVERROR(errno);
    }
}

static int64_t seek_to(void *opaque, int64_t offset, int whence)
{
    const vd_file *f = opaque;
    if (whence & AVSEEK_SIZE) {
        struct stat st;
        return fstat(f->fd, &st) < 0 ? AVERROR(errno) : st.st_size;
    }
    off_t at = lseek(f->fd, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : at;
}

/* A playlist or a container with external parts would open more files, or the network.
 * A video handed in as evidence may come from anyone: nothing but itself is read. */
static int open_nothing(AVFormatContext *s, AVIOContext **pb, const char *url, int flags,
                        AVDictionary **options)
{
    vd_log_why("it refers to another file or address, which is not opened: %.80s", url);
    return AVERROR(EACCES);
}

static int open_input(vd_file *f)
{
    uint8_t *buffer = av_malloc(VD_IO_BUFFER);
    if (!buffer)
        return AVERROR(ENOMEM);
    f->io = avio_alloc_context(buffer, VD_IO_BUFFER, 0, f, read_some, NULL, seek_to);
    if (!f->io) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    f->pkt = av_packet_alloc();
    f->format = avformat_alloc_context();
    if (!f->pkt || !f->format)
        return AVERROR(ENOMEM);
    f->format->pb = f->io;
    f->format->io_open = open_nothing;
    f->format->protocol_whitelist = av_strdup("none"); /* demuxers inside demuxers obey this */
    if (!f->format->protocol_whitelist)
        return AVERROR(ENOMEM);
    /* A name that says nothing: the bytes alone decide what it is. By its name, any .txt
     * would be a video. */
    int ret = avformat_open_input(&f->format, "video", NULL, NULL);
    return ret < 0 ? ret : avformat_find_stream_info(f->format, NULL);
}

static void describe(const vd_file *f, const AVStream *st, vd_info *info)
{
    info->width = f->core.codec->width;
    info->height = f->core.codec->height;
    AVRational fps = st->avg_frame_rate.num > 0 && st->avg_frame_rate.den > 0
                         ? st->avg_frame_rate : st->r_frame_rate;
    info->fps = fps.num > 0 && fps.den > 0 ? av_q2d(fps) : 0;
    info->time_base = av_q2d(st->time_base);
    info->duration = 0;
    if (st->duration > 0)
        info->duration = st->duration * info->time_base;
    else if (f->format->duration > 0)
        info->duration = (double)f->format->duration / AV_TIME_BASE;
    info->frames = st->nb_frames;
    av_strlcpy(info->codec, avcodec_get_name(st->codecpar->codec_id), sizeof info->codec);
    av_strlcpy(info->container, f->format->iformat->name, sizeof info->container);
}

static int open_all(vd_file *f, int loop_filter, vd_info *info)
{
    int ret = open_input(f);
    if (ret < 0)
        return ret;
    const AVCodec *codec = NULL;
    f->stream = av_find_best_stream(f->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    /* The cover picture of a piece of music is not video. */
    if (f->stream < 0 || (f->format->streams[f->stream]->disposition & AV_DISPOSITION_ATTACHED_PIC))
        return AVERROR_STREAM_NOT_FOUND;
    AVStream *st = f->format->streams[f->stream];
    for (unsigned i = 0; i < f->format->nb_streams; i++)
        if ((int)i != f->stream)
            f->format->streams[i]->discard = AVDISCARD_ALL;
    codec = avcodec_find_decoder(st->codecpar->codec_id);
    if (!codec) {
        vd_log_why("codec %s", avcodec_get_name(st->codecpar->codec_id));
        return AVERROR_DECODER_NOT_FOUND;
    }
    ret = vd_core_open(&f->core, codec, st->codecpar, loop_filter);
    if (ret < 0)
        return ret;
    f->core.codec->pkt_timebase = st->time_base;
    describe(f, st, info);
    return 0;
}

int vd_file_open(vd_file **out, int fd, int loop_filter, vd_info *info, char *why, int why_size)
{
    vd_file *f = av_mallocz(sizeof *f);
    if (!f)
        return AVERROR(ENOMEM);
    f->fd = fd;
    vd_sink sink;
    vd_log_begin(&sink, why, why_size);
    int ret = open_all(f, loop_filter, info);
    vd_log_end();
    *out = f;
    if (ret < 0)
        vd_file_close(out);
    return ret;
}

void vd_file_close(vd_file **out)
{
    vd_file *f = *out;
    if (!f)
        return;
    vd_core_close(&f->core);
    av_packet_free(&f->pkt);
    avformat_close_input(&f->format);
    if (f->io)
        av_freep(&f->io->buffer); /* may have been exchanged for a larger one */
    avio_context_free(&f->io);
    av_freep(out);
}

static void drain(vd_file *f, vd_picture *pic, vd_sink *sink)
{
    f->drained = 1;
    vd_core_send(&f->core, NULL, 0, pic, sink);
}

int vd_file_next(vd_file *f, const vd_form *form, uint8_t *dst, vd_picture *pic,
                 char *why, int why_size)
{
    vd_sink sink;
    vd_log_begin(&sink, why, why_size);
    pic->hurt = 0;
    int ret = VD_NONE;
    for (int i = 0; i < VD_PATIENCE; i++) {
        ret = vd_core_take(&f->core, form, dst, pic, &sink);
        if (ret != VD_NONE)
            break;
        if (f->drained) {
            ret = VD_END;
            break;
        }
        int got = av_read_frame(f->format, f->pkt);
        if (got < 0) {
            if (got != AVERROR_EOF)
                f->read_err = got;
            drain(f, pic, &sink);
            continue;
        }
        if (f->pkt->stream_index == f->stream) {
            if (f->pkt->flags & AV_PKT_FLAG_CORRUPT)
                f->cut = 1;
            vd_core_send(&f->core, f->pkt, ++f->packets, pic, &sink);
        }
        av_packet_unref(f->pkt);
    }
    vd_log_end();
    return ret;
}

int vd_file_end(const vd_file *f, int *cut)
{
    *cut = f->cut;
    return f->read_err;
}
