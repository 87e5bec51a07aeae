static int symnb_KINDgemv_chunk(void *const *p, const int64_t *unused, int64_t chunk,
                                int64_t first, int64_t last, symnb_ws *ws)
{
  const symnb_KINDpieces *v = p[0];
  const int64_t size = last - first;
  return symnb_KINDgemv(v->routine, v->ta, v->ta ? v->m : size, v->ta ? size : v->n,
                        v->alpha, v->a + (v->ta ? first : first * v->lda), v->lda, v->b,
                        1, v->beta, v->c + first, 1);
}

/* y = alpha op(a) x + beta y in threads. */
static int symnb_KINDgemv_shared(symnb_ws *ws, const void *gemv, int ta, int64_t m,
                                 int64_t n, REAL alpha, const REAL *a, int64_t lda,
                                 const REAL *x, REAL beta, REAL *y)
{
  if (ws->threads < 2 || m * n < ALONE)
    return symnb_KINDgemv(gemv, ta, m, n, alpha, a, lda, x, 1, beta, y, 1);
  const int64_t size = ta ? n : m;
  const int64_t step = ((size + ws->threads - 1) / ws->threads + 15) / 16 * 16;
  symnb_KINDpieces v = {.routine = gemv, .ta = ta, .m = m, .n = n, .lda = lda,
                        .alpha = alpha, .beta = beta, .a = a, .b = x, .c = y};
  return symnb_KINDspread(ws, symnb_KINDgemv_chunk, &v, size, step,
                          m * n * sizeof *a / 100.0);
}
