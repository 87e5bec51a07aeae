/* k0: 2 passes */
static int k0(const float *restrict p0, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    int64_t polled = 0;
    for (int64_t i = 0; i < n0; i++) {
        #pragma omp simd
        for (int64_t j = 0; j < n1; j++) {
            q0[2*n1*i + j] = p0[n1*i + j];
        }
        if ((polled += n1) > 1048576) {
            if (ws->stop(ws)) return 1;
            polled = 0;
        }
    }
    for (int64_t i = 0; i < n0; i++) {
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

/* k1: tiles of 1024 columns, row by row */
static int k1(const float *restrict p0, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    int64_t polled = 0;
    for (int64_t j0 = 0; j0 < n1; j0 += 1024) {          /* tiles of columns */
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

/* k2: 2 passes */
static int k2(const float *restrict p0, const float *restrict p1,
              const int32_t *restrict p2, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    int64_t polled = 0;
    #pragma omp simd
    for (int64_t i = 0; i < n0*n1; i++) {
        q0[i] = p0[i];
    }
    for (int64_t i = 0; i < 5; i++) {                    /* in order */
        for (int64_t j = 0; j < n1; j++) {               /* in order */
            const int64_t x0 = symnb_wrap((int64_t)p2[i], n0);
            if (x0 < 0) return symnb_out_of_range(ws, (int64_t)p2[i], 0, n0);
            q0[n1*x0 + j] += p1[n1*i + j];
        }
        if ((polled += n1) > 1048576) {
            if (ws->stop(ws)) return 1;
            polled = 0;
        }
    }
    return 0;
}
