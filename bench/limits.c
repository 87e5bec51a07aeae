/* The machine's limits: read and triad bandwidth at a size, and FMA rate.
 * Built by bench/limits.py with -O3 -march=native -fopenmp -ffast-math. */
#include <immintrin.h>
#include <stddef.h>

/* Sum of n floats, repeated; the result keeps the loop alive. */
float read_bytes(const float *x, size_t n, int times, int threads) {
  float total = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : total)
  for (int t = 0; t < threads; t++) {
    size_t from = n / threads * t, to = from + n / threads;
    for (int k = 0; k < times; k++) {
      float a[64] = {0};
      for (size_t i = from; i + 64 <= to; i += 64)
        for (int j = 0; j < 64; j++) a[j] += x[i + j];
      for (int j = 0; j < 64; j++) total += a[j];
    }
  }
  return total;
}

/* z = x + 3 y over n floats, with stores that bypass the caches. */
void triad(const float *x, const float *y, float *z, size_t n, int threads) {
#pragma omp parallel for num_threads(threads)
  for (int t = 0; t < threads; t++) {
    size_t from = n / threads * t, to = from + n / threads;
#if defined(__AVX__)
    __m256 three = _mm256_set1_ps(3);
    for (size_t i = from; i < to; i += 8) {
      __m256 v = _mm256_mul_ps(three, _mm256_loadu_ps(y + i));
      _mm256_stream_ps(z + i, _mm256_add_ps(_mm256_loadu_ps(x + i), v));
    }
#else
    for (size_t i = from; i < to; i++) z[i] = x[i] + 3 * y[i];
#endif
  }
#if defined(__AVX__)
  _mm_sfence();
#endif
}

/* 2 * 160 * rounds * threads floating-point operations. */
float multiply_add(long rounds, int threads) {
  float total = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : total)
  for (int t = 0; t < threads; t++) {
    float a[160], m = 0.999f + t * 1e-6f;
    for (int j = 0; j < 160; j++) a[j] = j;
    for (long k = 0; k < rounds; k++)
      for (int j = 0; j < 160; j++) a[j] = a[j] * m + 1e-3f;
    for (int j = 0; j < 160; j++) total += a[j];
  }
  return total;
}
