/* Products with vectors, and batches of products, shared out among the threads of the
 * call: rows of the matrix, pieces of a sum, or matrices of a batch. Memory is what
 * they wait for: one thread reads 48 to 100 GB/s, two 60 to 194. */
typedef struct {
  const void *own, *routine;
  int ta, tb;
  int64_t m, n, k, lda, ldb, ldc, next_a, next_b, next_c;
  REAL alpha, beta;
  const REAL *a, *b;
  REAL *c, *parts;
} symnb_KINDpieces;

/* `ns`: what all of it takes one thread. */
static int symnb_KINDspread(symnb_ws *ws, symnb_chunk run, symnb_KINDpieces *v,
                            int64_t size, int64_t step, double ns)
{
  void *const p[] = {v};
  const int64_t none[] = {0}, count = (size + step - 1) / step;
  const int lowered = ws->products(ws, 1);
  ws->chunk_ns = ns / count;
  const int status = ws->spread(ws, run, p, none, size, step);
  ws->chunk_ns = 0;
  if (lowered) ws->products(ws, 0);
  return status;
}

