/* Tiles of a product: `rows` times `vectors` vectors of LANES numbers, in registers
 * while they are summed. TILE is a name for this width, KIND and REAL the dtype. */
typedef REAL TILE_vector __attribute__((vector_size(LANES * sizeof(REAL))));
typedef REAL TILE_any
    __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)),
                   may_alias));

/* The first numbers at x, then zeros; and back. */
static inline TILE_vector TILE_some(const REAL *x, int64_t count)
{
  if (count >= LANES) return *(const TILE_any *)x;
#if MASKED
  return LOAD(x, (TILE_vector){0}, (1u << count) - 1);
#else
  TILE_vector v = {0};
  for (int64_t l = 0; l < count; l++) v[l] = x[l];
  return v;
#endif
}

static inline void TILE_keep(REAL *x, TILE_vector v, int64_t count)
{
  if (count >= LANES)
    *(TILE_any *)x = v;
  else
#if MASKED
    STORE(x, v, (1u << count) - 1);
#else
    for (int64_t l = 0; l < count; l++) x[l] = v[l];
#endif
}

/* Numbers of y are spread over a vector, those of x read as they are: two loads of x
 * serve `rows` times as many multiplications. Three pointers and two distances reach
 * 12 rows of y; more registers would not do (98 of 118 GFLOP/s with them, 116 so). */
static inline __attribute__((always_inline)) void TILE_run(const symnb_KINDtile *t,
                                                           const int rows,
                                                           const int vectors)
{
  TILE_vector sum[12][2];
  const REAL *x = t->x;
  const char *y[3] = {(const char *)t->y, (const char *)(t->y + 4 * t->down),
                      (const char *)(t->y + 8 * t->down)};
  int64_t one = t->down * sizeof(REAL), three = 3 * one;
  const int64_t across = t->across * sizeof(REAL), ldx = t->ldx;
  __asm__("" : "+r"(one), "+r"(three));
#pragma GCC unroll 12
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) sum[r][v] = (TILE_vector){0};
  for (int64_t p = t->k; p > 0; p--, x += ldx) {
    TILE_vector b[2];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++) b[v] = *(const TILE_any *)(x + v * LANES);
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
      const int64_t far = r % 4 == 1 ? one : r % 4 == 2 ? 2 * one : r % 4 ? three : 0;
      const REAL each = *(const REAL *)(y[r / 4] + far);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; v++) sum[r][v] += each * b[v];
    }
    y[0] += across;
    if (rows > 4) y[1] += across;
    if (rows > 8) y[2] += across;
    __asm__("" : "+r"(y[0]), "+r"(y[1]), "+r"(y[2]));
  }
#pragma GCC unroll 12
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++)
      *(TILE_vector *)(t->sums + (r * vectors + v) * LANES) = sum[r][v];
}

/* Stores the sums of a tile. */
static void TILE_store(const symnb_KINDtile *t, int rows, int vectors)
{
  const REAL *d = t->d, *sums = t->sums;
  REAL *c = t->c;
  for (int r = 0; r < rows; r++, c += t->ldc, d += t->ldd)
    for (int v = 0; v < vectors; v++, sums += LANES) {
      const int64_t count = t->lanes - v * LANES;
      TILE_vector z = t->alpha * *(const TILE_vector *)sums;
      if (t->beta != 0) z += t->beta * TILE_some(d + v * LANES, count);
      TILE_keep(c + v * LANES, z, count);
    }
}

