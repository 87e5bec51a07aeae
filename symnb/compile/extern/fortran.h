/* The wrappers of cblas.h over Fortran BLAS, which sees every matrix transposed:
 * c^T = op(b)^T op(a)^T. Arguments go by address; KIND, REAL, SIZE as there. */

static inline int symnb_KINDgemm(const void *f, int ta, int tb, int64_t m, int64_t n,
    int64_t k, REAL alpha, const REAL *a, int64_t lda, const REAL *b, int64_t ldb,
    REAL beta, REAL *c, int64_t ldc) {
  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(k) && SYMNB_FITS(lda)
        && SYMNB_FITS(ldb) && SYMNB_FITS(ldc))) return 1;
  SIZE im = m, in = n, ik = k, ia = SYMNB_LEAD(lda), ib = SYMNB_LEAD(ldb);
  SIZE ic = SYMNB_LEAD(ldc);
  ((void (*)(const char *, const char *, SIZE *, SIZE *, SIZE *, REAL *, const REAL *,
    SIZE *, const REAL *, SIZE *, REAL *, REAL *, SIZE *))f)(tb ? "T" : "N",
    ta ? "T" : "N", &in, &im, &ik, &alpha, b, &ib, a, &ia, &beta, c, &ic);
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
  SIZE im = m, in = n, ia = SYMNB_LEAD(lda), ix = incx, iy = incy;
  ((void (*)(const char *, SIZE *, SIZE *, REAL *, const REAL *, SIZE *, const REAL *,
    SIZE *, REAL *, REAL *, SIZE *))f)(ta ? "N" : "T", &in, &im, &alpha, a, &ia, x, &ix,
    &beta, y, &iy);
  return 0;
}

static inline int symnb_KINDger(const void *f, int64_t m, int64_t n, REAL alpha,
    const REAL *x, int64_t incx, const REAL *y, int64_t incy, REAL *a, int64_t lda) {
  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(lda) && SYMNB_FITS(incx)
        && SYMNB_FITS(incy))) return 1;
  SIZE im = m, in = n, ia = SYMNB_LEAD(lda), ix = incx, iy = incy;
  ((void (*)(SIZE *, SIZE *, REAL *, const REAL *, SIZE *, const REAL *, SIZE *, REAL *,
    SIZE *))f)(&in, &im, &alpha, y, &iy, x, &ix, a, &ia);
  return 0;
}

static inline int symnb_KINDsyrk(const void *f, int ta, int64_t n, int64_t k,
    REAL alpha, const REAL *a, int64_t lda, REAL beta, REAL *c, int64_t ldc) {
  if (n == 0) return 0;
  if (!(SYMNB_FITS(n) && SYMNB_FITS(k) && SYMNB_FITS(lda) && SYMNB_FITS(ldc))) return 1;
  SIZE in = n, ik = k, ia = SYMNB_LEAD(lda), ic = SYMNB_LEAD(ldc);
  ((void (*)(const char *, const char *, SIZE *, SIZE *, REAL *, const REAL *, SIZE *,
    REAL *, REAL *, SIZE *))f)("L", ta ? "N" : "T", &in, &ik, &alpha, a, &ia, &beta, c,
    &ic);
  return 0;
}

static inline int symnb_KINDtrsm(const void *f, int right, int lower, int ta,
    int unit, int64_t m, int64_t n, REAL alpha, const REAL *a, int64_t lda, REAL *b,
    int64_t ldb) {
  if (m == 0 || n == 0) return 0;
  if (!(SYMNB_FITS(m) && SYMNB_FITS(n) && SYMNB_FITS(lda) && SYMNB_FITS(ldb))) return 1;
  SIZE im = m, in = n, ia = SYMNB_LEAD(lda), ib = SYMNB_LEAD(ldb);
  ((void (*)(const char *, const char *, const char *, const char *, SIZE *, SIZE *,
    REAL *, const REAL *, SIZE *, REAL *, SIZE *))f)(right ? "L" : "R",
    lower ? "U" : "L", ta ? "T" : "N", unit ? "U" : "N", &in, &im, &alpha, a, &ia, b,
    &ib);
  return 0;
}

static inline int symnb_KINDdot(const void *f, int64_t n, const REAL *x, int64_t incx,
    const REAL *y, int64_t incy, REAL *result) {
  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx) && SYMNB_FITS(incy))) return 1;
  SIZE in = n, ix = incx, iy = incy;
  *result = ((REAL (*)(SIZE *, const REAL *, SIZE *, const REAL *, SIZE *))f)(&in, x, &ix,
    y, &iy);
  return 0;
}

static inline int symnb_KINDaxpy(const void *f, int64_t n, REAL alpha, const REAL *x,
    int64_t incx, REAL *y, int64_t incy) {
  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx) && SYMNB_FITS(incy))) return 1;
  SIZE in = n, ix = incx, iy = incy;
  ((void (*)(SIZE *, REAL *, const REAL *, SIZE *, REAL *, SIZE *))f)(&in, &alpha, x, &ix,
    y, &iy);
  return 0;
}

static inline int symnb_KINDscal(const void *f, int64_t n, REAL alpha, REAL *x,
    int64_t incx) {
  if (!(SYMNB_FITS(n) && SYMNB_FITS(incx))) return 1;
  SIZE in = n, ix = incx;
  ((void (*)(SIZE *, REAL *, REAL *, SIZE *))f)(&in, &alpha, x, &ix);
  return 0;
}
