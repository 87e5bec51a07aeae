/* k0_1: a chunk of a loop of k0, or all of it */
static SYMNB_PART int k0_1(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const float *restrict p0 = p[0];
    const float *restrict p1 = p[1];
    float *restrict q0 = p[2];
    int64_t *restrict q1 = p[3];
    for (int64_t i = first; i < last; i++) {             /* parallel: rows */
        float a0[10];
        #pragma omp simd
        for (int64_t l = 0; l < 10; l++) {
            const float t0 = p0[10*i + l] + p1[l];       /* %0 add */
            a0[l] = t0;
        }
        const float r0 = symnb_pairs_max_f32x10(a0);     /* %1 max */
        float a1[10];
        int64_t a2[10];
        #pragma omp simd
        for (int64_t l = 0; l < 10; l++) {
            const float t0_1 = p0[10*i + l] + p1[l];     /* %0 add */
            const float t2 = t0_1 - r0;                  /* %2 sub */
            const float t3 = symnb_expf(t2);             /* %3 exp */
            q0[10*i + l] = t3;
            const int64_t t6 = (t0_1 == r0) | (t0_1 != t0_1) ? l : 0x7fffffffffffffff; /* %6 argmax */
            a1[l] = t3;
            a2[l] = t6;
        }
        const float r1 = symnb_pairs_add_f32x10(a1);     /* %4 sum */
        const int64_t r2 = symnb_pairs_min_i64x10(a2);   /* %6 argmax */
        q1[i] = r2;
        #pragma omp simd
        for (int64_t j = 0; j < 10; j++) {
            const float t5 = q0[10*i + j] / r1;          /* %5 true_div */
            q0[10*i + j] = t5;
        }
    }
    return 0;
}

/* k0: row by row; in threads from 17,000 points on */
static int k0(const float *restrict p0, const float *restrict p1, float *restrict q0,
              int64_t *restrict q1, int64_t n0, symnb_ws *ws)
{
    int64_t step = n0;
    if (ws->threads > 1 && 10*n0 > 17000) {
        const int64_t chunks = symnb_min((10*n0) / 7100, 64);
        step = n0 / chunks + 1;
    }
    void *const p[] = {(void *)p0, (void *)p1, (void *)q0, (void *)q1};
    if (step < n0 ? ws->spread(ws, k0_1, p, 0, n0, step)
        : k0_1(p, 0, 0, 0, n0, ws)) return 1;
    return 0;
}
