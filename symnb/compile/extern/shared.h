/* A product of matrices shared out among the threads of the call: rows of the result,
 * or columns where it has more of them, since every piece packs the other operand anew.
 * BLAS has one thread in each piece: its own threads wait for one another, which on a
 * busy machine made 44 ms of 160 us (2 cores, 2026-11); ours never do. */
typedef struct {
  const void *own, *gemm;
  int ta, tb, columns;
  int64_t m, n, k, lda, ldb, ldd, ldc;
  REAL alpha, beta;
  const REAL *a, *b, *d;
  REAL *c;
} symnb_KINDproduct;

/* c = alpha op(a) op(b) + beta d: by our own kernels (panels.h) or, where those are not
 * faster or there are none, by BLAS, which needs d copied to c. */
static int symnb_KINDgemm_either(const void *own, const void *gemm, int ta, int tb,
                                 int64_t m, int64_t n, int64_t k, REAL alpha,
                                 const REAL *a, int64_t lda, const REAL *b, int64_t ldb,
                                 REAL beta, const REAL *d, int64_t ldd, REAL *c,
                                 int64_t ldc)
{
  if (own && ((int (*)(int, int, int, int64_t, int64_t, int64_t, REAL, const REAL *,
                       int64_t, const REAL *, int64_t, REAL, const REAL *, int64_t,
                       REAL *, int64_t))own)(0, ta, tb, m, n, k, alpha, a, lda, b, ldb,
                                             beta, d, ldd, c, ldc)) return 0;
  if (d != c && beta != 0)
    for (int64_t i = 0; i < m; i++)
      __builtin_memcpy(c + i * ldc, d + i * ldd, n * sizeof *c);
  return symnb_KINDgemm(gemm, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

static int symnb_KINDgemm_chunk(void *const *p, const int64_t *unused, int64_t chunk,
                                int64_t first, int64_t last, symnb_ws *ws)
{
  const symnb_KINDproduct *v = p[0];
  const int64_t size = last - first;
  const int64_t row = v->columns ? 0 : first, column = v->columns ? first : 0;
  return symnb_KINDgemm_either(
      v->own, v->gemm, v->ta, v->tb, v->columns ? v->m : size, v->columns ? size : v->n,
      v->k, v->alpha, v->a + (v->ta ? row : row * v->lda), v->lda,
      v->b + (v->tb ? column * v->ldb : column), v->ldb, v->beta,
      v->d + row * v->ldd + column, v->ldd, v->c + row * v->ldc + column, v->ldc);
}

static int symnb_KINDgemm_shared(symnb_ws *ws, const void *own, const void *gemm,
                                 int ta, int tb, int64_t m, int64_t n, int64_t k,
                                 REAL alpha, const REAL *a, int64_t lda, const REAL *b,
                                 int64_t ldb, REAL beta, const REAL *d, int64_t ldd,
                                 REAL *c, int64_t ldc)
{
  if (ws->threads < 2 || m * n * k < ALONE)
    return symnb_KINDgemm_either(own, gemm, ta, tb, m, n, k, alpha, a, lda, b, ldb,
                                 beta, d, ldd, c, ldc);
  const int columns = n > m;
  const int64_t size = columns ? n : m, pieces = ws->threads;
  const int64_t step = ((size + pieces - 1) / pieces + 15) / 16 * 16;
  symnb_KINDproduct v = {own, gemm, ta, tb, columns, m, n, k, lda, ldb, ldd, ldc, alpha,
                         beta, a, b, d, c};
  void *const p[] = {&v};
  const int64_t none[] = {0};
  const int lowered = ws->products(ws, 1);
  ws->chunk_ns = m * n * k / pieces / 50; /* 100 GFLOP/s */
  const int status = ws->spread(ws, symnb_KINDgemm_chunk, p, none, size, step);
  ws->chunk_ns = 0;
  if (lowered) ws->products(ws, 0);
  return status;
}
