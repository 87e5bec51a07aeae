/* x[i][j] <-> x[j][i]: each round interleaves the halves. */
static inline __attribute__((always_inline)) void symnb_KINDturn(WIDE_vector *x)
{
  WIDE_vector y[LANES];
#pragma GCC unroll 4
  for (int far = 1; far < LANES; far *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < LANES / 2; i++) {
      y[2 * i] = SHUFFLE(x[i], x[i + LANES / 2], FIRST_HALVES);
      y[2 * i + 1] = SHUFFLE(x[i], x[i + LANES / 2], SECOND_HALVES);
    }
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) x[i] = y[i];
  }
}

/* to[p][l] = x[l][p] for p < k and l < lanes, then zeros up to `width`. */
static void symnb_KINDpack_turned(const REAL *x, int64_t ldx, int64_t lanes, int64_t k,
                                  REAL *to, int64_t width)
{
  for (int64_t l = 0; l < width; l += LANES)
    for (int64_t p = 0; p < k; p += LANES) {
      const int64_t high = lanes - l, deep = k - p;
      WIDE_vector v[LANES];
      if (high >= LANES && deep >= LANES)
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
          v[i] = *(const WIDE_any *)(x + (l + i) * ldx + p);
      else
        for (int i = 0; i < LANES; i++)
          v[i] = WIDE_some(x + (i < high ? l + i : 0) * ldx + p, i < high ? deep : 0);
      symnb_KINDturn(v);
#pragma GCC unroll 16
      for (int q = 0; q < LANES; q++)
        if (q < deep) WIDE_keep(to + (p + q) * width + l, v[q], width - l);
    }
}

/* to[p][l] = x[p][l] for p < k and l < lanes, then zeros up to `width`. */
static void symnb_KINDpack(const REAL *x, int64_t ldx, int64_t lanes, int64_t k,
                           REAL *to, int64_t width)
{
  for (int64_t p = 0; p < k; p++, x += ldx)
    for (int64_t l = 0; l < width; l += LANES) {
      __builtin_prefetch(x + 16 * ldx + l);
      WIDE_keep(to + p * width + l, WIDE_some(x + l, lanes - l), width - l);
    }
}

/* Stores the sums of a tile as columns of c. */
static void symnb_KINDturned(const symnb_KINDtile *t, int rows, int each)
{
  for (int64_t l = 0; l < t->lanes; l += each) {
    WIDE_vector v[LANES];
    const int64_t apart = (t->lanes + each - 1) / each * each;
    for (int r0 = 0; r0 < rows; r0 += LANES) {
      const int64_t high = rows - r0;
#pragma GCC unroll 16
      for (int r = 0; r < LANES; r++)
        v[r] = t->alpha * *(const WIDE_any *)(t->sums + (r0 + r) * apart + l);
      symnb_KINDturn(v);
#pragma GCC unroll 16
      for (int i = 0; i < LANES; i++) {
        if (i == each || l + i == t->lanes) break;
        if (t->beta != 0)
          v[i] += t->beta * WIDE_some(t->d + (l + i) * t->ldd + r0, high);
        WIDE_keep(t->c + (l + i) * t->ldc + r0, v[i], high);
      }
    }
  }
}

static void (*const symnb_KINDtiles[3][12])(const symnb_KINDtile *) = {TILES};
static const int symnb_KINDmost[3] = {12, 12, MOST}; /* rows of a tile of each table */

/* c = alpha y x + beta d, y of h by k and x of k by w, in panels of x; `turned`: c and
 * d are transposed. Panels whose numbers do not lie side by side, or which end within a
 * vector, are copied, and those read often, since rows far apart come
 * slowly (128x784 by 784x512 out of the third cache: 88 -> 97 GFLOP/s, BLAS 92); the
 * others are read where they are. */
static void symnb_KINDpanels(int turned, int64_t h, int64_t w, int64_t k, REAL alpha,
                             const REAL *y, int64_t down, int64_t across, const REAL *x,
                             int64_t ldx, int x_turned, REAL beta, const REAL *d,
                             int64_t ldd, REAL *c, int64_t ldc)
{
  REAL panel[DEEP * 2 * LANES] __attribute__((aligned(64)));
  REAL sums[(12 + LANES) * 2 * LANES] __attribute__((aligned(64)));
  if (turned) __builtin_memset(sums, 0, sizeof sums);
  for (int64_t j = 0; j < w; j += 2 * LANES)
    for (int64_t p = 0; p == 0 || p < k; p += DEEP) {
      const int64_t lanes = w - j < 2 * LANES ? w - j : 2 * LANES;
      const int table = lanes > LANES ? 2 : lanes > LANES / 2;
      const int each = table ? LANES : LANES / 2;
      const int64_t width = table > 1 ? 2 * LANES : each;
      const int64_t most = symnb_KINDmost[table], piles = (h + most - 1) / most;
      const int64_t pile = (h + piles - 1) / piles;
      symnb_KINDtile t = {.down = down, .across = across, .ldx = ldx, .lanes = lanes,
                          .k = k - p < DEEP ? k - p : DEEP, .alpha = alpha,
                          .beta = p ? 1 : beta, .ldd = p ? ldc : ldd, .ldc = ldc,
                          .sums = sums};
      t.x = x + (x_turned ? j * ldx + p : p * ldx + j);
      const int packed = x_turned || lanes < width || h >= OFTEN;
      if (x_turned)
        symnb_KINDpack_turned(t.x, ldx, lanes, t.k, panel, width);
      else if (packed)
        symnb_KINDpack(t.x, ldx, lanes, t.k, panel, width);
      if (packed) t.x = panel, t.ldx = width;
      for (int64_t i = 0; i < h; i += pile) {
        const int rows = h - i < pile ? h - i : pile;
        t.y = y + i * down + p * across;
        t.d = (p ? c : d) + (turned ? j * t.ldd + i : i * t.ldd + j);
        t.c = c + (turned ? j * ldc + i : i * ldc + j);
        symnb_KINDtiles[table][rows - 1](&t);
        if (turned)
          symnb_KINDturned(&t, rows, each);
        else if (table)
          WIDE_store(&t, rows, table);
        else
          HALF_store(&t, rows, 1);
      }
    }
}

/* Multiplications of whole vectors for a panel side of w, and what copies cost beside
 * them, in the same unit: 8 a vector that is turned around, measured. */
static double symnb_KINDcost(int64_t h, int64_t w, int64_t k, int copies)
{
  const double vectors = w / LANES + (w % LANES > LANES / 2 ? 1 : w % LANES ? 0.5 : 0);
  return vectors * (k * (h + (copies ? 8 : 0)) + 2.0 * h);
}

/* Whether BLAS does without us. OpenBLAS 0.3.31 has kernels as good for at most 1e6
 * multiplications unless only b is transposed, and is 0.9 times as fast beyond, 0.5 for
 * ten columns; a vector is its matter (EPYC, AVX-512, one thread, 2026-11). */
static int symnb_KINDyields(int ta, int tb, int64_t m, int64_t n, int64_t k)
{
  const double products = (double)m * n * k;
  if (m == 1 || n == 1 || products > MUCH) return 1;
  return products <= LITTLE && (ta || !tb);
}

/* Whether x comes from memory and is read too seldom for its panels, whose rows lie a
 * page apart: 10x2000 by 2000x2000 in float64 took 1.5 times as long as with BLAS. */
static int symnb_KINDfar(int64_t h, int64_t k, int64_t ldx)
{
  const int64_t apart = ldx * sizeof(REAL);
  return h < OFTEN && apart >= 4096 && k * apart >= 8000000;
}

/* c = alpha op(a) op(b) + beta d, the transposes as in BLAS; d may be c. Returns 1, or
 * 0 having done nothing where BLAS is faster, unless `always`. What alpha = 0 or
 * beta = 0 multiplies is not read. */
int symnb_own_KINDgemm(int always, int ta, int tb, int64_t m, int64_t n, int64_t k,
                       REAL alpha, const REAL *a, int64_t lda, const REAL *b,
                       int64_t ldb, REAL beta, const REAL *d, int64_t ldd, REAL *c,
                       int64_t ldc)
{
  if (m == 0 || n == 0) return 1;
  if (!always && symnb_KINDyields(ta, tb, m, n, k)) return 0;
  if (alpha == 0) k = 0;
  const double rows = symnb_KINDcost(m, n, k, tb);
  const double columns = symnb_KINDcost(n, m, k, !ta)
                         + 7.0 * LANES * (m / LANES + 1) * ((n + 11) / 12);
  const int by_rows = rows <= columns;
  const int far = by_rows ? !tb && symnb_KINDfar(m, k, ldb)
                          : ta && symnb_KINDfar(n, k, lda);
  if (far && !always) return 0;
  if (by_rows)
    symnb_KINDpanels(0, m, n, k, alpha, a, ta ? 1 : lda, ta ? lda : 1, b, ldb, tb, beta,
                     d, ldd, c, ldc);
  else
    symnb_KINDpanels(1, n, m, k, alpha, b, tb ? ldb : 1, tb ? 1 : ldb, a, lda, !ta,
                     beta, d, ldd, c, ldc);
  return 1;
}
