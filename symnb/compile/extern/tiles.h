/* Pooling of REAL where p by q windows of K0 by K1 lie side by side and cover planes of
 * h by `wide`, so that loops run over whole rows and planes. */
static int NAME_TILES(symnb_ws *ws, int64_t from_plane, int64_t to_plane, int64_t h,
                      int64_t wide, int64_t p, int64_t q, ARGUMENTS)
{
  REAL *restrict first = ws->alloc(ws, (2 * p * wide + 1) * sizeof *first);
  REAL *restrict second = first + p * wide;
  if (!first) return 1;
  for (int64_t plane = from_plane; plane < to_plane; plane++) {
    const int64_t image = plane * h * wide, small = plane * p * q;
    STAGES
    if (ws->stop(ws)) return 1;
  }
  return 0;
}

static int NAME_TILES_chunk(void *const *p, const int64_t *n, int64_t chunk,
                            int64_t first, int64_t last, symnb_ws *ws)
{
  return NAME_TILES(ws, first, last, n[0], n[1], n[2], n[3], POINTERS);
}
