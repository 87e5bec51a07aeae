/* Sorting REAL: lines of n elements, `inner` apart, one paragraph per function; order.py
 * fills in REAL, KEY and WORD (the signed and unsigned integers of BITS bits), MOST (the
 * greatest key) and numbers.
 * Keys are integers in the order of the elements: NaN, of one kind, behind inf. */

static inline KEY symnb_KIND_key(REAL x) {
  TO_KEY
}

static inline REAL symnb_KIND_of_key(KEY k) {
  OF_KEY
}

static void symnb_KIND_network(int64_t n, KEY *restrict a) {
  /* Batcher's merge exchange (Knuth 5.2.2, algorithm M) of n rows of LANES keys */
  int64_t top = 1;
  while (2 * top < n) top *= 2;
  for (int64_t p = n > 1 ? top : 0; p > 0; p /= 2)
    for (int64_t q = top, r = 0, d = p;; d = q - p, q /= 2, r = p) {
      for (int64_t from = r; from < n - d; from += 2 * p)
        for (int64_t i = from; i < from + p && i < n - d; i++) {
          KEY *restrict x = a + i * LANES, *restrict y = a + (i + d) * LANES;
          #pragma omp simd
          for (int l = 0; l < LANES; l++) {
            const KEY u = x[l], v = y[l];
            x[l] = u < v ? u : v, y[l] = u < v ? v : u;
          }
        }
      if (q == p) break;
    }
}

static void symnb_KIND_places(int64_t n, KEY *restrict a, int64_t *restrict at) {
  /* the same of keys and their places, which tell equal keys apart: stable */
  int64_t top = 1;
  while (2 * top < n) top *= 2;
  for (int64_t p = n > 1 ? top : 0; p > 0; p /= 2)
    for (int64_t q = top, r = 0, d = p;; d = q - p, q /= 2, r = p) {
      for (int64_t from = r; from < n - d; from += 2 * p)
        for (int64_t i = from; i < from + p && i < n - d; i++) {
          KEY *restrict x = a + i * LANES, *restrict y = a + (i + d) * LANES;
          int64_t *restrict f = at + i * LANES, *restrict g = at + (i + d) * LANES;
          #pragma omp simd
          for (int l = 0; l < LANES; l++) {
            const KEY u = x[l], v = y[l];
            const int64_t s = f[l], t = g[l];
            const int turn = (u > v) | ((u == v) & (s > t));
            x[l] = turn ? v : u, y[l] = turn ? u : v;
            f[l] = turn ? t : s, g[l] = turn ? s : t;
          }
        }
      if (q == p) break;
    }
}

static void symnb_KIND_merge(int64_t m, const KEY *restrict x, const KEY *restrict y,
    KEY *restrict out) {
  /* two runs of m, from both ends at once: neither end can leave its run */
  const KEY *x0 = x, *y0 = y, *x1 = x + m - 1, *y1 = y + m - 1;
  for (int64_t i = 0; i < m; i++) {
    const KEY a = *x0, b = *y0, c = *x1, d = *y1;
    const int64_t t = b < a, s = d < c; /* as masks: a choice could become a branch */
    out[i] = a ^ ((a ^ b) & -(KEY)t), out[2 * m - 1 - i] = d ^ ((c ^ d) & -(KEY)s);
    y0 += t, x0 += 1 - t, x1 -= s, y1 -= 1 - s;
  }
}

static void symnb_KIND_merge_pairs(int64_t m, const symnb_pair_BITS *restrict x,
    const symnb_pair_BITS *restrict y, symnb_pair_BITS *restrict out) {
  const symnb_pair_BITS *x0 = x, *y0 = y, *x1 = x + m - 1, *y1 = y + m - 1;
  for (int64_t i = 0; i < m; i++) {
    const int64_t t = y0->key < x0->key, s = y1->key < x1->key;
    out[i].key = x0->key ^ ((x0->key ^ y0->key) & -(KEY)t);
    out[i].at = x0->at ^ ((x0->at ^ y0->at) & -t);
    out[2 * m - 1 - i].key = y1->key ^ ((x1->key ^ y1->key) & -(KEY)s);
    out[2 * m - 1 - i].at = y1->at ^ ((x1->at ^ y1->at) & -s);
    y0 += t, x0 += 1 - t, x1 -= s, y1 -= 1 - s;
  }
}

static int symnb_KIND_line(symnb_ws *ws, int64_t n, int64_t inner, int64_t runs,
    const REAL *a, KEY *block, KEY *x, KEY *y, REAL *out) {
  /* runs of m keys, LANES at a time through the network, then merged in pairs */
  const int64_t m = (n + runs - 1) / runs;
  for (int64_t run = 0; run < runs; run += LANES) {
    for (int64_t l = 0; l < LANES; l++)
      for (int64_t i = 0, at = (run + l) * m; i < m; i++, at++)
        block[i * LANES + l] = at < n ? symnb_KIND_key(a[at * inner]) : MOST;
    symnb_KIND_network(m, block);
    for (int64_t l = 0; l < LANES; l++)
      for (int64_t i = 0; i < m; i++) x[(run + l) * m + i] = block[i * LANES + l];
  }
  for (int64_t k = m; k < runs * m; k *= 2) {
    for (int64_t i = 0; i < runs * m; i += 2 * k)
      symnb_KIND_merge(k, x + i, x + i + k, y + i);
    KEY *other = x;
    x = y, y = other;
    if (ws->stop(ws)) return 1;
  }
  for (int64_t i = 0; i < n; i++) out[i * inner] = symnb_KIND_of_key(x[i]);
  return 0;
}

static int symnb_KIND_line_places(symnb_ws *ws, int64_t n, int64_t inner, int64_t runs,
    const REAL *a, KEY *block, int64_t *places, symnb_pair_BITS *x, symnb_pair_BITS *y,
    int64_t *out) {
  const int64_t m = (n + runs - 1) / runs;
  for (int64_t run = 0; run < runs; run += LANES) {
    for (int64_t l = 0; l < LANES; l++)
      for (int64_t i = 0, at = (run + l) * m; i < m; i++, at++) {
        block[i * LANES + l] = at < n ? symnb_KIND_key(a[at * inner] ZERO) : MOST;
        places[i * LANES + l] = at;
      }
    symnb_KIND_places(m, block, places);
    for (int64_t l = 0; l < LANES; l++)
      for (int64_t i = 0; i < m; i++) {
        x[(run + l) * m + i].key = block[i * LANES + l];
        x[(run + l) * m + i].at = places[i * LANES + l];
      }
  }
  for (int64_t k = m; k < runs * m; k *= 2) {
    for (int64_t i = 0; i < runs * m; i += 2 * k)
      symnb_KIND_merge_pairs(k, x + i, x + i + k, y + i);
    symnb_pair_BITS *other = x;
    x = y, y = other;
    if (ws->stop(ws)) return 1;
  }
  for (int64_t i = 0; i < n; i++) out[i * inner] = x[i].at;
  return 0;
}

static int symnb_KIND_sort(void *const *p, const int64_t *size, int64_t chunk,
    int64_t first, int64_t last, symnb_ws *ws) {
  const REAL *a = p[0];
  REAL *out = p[1];
  const int64_t n = size[0], inner = size[1];
  const int many = n <= MANY && last - first >= LANES / 2;
  int64_t runs = LANES;
  while (!many && runs * RUN < n) runs *= 2;
  const int64_t m = many ? n : (n + runs - 1) / runs;
  KEY *block = ws->alloc(ws, m * LANES * sizeof *block), *keys = block;
  if (!many) keys = ws->alloc(ws, 2 * runs * m * sizeof *keys);
  if (!block || !keys) return 1;
  for (int64_t line = first; line < last; line += many ? LANES : 1) {
    const int64_t lines = last - line < LANES ? last - line : LANES;
    int64_t from[LANES];
    for (int l = 0; l < LANES; l++) {
      const int64_t here = line + (l < lines ? l : 0);
      from[l] = here / inner * n * inner + here % inner;
    }
    if (!many && symnb_KIND_line(ws, n, inner, runs, a + from[0], block, keys,
          keys + runs * m, out + from[0])) return 1;
    if (!many) continue;
    for (int64_t i = 0; i < n; i++) {
      #pragma omp simd
      for (int l = 0; l < LANES; l++)
        block[i * LANES + l] = symnb_KIND_key(a[from[l] + i * inner]);
    }
    symnb_KIND_network(n, block);
    for (int64_t i = 0; i < n; i++) {
      #pragma omp simd
      for (int l = 0; l < lines; l++)
        out[from[l] + i * inner] = symnb_KIND_of_key(block[i * LANES + l]);
    }
    if (ws->stop(ws)) return 1;
  }
  return 0;
}

static int symnb_KIND_argsort(void *const *p, const int64_t *size, int64_t chunk,
    int64_t first, int64_t last, symnb_ws *ws) {
  const REAL *a = p[0];
  int64_t *out = p[1];
  const int64_t n = size[0], inner = size[1];
  const int many = n <= MANY && last - first >= LANES / 2;
  int64_t runs = LANES;
  while (!many && runs * RUN < n) runs *= 2;
  const int64_t m = many ? n : (n + runs - 1) / runs;
  KEY *block = ws->alloc(ws, m * LANES * sizeof *block);
  int64_t *places = ws->alloc(ws, m * LANES * sizeof *places);
  symnb_pair_BITS *pairs = 0;
  if (!many) pairs = ws->alloc(ws, 2 * runs * m * sizeof *pairs);
  if (!block || !places || (!many && !pairs)) return 1;
  for (int64_t line = first; line < last; line += many ? LANES : 1) {
    const int64_t lines = last - line < LANES ? last - line : LANES;
    int64_t from[LANES];
    for (int l = 0; l < LANES; l++) {
      const int64_t here = line + (l < lines ? l : 0);
      from[l] = here / inner * n * inner + here % inner;
    }
    if (!many && symnb_KIND_line_places(ws, n, inner, runs, a + from[0], block, places,
          pairs, pairs + runs * m, out + from[0])) return 1;
    if (!many) continue;
    for (int64_t i = 0; i < n; i++) {
      #pragma omp simd
      for (int l = 0; l < LANES; l++) {
        block[i * LANES + l] = symnb_KIND_key(a[from[l] + i * inner] ZERO);
        places[i * LANES + l] = i;
      }
    }
    symnb_KIND_places(n, block, places);
    for (int64_t i = 0; i < n; i++) {
      #pragma omp simd
      for (int l = 0; l < lines; l++) out[from[l] + i * inner] = places[i * LANES + l];
    }
    if (ws->stop(ws)) return 1;
  }
  return 0;
}

static int symnb_KIND_search(void *const *p, const int64_t *size, int64_t chunk,
    int64_t first, int64_t last, symnb_ws *ws) {
  const REAL *restrict line = p[0], *restrict v = p[1];
  int64_t *restrict out = p[2];
  const int64_t n = size[0], right = size[1];
  for (int64_t i = first; i < last; i += LANES) {
    const int m = last - i < LANES ? last - i : LANES;
    int64_t at[LANES];
    REAL x[LANES];
    for (int l = 0; l < LANES; l++) at[l] = 0, x[l] = v[i + (l < m ? l : 0)];
    for (int64_t length = n, half; length > 0; length -= half) {
      half = (length + 1) / 2;
      #pragma omp simd
      for (int l = 0; l < LANES; l++) {
        const REAL e = line[at[l] + half - 1], y = x[l];
        const int before = right ? !LESS(y, e) : LESS(e, y);
        at[l] += before ? half : 0;
      }
    }
    for (int l = 0; l < m; l++) out[i + l] = at[l];
    if (i % 65536 == 0 && ws->stop(ws)) return 1;
  }
  return 0;
}

static int symnb_KIND_nonzero(const uint8_t *mask, int64_t n, int64_t count,
    int64_t *restrict out) {
  /* every place is written, and kept if the element is true: no branch to mispredict */
  int64_t k = 0, i = 0;
  for (; i + 64 <= n && k + 64 <= count; i += 64)
    for (int64_t j = i; j < i + 64; j++) {
      out[k] = j;
      k += mask[j] != 0;
    }
  for (; k < count && i < n; i++)
    if (mask[i]) out[k++] = i;
  return 0;
}
