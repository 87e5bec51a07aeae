/* k0_1: a chunk of a loop of k0, or all of it */
static SYMNB_PART int k0_1(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const int64_t n0 = n[0];
    const int64_t n1 = n[1];
    const int64_t j0 = n[2];
    const int64_t j1 = n[3];
    const int64_t together = n[4];
    const int64_t j2 = n[5];
    const float *restrict p0 = p[0];
    float *restrict r0 = (float *)p[1] + 1024*chunk;
    float *restrict r1 = (float *)p[2] + 1024*chunk;
    int64_t polled = 0;
    for (int64_t c = 0; c < 1024; c++) r0[c] = 0;        /* add */
    for (int64_t c = 0; c < 1024; c++) r1[c] = -__builtin_inff(); /* max */
    for (int64_t i0 = first; i0 < last; i0 += 512) {     /* parallel: blocks of rows, summed apart */
        float part_r0[1024];
        for (int64_t c = 0; c < 1024; c++) part_r0[c] = 0; /* add */
        const int64_t i2 = symnb_min(n0 - i0, 512);
        for (int64_t i = i0; i < 8*together*(i2 / 8) + i0; i += 8) { /* 8 rows at once */
            #pragma omp simd
            for (int64_t j = j0; j < j1; j++) {
                const float x0 = p0[n1*i + j];
                const float x1 = p0[(i + 1)*n1 + j];
                const float x2 = p0[(i + 2)*n1 + j];
                const float x3 = p0[(i + 3)*n1 + j];
                const float x4 = p0[(i + 4)*n1 + j];
                const float x5 = p0[(i + 5)*n1 + j];
                const float x6 = p0[(i + 6)*n1 + j];
                const float x7 = p0[(i + 7)*n1 + j];
                const float x8 = x0 + x1;                /* %0 sum */
                const float x9 = x2 + x3;                /* %0 sum */
                const float x10 = x4 + x5;               /* %0 sum */
                const float x11 = x6 + x7;               /* %0 sum */
                const float x12 = x8 + x9;               /* %0 sum */
                const float x13 = x10 + x11;             /* %0 sum */
                const float x14 = x12 + x13;             /* %0 sum */
                part_r0[j - j0] += x14;                  /* %0 sum */
                r1[j - j0] = (x0 > r1[j - j0]) | (x0 != x0) ? x0 : r1[j - j0]; /* %1 max */
                r1[j - j0] = (x1 > r1[j - j0]) | (x1 != x1) ? x1 : r1[j - j0]; /* %1 max */
                r1[j - j0] = (x2 > r1[j - j0]) | (x2 != x2) ? x2 : r1[j - j0]; /* %1 max */
                r1[j - j0] = (x3 > r1[j - j0]) | (x3 != x3) ? x3 : r1[j - j0]; /* %1 max */
                r1[j - j0] = (x4 > r1[j - j0]) | (x4 != x4) ? x4 : r1[j - j0]; /* %1 max */
                r1[j - j0] = (x5 > r1[j - j0]) | (x5 != x5) ? x5 : r1[j - j0]; /* %1 max */
                r1[j - j0] = (x6 > r1[j - j0]) | (x6 != x6) ? x6 : r1[j - j0]; /* %1 max */
                r1[j - j0] = (x7 > r1[j - j0]) | (x7 != x7) ? x7 : r1[j - j0]; /* %1 max */
            }
            if ((polled += j1 - j0) > 1048576) {
                if (ws->stop(ws)) return 1;
                polled = 0;
            }
        }
        for (int64_t i = 8*together*(i2 / 8) + i0; i < i2 + i0; i++) { /* rows in order */
            for (int64_t j3 = j0; j3 < j2; j3 += 32) {   /* 32 columns at once */
                #pragma omp simd
                for (int64_t l = 0; l < 32; l++) {
                    const float x15 = p0[n1*i + j3 + l];
                    part_r0[j3 - j0 + l] += x15;         /* %0 sum */
                    r1[j3 - j0 + l] = (x15 > r1[j3 - j0 + l]) | (x15 != x15) ? x15 : r1[j3 - j0 + l]; /* %1 max */
                }
            }
            #pragma omp simd
            for (int64_t j = j2; j < j1; j++) {          /* the rest */
                const float x16 = p0[n1*i + j];
                part_r0[j - j0] += x16;                  /* %0 sum */
                r1[j - j0] = (x16 > r1[j - j0]) | (x16 != x16) ? x16 : r1[j - j0]; /* %1 max */
            }
            if ((polled += j1 - j0) > 1048576) {
                if (ws->stop(ws)) return 1;
                polled = 0;
            }
        }
        #pragma omp simd
        for (int64_t j = j0; j < j1; j++) {
            r0[j - j0] += part_r0[j - j0];
        }
    }
    return 0;
}

/* k0_2: a chunk of a loop of k0, or all of it */
static SYMNB_PART int k0_2(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const int64_t n0 = n[0];
    const int64_t n1 = n[1];
    const float *restrict p0 = p[0];
    float *restrict q0 = p[1];
    float *restrict q1 = p[2];
    for (int64_t j0 = first; j0 < last; j0 += 1024) {    /* parallel: tiles of columns */
        const int64_t j1 = symnb_min(n1, j0 + 1024);
        const int64_t together = symnb_min(256 / (n1 + 1) + 262144 / (n0*n1 + 1), 1);
        const int64_t j2 = j0 + 32*symnb_floordiv(j1 - j0, 32);
        float own_r0[1024], *r0 = own_r0;
        float own_r1[1024], *r1 = own_r1;
        int64_t step = n0;
        if (ws->threads > 1 && (j1 - j0)*n0 > 400000) {
            const int64_t chunks = symnb_min(((j1 - j0)*n0) / 50000, 64);
            step = (n0 / chunks + 512) / 512 * 512;
            r0 = ws->alloc(ws, chunks*1024*sizeof(float));
            if (!r0) return symnb_fail(ws, "no memory for parts of a result");
            r1 = ws->alloc(ws, chunks*1024*sizeof(float));
            if (!r1) return symnb_fail(ws, "no memory for parts of a result");
        }
        void *const p[] = {(void *)p0, r0, r1};
        const int64_t n[] = {n0, n1, j0, j1, together, j2};
        if (step < n0 ? ws->spread(ws, k0_1, p, n, n0, step)
            : k0_1(p, n, 0, 0, n0, ws)) return 1;
        for (int64_t chunk = 1; chunk*step < n0; chunk++)
            symnb_join_add_f32x1024(r0, r0 + 1024*chunk);
        for (int64_t chunk = 1; chunk*step < n0; chunk++)
            symnb_join_max_f32x1024(r1, r1 + 1024*chunk);
        #pragma omp simd
        for (int64_t j = j0; j < j1; j++) {
            q0[j] = r0[j - j0];
            q1[j] = r1[j - j0];
        }
    }
    return 0;
}

/* k0: tiles of 1024 columns, row by row; in threads from 67,000 points on */
static int k0(const float *restrict p0, float *restrict q0, float *restrict q1,
              int64_t n0, int64_t n1, symnb_ws *ws)
{
    if (n0 == 0) return symnb_fail(ws, "zero-size array to reduction operation maximum which has no identity");
    int64_t step = n1;
    if (ws->threads > 1 && n0*n1 > 67000 && (n1 + 1023) / 1024 >= ws->threads) {
        const int64_t chunks = symnb_min((n0*n1) / 28000, 64);
        step = (n1 / chunks + 1024) / 1024 * 1024;
    }
    void *const p[] = {(void *)p0, (void *)q0, (void *)q1};
    const int64_t n[] = {n0, n1};
    if (step < n1 ? ws->spread(ws, k0_2, p, n, n1, step)
        : k0_2(p, n, 0, 0, n1, ws)) return 1;
    return 0;
}
