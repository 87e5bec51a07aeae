/* k0_1: a chunk of a loop of k0, or all of it */
static SYMNB_PART int k0_1(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *ws)
{
    const int64_t n0 = n[0];
    const int64_t n1 = n[1];
    const int64_t i1 = n[2];
    const float *restrict p0 = p[0];
    float *restrict q0 = p[1];
    int64_t polled = 0;
    for (int64_t i = first; i < symnb_min(i1, last); i++) { /* parallel: rows of up to 7 */
        float r0 = 0;                                    /* add */
        for (int64_t j = 0; j < n1; j++) { __asm__("");  /* no vectors */
            r0 += p0[n1*i + j];                          /* %0 sum */
        }
        const float t1_1 = r0 / 64.0f;                   /* %1 true_div */
        float r1 = 0;                                    /* add */
        for (int64_t j = 0; j < n1; j++) { __asm__("");  /* no vectors */
            const float t2_3 = p0[n1*i + j] - t1_1;      /* %2 sub */
            const float t3_2 = t2_3 * t2_3;              /* %3 mul */
            r1 += t3_2;                                  /* %4 sum */
        }
        const float t5_1 = r1 / 64.0f;                   /* %5 true_div */
        const float t6_1 = sqrtf(t5_1);                  /* %6 sqrt */
        for (int64_t j = 0; j < n1; j++) { __asm__("");  /* no vectors */
            const float t2_3 = p0[n1*i + j] - t1_1;      /* %2 sub */
            const float t7_1 = t2_3 / t6_1;              /* %7 true_div */
            q0[n1*i + j] = t7_1;
        }
    }
    for (int64_t i = symnb_max(i1, first); i < last; i++) { /* parallel: rows */
        symnb_tree_f32x32 sum_r0;
        sum_r0.count = sum_r0.top = 0;
        float a0[32];
        for (int64_t c = 0; c < 32; c++) a0[c] = 0;      /* add */
        for (int64_t j0 = 0; j0 < n1; j0 += 512) {       /* runs, summed in pairs */
            if (j0) symnb_push_f32x32(&sum_r0, a0);
            const int64_t j2 = symnb_min(n1 - j0, 512);
            const int64_t j3 = 32*(j2 / 32);
            for (int64_t j1 = 0; j1 < j3; j1 += 32) {    /* 32 lanes */
                #pragma omp simd
                for (int64_t l = 0; l < 32; l++) {
                    a0[l] += p0[n1*i + j1 + l + j0];     /* %0 sum */
                }
            }
            #pragma omp simd
            for (int64_t l = 0; l < j2 - j3; l++) {      /* the rest */
                a0[l] += p0[n1*i + j3 + l + j0];         /* %0 sum */
            }
            if ((polled += j2) > 1048576) {
                if (ws->stop(ws)) return 1;
                polled = 0;
            }
        }
        symnb_collect_f32x32(&sum_r0, a0);
        const float r0 = symnb_fold_add_f32x32(a0);      /* %0 sum */
        const float t1 = r0 / 64.0f;                     /* %1 true_div */
        symnb_tree_f32x32 sum_r1;
        sum_r1.count = sum_r1.top = 0;
        float a1[32];
        for (int64_t c = 0; c < 32; c++) a1[c] = 0;      /* add */
        for (int64_t j0 = 0; j0 < n1; j0 += 512) {       /* runs, summed in pairs */
            if (j0) symnb_push_f32x32(&sum_r1, a1);
            const int64_t j2_1 = symnb_min(n1 - j0, 512);
            const int64_t j3_1 = 32*(j2_1 / 32);
            for (int64_t j1 = 0; j1 < j3_1; j1 += 32) {  /* 32 lanes */
                #pragma omp simd
                for (int64_t l = 0; l < 32; l++) {
                    const float t2 = p0[n1*i + j1 + l + j0] - t1; /* %2 sub */
                    const float t3 = t2 * t2;            /* %3 mul */
                    a1[l] += t3;                         /* %4 sum */
                }
            }
            #pragma omp simd
            for (int64_t l = 0; l < j2_1 - j3_1; l++) {  /* the rest */
                const float t2_1 = p0[n1*i + j3_1 + l + j0] - t1; /* %2 sub */
                const float t3_1 = t2_1 * t2_1;          /* %3 mul */
                a1[l] += t3_1;                           /* %4 sum */
            }
            if ((polled += j2_1) > 1048576) {
                if (ws->stop(ws)) return 1;
                polled = 0;
            }
        }
        symnb_collect_f32x32(&sum_r1, a1);
        const float r1 = symnb_fold_add_f32x32(a1);      /* %4 sum */
        const float t5 = r1 / 64.0f;                     /* %5 true_div */
        const float t6 = sqrtf(t5);                      /* %6 sqrt */
        const int64_t past = (n0*n1) / 3145728 && symnb_is_line(&q0[n1*i])
            ? 16*(n1 / 16) : 0;
        for (int64_t j = 0; j < past; j += 16) {         /* past the caches */
            float line_q0[16];
            #pragma omp simd
            for (int64_t l = 0; l < 16; l++) {
                const float t2_2 = p0[n1*i + j + l] - t1; /* %2 sub */
                const float t7 = t2_2 / t6;              /* %7 true_div */
                line_q0[l] = t7;
            }
            symnb_stream(&q0[n1*i + j], line_q0);
        }
        #pragma omp simd
        for (int64_t j = past; j < n1; j++) {
            const float t2_2 = p0[n1*i + j] - t1;        /* %2 sub */
            const float t7 = t2_2 / t6;                  /* %7 true_div */
            q0[n1*i + j] = t7;
        }
    }
    if ((n0*n1) / 3145728) symnb_settle();
    return 0;
}

/* k0: row by row; in threads from 40,000 points on */
static int k0(const float *restrict p0, float *restrict q0, int64_t n0, int64_t n1,
              symnb_ws *ws)
{
    const int64_t i1 = n0*symnb_min(8 / (n1 + 1), 1);
    int64_t step = n0;
    if (ws->threads > 1 && n0*n1 > 40000) {
        const int64_t chunks = symnb_min((n0*n1) / 17000, 64);
        step = n0 / chunks + 1;
    }
    void *const p[] = {(void *)p0, (void *)q0};
    const int64_t n[] = {n0, n1, i1};
    if (step < n0 ? ws->spread(ws, k0_1, p, n, n0, step)
        : k0_1(p, n, 0, 0, n0, ws)) return 1;
    return 0;
}
