/* Entry points and workspace of a compiled function. Generated C starts with this text
 * (after `typedef __INT64_TYPE__ int64_t;`), the dispatcher includes it, cffi parses
 * it: plain declarations only. Sizes are in elements, strides and `bytes` in bytes.
 *
 * data = arguments, shared, constants, outputs, updates: C-contiguous, native, aligned.
 * slot[k] = the integer bound to the k-th size symbol.
 * symnb_plan writes every output and update extent, flattened in order (-1 = known only
 * while running: run then calls ws->output), and the bytes of the arena, -1 if sizes
 * come to more than 2**62 bytes.
 * symnb_run returns 0, or the number of the failing step + 1, or -1 before any step if
 * sizes differ that have to be equal: the fallback's to judge. The callbacks serve the
 * thread that entered symnb_run, and fail in any other. spread runs the chunks of a loop
 * of `size` iterations, `step` each, in any order in up to `threads` threads, each with
 * a workspace of its own, whose memory is freed when the chunk returns. */
typedef struct symnb_ws symnb_ws;
/* Iterations first <= i < last of a loop, the chunk-th piece of it; p and n are what
 * spread was given. */
typedef int (*symnb_chunk)(void *const *p, const int64_t *n, int64_t chunk,
                           int64_t first, int64_t last, symnb_ws *);
struct symnb_ws {
  void *arena;                 /* 64-byte aligned */
  const void *const *externs;  /* addresses, in the order of CallSpec.externs */
  int64_t *step_ns; /* one accumulator per step, then the slots of this call; or NULL */
  int (*stop)(symnb_ws *);     /* nonzero: interrupted; cheap, asks every 50 ms */
  void *(*alloc)(symnb_ws *, int64_t bytes);  /* 64-byte aligned; freed on return */
  void *(*output)(symnb_ws *, int64_t index, const int64_t *shape);
  int (*python)(symnb_ws *, int64_t step, void *const *data,
                const int64_t *const *shape);  /* nonzero: failed */
  int64_t (*now)(void);        /* monotonic ns */
  char *message;               /* run may write why it failed */
  int64_t message_size;
  int64_t threads;             /* that loops may use; 1 inside a chunk */
  int (*spread)(symnb_ws *, symnb_chunk, void *const *p, const int64_t *n,
                int64_t size, int64_t step);  /* nonzero: a chunk failed */
  int (*products)(symnb_ws *, int64_t threads);  /* at most so many threads of BLAS;
                                  nonzero: until it is called with 0 */
  int64_t chunk_ns;            /* a chunk's work in the next spread, if above 5 us; 0 */
};
int symnb_run(void *const *data, const int64_t *const *shape,
              const int64_t *const *stride, symnb_ws *ws);
void symnb_plan(const int64_t *slot, int64_t *out_sizes, int64_t *arena_bytes);
