/* Processors: which of them workers run on, and how soon they are let run there.
 *
 * A worker is kept off the processor its caller runs on. Left to itself the kernel
 * often wakes it there, when all have something to do (a thread of another library that
 * spins is enough), and then it takes from its caller the time it works: both halves of
 * a product on one processor, 1.2 ms for 0.55 (2 cores, Linux 6.18, 2026-11).
 * It also asks for short slices, so that it preempts a thread that computes as soon as
 * it is woken, not at the next tick, up to 4 ms later. Linux only; elsewhere, and where
 * the kernel refuses, threads run as they come. */
#ifndef SYMNB_PROCESSORS_H
#define SYMNB_PROCESSORS_H

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define SLICE_NS 500000 /* others have 1.4 ms and more; the kernel grants 0.1 */

/* The processor this thread runs on; -1: unknown. */
static int this_cpu(void) {
#ifdef __linux__
  return sched_getcpu();
#else
  return -1;
#endif
}

/* Lets threads run where the caller may, but for processor `cpu`, which it runs on; -1:
 * there, too. */
static void keep_off(int cpu, const pthread_t *threads, int count) {
#ifdef __linux__
  cpu_set_t set;
  if (count == 0 || pthread_getaffinity_np(pthread_self(), sizeof set, &set)) return;
  if (cpu >= 0 && CPU_COUNT(&set) > 1) CPU_CLR(cpu, &set);
  for (int i = 0; i < count; i++) pthread_setaffinity_np(threads[i], sizeof set, &set);
#endif
}

#if defined(__linux__) && defined(SYS_sched_getattr) && defined(SYS_sched_setattr)
/* struct sched_attr of the kernel, which C libraries got late. */
typedef struct {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
} Schedule;

/* Asks for short slices for this thread; its share of the processor stays the same. */
static void ask_short_slices(void) {
  Schedule s = {.size = sizeof s};
  if (syscall(SYS_sched_getattr, 0, &s, sizeof s, 0) || s.policy != SCHED_OTHER) return;
  s.size = sizeof s;
  s.runtime = SLICE_NS;
  syscall(SYS_sched_setattr, 0, &s, 0);
}
#else
static void ask_short_slices(void) {}
#endif

#endif
