/* Call: the object a user holds. Checks arguments, allocates results, enters compiled
 * code and commits updates, in 60 to 130 ns and without a Python frame.
 *
 * One plain C extension, built on first use (dispatch.py). What does not fit the fast
 * path goes to `fallback(*args, **kwargs)`, given or a method of the subclass, which
 * normalises the arguments and calls `checked(arrays)`. Error texts are made in Python
 * (explain.py). Note [Spares] at the end says how readers and writers of one shared
 * variable stay apart. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#define NPY_NO_DEPRECATED_API NPY_1_23_API_VERSION
#include <numpy/arrayobject.h>
#if NPY_SIZEOF_INTP != 8
#error "symnb needs a 64-bit machine"
#endif
#include "abi.h"
#include "arguments.h"
#include "workers.h"

typedef struct {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  Binding *binding;
  PyObject *fallback, *weakrefs;
  long long calls;
  char profiling;
  int threads; /* of its loops and products; 0: as configured */
  long long total_ns;
  long long profiled;
} Call;

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
  PyObject *none = NULL;
  if (shape)
    none = PyObject_CallFunction(hooks.exhausted, "OiN", b->spec, index, shape);
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
  } else if ((f = frame_new(b, &CALLBACKS)) == NULL) {
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

#define SIZES_MISFIT (-1) /* status of symnb_run */

/* 0, or 1 if the sizes do not fit one another, or -1 with an error set. */
static int enter(Call *self, Binding *b, Frame *f) {
  int status;
  int64_t start = 0;
  f->ws.step_ns = NULL;
  f->ws.threads = self->threads ? self->threads : workers.most;
  if (self->profiling) {
    f->ws.step_ns = PyArray_DATA(b->steps);
    start = ws_now();
  }
  int counted = products_enter(&b->control, b->alone ? 1 : f->ws.threads);
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
  if (counted) products_leave(&b->control);
  if (self->profiling) self->total_ns += ws_now() - start, self->profiled++;
  self->calls++;
  if (status == 0 && !f->stopped && !PyErr_Occurred()) return 0;
  if (status == SIZES_MISFIT && !PyErr_Occurred()) return self->calls--, 1;
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

/* Runs one call whose arguments are known to be `b->arguments` many. Returns the
 * result, or NULL with an error set, or NULL with *misfit = index of an argument or
 * (arguments +) of a shared variable that does not fit, or the number of all these if
 * they do not fit one another. */
static PyObject *invoke(Call *self, Binding *b, PyObject *const *args, int *misfit) {
  PyObject *result = NULL;
  int locked = b->locks != NULL;
  if (locked && lock_all(b) < 0) return NULL;
  Frame *f = frame_take(b);
  if (f == NULL) goto unlock;
  *misfit = read_arguments(b, f, args);
  if (*misfit < 0) *misfit = read_shared(b, f);
  if (*misfit != -1) goto give;
  int64_t arena = 0;
  b->plan(f->slots, f->extents + b->axes - b->result_axes, &arena);
  if (make_results(b, f) < 0) goto give;
  if (arena_take(f, arena) < 0) {
    Port bytes = {NULL, 1, 0, 0, 1};
    no_memory(b, -1, &bytes, &arena);
    goto give;
  }
  int failed = enter(self, b, f);
  if (failed > 0) *misfit = b->arguments + b->shared;
  if (failed || wrap_deferred(b, f) < 0) goto give;
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

static PyObject *refuse_misfit(Binding *b, PyObject *const *args, int misfit) {
  if (misfit == b->arguments + b->shared)
    return PyObject_CallFunction(hooks.failed, "Ois", b->spec, SIZES_MISFIT, "");
  Storage *s = &b->storages[misfit < b->arguments ? 0 : misfit - b->arguments];
  PyObject *value = misfit < b->arguments ? Py_NewRef(args[misfit])
                                          : storage_get(s, name_array, s->array_at);
  PyObject *none = value ? refuse(b, args, misfit, value) : NULL;
  Py_XDECREF(value);
  return none;
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
    none = refuse_misfit(b, args, misfit);
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

/* The fallback given to this object, else the one its class has, else refusal. */
static PyObject *call_fallback(PyObject *object, PyObject *const *args, size_t nargsf,
                               PyObject *names) {
  Call *self = (Call *)object;
  Py_ssize_t count = PyVectorcall_NARGS(nargsf);
  PyObject *fallback = self->fallback ? Py_NewRef(self->fallback)
                                      : PyObject_GetAttr(object, name_fallback);
  if (fallback) {
    PyObject *result = PyObject_Vectorcall(fallback, args, (size_t)count, names);
    Py_DECREF(fallback);
    return result;
  }
  if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return NULL;
  PyErr_Clear();
  if (names == NULL || PyTuple_GET_SIZE(names) == 0)
    return run_checked(self, args, count);
  PyErr_SetString(PyExc_TypeError, "this function takes no keyword arguments");
  return NULL;
}

static PyObject *call_vectorcall(PyObject *object, PyObject *const *args, size_t nargsf,
                                 PyObject *names) {
  Call *self = (Call *)object;
  Binding *b = self->binding; /* none yet: a compile runs, the fallback answers */
  if (b && PyVectorcall_NARGS(nargsf) == b->arguments && names == NULL) {
    int misfit = -1;
    Py_INCREF(b);
    PyObject *result = invoke(self, b, args, &misfit);
    Py_DECREF(b);
    if (misfit < 0) return result;
  }
  return call_fallback(object, args, nargsf, names);
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

static PyObject *get_threads(PyObject *self, void *closure) {
  (void)closure;
  int threads = ((Call *)self)->threads;
  return threads ? PyLong_FromLong(threads) : Py_NewRef(Py_None);
}

static int thread_count(PyObject *value) {
  long count = PyLong_CheckExact(value) ? PyLong_AsLong(value) : 0; /* not True */
  if (count >= 1 && count <= INT_MAX) return (int)count;
  if (!PyErr_Occurred())
    PyErr_Format(PyExc_ValueError, "threads is an int of at least 1, not %R", value);
  return -1;
}

static int set_threads(PyObject *self, PyObject *value, void *closure) {
  (void)closure;
  int count = value == NULL || value == Py_None ? 0 : thread_count(value);
  if (count >= 0) ((Call *)self)->threads = count;
  return count < 0 ? -1 : 0;
}

static PyMemberDef call_members[] = {
    {"profiling", T_BOOL, offsetof(Call, profiling), 0, "time every step of each call"},
    {"calls", T_LONGLONG, offsetof(Call, calls), 0, "calls that entered compiled code"},
    {"total_ns", T_LONGLONG, offsetof(Call, total_ns), 0, "ns in profiled calls"},
    {"profiled", T_LONGLONG, offsetof(Call, profiled), 0, "calls that were profiled"},
    {NULL, 0, 0, 0, NULL}};

static PyGetSetDef call_getset[] = {
    {"spec", get_spec, NULL, "the CallSpec this call is bound to", NULL},
    {"step_ns", get_step_ns, NULL, "int64 array: ns per step in profiled calls, sizes of the last", NULL},
    {"threads", get_threads, set_threads, "threads of its calls; None: as configured",
     NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyMethodDef call_methods[] = {
    {"checked", call_checked, METH_O, "Result for a tuple of arrays, or an error."},
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

static PyObject *use_threads(PyObject *module, PyObject *value) {
  (void)module;
  int count = thread_count(value);
  if (count < 0) return NULL;
  workers.most = count;
  Py_RETURN_NONE;
}

static PyObject *end_threads(PyObject *module, PyObject *none) {
  (void)module, (void)none;
  Py_BEGIN_ALLOW_THREADS
  workers_end();
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"configure", configure, METH_VARARGS, "Sets the Python hooks and the idle limit."},
    {"trim", trim, METH_O, "Frees idle blocks down to so many bytes; bytes freed."},
    {"memory", memory, METH_NOARGS, "Bytes live and idle in the pool, and counts."},
    {"use_threads", use_threads, METH_O, "Sets the threads calls use by default."},
    {"end_threads", end_threads, METH_NOARGS, "Ends the workers, at exit."},
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
  if (module == NULL ||
      PyModule_AddObjectRef(module, "Call", (PyObject *)&CallType) < 0)
    return NULL;
  pool_start((size_t)1 << 30);
  pthread_atfork(NULL, NULL, workers_in_child);
  pthread_atfork(NULL, NULL, products_in_child);
  return module;
}

/* Note [Spares]
 * A shared variable has two arrays: `array`, its value, and `spare`, which an update
 * writes before both are swapped. A reader holds a reference to `array` while it runs,
 * without a lock. An updater writes only into a spare nobody else refers to (reference
 * count: the storage and itself) and that owns its memory, so neither a reader that
 * started before the swap nor a user who borrowed the array can see it change. */
