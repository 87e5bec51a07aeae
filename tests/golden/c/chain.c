/* k0: one pass over the elements */
static int k0(const float *restrict p0, const float *restrict p1, float *restrict q0,
              int64_t n0, int64_t n1, symnb_ws *ws)
{
    #pragma omp simd
    for (int64_t i = 0; i < n0*n1; i++) {
        const float x0 = p0[i];
        const float t0 = -x0;                            /* %0 neg */
        const float t1 = t0 * x0;                        /* %1 mul */
        const float t2 = expf(t1);                       /* %2 exp */
        const float x1 = p1[i];
        const float t3 = tanhf(x1);                      /* %3 tanh */
        const float t4 = t2 * t3;                        /* %4 mul */
        const float t5 = x0 + 2.0f;                      /* %5 add */
        const float t6 = x1 / t5;                        /* %6 true_div */
        const float t7 = t4 - t6;                        /* %7 sub */
        q0[i] = t7;
    }
    return 0;
}
