static int symnb_KINDdot_chunk(void *const *p, const int64_t *unused, int64_t chunk,
                               int64_t first, int64_t last, symnb_ws *ws)
{
  const symnb_KINDpieces *v = p[0];
  return symnb_KINDdot(v->routine, last - first, v->a + first, 1, v->b + first, 1,
                       v->c + chunk);
}

/* *result = x . y in threads: a sum for each of them, added in their order. */
static int symnb_KINDdot_shared(symnb_ws *ws, const void *dot, int64_t n, const REAL *x,
                                const REAL *y, REAL *result)
{
  REAL parts[64];
  const int64_t pieces = ws->threads < 64 ? ws->threads : 64;
  if (pieces < 2 || n < ALONE) return symnb_KINDdot(dot, n, x, 1, y, 1, result);
  const int64_t step = ((n + pieces - 1) / pieces + 63) / 64 * 64;
  symnb_KINDpieces v = {.routine = dot, .a = x, .b = y, .c = parts};
  const int status = symnb_KINDspread(ws, symnb_KINDdot_chunk, &v, n, step,
                                      2 * n * sizeof *x / 100.0);
  if (status) return status;
  *result = parts[0];
  for (int64_t i = 1; i * step < n; i++) *result += parts[i];
  return 0;
}
