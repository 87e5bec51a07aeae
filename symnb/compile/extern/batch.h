static int symnb_KINDbatch_chunk(void *const *p, const int64_t *unused, int64_t chunk,
                                 int64_t first, int64_t last, symnb_ws *ws)
{
  const symnb_KINDpieces *v = p[0];
  const int64_t each = v->m * v->n * v->k + v->m * v->n + 1;
  int64_t done = 0;
  int status = 0;
  for (int64_t i = first; i < last && !status; i++) {
    REAL *c = v->c + i * v->next_c;
    status = symnb_KINDgemm_either(
        v->own, v->routine, v->ta, v->tb, v->m, v->n, v->k, 1, v->a + i * v->next_a,
        v->lda, v->b + i * v->next_b, v->ldb, 0, c, v->n, c, v->n);
    if ((done += each) > 100000000) {
      if (ws->stop(ws)) return 1;
      done = 0;
    }
  }
  return status;
}

/* c[i] = op(a[i]) op(b[i]) for i < count. */
static int symnb_KINDgemm_batch(symnb_ws *ws, const void *own, const void *gemm, int ta,
                                int tb, int64_t count, int64_t m, int64_t n, int64_t k,
                                const REAL *a, int64_t lda, int64_t next_a,
                                const REAL *b, int64_t ldb, int64_t next_b, REAL *c)
{
  symnb_KINDpieces v = {.own = own, .routine = gemm, .ta = ta, .tb = tb, .m = m, .n = n,
                        .k = k, .lda = lda, .ldb = ldb, .next_a = next_a,
                        .next_b = next_b, .next_c = m * n, .a = a, .b = b, .c = c};
  void *const p[] = {&v};
  const double ns = count * (m * n * k / 40.0 + 40);
  if (count < ws->threads) { /* then each is shared out */
    int status = 0;
    for (int64_t i = 0; i < count && !status; i++) {
      REAL *to = c + i * v.next_c;
      status = symnb_KINDgemm_shared(
          ws, own, gemm, ta, tb, m, n, k, 1, a + i * v.next_a, lda, b + i * v.next_b,
          ldb, 0, to, n, to, n);
    }
    return status;
  }
  if (ws->threads < 2 || ns < 12000)
    return symnb_KINDbatch_chunk(p, 0, 0, 0, count, ws);
  const int64_t pieces = 4 * ws->threads, step = (count + pieces - 1) / pieces;
  return symnb_KINDspread(ws, symnb_KINDbatch_chunk, &v, count, step, ns);
}
