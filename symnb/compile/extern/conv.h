/* Convolutions of REAL: image by image, windows as the columns of a matrix.
 * c channels and f filters are those of one group; p, q windows down and across. */
typedef struct {
  const REAL *x, *w;
  REAL *out;
  int64_t n, groups, c, h, wide, f, k, l, p, q;
  int64_t s0, s1, top, left, d0, d1;
  int plain; /* windows of one element, all of them: the image is the matrix */
} symnb_conv_REAL;

/* Windows j of a row that read inside it: first <= j < last. */
static void symnb_inside_REAL(const symnb_conv_REAL *v, int64_t column,
                              int64_t *first, int64_t *last)
{
  int64_t lo = column < 0 ? (v->s1 - 1 - column) / v->s1 : 0;
  int64_t hi = v->wide > column ? (v->wide - column + v->s1 - 1) / v->s1 : 0;
  if (lo > v->q) lo = v->q;
  if (hi > v->q) hi = v->q;
  *first = lo;
  *last = hi < lo ? lo : hi;
}

/* Rows of windows are short: a loop over n is mostly its beginning and its end, blocks
 * of eight are a vector each: 64 images of 8 x 12 x 12, 16 windows of 5 x 5, 0.62 and
 * now 0.50 ms (one thread, 2026-11). */
static inline void symnb_copy_REAL(REAL *restrict to, const REAL *restrict from,
                                   int64_t n)
{
  int64_t j = 0;
  for (; j + 8 <= n; j += 8)
    for (int u = 0; u < 8; u++) to[j + u] = from[j + u];
  if (j < n && n > 8) /* the last eight, some of them again */
    for (int u = 0; u < 8; u++) to[n - 8 + u] = from[n - 8 + u];
  else
    for (; j < n; j++) to[j] = from[j];
}

static inline void symnb_add_REAL(REAL *restrict to, const REAL *restrict from,
                                  int64_t n)
{
  int64_t j = 0;
  for (; j + 8 <= n; j += 8)
    for (int u = 0; u < 8; u++) to[j + u] += from[j + u];
  for (; j + 4 <= n; j += 4)
    for (int u = 0; u < 4; u++) to[j + u] += from[j + u];
  for (; j < n; j++) to[j] += from[j];
}

static __attribute__((noinline)) void
symnb_columns_REAL(const symnb_conv_REAL *v, const REAL *restrict image,
                   REAL *restrict to)
{
  for (int64_t c = 0; c < v->c; c++, image += v->h * v->wide)
    for (int64_t k = 0; k < v->k; k++)
      for (int64_t l = 0; l < v->l; l++) {
        const int64_t column = l * v->d1 - v->left, s1 = v->s1, q = v->q;
        int64_t lo, hi;
        symnb_inside_REAL(v, column, &lo, &hi);
        for (int64_t i = 0; i < v->p; i++, to += q) {
          const int64_t row = i * v->s0 + k * v->d0 - v->top;
          if (row < 0 || row >= v->h) {
            for (int64_t j = 0; j < q; j++) to[j] = 0;
            continue;
          }
          const REAL *from = image + row * v->wide + column;
          for (int64_t j = 0; j < lo; j++) to[j] = 0;
          if (s1 == 1)
            symnb_copy_REAL(to + lo, from + lo, hi - lo);
          else
            for (int64_t j = lo; j < hi; j++) to[j] = from[j * s1];
          for (int64_t j = hi; j < q; j++) to[j] = 0;
        }
      }
}

static void symnb_spread_REAL(const symnb_conv_REAL *v, const REAL *restrict from,
                              REAL *restrict image)
{
  for (int64_t c = 0; c < v->c; c++, image += v->h * v->wide)
    for (int64_t k = 0; k < v->k; k++)
      for (int64_t l = 0; l < v->l; l++) {
        const int64_t column = l * v->d1 - v->left, s1 = v->s1, q = v->q;
        int64_t lo, hi;
        symnb_inside_REAL(v, column, &lo, &hi);
        for (int64_t i = 0; i < v->p; i++, from += q) {
          const int64_t row = i * v->s0 + k * v->d0 - v->top;
          if (row < 0 || row >= v->h) continue;
          REAL *to = image + row * v->wide + column;
          if (s1 == 1)
            symnb_add_REAL(to + lo, from + lo, hi - lo);
          else
            for (int64_t j = lo; j < hi; j++) to[j * s1] += from[j];
        }
      }
}

/* Memory for the columns of an image, and `more` elements behind it. */
static REAL *symnb_scratch_REAL(symnb_ws *ws, const symnb_conv_REAL *v, int64_t more)
{
  const int64_t columns = v->plain ? 0 : v->c * v->k * v->l * v->p * v->q;
  return ws->alloc(ws, (columns + more + 1) * sizeof(REAL));
}

static int symnb_conv2d_REAL(symnb_ws *ws, const symnb_conv_REAL *v, int64_t first,
                             int64_t last)
{
  const int64_t area = v->p * v->q, depth = v->c * v->k * v->l;
  REAL *scratch = symnb_scratch_REAL(ws, v, 0);
  int status = !scratch;
  for (int64_t i = first * v->groups; i < last * v->groups && !status; i++) {
    const REAL *image = v->x + i * v->c * v->h * v->wide;
    const REAL *w = v->w + i % v->groups * v->f * depth;
    REAL *y = v->out + i * v->f * area;
    if (!v->plain) symnb_columns_REAL(v, image, scratch);
    const REAL *columns = v->plain ? image : scratch;
    GEMM_CONV2D
    if (!status) status = ws->stop(ws);
  }
  return status;
}

/* out += the gradient in the filters; v->w is the gradient of the result. Where windows
 * have more elements than there are filters, and these fill a vector, the transposed sum
 * is made: 16 filters of 200, 64 windows, f32: 6.6 us for 11.2 (OpenBLAS, 2026-11). */
static int symnb_conv2d_grad_weights_REAL(symnb_ws *ws, const symnb_conv_REAL *v,
                                          int64_t first, int64_t last)
{
  const int64_t area = v->p * v->q, depth = v->c * v->k * v->l, size = v->f * depth;
  const int64_t all = v->f >= 16 && depth > v->f ? v->groups * size : 0;
  REAL *scratch = symnb_scratch_REAL(ws, v, all);
  int status = !scratch;
  REAL *sums = scratch + (v->plain ? 0 : depth * area);
  if (!status) __builtin_memset(sums, 0, all * sizeof *sums);
  for (int64_t i = first * v->groups; i < last * v->groups && !status; i++) {
    const REAL *image = v->x + i * v->c * v->h * v->wide;
    const REAL *g = v->w + i * v->f * area;
    REAL *dw = v->out + i % v->groups * size, *turned = sums + i % v->groups * size;
    if (!v->plain) symnb_columns_REAL(v, image, scratch);
    const REAL *columns = v->plain ? image : scratch;
    if (all)
      GEMM_TURNED
    else
      GEMM_WEIGHTS
    if (!status) status = ws->stop(ws);
  }
  if (status) return status;
  for (int64_t at = 0; at < all; at += size)
    for (int64_t i = 0; i < v->f; i++)
      for (int64_t j = 0; j < depth; j++)
        v->out[at + i * depth + j] += sums[at + j * v->f + i];
  return 0;
}

/* out = the gradient in the images; v->x is the gradient of the result. */
static int symnb_conv2d_grad_images_REAL(symnb_ws *ws, const symnb_conv_REAL *v,
                                         int64_t first, int64_t last)
{
  const int64_t area = v->p * v->q, depth = v->c * v->k * v->l;
  const int64_t size = v->c * v->h * v->wide;
  REAL *scratch = symnb_scratch_REAL(ws, v, 0);
  int status = !scratch;
  for (int64_t i = first * v->groups; i < last * v->groups && !status; i++) {
    const REAL *w = v->w + i % v->groups * v->f * depth, *g = v->x + i * v->f * area;
    REAL *image = v->out + i * size, *columns = v->plain ? image : scratch;
    GEMM_IMAGES
    if (!status) status = ws->stop(ws);
    if (v->plain) continue;
    __builtin_memset(image, 0, size * sizeof *image);
    symnb_spread_REAL(v, scratch, image);
  }
  return status;
}

static int symnb_conv2d_chunk_REAL(void *const *p, const int64_t *n, int64_t chunk,
                                   int64_t first, int64_t last, symnb_ws *ws)
{
  return symnb_conv2d_REAL(ws, p[0], first, last);
}

static int symnb_conv2d_grad_images_chunk_REAL(void *const *p, const int64_t *n,
                                               int64_t chunk, int64_t first,
                                               int64_t last, symnb_ws *ws)
{
  return symnb_conv2d_grad_images_REAL(ws, p[0], first, last);
}

/* Each chunk has a sum of its own, of n[0] elements at p[1], but the first. */
static int symnb_conv2d_grad_weights_chunk_REAL(void *const *p, const int64_t *n,
                                                int64_t chunk, int64_t first,
                                                int64_t last, symnb_ws *ws)
{
  symnb_conv_REAL v = *(const symnb_conv_REAL *)p[0];
  if (chunk) {
    v.out = (REAL *)p[1] + (chunk - 1) * n[0];
    __builtin_memset(v.out, 0, n[0] * sizeof *v.out);
  }
  return symnb_conv2d_grad_weights_REAL(ws, &v, first, last);
}

/* Images to a chunk: all of them where there is one thread or little to do. Four
 * chunks a thread, so that one that starts late leaves its share to the others. */
static int64_t symnb_share_REAL(symnb_ws *ws, const symnb_conv_REAL *v)
{
  const int64_t each = v->groups * v->f * v->c * v->k * v->l * v->p * v->q;
  if (ws->threads < 2 || v->n * each < 2000000) return v->n ? v->n : 1;
  const int64_t parts = 4 * ws->threads;
  return (v->n + parts - 1) / parts;
}
