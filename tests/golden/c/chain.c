/* k0_1: a chunk of a loop of k0, or all of it */
static SYMNB_PART int k0_1(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const float *restrict p0 = p[0];
    const float *restrict p1 = p[1];
    float *restrict q0 = p[2];
    #pragma omp simd
    for (int64_t i = first; i < last; i++) {             /* parallel */
        const float x0 = p0[i];
        const float t0 = -x0;                            /* %0 neg */
        const float t1 = t0 * x0;                        /* %1 mul */
        const float t2 = symnb_expf(t1);                 /* %2 exp */
        const float x1 = p1[i];
        const float t3 = symnb_tanhf(x1);                /* %3 tanh */
        const float t4 = t2 * t3;                        /* %4 mul */
        const float t5 = x0 + 2.0f;                      /* %5 add */
        const float t6 = x1 / t5;                        /* %6 true_div */
        const float t7 = t4 - t6;                        /* %7 sub */
        q0[i] = t7;
    }
    return 0;
}

/* k0: one pass over the elements; in threads from 12,000 points on */
static int k0(const float *restrict p0, const float *restrict p1, float *restrict q0,
              int64_t n0, int64_t n1, symnb_ws *ws)
{
    int64_t step = n0*n1;
    if (ws->threads > 1 && n0*n1 > 12000) {
        const int64_t chunks = symnb_min((n0*n1) / 4800, 64);
        step = ((n0*n1) / chunks + 1024) / 1024 * 1024;
    }
    void *const p[] = {(void *)p0, (void *)p1, (void *)q0};
    if (step < n0*n1 ? ws->spread(ws, k0_1, p, 0, n0*n1, step)
        : k0_1(p, 0, 0, 0, n0*n1, ws)) return 1;
    return 0;
}
