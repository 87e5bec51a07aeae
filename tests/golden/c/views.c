/* k0_1: a chunk of a loop of k0, or all of it */
static SYMNB_PART int k0_1(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const int64_t n0 = n[0];
    const int64_t n1 = n[1];
    const float *restrict p0 = p[0];
    float *restrict q0 = p[1];
    int64_t polled = 0;
    for (int64_t i0 = first; i0 < last; i0 += 32) {      /* parallel: squares */
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

/* k0: squares of 32 x 32: some arrays are transposed; in threads from 120,000 points on */
static int k0(const float *restrict p0, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    int64_t step = n1;
    if (ws->threads > 1 && n0*n1 > 120000) {
        const int64_t chunks = symnb_min((n0*n1) / 50000, 64);
        step = (n1 / chunks + 32) / 32 * 32;
    }
    void *const p[] = {(void *)p0, (void *)q0};
    const int64_t n[] = {n0, n1};
    if (step < n1 ? ws->spread(ws, k0_1, p, n, n1, step)
        : k0_1(p, n, 0, 0, n1, ws)) return 1;
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
    for (int64_t i = first; i < last; i++) {             /* parallel */
        const int64_t past = (n1*((n0 + 1) / 2)) / 6291456 && symnb_is_line(&q0[n1*i])
            ? 16*(n1 / 16) : 0;
        for (int64_t j = 0; j < past; j += 16) {         /* past the caches */
            float line_q0[16];
            #pragma omp simd
            for (int64_t l = 0; l < 16; l++) {
                line_q0[l] = p0[(2*i + 1)*n1 - j - l - 1];
            }
            symnb_stream(&q0[n1*i + j], line_q0);
        }
        #pragma omp simd
        for (int64_t j = past; j < n1; j++) {
            q0[n1*i + j] = p0[(2*i + 1)*n1 - j - 1];
        }
        if ((polled += n1) > 1048576) {
            if (ws->stop(ws)) return 1;
            polled = 0;
        }
    }
    if ((n1*((n0 + 1) / 2)) / 6291456) symnb_settle();
    return 0;
}

/* k1: one pass over the elements; in threads from 150,000 points on */
static int k1(const float *restrict p0, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    int64_t step = (n0 + 1) / 2;
    if (ws->threads > 1 && n1*((n0 + 1) / 2) > 150000) {
        const int64_t chunks = symnb_min((n1*((n0 + 1) / 2)) / 62000, 64);
        step = ((n0 + 1) / 2) / chunks + 1;
    }
    void *const p[] = {(void *)p0, (void *)q0};
    const int64_t n[] = {n0, n1};
    if (step < (n0 + 1) / 2 ? ws->spread(ws, k1_1, p, n, (n0 + 1) / 2, step)
        : k1_1(p, n, 0, 0, (n0 + 1) / 2, ws)) return 1;
    return 0;
}

/* k2_1: a chunk of a loop of k2, or all of it */
static SYMNB_PART int k2_1(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const int64_t n0 = n[0];
    const int64_t n1 = n[1];
    const float *restrict p0 = p[0];
    float *restrict q0 = p[1];
    const int64_t past = (n0*n1) / 3145728 && symnb_is_line(&q0[first])
        ? first + 16*symnb_floordiv(last - first, 16) : first;
    for (int64_t i = first; i < past; i += 16) {         /* past the caches */
        float line_q0[16];
        #pragma omp simd
        for (int64_t l = 0; l < 16; l++) {
            const float t4 = p0[i + l] + 1.0f;           /* %4 add */
            line_q0[l] = t4;
        }
        symnb_stream(&q0[i], line_q0);
    }
    #pragma omp simd
    for (int64_t i = past; i < last; i++) {              /* parallel */
        const float t4 = p0[i] + 1.0f;                   /* %4 add */
        q0[i] = t4;
    }
    if ((n0*n1) / 3145728) symnb_settle();
    return 0;
}

/* k2: one pass over the elements; in threads from 120,000 points on */
static int k2(const float *restrict p0, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    int64_t step = n0*n1;
    if (ws->threads > 1 && n0*n1 > 120000) {
        const int64_t chunks = symnb_min((n0*n1) / 50000, 64);
        step = ((n0*n1) / chunks + 1024) / 1024 * 1024;
    }
    void *const p[] = {(void *)p0, (void *)q0};
    const int64_t n[] = {n0, n1};
    if (step < n0*n1 ? ws->spread(ws, k2_1, p, n, n0*n1, step)
        : k2_1(p, n, 0, 0, n0*n1, ws)) return 1;
    return 0;
}
