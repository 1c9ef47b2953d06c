#include "decode.h"

#include <stddef.h>
#include <string.h>

/* One function compiled twice, chosen when the program is loaded: the baseline of amd64
 * has no byte shuffle, which the horizontal sums need to be vectorised. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define VD_CLONES __attribute__((target_clones("default", "avx2")))
#else
#define VD_CLONES
#endif

#define VD_MAX_FACTOR 256 /* 256 * 255 still fits the 16-bit column sums */

/* row_of_boxes averages the n rows that begin at src, rounding half up, into w bytes. n is
 * a constant wherever it matters, so that the loops unroll and the division becomes a
 * multiplication. */
static inline __attribute__((always_inline)) void
row_of_boxes(uint8_t *restrict dst, int w, const uint8_t *const *rows, uint16_t *restrict sum, const int n)
{
    for (int x = 0; x < w * n; x++) {
        uint16_t s = 0;
        for (int k = 0; k < n; k++)
            s += rows[k][x];
        sum[x] = s;
    }
    for (int x = 0; x < w; x++) {
        uint16_t s = n * n / 2; /* 16 bits hold it up to n = 16, and vectors hold more of them */
        for (int k = 0; k < n; k++)
            s += sum[x * n + k];
        dst[x] = (uint8_t)(s / (uint16_t)(n * n));
    }
}

#define ROW_OF(n)                                                                            \
    VD_CLONES static void row_of_##n(uint8_t *dst, int w, const uint8_t *const *rows,        \
                                     uint16_t *sum)                                          \
    {                                                                                        \
        const uint8_t *r[n];                                                                 \
        for (int k = 0; k < n; k++)                                                          \
            r[k] = rows[k];                                                                  \
        row_of_boxes(dst, w, r, sum, n);                                                     \
    }

/* 720p, 1080p, 1440p, 3K and 4K pictures for a side of 640. */
ROW_OF(2)
ROW_OF(3)
ROW_OF(4)
ROW_OF(5)
ROW_OF(6)

VD_CLONES static void row_of_n(uint8_t *restrict dst, int w, const uint8_t *const *rows,
                               uint16_t *restrict sum, int n)
{
    memset(sum, 0, sizeof *sum * (size_t)w * n);
    for (int k = 0; k < n; k++) {
        const uint8_t *row = rows[k];
        for (int x = 0; x < w * n; x++)
            sum[x] += row[x];
    }
    uint32_t area = (uint32_t)n * n;
    uint64_t inverse = ((UINT64_C(1) << 40) + area - 1) / area; /* exact for sums below 2^24 */
    for (int x = 0; x < w; x++) {
        uint32_t s = area / 2;
        for (int k = 0; k < n; k++)
            s += sum[x * n + k];
        dst[x] = (uint8_t)(s * inverse >> 40);
    }
}

/* vd_box shrinks one plane: each box of n x n bytes becomes their mean. Where the last
 * boxes reach over the right or bottom edge, only what lies inside is averaged. */
void vd_box(uint8_t *dst, int dst_w, int dst_h, const uint8_t *src, int src_stride,
            int src_w, int src_h, int n)
{
    if (n == 1) {
        for (int y = 0; y < dst_h; y++)
            memcpy(dst + (size_t)y * dst_w, src + (ptrdiff_t)y * src_stride, dst_w);
        return;
    }
    uint16_t sum[VD_MAX_SIDE + VD_MAX_FACTOR];
    const uint8_t *rows[VD_MAX_FACTOR];
    int whole_w = src_w / n < dst_w ? src_w / n : dst_w;
    int whole_h = src_h / n < dst_h ? src_h / n : dst_h;

    for (int y = 0; y < whole_h; y++) {
        uint8_t *out = dst + (size_t)y * dst_w;
        for (int k = 0; k < n; k++)
            rows[k] = src + (ptrdiff_t)(y * n + k) * src_stride;
        switch (n) {
        case 2: row_of_2(out, whole_w, rows, sum); break;
        case 3: row_of_3(out, whole_w, rows, sum); break;
        case 4: row_of_4(out, whole_w, rows, sum); break;
        case 5: row_of_5(out, whole_w, rows, sum); break;
        case 6: row_of_6(out, whole_w, rows, sum); break;
        default: row_of_n(out, whole_w, rows, sum, n);
        }
    }
    for (int y = 0; y < dst_h; y++) {
        for (int x = y < whole_h ? whole_w : 0; x < dst_w; x++) {
            uint32_t s = 0, count = 0;
            for (int v = y * n; v < (y + 1) * n && v < src_h; v++)
                for (int u = x * n; u < (x + 1) * n && u < src_w; u++, count++)
                    s += src[(ptrdiff_t)v * src_stride + u];
            dst[(size_t)y * dst_w + x] = count ? (uint8_t)((s + count / 2) / count) : 128;
        }
    }
}
