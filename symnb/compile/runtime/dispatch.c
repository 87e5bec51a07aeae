/* Call: the object a user holds. Checks arguments, allocates results, enters compiled
 * code and commits updates, in 60 to 130 ns and without a Python frame.
 *
 * One plain C extension, built on first use (dispatch.py). What does not fit the fast
 * path goes to `fallback(*args, **kwargs)`, which normalises the arguments and calls
 * `checked(arrays)`. Error texts are made in Python (explain.py). Note [Spares] at the
 * end says how readers and writers of one shared variable stay apart. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <structmember.h>
#define NPY_NO_DEPRECATED_API NPY_1_23_API_VERSION
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#if NPY_SIZEOF_INTP != 8
#error "symnb needs a 64-bit machine"
#endif
#include "abi.h"
#include "frame.h"

#define USABLE (NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED)

/* Python callables set by dispatch.py: layout of a spec, and the three kinds of error. */
static struct {
  PyObject *prepare, *reject, *failed, *exhausted;
} hooks;
static PyObject *name_array, *name_spare, *name_acquire, *name_release, *name_fallback;

typedef struct {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  Binding *binding;
  PyObject *fallback, *weakrefs;
  long long calls;
  char profiling;
  long long total_ns;
} Call;

/* ---- reading arguments -------------------------------------------------- */

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
  } else if (Py_TYPE(o) == p->descr->typeobj && strchr("biuf", p->kind) && p->size <= 8) {
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

/* ---- shared variables --------------------------------------------------- */

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

static int read_shared(Binding *b, Frame *f) {
  for (int i = 0; i < b->shared; i++) {
    Storage *s = &b->storages[i];
    PyObject *o = storage_get(s, name_array, s->array_at);
    if (o == NULL) return -1;
    f->held[i] = (PyArrayObject *)o;
    if (PyArray_CheckExact(o) &&
        read_array(b, f, b->arguments + i, (PyArrayObject *)o))
      continue;
    PyObject *none = PyObject_CallFunction(hooks.reject, "OiO", b->spec,
                                           b->arguments + i, o);
    Py_XDECREF(none);
    if (none) PyErr_SetString(PyExc_TypeError, "a shared variable does not fit");
    return -1;
  }
  return 0;
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
  if (PyArray_CheckExact(o) && Py_REFCNT(o) == 2 && same_dtype(PyArray_DESCR(a), p->descr) &&
      PyArray_NDIM(a) == p->ndim && (PyArray_FLAGS(a) & wanted) == wanted &&
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

/* ---- results ------------------------------------------------------------ */

static PyObject *dims_tuple(int ndim, const int64_t *dims) {
  PyObject *tuple = PyTuple_New(ndim);
  for (int d = 0; tuple && d < ndim; d++)
    PyTuple_SET_ITEM(tuple, d, PyLong_FromLongLong(dims[d]));
  return tuple;
}

static int no_memory(Binding *b, int index, const Port *p, const int64_t *dims) {
  PyErr_Clear();
  PyObject *shape = dims_tuple(p->ndim, dims);
  PyObject *none =
      shape ? PyObject_CallFunction(hooks.exhausted, "OiN", b->spec, index, shape) : NULL;
  if (none) PyErr_NoMemory();
  Py_XDECREF(none);
  return -1;
}

static PyArrayObject *new_array(const Port *p, int64_t *dims, int64_t bytes) {
  if (bytes < (int64_t)POOL_FROM) {
    Py_INCREF(p->descr);
    return (PyArrayObject *)PyArray_NewFromDescr(&PyArray_Type, p->descr, p->ndim,
                                                 (npy_intp *)dims, NULL, NULL, 0, NULL);
  }
  Memory m;
  if (pool_take((size_t)bytes, &m) < 0) return NULL;
  return wrap_memory(p->descr, p->ndim, dims, &m);
}

static int is_deferred(const Port *p, const int64_t *dims) {
  for (int d = 0; d < p->ndim; d++)
    if (dims[d] == -1) return 1;
  return 0;
}

static int make_results(Binding *b, Frame *f) {
  int count = b->outputs + b->updates, first = b->all - count;
  for (int k = 0; k < count; k++) {
    const Port *p = &b->ports[first + k];
    int64_t *dims = f->extents + p->first, *strides = f->strides + p->first;
    f->data[first + k] = NULL;
    if (is_deferred(p, dims)) continue;
    int64_t bytes = bytes_of(p->ndim, dims, p->size), stride = p->size;
    if (bytes < 0) return no_memory(b, k, p, dims);
    if (k >= b->outputs)
      f->made[k] = take_spare(&b->storages[b->update_of[k - b->outputs]], p, dims);
    if (f->made[k] == NULL) f->made[k] = new_array(p, dims, bytes);
    if (f->made[k] == NULL) return no_memory(b, k, p, dims);
    f->data[first + k] = PyArray_DATA(f->made[k]);
    for (int d = p->ndim; d-- > 0; stride *= dims[d]) strides[d] = stride;
    f->elements += stride / (p->size ? p->size : 1);
  }
  return 0;
}

/* Arrays for the results whose storage run() asked for while running. */
static int wrap_deferred(Binding *b, Frame *f) {
  int count = b->outputs + b->updates, first = b->all - count;
  for (int k = 0; k < count; k++) {
    const Port *p = &b->ports[first + k];
    int64_t *dims = f->extents + p->first;
    if (f->made[k] && f->deferred[k].at == NULL) continue;
    if (f->deferred[k].at == NULL) {
      PyErr_Format(PyExc_RuntimeError, "result %d was not produced", k);
      return -1;
    }
    Py_XDECREF(f->made[k]);
    f->made[k] = wrap_memory(p->descr, p->ndim, dims, &f->deferred[k]);
    if (f->made[k] == NULL) return -1;
  }
  return 0;
}

static PyObject *results(Binding *b, Frame *f) {
  if (b->returns == 0) Py_RETURN_NONE;
  if (b->returns == 1) return Py_NewRef((PyObject *)f->made[0]);
  PyObject *list = PyList_New(b->outputs);
  for (int k = 0; list && k < b->outputs; k++)
    PyList_SET_ITEM(list, k, Py_NewRef((PyObject *)f->made[k]));
  return list;
}

/* ---- one call ----------------------------------------------------------- */

static Frame *frame_take(Binding *b) {
  Frame *f = b->idle;
  if (f) {
    b->idle = f->next;
    b->idle_count--;
  } else if ((f = frame_new(b)) == NULL) {
    PyErr_NoMemory();
    return NULL;
  }
  f->thread = pthread_self();
  f->elements = f->stop_at = 0;
  f->stopped = 0;
  f->message[0] = 0;
  return f;
}

/* Something a Python step saw outlives the call: the guard keeps the call's memory. */
static void hand_to_guard(Binding *b, Frame *f, PyObject *const *args) {
  Guard *g = (Guard *)f->guard;
  int made = b->outputs + b->updates;
  g->arrays = PyList_New(0);
  for (int i = 0; g->arrays && i < b->arguments; i++) PyList_Append(g->arrays, args[i]);
  for (int i = 0; g->arrays && i < b->shared; i++)
    if (f->held[i]) PyList_Append(g->arrays, (PyObject *)f->held[i]);
  for (int k = 0; g->arrays && k < made; k++)
    if (f->made[k]) PyList_Append(g->arrays, (PyObject *)f->made[k]);
  if (g->arrays) PyList_Append(g->arrays, (PyObject *)b);
  g->frame = f;
}

static void frame_give(Binding *b, Frame *f, PyObject *const *args) {
  int made = b->outputs + b->updates;
  PyObject *guard = f->guard;
  int keep = guard == NULL || Py_REFCNT(guard) == 1;
  if (!keep) hand_to_guard(b, f, args);
  f->guard = NULL;
  if (keep && f->temporaries) temporaries_free(f->temporaries), f->temporaries = NULL;
  if (keep && f->arena.granted) memory_give(&f->arena);
  for (int i = 0; i < b->shared; i++) Py_CLEAR(f->held[i]);
  for (int k = 0; k < made; k++) {
    Py_CLEAR(f->made[k]);
    if (f->deferred[k].at) memory_give(&f->deferred[k]);
  }
  if (keep && b->idle_count < FRAMES_IDLE) {
    f->next = b->idle;
    b->idle = f;
    b->idle_count++;
  } else if (keep) {
    frame_free(f);
  }
  Py_XDECREF(guard);
}

static int enter(Call *self, Binding *b, Frame *f) {
  int status;
  int64_t start = 0;
  f->ws.step_ns = NULL;
  if (self->profiling) {
    f->ws.step_ns = PyArray_DATA(b->steps);
    start = ws_now();
  }
  if (f->elements >= b->release_from) {
    f->saved = PyEval_SaveThread();
    status = b->run(f->data, (const int64_t *const *)f->shape,
                    (const int64_t *const *)f->stride, &f->ws);
    PyEval_RestoreThread(f->saved);
    f->saved = NULL;
  } else {
    status = b->run(f->data, (const int64_t *const *)f->shape,
                    (const int64_t *const *)f->stride, &f->ws);
  }
  if (self->profiling) self->total_ns += ws_now() - start;
  self->calls++;
  if (status == 0 && !f->stopped) return 0;
  if (!PyErr_Occurred()) {
    f->message[sizeof f->message - 1] = 0;
    PyObject *text = PyUnicode_DecodeUTF8(f->message, (Py_ssize_t)strlen(f->message),
                                          "replace");
    PyObject *none = text ? PyObject_CallFunction(hooks.failed, "OiN", b->spec, status,
                                                  text) : NULL;
    if (none) PyErr_Format(PyExc_RuntimeError, "step %d failed", status - 1);
    Py_XDECREF(none);
  }
  return -1;
}

/* Runs one call whose arguments are known to be `b->arguments` many. Returns the result,
 * or NULL with an error set, or NULL with *misfit = index of an argument. */
static PyObject *invoke(Call *self, Binding *b, PyObject *const *args, int *misfit) {
  PyObject *result = NULL;
  int locked = b->locks != NULL;
  if (locked && lock_all(b) < 0) return NULL;
  Frame *f = frame_take(b);
  if (f == NULL) goto unlock;
  *misfit = read_arguments(b, f, args);
  if (*misfit >= 0 || read_shared(b, f) < 0) goto give;
  int64_t arena = 0;
  b->plan(f->slots, f->extents + b->axes - b->result_axes, &arena);
  if (make_results(b, f) < 0) goto give;
  if (arena_take(f, arena) < 0) {
    Port bytes = {NULL, 1, 0, 0, 1};
    no_memory(b, -1, &bytes, &arena);
    goto give;
  }
  if (enter(self, b, f) < 0 || wrap_deferred(b, f) < 0) goto give;
  result = results(b, f);
  if (result && b->updates && commit(b, f) < 0) Py_CLEAR(result);
give:
  frame_give(b, f, args);
unlock:
  if (locked) unlock_all(b);
  return result;
}

static PyObject *unbound(void) {
  PyErr_SetString(PyExc_RuntimeError, "this Call is bound to no compiled function");
  return NULL;
}

static PyObject *call_vectorcall(PyObject *object, PyObject *const *args, size_t nargsf,
                                 PyObject *names) {
  Call *self = (Call *)object;
  Binding *b = self->binding;
  if (b == NULL) return unbound();
  if (PyVectorcall_NARGS(nargsf) == b->arguments && names == NULL) {
    int misfit = -1;
    Py_INCREF(b);
    PyObject *result = invoke(self, b, args, &misfit);
    Py_DECREF(b);
    if (misfit < 0) return result;
  }
  PyObject *fallback = self->fallback ? Py_NewRef(self->fallback)
                                      : PyObject_GetAttr(object, name_fallback);
  if (fallback == NULL) return NULL;
  PyObject *result = PyObject_Vectorcall(fallback, args, nargsf & ~PY_VECTORCALL_ARGUMENTS_OFFSET, names);
  Py_DECREF(fallback);
  return result;
}

static PyObject *run_checked(Call *self, PyObject *const *args, Py_ssize_t count) {
  Binding *b = self->binding;
  if (b == NULL) return unbound();
  Py_INCREF(b);
  int misfit = -1;
  PyObject *result = NULL, *none = NULL;
  if (count == b->arguments) result = invoke(self, b, args, &misfit);
  if (count != b->arguments)
    none = PyObject_CallFunction(hooks.reject, "Oin", b->spec, -1, count);
  else if (misfit >= 0)
    none = PyObject_CallFunction(hooks.reject, "OiO", b->spec, misfit, args[misfit]);
  if (none) PyErr_SetString(PyExc_TypeError, "the arguments do not fit");
  Py_XDECREF(none);
  Py_DECREF(b);
  return result;
}

static PyObject *call_checked(PyObject *self, PyObject *values) {
  if (!PyTuple_CheckExact(values)) {
    PyErr_SetString(PyExc_TypeError, "checked() takes one tuple of arrays");
    return NULL;
  }
  Py_INCREF(values); /* the caller may drop its own reference while we run */
  PyObject *result = run_checked((Call *)self, &PyTuple_GET_ITEM(values, 0),
                                 PyTuple_GET_SIZE(values));
  Py_DECREF(values);
  return result;
}

static PyObject *call_fallback(PyObject *self, PyObject *args, PyObject *names) {
  if (names && PyDict_GET_SIZE(names)) {
    PyErr_SetString(PyExc_TypeError, "this function takes no keyword arguments");
    return NULL;
  }
  return call_checked(self, args);
}

/* ---- binding ------------------------------------------------------------ */

static int binding_traverse(PyObject *self, visitproc visit, void *arg) {
  Binding *b = (Binding *)self;
  Py_VISIT(b->spec);
  Py_VISIT(b->parts);
  Py_VISIT(b->locks);
  return 0;
}

static int binding_clear(PyObject *self) {
  (void)self; /* a cycle through a binding always passes a Call or a Python object */
  return 0;
}

static void binding_dealloc(PyObject *self) {
  Binding *b = (Binding *)self;
  PyObject_GC_UnTrack(self);
  while (b->idle) {
    Frame *next = b->idle->next;
    frame_free(b->idle);
    b->idle = next;
  }
  Py_XDECREF(b->steps);
  Py_XDECREF(b->locks);
  Py_XDECREF(b->parts);
  Py_XDECREF(b->spec);
  free(b->ports), free(b->rules), free(b->storages), free(b->externs), free(b->update_of);
  PyObject_GC_Del(self);
}

static PyTypeObject BindingType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "symnb.Binding",
    .tp_basicsize = sizeof(Binding),
    .tp_dealloc = binding_dealloc,
    .tp_traverse = binding_traverse,
    .tp_clear = binding_clear,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "A compiled function bound to its storage.",
};

/* One port from (descr, ((action, value), ...)). */
static int parse_port(Binding *b, PyObject *item) {
  PyArray_Descr *descr;
  PyObject *dims;
  if (!PyArg_ParseTuple(item, "O!O!", &PyArrayDescr_Type, &descr, &PyTuple_Type, &dims))
    return -1;
  Port *p = &b->ports[b->all++];
  *p = (Port){descr, (int)PyTuple_GET_SIZE(dims), b->axes, descr->kind,
              (int)PyDataType_ELSIZE(descr)};
  Rule *rules = realloc(b->rules, (size_t)(b->axes + p->ndim + 1) * sizeof *rules);
  if (rules == NULL) return PyErr_NoMemory(), -1;
  b->rules = rules;
  for (int d = 0; d < p->ndim; d++) {
    Rule *rule = &rules[b->axes++];
    long long value;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(dims, d), "iL", &rule->action, &value))
      return -1;
    rule->value = value;
    if (rule->action != STATIC && (value < 0 || value >= b->slots)) {
      PyErr_SetString(PyExc_ValueError, "a size names a slot that does not exist");
      return -1;
    }
  }
  return 0;
}

/* Offset of the plain __slots__ entry `name`, or 0. */
static Py_ssize_t slot_offset(PyTypeObject *type, PyObject *name) {
  if (type->tp_getattro != PyObject_GenericGetAttr) return 0;
  PyObject *member = PyObject_GetAttr((PyObject *)type, name);
  Py_ssize_t at = 0;
  if (member == NULL) PyErr_Clear();
  if (member && Py_TYPE(member) == &PyMemberDescr_Type &&
      PyType_IsSubtype(type, PyDescr_TYPE(member))) {
    PyMemberDef *def = ((PyMemberDescrObject *)member)->d_member;
    if (def->type == T_OBJECT_EX && !(def->flags & READONLY)) at = def->offset;
  }
  Py_XDECREF(member);
  return at;
}

static void bind_storage(Storage *s, PyObject *object) {
  s->object = object;
  s->type = Py_TYPE(object);
  s->array_at = slot_offset(s->type, name_array);
  s->spare_at = slot_offset(s->type, name_spare);
}

/* parts = (ports, storages, constants, update_of, locks, externs, opaque, python, steps,
 *          (arguments, outputs, slots, returns), run, plan, release_from): layout.py */
static Binding *binding_new(PyObject *spec, PyObject *parts) {
  PyObject *ports, *storages, *constants, *update_of, *locks, *externs, *opaque, *python;
  PyArrayObject *steps;
  int arguments, outputs, slots, returns;
  unsigned long long run, plan;
  long long release_from;
  if (!PyArg_ParseTuple(parts, "O!O!O!O!O!O!O!OO!(iiii)KKL", &PyTuple_Type, &ports,
                        &PyTuple_Type, &storages, &PyTuple_Type, &constants,
                        &PyTuple_Type, &update_of, &PyTuple_Type, &locks, &PyTuple_Type,
                        &externs, &PyDict_Type, &opaque, &python, &PyArray_Type, &steps,
                        &arguments, &outputs, &slots, &returns, &run, &plan,
                        &release_from))
    return NULL;
  Binding *b = PyObject_GC_New(Binding, &BindingType);
  if (b == NULL) return NULL;
  memset((char *)b + sizeof(PyObject), 0, sizeof(Binding) - sizeof(PyObject));
  b->spec = Py_NewRef(spec), b->parts = Py_NewRef(parts);
  b->steps = (PyArrayObject *)Py_NewRef((PyObject *)steps);
  b->locks = PyTuple_GET_SIZE(locks) ? Py_NewRef(locks) : NULL;
  b->opaque = opaque, b->python = python, b->values = constants; /* kept by parts */
  b->arguments = arguments, b->outputs = outputs, b->slots = slots, b->returns = returns;
  b->shared = (int)PyTuple_GET_SIZE(storages);
  b->constants = (int)PyTuple_GET_SIZE(constants);
  b->updates = (int)PyTuple_GET_SIZE(update_of);
  b->run = (void *)(uintptr_t)run, b->plan = (void *)(uintptr_t)plan;
  b->release_from = release_from;
  Py_ssize_t all = PyTuple_GET_SIZE(ports), externals = PyTuple_GET_SIZE(externs);
  b->ports = calloc((size_t)all + 1, sizeof *b->ports);
  b->storages = calloc((size_t)b->shared + 1, sizeof *b->storages);
  b->update_of = calloc((size_t)b->updates + 1, sizeof *b->update_of);
  b->externs = calloc((size_t)externals + 1, sizeof *b->externs);
  if (!b->ports || !b->storages || !b->update_of || !b->externs) {
    PyErr_NoMemory();
    goto fail;
  }
  for (Py_ssize_t i = 0; i < all; i++) {
    if (i == all - outputs - b->updates) b->result_axes = b->axes;
    if (parse_port(b, PyTuple_GET_ITEM(ports, i)) < 0) goto fail;
  }
  b->result_axes = outputs + b->updates ? b->axes - b->result_axes : 0;
  for (int i = 0; i < b->shared; i++)
    bind_storage(&b->storages[i], PyTuple_GET_ITEM(storages, i));
  for (int u = 0; u < b->updates; u++)
    b->update_of[u] = (int)PyLong_AsLong(PyTuple_GET_ITEM(update_of, u));
  for (Py_ssize_t i = 0; i < externals; i++)
    b->externs[i] = PyLong_AsVoidPtr(PyTuple_GET_ITEM(externs, i));
  if (PyErr_Occurred()) goto fail;
  PyObject_GC_Track(b);
  return b;
fail:
  PyObject_GC_Track(b);
  Py_DECREF(b);
  return NULL;
}

/* ---- the type ----------------------------------------------------------- */

static PyObject *call_new(PyTypeObject *type, PyObject *args, PyObject *names) {
  (void)args, (void)names;
  Call *self = (Call *)type->tp_alloc(type, 0);
  if (self) self->vectorcall = call_vectorcall;
  return (PyObject *)self;
}

static int call_init(PyObject *object, PyObject *args, PyObject *names) {
  static char *keywords[] = {"spec", "fallback", NULL};
  PyObject *spec, *fallback = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, names, "O|O", keywords, &spec, &fallback))
    return -1;
  PyObject *parts = PyObject_CallOneArg(hooks.prepare, spec);
  Binding *b = parts ? binding_new(spec, parts) : NULL;
  Py_XDECREF(parts);
  if (b == NULL) return -1;
  Call *self = (Call *)object;
  Py_XSETREF(self->binding, b);
  Py_XSETREF(self->fallback, fallback == Py_None ? NULL : Py_NewRef(fallback));
  return 0;
}

static int call_traverse(PyObject *object, visitproc visit, void *arg) {
  Py_VISIT(((Call *)object)->binding);
  Py_VISIT(((Call *)object)->fallback);
  return 0;
}

static int call_clear(PyObject *object) {
  Py_CLEAR(((Call *)object)->binding);
  Py_CLEAR(((Call *)object)->fallback);
  return 0;
}

static void call_dealloc(PyObject *object) {
  PyTypeObject *type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  if (((Call *)object)->weakrefs) PyObject_ClearWeakRefs(object);
  call_clear(object);
  type->tp_free(object);
}

/* Python 3.11 does not let a Python subclass inherit vectorcall (3.12 does): without
 * this a subclass pays a tuple and a slot lookup a call. */
static PyObject *call_init_subclass(PyObject *cls, PyObject *args, PyObject *names) {
  (void)args, (void)names;
#if PY_VERSION_HEX < 0x030C0000
  PyTypeObject *type = (PyTypeObject *)cls;
  if (type->tp_call == PyVectorcall_Call) {
    type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
    PyType_Modified(type);
  }
#endif
  Py_RETURN_NONE;
}

static PyObject *get_spec(PyObject *self, void *closure) {
  (void)closure;
  Binding *b = ((Call *)self)->binding;
  return b ? Py_NewRef(b->spec) : unbound();
}

static PyObject *get_step_ns(PyObject *self, void *closure) {
  (void)closure;
  Binding *b = ((Call *)self)->binding;
  return b ? Py_NewRef((PyObject *)b->steps) : unbound();
}

static PyMemberDef call_members[] = {
    {"profiling", T_BOOL, offsetof(Call, profiling), 0, "time every step of each call"},
    {"calls", T_LONGLONG, offsetof(Call, calls), 0, "calls that entered compiled code"},
    {"total_ns", T_LONGLONG, offsetof(Call, total_ns), 0, "ns in profiled calls"},
    {NULL, 0, 0, 0, NULL}};

static PyGetSetDef call_getset[] = {
    {"spec", get_spec, NULL, "the CallSpec this call is bound to", NULL},
    {"step_ns", get_step_ns, NULL, "int64 array: ns per step in profiled calls", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyMethodDef call_methods[] = {
    {"checked", call_checked, METH_O, "Result for a tuple of arrays, or an error."},
    {"fallback", (PyCFunction)(void (*)(void))call_fallback,
     METH_VARARGS | METH_KEYWORDS, "Called when the fast path does not fit."},
    {"__init_subclass__", (PyCFunction)(void (*)(void))call_init_subclass,
     METH_VARARGS | METH_KEYWORDS | METH_CLASS, "Keeps the fast call in subclasses."},
    {NULL, NULL, 0, NULL}};

static PyTypeObject CallType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "symnb.compile.runtime.Call",
    .tp_basicsize = sizeof(Call),
    .tp_new = call_new,
    .tp_init = call_init,
    .tp_dealloc = call_dealloc,
    .tp_traverse = call_traverse,
    .tp_clear = call_clear,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Call, vectorcall),
    .tp_weaklistoffset = offsetof(Call, weakrefs),
    .tp_methods = call_methods,
    .tp_members = call_members,
    .tp_getset = call_getset,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
                Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_doc = "Call(spec, fallback=None): a compiled function bound to its storage.",
};

/* ---- the module --------------------------------------------------------- */

static PyObject *configure(PyObject *module, PyObject *args) {
  (void)module;
  PyObject *prepare, *reject, *failed, *exhausted;
  unsigned long long limit;
  if (!PyArg_ParseTuple(args, "OOOOK", &prepare, &reject, &failed, &exhausted, &limit))
    return NULL;
  Py_XSETREF(hooks.prepare, Py_NewRef(prepare));
  Py_XSETREF(hooks.reject, Py_NewRef(reject));
  Py_XSETREF(hooks.failed, Py_NewRef(failed));
  Py_XSETREF(hooks.exhausted, Py_NewRef(exhausted));
  pool.limit = (size_t)limit;
  Py_RETURN_NONE;
}

static PyObject *trim(PyObject *module, PyObject *keep) {
  (void)module;
  unsigned long long bytes = PyLong_AsUnsignedLongLong(keep);
  if (PyErr_Occurred()) return NULL;
  return PyLong_FromSize_t(pool_trim((size_t)bytes));
}

static PyObject *memory(PyObject *module, PyObject *none) {
  (void)module, (void)none;
  return Py_BuildValue("{s:n,s:n,s:n,s:K,s:K}", "live", (Py_ssize_t)pool.live_bytes,
                       "idle", (Py_ssize_t)pool.idle_bytes, "limit",
                       (Py_ssize_t)pool.limit, "fresh", (unsigned long long)pool.fresh,
                       "recycled", (unsigned long long)pool.recycled);
}

static PyMethodDef functions[] = {
    {"configure", configure, METH_VARARGS, "Sets the Python hooks and the idle limit."},
    {"trim", trim, METH_O, "Frees idle blocks down to so many bytes; bytes freed."},
    {"memory", memory, METH_NOARGS, "Bytes live and idle in the pool, and counts."},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "symnb_dispatch", .m_size = -1,
    .m_methods = functions};

PyMODINIT_FUNC PyInit_symnb_dispatch(void) {
  import_array();
  if (PyType_Ready(&BlockType) < 0 || PyType_Ready(&GuardType) < 0 ||
      PyType_Ready(&BindingType) < 0 || PyType_Ready(&CallType) < 0)
    return NULL;
  name_array = PyUnicode_InternFromString("array");
  name_spare = PyUnicode_InternFromString("spare");
  name_acquire = PyUnicode_InternFromString("acquire");
  name_release = PyUnicode_InternFromString("release");
  name_fallback = PyUnicode_InternFromString("fallback");
  PyObject *module = PyModule_Create(&definition);
  if (module == NULL || PyModule_AddObjectRef(module, "Call", (PyObject *)&CallType) < 0)
    return NULL;
  pool_start((size_t)1 << 30);
  return module;
}

/* Note [Spares]
 * A shared variable has two arrays: `array`, its value, and `spare`, which an update
 * writes before both are swapped. A reader holds a reference to `array` while it runs,
 * without a lock. An updater writes only into a spare nobody else refers to (reference
 * count: the storage and itself) and that owns its memory, so neither a reader that
 * started before the swap nor a user who borrowed the array can see it change. */
