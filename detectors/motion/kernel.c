#include "kernel.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("no-trapping-math") /* nobody reads the flags: comparisons may be masks */
#endif

/* The loops that touch every pixel of every picture, written so that the compiler makes
 * vectors of them: no branch, no call, no order between pixels. Each gives the same bits
 * whatever vectors there are: C11 as GCC understands it fuses no operations, and Clang is told
 * not to.
 *
 * One function is compiled twice and chosen when the program is loaded: the baseline of
 * amd64 has vectors of half the length and no blend. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define VD_CLONES __attribute__((target_clones("default", "avx2")))
#else
#define VD_CLONES
#endif

#define VD_CHUNK 512 /* pixels whose luma is looked up at a time */

/* vd_match compares each pixel with its heaviest mode and lets that learn from it and gain
 * weight, which second and third lose. out gets 255 where the mode does not explain the pixel,
 * else 0. */
VD_CLONES void vd_match(const uint8_t *restrict y, const uint8_t *restrict b,
                        const uint8_t *restrict r, const float *restrict lut,
                        float *restrict my, float *restrict mb, float *restrict mr,
                        float *restrict mv, float *restrict mw, float *restrict second,
                        float *restrict third, uint8_t *restrict out, size_t n, vd_rule rule)
{
    const float k2 = rule.sigmas2, ic = rule.chroma, mean = rule.mean, spread = rule.spread;
    const float lo = rule.min_v, hi = rule.max_v, settled = rule.settled;
    const float weight = rule.weight;
    float luma[VD_CHUNK];

    for (size_t at = 0; at < n; at += VD_CHUNK) {
        const size_t m = n - at < VD_CHUNK ? n - at : VD_CHUNK;
        for (size_t i = 0; i < m; i++)
            luma[i] = lut[y[at + i]];
        for (size_t i = 0; i < m; i++) {
            const size_t j = at + i;
            const float v = mv[j];
            const float dy = luma[i] - my[j], db = (float)b[j] - mb[j], dr = (float)r[j] - mr[j];
            const float d2 = dy * dy;
            const int32_t same = d2 + v * ic * (db * db + dr * dr) < k2 * v;
            const float rate = same ? mean : 0;
            my[j] += rate * dy;
            mb[j] += rate * db;
            mr[j] += rate * dr;
            float next = v + spread * (d2 - v);
            next = next < lo ? lo : next;
            next = next > hi ? hi : next;
            mv[j] = same ? next : v;
            const int32_t code = same ? 0 : 255;
            out[j] = (uint8_t)code;
        }
        /* Most of a picture has been settled for long, and its other modes lie elsewhere. */
        int32_t grows = 0;
        for (size_t i = 0; i < m; i++)
            grows |= (mw[at + i] < settled) & (out[at + i] == 0);
        if (!grows)
            continue;
        for (size_t i = 0; i < m; i++) {
            const size_t j = at + i;
            const int32_t grow = (mw[j] < settled) & (out[j] == 0);
            const float rate = grow ? weight : 0;
            mw[j] += rate * (1 - mw[j]);
            second[j] -= rate * second[j];
            third[j] -= rate * third[j];
        }
    }
}

/* vd_relight multiplies luma above black with a factor that runs along the row. */
VD_CLONES void vd_relight(uint8_t *restrict pix, const float *restrict share, size_t n,
                          float black, float from, float step)
{
    for (size_t i = 0; i < n; i++) {
        float v = black + ((float)pix[i] - black) * (from + step * share[i]) + 0.5f;
        v = v < 0 ? 0 : v;
        v = v > 255 ? 255 : v;
        pix[i] = (uint8_t)(int32_t)v;
    }
}

/* vd_count_starts counts where pixels have become foreground that are not held. */
VD_CLONES void vd_count_starts(float *restrict rate, uint8_t *restrict before,
                               const uint8_t *restrict now, const uint8_t *restrict held,
                               size_t n, float down, float up, float least)
{
    for (size_t i = 0; i < n; i++) {
        float r = rate[i] * down;
        r = r < least ? 0 : r;
        const int32_t starts = (now[i] > before[i]) & (held[i] == 0);
        r += starts ? up : 0;
        rate[i] = r;
        before[i] = now[i];
    }
}

/* vd_hold counts how long pixels have been foreground under protection, and lets those go
 * that have been for too long until they have been background for as long. */
VD_CLONES void vd_hold(uint16_t *restrict held, uint8_t *restrict hold,
                       const uint8_t *restrict now, size_t n, uint16_t step, uint16_t limit)
{
    for (size_t i = 0; i < n; i++) {
        const uint16_t h = held[i];
        const uint16_t less = h > step ? (uint16_t)(h - step) : 0;
        const int is = now[i] != 0, not = now[i] == 0, in = hold[i] != 0;
        const int rises = is & in & (h < limit), full = in & (h >= limit), falls = not & (h != 0);
        const uint16_t more = (uint16_t)(h + (rises ? step : 0));
        held[i] = falls ? less : more;
        hold[i] = (full & (falls == 0)) ? 0 : hold[i];
    }
}

/* vd_keep clears a where b is 0. */
VD_CLONES void vd_keep(uint8_t *restrict a, const uint8_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        a[i] = b[i] ? a[i] : 0;
}
