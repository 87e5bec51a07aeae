/* Pooling of REAL where p by q windows of K0 by K1 lie side by side and cover planes of
 * h by `wide`, so that loops run over whole rows and planes. scratch: 2 * p * wide. */
static int NAME_TILES(symnb_ws *ws, int64_t planes, int64_t h, int64_t wide, int64_t p,
                 int64_t q, REAL *restrict scratch, ARGUMENTS)
{
  REAL *restrict first = scratch, *restrict second = scratch + p * wide;
  (void)first, (void)second;
  for (int64_t plane = 0; plane < planes; plane++) {
    const int64_t image = plane * h * wide, small = plane * p * q;
    STAGES
    if (ws->stop(ws)) return 1;
  }
  return 0;
}
