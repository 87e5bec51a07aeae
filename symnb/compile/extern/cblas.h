/* Row-major wrappers of cblas, one paragraph per routine: blas.py replaces KIND (s, d),
 * REAL (float, double) and SIZE (int64_t, int). 101 row-major, 111 as it is, 112
 * transposed, 121 upper, 122 lower, 131 any diagonal, 132 ones, 141 left, 142 right. */

static inline int symnb_KINDgemm(const void *f, int ta, int tb, int64_t m, int64_t n,
    int64_t k, REAL alpha, const REAL *a, int64_t lda, const REAL *b, int64_t ldb,
    REAL beta, REAL *c, int64_t ldc) {
  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(k) && SYMNB_FITS(lda)
        && SYMNB_FITS(ldb) && SYMNB_FITS(ldc))) return 1;
  ((void (*)(int, int, int, SIZE, SIZE, SIZE, REAL, const REAL *, SIZE, const REAL *,
    SIZE, REAL, REAL *, SIZE))f)(101, ta ? 112 : 111, tb ? 112 : 111, m, n, k, alpha, a,
    SYMNB_LEAD(lda), b, SYMNB_LEAD(ldb), beta, c, SYMNB_LEAD(ldc));
  return 0;
}

static inline int symnb_KINDgemv(const void *f, int ta, int64_t m, int64_t n,
    REAL alpha, const REAL *a, int64_t lda, const REAL *x, int64_t incx, REAL beta,
    REAL *y, int64_t incy) {
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(lda) && SYMNB_FITS(incx)
        && SYMNB_FITS(incy))) return 1;
  int64_t count = ta ? n : m; /* OpenBLAS multiplies y by 0: NaN would stay */
  if (beta == 0) for (int64_t i = 0; i < count; i++) y[i * incy] = 0;
  if (m == 0 || n == 0) {
    if (beta != 0) for (int64_t i = 0; i < count; i++) y[i * incy] *= beta;
    return 0;
  }
  ((void (*)(int, int, SIZE, SIZE, REAL, const REAL *, SIZE, const REAL *, SIZE, REAL,
    REAL *, SIZE))f)(101, ta ? 112 : 111, m, n, alpha, a, SYMNB_LEAD(lda), x, incx, beta,
    y, incy);
  return 0;
}

static inline int symnb_KINDger(const void *f, int64_t m, int64_t n, REAL alpha,
    const REAL *x, int64_t incx, const REAL *y, int64_t incy, REAL *a, int64_t lda) {
  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(lda) && SYMNB_FITS(incx)
        && SYMNB_FITS(incy))) return 1;
  ((void (*)(int, SIZE, SIZE, REAL, const REAL *, SIZE, const REAL *, SIZE, REAL *,
    SIZE))f)(101, m, n, alpha, x, incx, y, incy, a, SYMNB_LEAD(lda));
  return 0;
}

static inline int symnb_KINDsyrk(const void *f, int ta, int64_t n, int64_t k,
    REAL alpha, const REAL *a, int64_t lda, REAL beta, REAL *c, int64_t ldc) {
  if (n == 0) return 0;
  if (!(SYMNB_FITS(n) && SYMNB_FITS(k) && SYMNB_FITS(lda) && SYMNB_FITS(ldc))) return 1;
  ((void (*)(int, int, int, SIZE, SIZE, REAL, const REAL *, SIZE, REAL, REAL *,
    SIZE))f)(101, 121, ta ? 112 : 111, n, k, alpha, a, SYMNB_LEAD(lda), beta, c,
    SYMNB_LEAD(ldc));
  return 0;
}

static inline int symnb_KINDtrsm(const void *f, int right, int lower, int ta,
    int unit, int64_t m, int64_t n, REAL alpha, const REAL *a, int64_t lda, REAL *b,
    int64_t ldb) {
  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(lda) && SYMNB_FITS(ldb))) return 1;
  ((void (*)(int, int, int, int, int, SIZE, SIZE, REAL, const REAL *, SIZE, REAL *,
    SIZE))f)(101, right ? 142 : 141, lower ? 122 : 121, ta ? 112 : 111,
    unit ? 132 : 131, m, n, alpha, a, SYMNB_LEAD(lda), b, SYMNB_LEAD(ldb));
  return 0;
}

static inline int symnb_KINDdot(const void *f, int64_t n, const REAL *x, int64_t incx,
    const REAL *y, int64_t incy, REAL *result) {
  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx) && SYMNB_FITS(incy))) return 1;
  *result = ((REAL (*)(SIZE, const REAL *, SIZE, const REAL *, SIZE))f)(n, x, incx, y,
    incy);
  return 0;
}

static inline int symnb_KINDaxpy(const void *f, int64_t n, REAL alpha, const REAL *x,
    int64_t incx, REAL *y, int64_t incy) {
  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx) && SYMNB_FITS(incy))) return 1;
  ((void (*)(SIZE, REAL, const REAL *, SIZE, REAL *, SIZE))f)(n, alpha, x, incx, y, incy);
  return 0;
}

static inline int symnb_KINDscal(const void *f, int64_t n, REAL alpha, REAL *x,
    int64_t incx) {
  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx))) return 1;
  ((void (*)(SIZE, REAL, REAL *, SIZE))f)(n, alpha, x, incx);
  return 0;
}
