/* k0: squares of 32 x 32: some arrays are transposed */
static int k0(const float *restrict p0, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    int64_t polled = 0;
    for (int64_t i0 = 0; i0 < n1; i0 += 32) {            /* squares */
        for (int64_t j0 = 0; j0 < n0; j0 += 32) {        /* squares */
            const int64_t j1 = symnb_min(n0, j0 + 32);
            const int64_t i1 = symnb_min(n1, i0 + 32);
            for (int64_t i = i0; i < i1; i++) {
                #pragma omp simd
                for (int64_t j = j0; j < j1; j++) {
                    const float t1 = p0[n1*j + i] * 2.0f; /* %1 mul */
                    q0[n0*i + j] = t1;
                }
                if ((polled += j1 - j0) > 1048576) {
                    if (ws->stop(ws)) return 1;
                    polled = 0;
                }
            }
        }
    }
    return 0;
}

/* k1: one pass over the elements */
static int k1(const float *restrict p0, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    int64_t polled = 0;
    for (int64_t i = 0; i < (n0 + 1) / 2; i++) {
        #pragma omp simd
        for (int64_t j = 0; j < n1; j++) {
            q0[n1*i + j] = p0[(2*i + 1)*n1 - j - 1];
        }
        if ((polled += n1) > 1048576) {
            if (ws->stop(ws)) return 1;
            polled = 0;
        }
    }
    return 0;
}

/* k2: one pass over the elements */
static int k2(const float *restrict p0, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    #pragma omp simd
    for (int64_t i = 0; i < n0*n1; i++) {
        const float t4 = p0[i] + 1.0f;                   /* %4 add */
        q0[i] = t4;
    }
    return 0;
}
