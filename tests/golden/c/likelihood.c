/* k0: row by row */
static int k0(const float *restrict p0, float *restrict q0, float *restrict q1,
              int64_t n0, int64_t n1, symnb_ws *ws)
{
    int64_t polled = 0;
    if (n1 == 0) return symnb_fail(ws, "zero-size array to reduction operation maximum which has no identity");
    for (int64_t i = 0; i < n0; i++) {                   /* rows */
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
                    const float t2 = expf(t1);           /* %2 exp */
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

/* k1: one pass, then the result */
static int k1(const float *restrict p0, const float *restrict p1,
              const float *restrict p2, const int64_t *restrict p3, float *restrict q0,
              int64_t n0, int64_t n1, symnb_ws *ws)
{
    int64_t polled = 0;
    symnb_tree_f32x64 sum_r0;
    sum_r0.count = sum_r0.top = 0;
    float a0[64];
    for (int64_t c = 0; c < 64; c++) a0[c] = 0;          /* add */
    for (int64_t i0 = 0; i0 < n0; i0 += 1024) {          /* runs, summed in pairs */
        if (i0) symnb_push_f32x64(&sum_r0, a0);
        const int64_t i2 = symnb_min(n0 - i0, 1024);
        for (int64_t i1 = 0; i1 < i2; i1 += 64) {        /* 64 lanes */
            for (int64_t l = 0; l < symnb_min(i2 - i1, 64); l++) {
                const int64_t x0 = symnb_wrap((int64_t)p3[i1 + l + i0], n1);
                if (x0 < 0) return symnb_out_of_range(ws, (int64_t)p3[i1 + l + i0], 1, n1);
                const float t1 = p0[(i1 + l + i0)*n1 + x0] - p1[i1 + l + i0]; /* %1 sub */
                const float t2 = expf(t1);               /* %2 exp */
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
    const float t9 = -r0;                                /* %9 neg */
    q0[0] = t9;
    return 0;
}
