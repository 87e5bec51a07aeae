/* Workers: the threads that loops of compiled functions run in, one pool a process.
 *
 * A job is a loop in chunks. Its caller takes chunks itself, and so does every worker
 * that comes in time; nobody waits for one that has not started (libgomp made 7 ms of
 * 18 us on a busy machine, EPYC, 2026-11). One job at a time: a caller that finds the
 * pool busy runs its chunks alone. Workers start with the first job, look for the next
 * one for LOOK_NS, then sleep. Where they keep coming too late, because others use the
 * processors, most jobs do without them (Note [Late]). Each chunk has a Hand, a
 * workspace of its own. */
#ifndef SYMNB_WORKERS_H
#define SYMNB_WORKERS_H

#include "processors.h"
#include "workspace.h"
#include <signal.h>

#define WORKERS_MOST 255
#define STACK_BYTES ((size_t)4 << 20) /* kernels keep tiles and trees of sums there */
#define LOOK_NS 200000      /* waking a sleeping worker takes 10 us, its way 16 to 50 */
#define LOOKS 64            /* between two looks at the clock, 2 us */
#define WAKE_WORK 40000     /* ns of work for which sleeping workers are woken */
#define CHUNK_WORK 5000     /* ns of a chunk at least, unless the caller says more */
#define RECENT_NS 50000     /* a job so soon after another: more may come, wake them */
#define WAKE_NS 10000       /* what the caller of a late worker pays for waking it */
#define WAIT_NS 3000        /* for a chunk to end is no loss */
#define ALONE 10            /* times the loss: how long to do without workers */
#define MOST_ALONE_NS 100000000
#define MOST_LATE 6         /* doublings where nobody comes: 6.4 ms */
#define FORGET_NS 20000000  /* without a job: what others did before says little */
#define MESSAGE_BYTES 512

typedef struct {
  symnb_ws *caller;
  symnb_chunk run;
  void *const *p;
  const int64_t *n;
  int64_t size, step, count;
  int64_t next;   /* chunk to take; atomic */
  int64_t failed; /* lowest chunk that failed, or count; under the lock */
  int room;       /* workers that may still come; under the lock */
  int inside;     /* workers at it; written under the lock */
  int stop;       /* atomic */
  int helped;     /* whether a worker ran a chunk; atomic */
  int cpu;        /* of the caller */
  char message[MESSAGE_BYTES];
} Job;

typedef struct {
  symnb_ws ws; /* first: the callbacks cast back */
  Job *job;
  int own;     /* whether it is the caller's */
  Temporary *temporaries;
  char message[MESSAGE_BYTES];
} Hand;

static struct {
  pthread_mutex_t lock;
  pthread_cond_t wake, done;
  pthread_t threads[WORKERS_MOST];
  int count, sleeping, quit;
  int kept, off;     /* workers kept off a processor, and which one; under the lock */
  int looking;       /* workers awake without a job; atomic */
  int64_t ended;     /* when the last job did; of the holder of busy */
  int busy;          /* atomic: a job is under way */
  int posted;        /* atomic: jobs so far, of 32 bits */
  unsigned forks;    /* of this process's line: its workers are its own */
  Job *job;          /* that may be joined */
  int64_t alone;     /* ns until which jobs do without workers, and ... */
  int late, missed;  /* ... how often in a row they came late, and whether nobody came to
                        the last job; of the holder of busy */
  int64_t most;      /* threads a call uses unless it says otherwise */
} workers = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER,
             .done = PTHREAD_COND_INITIALIZER, .most = 1};

/* ---- chunks -------------------------------------------------------------- */

static int hand_stop(symnb_ws *ws) {
  Hand *h = (Hand *)ws;
  if (h->own && h->job->caller->stop(h->job->caller))
    __atomic_store_n(&h->job->stop, 1, __ATOMIC_RELAXED);
  return __atomic_load_n(&h->job->stop, __ATOMIC_RELAXED);
}

static void *hand_alloc(symnb_ws *ws, int64_t bytes) {
  Hand *h = (Hand *)ws;
  Temporary *t = bytes < 0 ? NULL : malloc(sizeof *t);
  if (t == NULL || memory_take((size_t)bytes, &t->memory) < 0) {
    free(t);
    return NULL;
  }
  t->next = h->temporaries;
  h->temporaries = t;
  return t->memory.at;
}

static void *hand_output(symnb_ws *ws, int64_t index, const int64_t *shape) {
  (void)ws, (void)index, (void)shape;
  return NULL;
}

static int hand_python(symnb_ws *ws, int64_t step, void *const *data,
                       const int64_t *const *shape) {
  (void)ws, (void)step, (void)data, (void)shape;
  return 1;
}

static int hand_products(symnb_ws *ws, int64_t threads) {
  (void)ws, (void)threads;
  return 0;
}

static void job_failed(Job *j, int64_t chunk, const char *message) {
  pthread_mutex_lock(&workers.lock);
  if (chunk < j->failed) {
    j->failed = chunk;
    memcpy(j->message, message, MESSAGE_BYTES);
  }
  pthread_mutex_unlock(&workers.lock);
}

static int job_taken(const Job *j) {
  return __atomic_load_n(&j->next, __ATOMIC_RELAXED) >= j->count;
}

/* Takes chunks until there are none. Chunks are handed out in order, so all before one
 * that failed have run, and the first failure is that of a loop without chunks. */
static void job_work(Job *j, int own) {
  Hand h = {.ws = *j->caller, .job = j, .own = own};
  h.ws.stop = hand_stop, h.ws.alloc = hand_alloc;
  h.ws.output = hand_output, h.ws.python = hand_python, h.ws.products = hand_products;
  h.ws.step_ns = NULL, h.ws.threads = 1;
  h.ws.message = h.message, h.ws.message_size = sizeof h.message;
  for (;;) {
    int64_t k = __atomic_fetch_add(&j->next, 1, __ATOMIC_RELAXED);
    if (k >= j->count) break;
    int64_t first = k * j->step, last = k + 1 < j->count ? first + j->step : j->size;
    h.message[0] = 0;
    if (!own) __atomic_store_n(&j->helped, 1, __ATOMIC_RELAXED);
    int failed = j->run(j->p, j->n, k, first, last, &h.ws);
    if (h.temporaries) temporaries_free(h.temporaries), h.temporaries = NULL;
    if (failed) job_failed(j, k, h.message);
    if (failed || hand_stop(&h.ws))
      __atomic_store_n(&j->next, j->count, __ATOMIC_RELAXED);
  }
}

/* ---- workers ------------------------------------------------------------- */

/* Looks for a while whether a count changes, without the lock. It yields: a thread of
 * BLAS, or the one that is waited for, may have to start on this processor. */
static int look_while(const int *count, int seen) {
  int64_t until = ws_now() + LOOK_NS;
  do {
    for (int i = 0; i < LOOKS; i++) {
      if (__atomic_load_n(count, __ATOMIC_ACQUIRE) != seen) return 0;
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#endif
    }
    sched_yield();
  } while (ws_now() < until);
  return 1;
}

static void *worker_run(void *unused) {
  (void)unused;
  int looked = 1; /* since it last had something to do */
  ask_short_slices();
  pthread_mutex_lock(&workers.lock);
  while (!workers.quit) {
    Job *j = workers.job;
    int seen = workers.posted;
    if (j == NULL || j->room == 0 || job_taken(j)) {
      if (looked) {
        workers.sleeping++;
        pthread_cond_wait(&workers.wake, &workers.lock);
        workers.sleeping--;
      } else {
        __atomic_fetch_add(&workers.looking, 1, __ATOMIC_RELAXED);
        pthread_mutex_unlock(&workers.lock);
        look_while(&workers.posted, seen);
        pthread_mutex_lock(&workers.lock);
        __atomic_fetch_sub(&workers.looking, 1, __ATOMIC_RELAXED);
      }
      looked = !looked;
      continue;
    }
    j->room--;
    __atomic_store_n(&j->inside, j->inside + 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&workers.lock);
    job_work(j, 0);
    /* the caller wants this processor: there are too few of them to look on */
    looked = this_cpu() >= 0 && this_cpu() == j->cpu;
    pthread_mutex_lock(&workers.lock);
    __atomic_store_n(&j->inside, j->inside - 1, __ATOMIC_RELEASE);
    if (j->inside == 0) pthread_cond_signal(&workers.done);
  }
  pthread_mutex_unlock(&workers.lock);
  return NULL;
}

/* Starts workers until there are `wanted`, without signals; the lock is held. */
static void workers_start(int wanted) {
  if (workers.count >= wanted || workers.quit) return;
  pthread_attr_t like;
  if (pthread_attr_init(&like)) return;
  pthread_attr_setstacksize(&like, STACK_BYTES);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (workers.count < wanted && workers.count < WORKERS_MOST &&
         pthread_create(&workers.threads[workers.count], &like, worker_run, NULL) == 0)
    workers.count++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&like);
}

/* The lock is held. */
static void workers_keep_off(int cpu) {
  workers.off = cpu, workers.kept = workers.count;
  keep_off(cpu, workers.threads, workers.count);
}

static void job_post(Job *j, int wanted) {
  pthread_mutex_lock(&workers.lock);
  workers_start(wanted);
  if (workers.off != j->cpu || workers.kept != workers.count) workers_keep_off(j->cpu);
  j->room = wanted < workers.count ? wanted : workers.count;
  workers.job = j;
  __atomic_store_n(&workers.posted, (int)(workers.posted + 1u), __ATOMIC_RELEASE);
  int asleep = workers.sleeping < j->room ? workers.sleeping : j->room;
  pthread_mutex_unlock(&workers.lock);
  while (asleep-- > 0) pthread_cond_signal(&workers.wake);
}

/* Lets nobody in any more, and waits for those inside to finish their last chunk. */
static void job_close(Job *j) {
  pthread_mutex_lock(&workers.lock);
  workers.job = NULL;
  int inside = j->inside;
  pthread_mutex_unlock(&workers.lock);
  if (inside == 0) return;
  while (inside > 0 && !look_while(&j->inside, inside))
    inside = __atomic_load_n(&j->inside, __ATOMIC_ACQUIRE);
  Hand h = {.job = j, .own = 1};
  pthread_mutex_lock(&workers.lock);
  if (j->inside > 0) workers_keep_off(-1); /* this processor is free for them now */
  while (j->inside > 0) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += STOP_INTERVAL_NS;
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    pthread_cond_timedwait(&workers.done, &workers.lock, &t);
    if (j->inside == 0) break;
    pthread_mutex_unlock(&workers.lock);
    unsigned forks = workers.forks;
    hand_stop(&h.ws); /* a signal's Python handler may run here, and fork */
    pthread_mutex_lock(&workers.lock);
    if (forks != workers.forks) break;
  }
  pthread_mutex_unlock(&workers.lock);
}

/* Note [Late]; the caller holds busy. One job nobody came to is nothing yet: the worker
 * is awake now and looks for the next. */
static void note_late(int64_t now, int64_t waited, int helped) {
  workers.missed = !helped && !workers.missed;
  if (workers.missed) return;
  int64_t alone = helped ? waited * ALONE : WAKE_NS * ALONE << workers.late;
  workers.alone = now + (alone < MOST_ALONE_NS ? alone : MOST_ALONE_NS);
  if (!helped && workers.late < MOST_LATE) workers.late++;
}

/* Whether to ask for workers; the caller holds busy. A short job is for those who are
 * awake, and wakes them only if others came just before; not beside BLAS, whose threads
 * keep the other processors busy for a while after each product. */
static int job_is_shared(const Job *j) {
  int64_t now = ws_now();
  if (now < workers.alone) return 0;
  if (now - workers.ended > FORGET_NS) workers.late = workers.missed = 0;
  int64_t each = j->caller->chunk_ns > CHUNK_WORK ? j->caller->chunk_ns : CHUNK_WORK;
  if (j->count * each >= WAKE_WORK) return 1;
  const Binding *b = ((Frame *)j->caller)->binding;
  if (b->control.get && !b->alone) return 0;
  return now - workers.ended < RECENT_NS ||
         __atomic_load_n(&workers.looking, __ATOMIC_RELAXED) > 0;
}

/* Runs a job with workers; the caller holds busy. */
static void job_share(Job *j, int wanted, unsigned forks) {
  int64_t start = ws_now();
  j->cpu = this_cpu();
  job_post(j, wanted);
  job_work(j, 1);
  if (forks != workers.forks) return;
  int64_t done = ws_now();
  job_close(j);
  if (forks != workers.forks) return;
  int64_t now = ws_now(), waited = now - done;
  if (j->helped && waited <= (done - start) / 2 + WAIT_NS)
    workers.late = workers.missed = 0;
  else
    note_late(now, waited, j->helped);
}

static int ws_spread(symnb_ws *ws, symnb_chunk run, void *const *p, const int64_t *n,
                     int64_t size, int64_t step) {
  int64_t count = step > 0 ? (size + step - 1) / step : 0;
  Job j = {.caller = ws, .run = run, .p = p, .n = n, .size = size, .step = step,
           .count = count, .failed = count};
  int64_t wanted = (ws->threads < count ? ws->threads : count) - 1;
  if (wanted > WORKERS_MOST) wanted = WORKERS_MOST;
  unsigned forks = workers.forks;
  int busy = wanted > 0 && !__atomic_exchange_n(&workers.busy, 1, __ATOMIC_ACQUIRE);
  int posted = busy && job_is_shared(&j);
  if (posted) {
    job_share(&j, (int)wanted, forks);
  } else {
    job_work(&j, 1);
  }
  if (busy) workers.ended = ws_now();
  if (busy && forks == workers.forks)
    __atomic_store_n(&workers.busy, 0, __ATOMIC_RELEASE);
  if (posted && forks != workers.forks) {
    /* a signal handler forked: what the workers had taken is not done in the child */
    snprintf(ws->message, (size_t)ws->message_size, "forked within a parallel loop");
    return 1;
  }
  if (j.failed < count) {
    size_t size = ws->message_size < MESSAGE_BYTES ? (size_t)ws->message_size
                                                   : MESSAGE_BYTES;
    if (size > 0) memcpy(ws->message, j.message, size), ws->message[size - 1] = 0;
    return 1;
  }
  return j.stop;
}

/* Loops whose chunks call BLAS leave it one thread in each. */
static int ws_products(symnb_ws *ws, int64_t threads) {
  const Control *c = &((Frame *)ws)->binding->control;
  if (threads > 0) return products_enter(c, threads);
  products_leave(c);
  return 0;
}

static const symnb_ws CALLBACKS = {
    .stop = ws_stop, .alloc = ws_alloc, .output = ws_output, .python = ws_python,
    .now = ws_now, .spread = ws_spread, .products = ws_products};

/* ---- the process --------------------------------------------------------- */

/* A forked child has no workers, and its locks are free. */
static void workers_in_child(void) {
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
  workers.lock = lock, workers.wake = cond, workers.done = cond;
  workers.count = workers.sleeping = workers.looking = workers.busy = workers.kept = 0;
  workers.alone = 0, workers.late = workers.missed = 0;
  workers.job = NULL;
  workers.forks++;
}

/* Ends all workers; later loops run in their callers. */
static void workers_end(void) {
  pthread_mutex_lock(&workers.lock);
  workers.quit = 1;
  int count = workers.count;
  workers.count = 0;
  pthread_cond_broadcast(&workers.wake);
  pthread_mutex_unlock(&workers.lock);
  for (int i = 0; i < count; i++) pthread_join(workers.threads[i], NULL);
}

/* Note [Late]
 * On a machine whose processors are busy a worker comes when the job is over, or starts
 * a chunk and is then interrupted for milliseconds while the caller waits for it. A job
 * whose caller waited for more than half of its time, or the second in a row to
 * which no worker came, lost something. For ten times that long jobs do without workers,
 * and twice as long each time nobody comes, so threads cost a tenth at worst. Chunks are
 * the same, so results are. */

#endif
