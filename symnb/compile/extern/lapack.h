/* Linear algebra over LAPACK and BLAS by address, one paragraph per function: lapack.py
 * replaces KIND (s, d), REAL (float, double) and SIZE (int64_t, int). Matrices are
 * row-major, `count` of them in a row; LAPACK's are column-major. A function returns
 * nonzero where the Python step has to decide: a singular matrix, a size too large. */

static void symnb_KINDturn(int64_t n, int64_t m, const REAL *a, REAL *t) {
  for (int64_t i0 = 0; i0 < n; i0 += 16)
    for (int64_t j0 = 0; j0 < m; j0 += 16)
      for (int64_t i = i0; i < n && i < i0 + 16; i++)
        for (int64_t j = j0; j < m && j < j0 + 16; j++) t[j * n + i] = a[i * m + j];
}

static void symnb_KINDwiden(int64_t n, int64_t m, const REAL *a, double *t) {
  for (int64_t i0 = 0; i0 < n; i0 += 16)
    for (int64_t j0 = 0; j0 < m; j0 += 16)
      for (int64_t i = i0; i < n && i < i0 + 16; i++)
        for (int64_t j = j0; j < m && j < j0 + 16; j++) t[j * n + i] = a[i * m + j];
}

static void symnb_KINDnarrow(int64_t n, int64_t m, const double *t, REAL *a) {
  for (int64_t i0 = 0; i0 < n; i0 += 16)
    for (int64_t j0 = 0; j0 < m; j0 += 16)
      for (int64_t i = i0; i < n && i < i0 + 16; i++)
        for (int64_t j = j0; j < m && j < j0 + 16; j++) a[i * m + j] = t[j * n + i];
}

static int symnb_KINDcholesky(const void *f, symnb_ws *ws, int64_t count, int64_t n,
    const REAL *a, REAL *out) {
  if (!SYMNB_TAKES(n * n)) return 1;
  if (!count || !n) return 0;
  double *wide = (double *)out;
  if (sizeof *out != sizeof *wide) wide = SYMNB_ROOM(n * n * sizeof *wide);
  if (!wide) return 1;
  for (int64_t p = 0; p < count; p++, a += n * n, out += n * n) {
    SIZE size = n, fails = 0;
    if (sizeof *out == sizeof *wide) wide = (double *)out;
    for (int64_t i = 0; i < n * n; i++) wide[i] = a[i];
    ((void (*)(const char *, SIZE *, double *, SIZE *, SIZE *))f)("U", &size, wide, &size,
      &fails);
    if (fails) return 1;
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < n; j++) out[i * n + j] = j > i ? 0 : wide[i * n + j];
  }
  return 0;
}

static int symnb_KINDsolve(const void *f, symnb_ws *ws, int64_t count, int64_t n,
    int64_t k, const REAL *a, const REAL *b, REAL *out) {
  if (!SYMNB_TAKES(n * n) || !SYMNB_TAKES(n * k)) return 1;
  if (!count || !n || !k) return 0;
  double *lu = SYMNB_ROOM(n * n * sizeof *lu), *side = SYMNB_ROOM(n * k * sizeof *side);
  SIZE *rows = SYMNB_ROOM(n * sizeof *rows);
  if (!lu || !rows || !side) return 1;
  for (int64_t p = 0; p < count; p++, a += n * n, out += n * k) {
    SIZE size = n, sides = k, fails = 0;
    symnb_KINDwiden(n, n, a, lu);
    if (b) symnb_KINDwiden(n, k, b + p * n * k, side);
    else for (int64_t i = 0; i < n * n; i++) side[i] = i % (n + 1) == 0;
    ((void (*)(SIZE *, SIZE *, double *, SIZE *, SIZE *, double *, SIZE *, SIZE *))f)(
      &size, &sides, lu, &size, rows, side, &size, &fails);
    if (fails) return 1;
    symnb_KINDnarrow(n, k, side, out);
  }
  return 0;
}

static int symnb_KINDfactor(const void *f, symnb_ws *ws, int64_t count, int64_t n,
    const REAL *a, REAL *out, int32_t *moved) {
  if (!SYMNB_TAKES(n * n)) return 1;
  if (!count || !n) return 0;
  REAL *lu = SYMNB_ROOM(n * n * sizeof *lu);
  SIZE *rows = SYMNB_ROOM(n * sizeof *rows);
  if (!lu || !rows) return 1;
  for (int64_t p = 0; p < count; p++, a += n * n) {
    SIZE size = n, fails = 0;
    symnb_KINDturn(n, n, a, lu);
    ((void (*)(SIZE *, SIZE *, REAL *, SIZE *, SIZE *, SIZE *))f)(&size, &size, lu, &size,
      rows, &fails);
    if (fails < 0) return 1;
    if (out) symnb_KINDturn(n, n, lu, out + p * n * n);
    if (moved) for (int64_t i = 0; i < n; i++) moved[p * n + i] = rows[i] - 1;
  }
  return 0;
}

static int symnb_KINDsubstitute(const void *f, int64_t count, int64_t n, int64_t k,
    const REAL *a, const REAL *b, REAL *out, int lower, int trans, int unit) {
  for (int64_t p = 0; p < count; p++, a += n * n, b += n * k, out += n * k) {
    for (int64_t i = 0; i < n && !unit; i++) if (a[i * n + i] == 0) return 1;
    __builtin_memcpy(out, b, n * k * sizeof *out);
    if (symnb_KINDtrsm(f, 0, lower, trans, unit, n, k, 1, a, n, out, k)) return 1;
  }
  return 0;
}

static int symnb_KINDback(const void *f, int64_t count, int64_t n, int64_t k,
    const REAL *lu, const int32_t *moved, const REAL *b, REAL *out, int trans) {
  for (int64_t p = 0; p < count; p++, lu += n * n, moved += n, b += n * k, out += n * k) {
    for (int64_t i = 0; i < n; i++) if (lu[i * n + i] == 0) return 1;
    __builtin_memcpy(out, b, n * k * sizeof *out);
    if (trans) {
      if (symnb_KINDtrsm(f, 0, 0, 1, 0, n, k, 1, lu, n, out, k)) return 1;
      if (symnb_KINDtrsm(f, 0, 1, 1, 1, n, k, 1, lu, n, out, k)) return 1;
    }
    for (int64_t step = 0; step < n; step++) {
      const int64_t i = trans ? n - 1 - step : step, j = moved[i];
      for (int64_t c = 0; c < k && i != j; c++) {
        const REAL kept = out[i * k + c];
        out[i * k + c] = out[j * k + c], out[j * k + c] = kept;
      }
    }
    if (!trans) {
      if (symnb_KINDtrsm(f, 0, 1, 0, 1, n, k, 1, lu, n, out, k)) return 1;
      if (symnb_KINDtrsm(f, 0, 0, 0, 0, n, k, 1, lu, n, out, k)) return 1;
    }
  }
  return 0;
}

static int symnb_KINDdet(const void *f, symnb_ws *ws, int64_t count, int64_t n,
    const REAL *a, REAL *det, REAL *sign, REAL *logarithm) {
  if (!SYMNB_TAKES(n * n)) return 1;
  double *lu = SYMNB_ROOM(n * n * sizeof *lu + 1);
  SIZE *rows = SYMNB_ROOM(n * sizeof *rows + 1);
  if (!lu || !rows) return 1;
  for (int64_t p = 0; p < count; p++, a += n * n) {
    SIZE size = n, fails = 0;
    double turns = 1, sum = 0; /* the sum of logarithms neither overflows nor underflows */
    if (n) {
      symnb_KINDwiden(n, n, a, lu);
      ((void (*)(SIZE *, SIZE *, double *, SIZE *, SIZE *, SIZE *))f)(&size, &size, lu,
        &size, rows, &fails);
    }
    for (int64_t i = 0; i < n; i++) {
      const double pivot = lu[i * (n + 1)];
      if ((rows[i] != i + 1) != (pivot < 0)) turns = -turns;
      sum += __builtin_log(__builtin_fabs(pivot));
    }
    if (fails) turns = 0, sum = -__builtin_inf();
    if (det) det[p] = turns * __builtin_exp(sum);
    if (sign) sign[p] = turns;
    if (logarithm) logarithm[p] = sum;
  }
  return 0;
}

static int symnb_KINDpivots(const void *f, int64_t n, const REAL *d, REAL *out,
    int positive) {
  (void)f;
  for (int64_t i = 0; i < n; i++) {
    if (positive ? !(d[i] > 0) : d[i] == 0) return 1;
    out[i] = d[i];
  }
  return 0;
}

static int symnb_KINDeigh(const void *f, symnb_ws *ws, int64_t count, int64_t n,
    const REAL *a, REAL *values, REAL *vectors) {
  if (!SYMNB_TAKES(2 * n * n + 6 * n + 1)) return 1;
  if (!count || !n) return 0;
  SIZE size = n, least = -1, most = -1, whole = 0, fails = 0;
  double room = 0, *t = SYMNB_ROOM((n * n + n) * sizeof *t), *w = t + n * n;
  if (!t) return 1;
  void (*const run)(const char *, const char *, SIZE *, double *, SIZE *, double *,
    double *, SIZE *, SIZE *, SIZE *, SIZE *) = (void *)f;
  const char *job = vectors ? "V" : "N";
  run(job, "L", &size, t, &size, w, &room, &least, &whole, &most, &fails);
  if (fails) return 1;
  least = (SIZE)room, most = whole;
  double *work = SYMNB_ROOM(least * sizeof *work);
  SIZE *places = SYMNB_ROOM(most * sizeof *places);
  if (!work || !places) return 1;
  for (int64_t p = 0; p < count; p++, a += n * n) {
    symnb_KINDwiden(n, n, a, t);
    run(job, "L", &size, t, &size, w, work, &least, places, &most, &fails);
    if (fails) return 1;
    if (vectors) symnb_KINDnarrow(n, n, t, vectors + p * n * n);
    for (int64_t i = 0; values && i < n; i++) values[p * n + i] = w[i];
  }
  return 0;
}
