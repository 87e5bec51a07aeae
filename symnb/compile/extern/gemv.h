/* Rows first <= i < last of the matrix: of a turned one all of the result, each chunk
 * but the first in a part of its own. Columns apart cost more than they share: 49 us in
 * two threads, 47 in one (1000 by 1000). */
static int symnb_KINDgemv_chunk(void *const *p, const int64_t *unused, int64_t chunk,
                                int64_t first, int64_t last, symnb_ws *ws)
{
  const symnb_KINDpieces *v = p[0];
  const REAL *a = v->a + first * v->lda;
  if (!v->ta)
    return symnb_KINDgemv(v->routine, 0, last - first, v->n, v->alpha, a, v->lda, v->b,
                          1, v->beta, v->c + first, 1);
  REAL *y = chunk ? v->parts + (chunk - 1) * v->n : v->c;
  return symnb_KINDgemv(v->routine, 1, last - first, v->n, v->alpha, a, v->lda,
                        v->b + first, 1, chunk ? 0 : v->beta, y, 1);
}

/* y = alpha op(a) x + beta y in threads. */
static int symnb_KINDgemv_shared(symnb_ws *ws, const void *gemv, int ta, int64_t m,
                                 int64_t n, REAL alpha, const REAL *a, int64_t lda,
                                 const REAL *x, REAL beta, REAL *y)
{
  const int64_t pieces = ws->threads;
  if (pieces < 2 || m * n < ALONE || m < 16 * pieces)
    return symnb_KINDgemv(gemv, ta, m, n, alpha, a, lda, x, 1, beta, y, 1);
  const int64_t step = ((m + pieces - 1) / pieces + 15) / 16 * 16;
  symnb_KINDpieces v = {.routine = gemv, .ta = ta, .m = m, .n = n, .lda = lda,
                        .alpha = alpha, .beta = beta, .a = a, .b = x, .c = y};
  if (ta) v.parts = ws->alloc(ws, (pieces - 1) * n * sizeof *y);
  if (ta && !v.parts) return 1;
  const int status = symnb_KINDspread(ws, symnb_KINDgemv_chunk, &v, m, step,
                                      m * n * sizeof *a / 100.0);
  for (int64_t i = 1; ta && i * step < m && !status; i++)
    for (int64_t j = 0; j < n; j++) y[j] += v.parts[(i - 1) * n + j];
  return status;
}
