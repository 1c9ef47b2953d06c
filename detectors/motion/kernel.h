#ifndef VD_KERNEL_H
#define VD_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* vd_rule says what a mode matches and how fast it learns. */
typedef struct {
    float sigmas2;     /* squared distance within which a pixel belongs to a mode */
    float chroma;      /* one over the variance of chroma */
    float weight, mean, spread;
    float min_v, max_v;
    float settled; /* the weight from which the others no longer matter */
} vd_rule;

void vd_match(const uint8_t *y, const uint8_t *b, const uint8_t *r, const float *lut,
              float *my, float *mb, float *mr, float *mv, float *mw, float *second,
              float *third, uint8_t *out, size_t n, vd_rule rule);
void vd_relight(uint8_t *pix, const float *share, size_t n, float black, float from, float step);
void vd_count_starts(float *rate, uint8_t *before, const uint8_t *now, const uint8_t *held,
                     size_t n, float down, float up, float least);
void vd_hold(uint16_t *held, uint8_t *hold, const uint8_t *now, size_t n, uint16_t step,
             uint16_t limit);
void vd_keep(uint8_t *a, const uint8_t *b, size_t n);

#endif
