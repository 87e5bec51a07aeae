/* From Python objects to pointers: arguments, shared variables and their locks. Note
 * [Spares] in dispatch.c says how readers and writers of one variable stay apart. */
#ifndef SYMNB_ARGUMENTS_H
#define SYMNB_ARGUMENTS_H

#include "binding.h"

#define USABLE (NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED)

static int same_dtype(PyArray_Descr *found, PyArray_Descr *wanted) {
  return found == wanted || (PyArray_ISNBO(found->byteorder) &&
                             PyArray_EquivTypes(found, wanted));
}

static int read_array(Binding *b, Frame *f, int i, PyArrayObject *a) {
  const Port *p = &b->ports[i];
  if (!same_dtype(PyArray_DESCR(a), p->descr)) return 0;
  if (PyArray_NDIM(a) != p->ndim || (PyArray_FLAGS(a) & USABLE) != USABLE) return 0;
  const npy_intp *dims = PyArray_DIMS(a);
  const Rule *rules = b->rules + p->first;
  int64_t *extents = f->extents + p->first, *strides = f->strides + p->first, count = 1;
  for (int d = p->ndim; d-- > 0;) {
    int64_t n = dims[d];
    if (rules[d].action == READ) {
      f->slots[rules[d].value] = n;
    } else if (n != (rules[d].action == STATIC ? rules[d].value
                                               : f->slots[rules[d].value])) {
      return 0;
    }
    extents[d] = n;
    strides[d] = count * p->size;
    count *= n;
  }
  f->data[i] = PyArray_DATA(a);
  f->elements += count;
  return 1;
}

static int store_real(const Port *p, void *at, double value) {
  if (p->kind != 'f') return 0;
  if (p->size == 8) {
    *(double *)at = value;
    return 1;
  }
  float narrow = (float)value;
  *(float *)at = narrow;
  /* a finite value that becomes inf is the fallback's to judge */
  return p->size == 4 && Py_IS_INFINITY(narrow) == Py_IS_INFINITY(value);
}

static int store_signed(const Port *p, void *at, long long value) {
  switch (p->size) {
    case 1: *(int8_t *)at = (int8_t)value; return value == (int8_t)value;
    case 2: *(int16_t *)at = (int16_t)value; return value == (int16_t)value;
    case 4: *(int32_t *)at = (int32_t)value; return value == (int32_t)value;
    default: *(int64_t *)at = value; return p->size == 8;
  }
}

static int store_unsigned(const Port *p, void *at, unsigned long long value) {
  switch (p->size) {
    case 1: *(uint8_t *)at = (uint8_t)value; return value == (uint8_t)value;
    case 2: *(uint16_t *)at = (uint16_t)value; return value == (uint16_t)value;
    case 4: *(uint32_t *)at = (uint32_t)value; return value == (uint32_t)value;
    default: *(uint64_t *)at = value; return p->size == 8;
  }
}

static int store_integer(const Port *p, void *at, PyObject *o) {
  int fits = 0;
  if (p->kind == 'f') {
    double value = PyLong_AsDouble(o);
    fits = !PyErr_Occurred() && store_real(p, at, value);
  } else if (p->kind == 'i') {
    long long value = PyLong_AsLongLong(o);
    fits = !PyErr_Occurred() && store_signed(p, at, value);
  } else if (p->kind == 'u') {
    unsigned long long value = PyLong_AsUnsignedLongLong(o);
    fits = !PyErr_Occurred() && store_unsigned(p, at, value);
  }
  PyErr_Clear();
  return fits;
}

/* A Python number or NumPy scalar as a 0-d argument. */
static int read_scalar(Binding *b, Frame *f, int i, PyObject *o) {
  const Port *p = &b->ports[i];
  void *at = f->scalars[i];
  int fits = 0;
  if (p->ndim != 0) return 0;
  if (PyFloat_CheckExact(o)) {
    fits = store_real(p, at, PyFloat_AS_DOUBLE(o));
  } else if (PyBool_Check(o) && p->kind == 'b') {
    *(uint8_t *)at = o == Py_True, fits = 1;
  } else if (PyLong_CheckExact(o) || PyBool_Check(o)) {
    fits = store_integer(p, at, o);
  } else if (Py_TYPE(o) == p->descr->typeobj && strchr("biuf", p->kind) &&
             p->size <= 8) {
    PyArray_ScalarAsCtype(o, at), fits = 1;
  }
  f->data[i] = at;
  f->elements++;
  return fits;
}

/* Index of the first argument that does not fit, or -1. */
static int read_arguments(Binding *b, Frame *f, PyObject *const *args) {
  for (int i = 0; i < b->arguments; i++) {
    PyObject *o = args[i];
    if (PyArray_CheckExact(o) ? !read_array(b, f, i, (PyArrayObject *)o)
                              : !read_scalar(b, f, i, o))
      return i;
  }
  return -1;
}

static PyObject *storage_get(Storage *s, PyObject *name, Py_ssize_t at) {
  if (at && Py_TYPE(s->object) == s->type) {
    PyObject *value = *(PyObject **)((char *)s->object + at);
    if (value) return Py_NewRef(value);
  }
  return PyObject_GetAttr(s->object, name);
}

static int storage_set(Storage *s, PyObject *name, Py_ssize_t at, PyObject *value) {
  if (!at || Py_TYPE(s->object) != s->type)
    return PyObject_SetAttr(s->object, name, value);
  PyObject **slot = (PyObject **)((char *)s->object + at), *old = *slot;
  *slot = Py_NewRef(value);
  Py_XDECREF(old);
  return 0;
}

/* Raises what explain.py says of array `index`; NULL (the value would be a bug). */
#define FAILED (-2) /* with an error set */

static PyObject *refuse(Binding *b, PyObject *const *args, int index, PyObject *value) {
  PyObject *all = PyTuple_New(b->arguments);
  for (int i = 0; all && i < b->arguments; i++)
    PyTuple_SET_ITEM(all, i, Py_NewRef(args[i]));
  if (all == NULL) return NULL;
  return PyObject_CallFunction(hooks.reject, "OiON", b->spec, index, value, all);
}

/* -1; or arguments + index of the shared variable that does not fit; or FAILED. */
static int read_shared(Binding *b, Frame *f) {
  for (int i = 0; i < b->shared; i++) {
    Storage *s = &b->storages[i];
    PyObject *o = storage_get(s, name_array, s->array_at);
    if (o == NULL) return FAILED;
    f->held[i] = (PyArrayObject *)o;
    if (!PyArray_CheckExact(o) ||
        !read_array(b, f, b->arguments + i, (PyArrayObject *)o))
      return b->arguments + i;
  }
  return -1;
}

static int lock_all(Binding *b) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(b->locks); i++) {
    PyObject *lock = PyTuple_GET_ITEM(b->locks, i);
    PyObject *held = PyObject_CallMethodNoArgs(lock, name_acquire);
    if (held) {
      Py_DECREF(held);
      continue;
    }
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    while (i-- > 0) {
      lock = PyTuple_GET_ITEM(b->locks, i);
      Py_XDECREF(PyObject_CallMethodNoArgs(lock, name_release));
    }
    PyErr_Restore(type, value, trace);
    return -1;
  }
  return 0;
}

static void unlock_all(Binding *b) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  for (Py_ssize_t i = PyTuple_GET_SIZE(b->locks); i-- > 0;) {
    PyObject *lock = PyTuple_GET_ITEM(b->locks, i);
    PyObject *none = PyObject_CallMethodNoArgs(lock, name_release);
    if (none == NULL) PyErr_WriteUnraisable(lock);
    Py_XDECREF(none);
  }
  PyErr_Restore(type, value, trace);
}

/* The spare array of an updated storage if nobody else can see it, else NULL. */
static PyArrayObject *take_spare(Storage *s, const Port *p, const int64_t *dims) {
  PyObject *o = storage_get(s, name_spare, s->spare_at);
  if (o == NULL) {
    PyErr_Clear();
    return NULL;
  }
  PyArrayObject *a = (PyArrayObject *)o;
  int wanted = USABLE | NPY_ARRAY_WRITEABLE;
  if (PyArray_CheckExact(o) && Py_REFCNT(o) == 2 &&
      same_dtype(PyArray_DESCR(a), p->descr) && PyArray_NDIM(a) == p->ndim &&
      (PyArray_FLAGS(a) & wanted) == wanted &&
      PyArray_CompareLists(PyArray_DIMS(a), (const npy_intp *)dims, p->ndim)) {
    PyObject *base = PyArray_BASE(a);
    if (base == NULL ? PyArray_CHKFLAGS(a, NPY_ARRAY_OWNDATA)
                     : Py_TYPE(base) == &BlockType)
      return a;
  }
  Py_DECREF(o);
  return NULL;
}

static int commit(Binding *b, Frame *f) {
  for (int u = 0; u < b->updates; u++) {
    int i = b->update_of[u];
    Storage *s = &b->storages[i];
    PyObject *value = (PyObject *)f->made[b->outputs + u];
    if (storage_set(s, name_array, s->array_at, value) < 0 ||
        storage_set(s, name_spare, s->spare_at, (PyObject *)f->held[i]) < 0)
      return -1;
  }
  return 0;
}

#endif
