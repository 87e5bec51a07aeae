/* A product of matrices shared out among the threads of the call: rows of the result,
 * or columns where it has more of them, since every piece packs the other operand anew.
 * BLAS has one thread in each piece: its own threads wait for one another, which on a
 * busy machine made 44 ms of 160 us (2 cores, 2026-11); ours never do. */
typedef struct {
  const void *gemm;
  int ta, tb, columns;
  int64_t m, n, k, lda, ldb, ldc;
  REAL alpha, beta;
  const REAL *a, *b;
  REAL *c;
} symnb_KINDproduct;

static int symnb_KINDgemm_chunk(void *const *p, const int64_t *unused, int64_t chunk,
                                int64_t first, int64_t last, symnb_ws *ws)
{
  const symnb_KINDproduct *v = p[0];
  const int64_t size = last - first;
  if (v->columns)
    return symnb_KINDgemm(v->gemm, v->ta, v->tb, v->m, size, v->k, v->alpha, v->a,
                          v->lda, v->b + (v->tb ? first * v->ldb : first), v->ldb,
                          v->beta, v->c + first, v->ldc);
  return symnb_KINDgemm(v->gemm, v->ta, v->tb, size, v->n, v->k, v->alpha,
                        v->a + (v->ta ? first : first * v->lda), v->lda, v->b, v->ldb,
                        v->beta, v->c + first * v->ldc, v->ldc);
}

static int symnb_KINDgemm_shared(symnb_ws *ws, const void *gemm, int ta, int tb,
                                 int64_t m, int64_t n, int64_t k, REAL alpha,
                                 const REAL *a, int64_t lda, const REAL *b, int64_t ldb,
                                 REAL beta, REAL *c, int64_t ldc)
{
  if (ws->threads < 2 || m * n * k < ALONE)
    return symnb_KINDgemm(gemm, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  const int columns = n > m;
  const int64_t size = columns ? n : m, pieces = ws->threads;
  const int64_t step = ((size + pieces - 1) / pieces + 15) / 16 * 16;
  symnb_KINDproduct v = {gemm, ta, tb, columns, m, n, k, lda, ldb, ldc, alpha, beta, a,
                         b, c};
  void *const p[] = {&v};
  const int64_t none[] = {0};
  const int lowered = ws->products(ws, 1);
  ws->chunk_ns = m * n * k / pieces / 50; /* 100 GFLOP/s */
  const int status = ws->spread(ws, symnb_KINDgemm_chunk, p, none, size, step);
  ws->chunk_ns = 0;
  if (lowered) ws->products(ws, 0);
  return status;
}
