/* Memory of results, arenas and temporaries.
 *
 * From POOL_FROM bytes on it comes from recycled blocks: from 1 MiB on multiples of
 * 2 MiB, aligned to 2 MiB, on huge pages (a fresh 64 MB result: 6.5 ms against 11.0 from
 * NumPy, EPYC, 2026-11; page faults are the difference), below multiples of 64 KiB
 * (malloc maps and faults such blocks anew at every call: 70 us of 265 for 400 kB).
 * Smaller memory is plain and 64-byte aligned.
 * Idle blocks are kept up to `limit` bytes, oldest dropped first. Every function here
 * may be called without the GIL. */
#ifndef SYMNB_POOL_H
#define SYMNB_POOL_H

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define POOL_FROM ((size_t)128 << 10)
#define HUGE_FROM ((size_t)1 << 20)
#define SMALL_GRAIN ((size_t)64 << 10)
#define POOL_GRAIN ((size_t)2 << 20)
#define POOL_IDLE 64
#define CACHE_LINE 64

typedef struct {
  void *at;
  size_t bytes;   /* usable */
  size_t granted; /* of the block it lives in; 0: from malloc */
} Memory;

static struct {
  pthread_mutex_t lock;
  Memory idle[POOL_IDLE]; /* oldest first */
  int count;
  size_t idle_bytes, live_bytes, limit;
  uint64_t fresh, recycled;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void pool_drop(int i) {
  pool.idle_bytes -= pool.idle[i].granted;
  pool.count--;
  memmove(&pool.idle[i], &pool.idle[i + 1], (size_t)(pool.count - i) * sizeof(Memory));
}

/* Unmaps idle blocks, oldest first, until at most `keep` bytes are idle. */
static size_t pool_trim(size_t keep) {
  size_t freed = 0;
  pthread_mutex_lock(&pool.lock);
  while (pool.count > 0 && pool.idle_bytes > keep) {
    Memory oldest = pool.idle[0];
    pool_drop(0);
    munmap(oldest.at, oldest.granted);
    freed += oldest.granted;
  }
  pthread_mutex_unlock(&pool.lock);
  return freed;
}

static void *map_small(size_t bytes) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

static void *map_aligned(size_t bytes) {
  if (bytes % POOL_GRAIN) return map_small(bytes);
  size_t wide = bytes + POOL_GRAIN;
  char *start = mmap(NULL, wide, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return NULL;
  size_t head = (POOL_GRAIN - (uintptr_t)start % POOL_GRAIN) % POOL_GRAIN;
  if (head) munmap(start, head);
  munmap(start + head + bytes, POOL_GRAIN - head);
#ifdef MADV_HUGEPAGE
  madvise(start + head, bytes, MADV_HUGEPAGE);
#endif
  return start + head;
}

/* The smallest idle block that wastes at most a quarter, or -1. */
static int pool_fit(size_t bytes) {
  int best = -1;
  for (int i = 0; i < pool.count; i++) {
    size_t size = pool.idle[i].granted;
    if (size < bytes || size > bytes + bytes / 4) continue;
    if (best < 0 || size <= pool.idle[best].granted) best = i;
  }
  return best;
}

static int pool_take(size_t bytes, Memory *out) {
  if (bytes > SIZE_MAX / 2) return -1;
  size_t grain = bytes < HUGE_FROM ? SMALL_GRAIN : POOL_GRAIN;
  size_t granted = (bytes + grain - 1) / grain * grain;
  void *at = NULL;
  pthread_mutex_lock(&pool.lock);
  int i = pool_fit(granted);
  if (i >= 0) {
    at = pool.idle[i].at;
    granted = pool.idle[i].granted;
    pool_drop(i);
    pool.recycled++;
    pool.live_bytes += granted;
  }
  pthread_mutex_unlock(&pool.lock);
  if (at == NULL) {
    at = map_aligned(granted);
    if (at == NULL && pool_trim(0) > 0) at = map_aligned(granted);
    if (at == NULL) return -1;
    pthread_mutex_lock(&pool.lock);
    pool.fresh++;
    pool.live_bytes += granted;
    pthread_mutex_unlock(&pool.lock);
  }
  *out = (Memory){at, bytes, granted};
  return 0;
}

static void pool_give(Memory m) {
  Memory dropped[POOL_IDLE + 1];
  int n = 0;
  pthread_mutex_lock(&pool.lock);
  pool.live_bytes -= m.granted;
  if (m.granted > pool.limit) {
    dropped[n++] = m;
  } else {
    while (pool.count == POOL_IDLE ||
           (pool.count > 0 && pool.idle_bytes + m.granted > pool.limit)) {
      dropped[n++] = pool.idle[0];
      pool_drop(0);
    }
    pool.idle[pool.count++] = m;
    pool.idle_bytes += m.granted;
  }
  pthread_mutex_unlock(&pool.lock);
  for (int i = 0; i < n; i++) munmap(dropped[i].at, dropped[i].granted);
}

static int memory_take(size_t bytes, Memory *out) {
  if (bytes >= POOL_FROM) return pool_take(bytes, out);
  void *at = NULL;
  if (posix_memalign(&at, CACHE_LINE, bytes ? bytes : CACHE_LINE)) return -1;
  *out = (Memory){at, bytes, 0};
  return 0;
}

static void memory_give(Memory *m) {
  if (m->at == NULL) return;
  if (m->granted) {
    pool_give(*m);
  } else {
    free(m->at);
  }
  *m = (Memory){NULL, 0, 0};
}

/* A forked child starts with a free lock, whatever thread held it in the parent. */
static void pool_in_child(void) {
  pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
  pool.lock = fresh;
}

static void pool_before_fork(void) { pthread_mutex_lock(&pool.lock); }
static void pool_in_parent(void) { pthread_mutex_unlock(&pool.lock); }

static void pool_start(size_t limit) {
  pool.limit = limit;
  pthread_atfork(pool_before_fork, pool_in_parent, pool_in_child);
}

#endif
