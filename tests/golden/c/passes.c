/* k0_1: a chunk of a loop of k0, or all of it */
static SYMNB_PART int k0_1(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const int64_t n1 = n[0];
    const float *restrict p0 = p[0];
    float *restrict q0 = p[1];
    int64_t polled = 0;
    for (int64_t i = first; i < last; i++) {             /* parallel */
        #pragma omp simd
        for (int64_t j = 0; j < n1; j++) {
            const float t0 = p0[n1*i + j] * 2.0f;        /* %0 mul */
            q0[(2*i + 1)*n1 + j] = t0;
        }
        if ((polled += n1) > 1048576) {
            if (ws->stop(ws)) return 1;
            polled = 0;
        }
    }
    return 0;
}

/* k0_2: a chunk of a loop of k0, or all of it */
static SYMNB_PART int k0_2(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const int64_t n1 = n[0];
    const float *restrict p0 = p[0];
    float *restrict q0 = p[1];
    int64_t polled = 0;
    for (int64_t i = first; i < last; i++) {             /* parallel */
        #pragma omp simd
        for (int64_t j = 0; j < n1; j++) {
            q0[2*n1*i + j] = p0[n1*i + j];
        }
        if ((polled += n1) > 1048576) {
            if (ws->stop(ws)) return 1;
            polled = 0;
        }
    }
    return 0;
}

/* k0: 2 passes; in threads from 120,000 points on */
static int k0(const float *restrict p0, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    {
        int64_t step = n0;
        if (ws->threads > 1 && n0*n1 > 150000) {
            const int64_t chunks = symnb_min((n0*n1) / 62000, 64);
            step = n0 / chunks + 1;
        }
        void *const p[] = {(void *)p0, (void *)q0};
        const int64_t n[] = {n1};
        if (step < n0 ? ws->spread(ws, k0_2, p, n, n0, step)
            : k0_2(p, n, 0, 0, n0, ws)) return 1;
    }
    {
        int64_t step = n0;
        if (ws->threads > 1 && n0*n1 > 120000) {
            const int64_t chunks = symnb_min((n0*n1) / 50000, 64);
            step = n0 / chunks + 1;
        }
        void *const p[] = {(void *)p0, (void *)q0};
        const int64_t n[] = {n1};
        if (step < n0 ? ws->spread(ws, k0_1, p, n, n0, step)
            : k0_1(p, n, 0, 0, n0, ws)) return 1;
    }
    return 0;
}

/* k1_1: a chunk of a loop of k1, or all of it */
static SYMNB_PART int k1_1(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const int64_t n0 = n[0];
    const int64_t n1 = n[1];
    const float *restrict p0 = p[0];
    float *restrict q0 = p[1];
    int64_t polled = 0;
    for (int64_t j0 = first; j0 < last; j0 += 1024) {    /* parallel: tiles of columns */
        const int64_t j1 = symnb_min(n1, j0 + 1024);
        float r0[1024];
        for (int64_t c = 0; c < 1024; c++) r0[c] = 0;    /* add */
        for (int64_t i = 0; i < n0; i++) {               /* rows */
            #pragma omp simd
            for (int64_t j = j0; j < j1; j++) {
                r0[j - j0] += p0[n1*i + j];              /* %2 cumsum */
                q0[n1*i + j] = r0[j - j0];
            }
            if ((polled += j1 - j0) > 1048576) {
                if (ws->stop(ws)) return 1;
                polled = 0;
            }
        }
    }
    return 0;
}

/* k1: tiles of 1024 columns, row by row; in threads from 120,000 points on */
static int k1(const float *restrict p0, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    int64_t step = n1;
    if (ws->threads > 1 && n0*n1 > 120000) {
        const int64_t chunks = symnb_min((n0*n1) / 50000, 64);
        step = (n1 / chunks + 1024) / 1024 * 1024;
    }
    void *const p[] = {(void *)p0, (void *)q0};
    const int64_t n[] = {n0, n1};
    if (step < n1 ? ws->spread(ws, k1_1, p, n, n1, step)
        : k1_1(p, n, 0, 0, n1, ws)) return 1;
    return 0;
}

/* k2_1: a chunk of a loop of k2, or all of it */
static SYMNB_PART int k2_1(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const float *restrict p0 = p[0];
    float *restrict q0 = p[1];
    #pragma omp simd
    for (int64_t i = first; i < last; i++) {             /* parallel */
        q0[i] = p0[i];
    }
    return 0;
}

/* k2: 2 passes; in threads from 150,000 points on */
static int k2(const float *restrict p0, const float *restrict p1,
              const int32_t *restrict p2, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    int64_t polled = 0;
    int64_t step = n0*n1;
    if (ws->threads > 1 && n0*n1 > 150000) {
        const int64_t chunks = symnb_min((n0*n1) / 62000, 64);
        step = ((n0*n1) / chunks + 1024) / 1024 * 1024;
    }
    void *const p[] = {(void *)p0, (void *)q0};
    if (step < n0*n1 ? ws->spread(ws, k2_1, p, 0, n0*n1, step)
        : k2_1(p, 0, 0, 0, n0*n1, ws)) return 1;
    for (int64_t i = 0; i < 5; i++) {                    /* in order */
        const int64_t x0 = symnb_wrap((int64_t)p2[i], n0);
        if (!symnb_within(x0, n0)) return symnb_out_of_range(ws, (int64_t)p2[i], 0, n0);
        #pragma omp simd
        for (int64_t j = 0; j < n1; j++) {
            q0[n1*x0 + j] += p1[n1*i + j];
        }
        if ((polled += n1) > 1048576) {
            if (ws->stop(ws)) return 1;
            polled = 0;
        }
    }
    return 0;
}
