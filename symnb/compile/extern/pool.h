/* Pooling of REAL: planes of h rows, `wide` columns, p by q windows of K0 by K1, S0
 * and S1 apart, beginning TOP and LEFT before the image. The sizes of a window are
 * constants, so that the loops over it unroll and the one over columns vectorises. */
static int NAME(symnb_ws *ws, int64_t first, int64_t last, int64_t h, int64_t wide,
                int64_t p, int64_t q, ARGUMENTS)
{
  int64_t lo = (LEFT + S1 - 1) / S1, hi = wide + LEFT >= K1 ? (wide + LEFT - K1) / S1 + 1 : 0;
  if (hi > q) hi = q;
  if (hi < lo) hi = lo = 0;
  for (int64_t plane = first; plane < last; plane++) {
    const int64_t base = plane * h * wide;
    BEFORE
    for (int64_t i = 0; i < p; i++) {
      const int64_t row = i * S0 - TOP;
      const int64_t k0 = row < 0 ? -row : 0, k1 = row + K0 > h ? h - row : K0;
      const int64_t at = base + row * wide - LEFT, to = (plane * p + i) * q;
      const int inside = k1 - k0 == K0;
      if (inside) {
        const int64_t l0 = 0, l1 = K1;
        (void)l0, (void)l1;
        SIMD
        for (int64_t j = lo; j < hi; j++) {
          INNER
        }
      }
      for (int64_t j = inside && lo == 0 ? hi : 0; j < q; j++) {
        if (inside && j == lo) j = hi;
        if (j >= q) break;
        const int64_t column = j * S1 - LEFT;
        const int64_t l0 = column < 0 ? -column : 0;
        const int64_t l1 = column + K1 > wide ? wide - column : K1;
        EDGE
      }
    }
    if (ws->stop(ws)) return 1;
  }
  return 0;
}

static int NAME_chunk(void *const *p, const int64_t *n, int64_t chunk, int64_t first,
                      int64_t last, symnb_ws *ws)
{
  return NAME(ws, first, last, n[0], n[1], n[2], n[3], POINTERS);
}
