/* Binding: a compiled function bound to its storage; made once per function.
 * Frame: everything one running call needs; a binding keeps up to FRAMES_IDLE of them,
 * so that calls in several threads never share an arena. Frames are taken and given
 * back with the GIL held. */
#ifndef SYMNB_FRAME_H
#define SYMNB_FRAME_H

#include "pool.h"
#include "products.h"

#define FRAMES_IDLE 4

enum action { STATIC, READ, MATCH };

typedef struct {
  int64_t value; /* STATIC: the size; READ, MATCH: the slot */
  int action;
} Rule;

typedef struct {
  PyArray_Descr *descr;
  int ndim, first; /* its axes are extents[first .. first + ndim) */
  int kind, size;  /* of one element */
} Port;

typedef struct {
  PyObject *object;
  PyTypeObject *type;                /* of object, if the offsets below hold */
  Py_ssize_t array_at, spare_at;     /* of the __slots__ entries, or 0 */
} Storage;

typedef struct Frame Frame;

typedef struct {
  PyObject_HEAD
  PyObject *spec, *parts, *python, *opaque, *locks, *values; /* values: constants */
  PyArrayObject *steps;              /* int64 accumulators, shared by all calls */
  Port *ports;
  Rule *rules;
  Storage *storages;
  const void **externs;
  int *update_of;                    /* index into shared */
  int arguments, shared, constants, outputs, updates, all;
  int axes, result_axes, slots, returns; /* axes: of all ports; results come last */
  int64_t release_from;              /* elements from which the GIL is released */
  Control control;                   /* of the threads of BLAS, if it calls that */
  int alone;                         /* BLAS has one thread: ours share its products */
  int (*run)(void *const *, const int64_t *const *, const int64_t *const *, symnb_ws *);
  void (*plan)(const int64_t *, int64_t *, int64_t *);
  Frame *idle;
  int idle_count;
} Binding;

typedef struct Temporary {
  struct Temporary *next;
  Memory memory;
} Temporary;

struct Frame {
  symnb_ws ws; /* first: the callbacks cast back */
  Frame *next;
  Binding *binding;
  PyThreadState *saved; /* NULL while the GIL is held */
  pthread_t thread;
  int64_t stop_at, elements;
  int stopped;
  Memory arena;
  Temporary *temporaries;
  PyObject *guard;
  void **data;
  int64_t **shape, **stride, *extents, *strides, *slots, (*scalars)[2];
  PyArrayObject **held, **made;
  Memory *deferred;
  char message[512];
};

/* Block: owns the memory of one large result; gives it back when the array dies. */
typedef struct {
  PyObject_HEAD
  Memory memory;
} Block;

static void block_dealloc(PyObject *self) {
  memory_give(&((Block *)self)->memory);
  PyObject_Free(self);
}

static PyTypeObject BlockType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "symnb.Block",
    .tp_basicsize = sizeof(Block),
    .tp_dealloc = block_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Owner of the memory of one large result.",
};

/* Guard: base of the arrays a Python step sees. If one of them outlives the call (a
 * traceback is enough), the guard takes over all memory they may point into. */
typedef struct {
  PyObject_HEAD
  PyObject *arrays;
  Frame *frame;
} Guard;

static void frame_free(Frame *f);

static void temporaries_free(Temporary *t) {
  while (t) {
    Temporary *next = t->next;
    memory_give(&t->memory);
    free(t);
    t = next;
  }
}

static void guard_dealloc(PyObject *self) {
  Guard *g = (Guard *)self;
  Py_CLEAR(g->arrays);
  if (g->frame) frame_free(g->frame);
  PyObject_Free(self);
}

static PyTypeObject GuardType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "symnb.Guard",
    .tp_basicsize = sizeof(Guard),
    .tp_dealloc = guard_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "Keeps the operands of a Python step alive.",
};

/* An array over `m`, whose owner becomes the array; frees `m` on failure. */
static PyArrayObject *wrap_memory(PyArray_Descr *descr, int ndim, int64_t *dims,
                                  Memory *m) {
  Block *block = PyObject_New(Block, &BlockType);
  if (block == NULL) {
    memory_give(m);
    return NULL;
  }
  block->memory = *m;
  *m = (Memory){NULL, 0, 0};
  Py_INCREF(descr);
  PyObject *array =
      PyArray_NewFromDescr(&PyArray_Type, descr, ndim, (npy_intp *)dims, NULL,
                           block->memory.at, NPY_ARRAY_CARRAY, NULL);
  if (array == NULL) {
    Py_DECREF(block);
    return NULL;
  }
  if (PyArray_SetBaseObject((PyArrayObject *)array, (PyObject *)block) < 0) {
    Py_DECREF(array);
    return NULL;
  }
  return (PyArrayObject *)array;
}

/* Bytes of an array, or -1 when a size is negative or the product overflows. */
static int64_t bytes_of(int ndim, const int64_t *dims, int64_t itemsize) {
  int64_t bytes = itemsize, wide = itemsize;
  for (int d = 0; d < ndim; d++) {
    if (dims[d] < 0) return -1;
    /* NumPy refuses sizes whose nonzero factors overflow, even if one is 0 */
    if (dims[d] > 0 && __builtin_mul_overflow(wide, dims[d], &wide)) return -1;
    bytes *= dims[d];
    if (bytes < 0) return -1;
  }
  return bytes;
}

/* A frame with every pointer that never changes; `callbacks` fill its workspace. */
static Frame *frame_new(Binding *b, const symnb_ws *callbacks) {
  size_t n = (size_t)b->all, axes = (size_t)b->axes;
  size_t made = (size_t)(b->outputs + b->updates);
  size_t words = 3 * n + 2 * axes + (size_t)b->slots + 2 * (size_t)b->arguments +
                 (size_t)b->shared + made;
  size_t head = (sizeof(Frame) + 15) / 16 * 16;
  char *at = calloc(1, head + words * 8 + made * sizeof(Memory) + 64);
  if (at == NULL) return NULL;
  Frame *f = (Frame *)at;
  at += head;
#define CUT(field, count) f->field = (void *)at, at += (count) * sizeof *f->field
  CUT(scalars, (size_t)b->arguments);
  CUT(data, n);
  CUT(shape, n);
  CUT(stride, n);
  CUT(extents, axes);
  CUT(strides, axes);
  CUT(slots, (size_t)b->slots);
  CUT(held, (size_t)b->shared);
  CUT(made, made);
  CUT(deferred, made);
#undef CUT
  f->binding = b;
  f->ws = *callbacks;
  f->ws.externs = (const void *const *)b->externs;
  f->ws.message = f->message;
  f->ws.message_size = sizeof f->message;
  for (int i = 0; i < b->all; i++) {
    f->shape[i] = f->extents + b->ports[i].first;
    f->stride[i] = f->strides + b->ports[i].first;
  }
  for (int k = 0, i = b->arguments + b->shared; k < b->constants; k++, i++) {
    PyArrayObject *value = (PyArrayObject *)PyTuple_GET_ITEM(b->values, k);
    int64_t step = b->ports[i].size;
    f->data[i] = PyArray_DATA(value);
    for (int d = PyArray_NDIM(value); d-- > 0; step *= PyArray_DIM(value, d)) {
      f->shape[i][d] = PyArray_DIM(value, d);
      f->stride[i][d] = step;
    }
  }
  return f;
}

static void frame_free(Frame *f) {
  temporaries_free(f->temporaries);
  memory_give(&f->arena);
  free(f);
}

/* -1 where there is no such memory, or the plan says that sizes overflow (bytes < 0). */
static int arena_take(Frame *f, int64_t bytes) {
  if (bytes < 0) return -1;
  size_t need = (size_t)bytes;
  if (need > f->arena.bytes) {
    memory_give(&f->arena);
    if (memory_take(need, &f->arena) < 0) return -1;
  }
  f->ws.arena = f->arena.at;
  return 0;
}

#endif
