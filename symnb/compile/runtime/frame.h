/* Binding: a compiled function bound to its storage; made once per function.
 * Frame: everything one running call needs; a binding keeps up to FRAMES_IDLE of them,
 * so that calls in several threads never share an arena. Frames are taken and given
 * back with the GIL held. The functions below ws_* are the workspace callbacks: they are
 * entered with the GIL released or held (`saved` says which). */
#ifndef SYMNB_FRAME_H
#define SYMNB_FRAME_H

#include "pool.h"
#include <stdio.h>
#include <time.h>

#define FRAMES_IDLE 4
#define STOP_INTERVAL_NS 50000000

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

static int64_t ws_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int foreign_thread(Frame *f) { return !pthread_equal(pthread_self(), f->thread); }

static int ws_stop(symnb_ws *ws) {
  Frame *f = (Frame *)ws;
  if (f->stopped || foreign_thread(f)) return f->stopped;
  int64_t now = ws_now();
  if (f->stop_at == 0) f->stop_at = now + STOP_INTERVAL_NS;
  if (now < f->stop_at) return 0;
  int released = f->saved != NULL;
  if (released) PyEval_RestoreThread(f->saved), f->saved = NULL;
  if (PyErr_CheckSignals() < 0) f->stopped = 1;
  if (released) f->saved = PyEval_SaveThread();
  f->stop_at = ws_now() + STOP_INTERVAL_NS;
  return f->stopped;
}

static void *ws_alloc(symnb_ws *ws, int64_t bytes) {
  Frame *f = (Frame *)ws;
  Temporary *t = bytes < 0 || foreign_thread(f) ? NULL : malloc(sizeof *t);
  if (t == NULL || memory_take((size_t)bytes, &t->memory) < 0) {
    free(t);
    snprintf(f->message, sizeof f->message, "no memory for %lld bytes",
             (long long)bytes);
    return NULL;
  }
  t->next = f->temporaries;
  f->temporaries = t;
  return t->memory.at;
}

static void *ws_output(symnb_ws *ws, int64_t index, const int64_t *shape) {
  Frame *f = (Frame *)ws;
  Binding *b = f->binding;
  if (index < 0 || index >= b->outputs + b->updates || foreign_thread(f)) return NULL;
  int64_t i = b->all - b->outputs - b->updates + index;
  const Port *p = &b->ports[i];
  int64_t bytes = bytes_of(p->ndim, shape, p->size);
  memory_give(&f->deferred[index]);
  Py_ssize_t asked = bytes > 0 ? bytes : CACHE_LINE;
  if (bytes < 0 || memory_take((size_t)asked, &f->deferred[index]) < 0) {
    snprintf(f->message, sizeof f->message, "no memory for result %lld",
             (long long)index);
    return NULL;
  }
  int64_t stride = p->size;
  for (int d = p->ndim; d-- > 0; stride *= shape[d]) {
    f->shape[i][d] = shape[d];
    f->stride[i][d] = stride;
  }
  return f->data[i] = f->deferred[index].at;
}

/* The operand `spec` = (descr, ndim) over `data`, owned by the call's guard. */
static PyObject *operand(Frame *f, PyObject *spec, void *data, const int64_t *shape,
                         int writeable) {
  PyArray_Descr *descr;
  int ndim;
  if (!PyArg_ParseTuple(spec, "O!i", &PyArrayDescr_Type, &descr, &ndim)) return NULL;
  if (data == NULL) Py_RETURN_NONE;
  int flags = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED;
  if (writeable) flags |= NPY_ARRAY_WRITEABLE;
  Py_INCREF(descr);
  PyObject *array = PyArray_NewFromDescr(&PyArray_Type, descr, ndim, (npy_intp *)shape,
                                         NULL, data, flags, NULL);
  if (array == NULL) return NULL;
  Py_INCREF(f->guard);
  if (PyArray_SetBaseObject((PyArrayObject *)array, f->guard) < 0) Py_CLEAR(array);
  return array;
}

/* Copies results of sizes known only now to temporaries; tells the caller where. */
static int take_results(Frame *f, PyObject *arrays, PyObject *specs, PyObject *results,
                        void **data, int64_t **shape) {
  Py_ssize_t next = 0, count = PyTuple_GET_SIZE(specs);
  PyObject *list = results == Py_None ? PyList_New(0) : PySequence_List(results);
  if (list == NULL) return -1;
  int failed = 0;
  for (Py_ssize_t i = 0; i < count && !failed; i++) {
    if (PyTuple_GET_ITEM(arrays, i) != Py_None) continue;
    PyArray_Descr *descr;
    int ndim;
    failed = 1;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(specs, i), "O!i", &PyArrayDescr_Type, &descr,
                          &ndim))
      break;
    if (next >= PyList_GET_SIZE(list)) {
      PyErr_SetString(PyExc_RuntimeError, "a Python step returned too few arrays");
      break;
    }
    Py_INCREF(descr);
    PyArrayObject *a = (PyArrayObject *)PyArray_FromAny(
        PyList_GET_ITEM(list, next++), descr, ndim, ndim, NPY_ARRAY_CARRAY_RO, NULL);
    if (a == NULL) break;
    if ((data[i] = ws_alloc(&f->ws, PyArray_NBYTES(a)))) {
      memcpy(data[i], PyArray_DATA(a), (size_t)PyArray_NBYTES(a));
      for (int d = 0; d < ndim; d++) shape[i][d] = PyArray_DIM(a, d);
      failed = 0;
    } else {
      PyErr_NoMemory();
    }
    Py_DECREF(a);
  }
  Py_DECREF(list);
  return failed ? -1 : 0;
}

static int run_python(Frame *f, int64_t step, void *const *data,
                      const int64_t *const *shape) {
  Binding *b = f->binding;
  PyObject *number = PyLong_FromLongLong(step);
  PyObject *entry = number ? PyDict_GetItemWithError(b->opaque, number) : NULL;
  PyObject *arrays = NULL, *results = NULL, *specs;
  int inputs, failed = -1;
  if (entry == NULL || b->python == Py_None) {
    if (!PyErr_Occurred())
      PyErr_Format(PyExc_RuntimeError, "step %lld has no Python form", (long long)step);
    goto done;
  }
  if (!PyArg_ParseTuple(entry, "iO!", &inputs, &PyTuple_Type, &specs)) goto done;
  if (f->guard == NULL) {
    Guard *g = PyObject_New(Guard, &GuardType);
    if (g == NULL) goto done;
    g->arrays = NULL, g->frame = NULL;
    f->guard = (PyObject *)g;
  }
  Py_ssize_t count = PyTuple_GET_SIZE(specs);
  arrays = PyTuple_New(count);
  for (Py_ssize_t i = 0; arrays && i < count; i++) {
    PyObject *a = operand(f, PyTuple_GET_ITEM(specs, i), data[i], shape[i], i >= inputs);
    if (a == NULL) goto done;
    PyTuple_SET_ITEM(arrays, i, a);
  }
  if (arrays == NULL) goto done;
  results = PyObject_CallFunctionObjArgs(b->python, number, arrays, NULL);
  if (results == NULL) goto done;
  failed = take_results(f, arrays, specs, results, (void **)data, (int64_t **)shape);
done:
  Py_XDECREF(results);
  Py_XDECREF(arrays);
  Py_XDECREF(number);
  return failed ? 1 : 0;
}

static int ws_python(symnb_ws *ws, int64_t step, void *const *data,
                     const int64_t *const *shape) {
  Frame *f = (Frame *)ws;
  if (f->stopped || foreign_thread(f)) return 1;
  int released = f->saved != NULL;
  if (released) PyEval_RestoreThread(f->saved), f->saved = NULL;
  int failed = run_python(f, step, data, shape);
  if (released) f->saved = PyEval_SaveThread();
  return failed;
}

static Frame *frame_new(Binding *b) {
  size_t n = (size_t)b->all, axes = (size_t)b->axes, made = (size_t)(b->outputs + b->updates);
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
  f->ws = (symnb_ws){NULL,      (const void *const *)b->externs, NULL,   ws_stop, ws_alloc,
                     ws_output, ws_python, ws_now, f->message, sizeof f->message};
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

static int arena_take(Frame *f, int64_t bytes) {
  size_t need = bytes > 0 ? (size_t)bytes : 0;
  if (need > f->arena.bytes) {
    memory_give(&f->arena);
    if (memory_take(need, &f->arena) < 0) return -1;
  }
  f->ws.arena = f->arena.at;
  return 0;
}

#endif
