/* The workspace callbacks of a running call. They are entered from compiled code, with
 * the GIL released or held (`saved` says which), and refuse every thread but the one
 * that made the call. */
#ifndef SYMNB_WORKSPACE_H
#define SYMNB_WORKSPACE_H

#include "frame.h"
#include <stdio.h>
#include <time.h>

#define STOP_INTERVAL_NS 50000000

static int64_t ws_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int foreign_thread(Frame *f) {
  return !pthread_equal(pthread_self(), f->thread);
}

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
    PyObject *spec = PyTuple_GET_ITEM(specs, i);
    PyObject *a = operand(f, spec, data[i], shape[i], i >= inputs);
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
  /* an earlier step that failed, though compiled code went on, keeps its error */
  int failed = PyErr_Occurred() ? 1 : run_python(f, step, data, shape);
  if (released) f->saved = PyEval_SaveThread();
  return failed;
}

#endif
