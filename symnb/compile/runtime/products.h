/* Threads of BLAS: one count for the whole process, lowered while calls that may use
 * fewer run, and given back when the last of them is done. It is never raised: who set
 * it low had a reason. Entering costs 5 ns where there is nothing to lower. */
#ifndef SYMNB_PRODUCTS_H
#define SYMNB_PRODUCTS_H

#include <pthread.h>

typedef struct {
  int (*get)(void); /* NULL: this library cannot be told */
  void (*set)(int);
} Control;

static struct {
  pthread_mutex_t lock;
  int users;  /* calls inside; atomic; STALE in a child forked while there were some */
  int before; /* what the first of them found */
} products = {.lock = PTHREAD_MUTEX_INITIALIZER};

#define STALE (-1)

/* Whether the call has to leave. Calls that overlap all run with the least count. */
static int products_enter(const Control *c, int64_t threads) {
  if (c->get == NULL) return 0;
  if (__atomic_load_n(&products.users, __ATOMIC_ACQUIRE) == 0 && c->get() <= threads)
    return 0;
  pthread_mutex_lock(&products.lock);
  if (products.users == STALE) c->set(products.before), products.users = 0;
  if (products.users == 0) products.before = c->get();
  __atomic_store_n(&products.users, products.users + 1, __ATOMIC_RELEASE);
  if (c->get() > threads) c->set((int)threads);
  pthread_mutex_unlock(&products.lock);
  return 1;
}

static void products_leave(const Control *c) {
  pthread_mutex_lock(&products.lock);
  if (products.users > 0) { /* whoever forks in between finds a user, and mends it */
    if (products.users == 1 && c->get() != products.before) c->set(products.before);
    __atomic_store_n(&products.users, products.users - 1, __ATOMIC_RELEASE);
  }
  pthread_mutex_unlock(&products.lock);
}

/* A forked child has none of the threads that were inside; the count is mended by its
 * next product, because BLAS may not be called here. */
static void products_in_child(void) {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  products.lock = lock;
  if (products.users > 0) products.users = STALE;
}

#endif
