/* k0_1: a chunk of a loop of k0, or all of it */
static SYMNB_PART int k0_1(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const int64_t n1 = n[0];
    const float *restrict p0 = p[0];
    float *restrict q0 = p[1];
    float *restrict q1 = p[2];
    int64_t polled = 0;
    for (int64_t i = first; i < last; i++) {             /* parallel: rows */
        int32_t nan_r0 = 0;                              /* or */
        float a0 = -__builtin_inff();                    /* fmax */
        #pragma omp simd reduction(|:nan_r0) reduction(max:a0)
        for (int64_t j = 0; j < n1; j++) {
            const float x0 = p0[n1*i + j];
            a0 = x0 > a0 ? x0 : a0;                      /* %0 max */
            const int32_t x1 = x0 != x0;
            nan_r0 |= x1;
        }
        const float r0 = nan_r0 ? (__builtin_nanf("")) : a0; /* %0 max */
        q0[i] = r0;
        symnb_tree_f32x64 sum_r1;
        sum_r1.count = sum_r1.top = 0;
        float a1[64];
        for (int64_t c = 0; c < 64; c++) a1[c] = 0;      /* add */
        for (int64_t j0 = 0; j0 < n1; j0 += 1024) {      /* runs, summed in pairs */
            if (j0) symnb_push_f32x64(&sum_r1, a1);
            const int64_t j2 = symnb_min(n1 - j0, 1024);
            for (int64_t j1 = 0; j1 < j2; j1 += 64) {    /* 64 lanes */
                #pragma omp simd
                for (int64_t l = 0; l < symnb_min(j2 - j1, 64); l++) {
                    const float t1 = p0[n1*i + j1 + l + j0] - r0; /* %1 sub */
                    const float t2 = symnb_expf(t1);     /* %2 exp */
                    a1[l] += t2;                         /* %3 sum */
                }
            }
            if ((polled += j2) > 1048576) {
                if (ws->stop(ws)) return 1;
                polled = 0;
            }
        }
        symnb_collect_f32x64(&sum_r1, a1);
        const float r1 = symnb_fold_add_f32x64(a1);      /* %3 sum */
        q1[i] = r1;
    }
    return 0;
}

/* k0: row by row; in threads from 19,000 points on */
static int k0(const float *restrict p0, float *restrict q0, float *restrict q1,
              int64_t n0, int64_t n1, symnb_ws *ws)
{
    if (n1 == 0) return symnb_fail(ws, "zero-size array to reduction operation maximum which has no identity");
    int64_t step = n0;
    if (ws->threads > 1 && n0*n1 > 19000) {
        const int64_t chunks = symnb_min((n0*n1) / 8100, 64);
        step = n0 / chunks + 1;
    }
    void *const p[] = {(void *)p0, (void *)q0, (void *)q1};
    const int64_t n[] = {n1};
    if (step < n0 ? ws->spread(ws, k0_1, p, n, n0, step)
        : k0_1(p, n, 0, 0, n0, ws)) return 1;
    return 0;
}

/* k1_1: a chunk of a loop of k1, or all of it */
static SYMNB_PART int k1_1(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const int64_t n0 = n[0];
    const int64_t n1 = n[1];
    const float *restrict p0 = p[0];
    const float *restrict p1 = p[1];
    const float *restrict p2 = p[2];
    const int64_t *restrict p3 = p[3];
    int64_t polled = 0;
    symnb_tree_f32x64 sum_r0;
    sum_r0.count = sum_r0.top = 0;
    float a0[64];
    for (int64_t c = 0; c < 64; c++) a0[c] = 0;          /* add */
    for (int64_t i0 = first; i0 < last; i0 += 1024) {    /* parallel: runs, summed in pairs */
        if (i0) symnb_push_f32x64(&sum_r0, a0);
        const int64_t i2 = symnb_min(n0 - i0, 1024);
        for (int64_t i1 = 0; i1 < i2; i1 += 64) {        /* 64 lanes */
            for (int64_t l = 0; l < symnb_min(i2 - i1, 64); l++) {
                const int64_t x0 = symnb_wrap((int64_t)p3[i1 + l + i0], n1);
                if (!symnb_within(x0, n1)) return symnb_out_of_range(ws, (int64_t)p3[i1 + l + i0], 1, n1);
                const float t1 = p0[(i1 + l + i0)*n1 + x0] - p1[i1 + l + i0]; /* %1 sub */
                const float t2 = symnb_expf(t1);         /* %2 exp */
                const float t4 = t2 / p2[i1 + l + i0];   /* %4 true_div */
                const float t5 = logf(t4);               /* %5 log */
                a0[l] += t5;                             /* %8 sum */
            }
        }
        if ((polled += i2) > 1048576) {
            if (ws->stop(ws)) return 1;
            polled = 0;
        }
    }
    symnb_collect_f32x64(&sum_r0, a0);
    const float r0 = symnb_fold_add_f32x64(a0);          /* %8 sum */
    ((float *)p[4])[chunk] = r0;
    return 0;
}

/* k1: one pass, then the result; in threads from 36,000 points on */
static int k1(const float *restrict p0, const float *restrict p1,
              const float *restrict p2, const int64_t *restrict p3, float *restrict q0,
              int64_t n0, int64_t n1, symnb_ws *ws)
{
    float r0, each_r0[64];
    int64_t step = n0;
    if (ws->threads > 1 && n0 > 36000) {
        const int64_t chunks = symnb_min(n0 / 4500, 64);
        step = (n0 / chunks + 1024) / 1024 * 1024;
    }
    void *const p[] = {(void *)p0, (void *)p1, (void *)p2, (void *)p3, each_r0};
    const int64_t n[] = {n0, n1};
    if (step < n0 ? ws->spread(ws, k1_1, p, n, n0, step)
        : k1_1(p, n, 0, 0, n0, ws)) return 1;
    r0 = symnb_join_add_f32(each_r0, step < n0 ? (n0 + step - 1) / step : 1);
    const float t9 = -r0;                                /* %9 neg */
    q0[0] = t9;
    return 0;
}
