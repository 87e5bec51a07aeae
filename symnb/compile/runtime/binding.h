/* Bindings: from the tuple layout.py makes of a CallSpec, and what all parts share. */
#ifndef SYMNB_BINDING_H
#define SYMNB_BINDING_H

#include "workspace.h"
#include <structmember.h>

/* Python callables set by dispatch.py: layout of a spec, and three kinds of error. */
static struct {
  PyObject *prepare, *reject, *failed, *exhausted;
} hooks;
static PyObject *name_array, *name_spare, *name_acquire, *name_release, *name_fallback;

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
  free(b->ports), free(b->rules), free(b->storages);
  free(b->externs), free(b->update_of);
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

/* parts = (ports, storages, constants, update_of, locks, externs, opaque, python,
 *          steps, (arguments, outputs, slots, returns), run, plan, release_from,
 *          (get, set, alone)), made by layout.py. */
static Binding *binding_new(PyObject *spec, PyObject *parts) {
  PyObject *ports, *storages, *constants, *update_of, *locks, *externs, *opaque;
  PyObject *python;
  PyArrayObject *steps;
  int arguments, outputs, slots, returns;
  unsigned long long run, plan, get, set;
  int alone;
  long long release_from;
  if (!PyArg_ParseTuple(parts, "O!O!O!O!O!O!O!OO!(iiii)KKL(KKi)", &PyTuple_Type, &ports,
                        &PyTuple_Type, &storages, &PyTuple_Type, &constants,
                        &PyTuple_Type, &update_of, &PyTuple_Type, &locks, &PyTuple_Type,
                        &externs, &PyDict_Type, &opaque, &python, &PyArray_Type, &steps,
                        &arguments, &outputs, &slots, &returns, &run, &plan,
                        &release_from, &get, &set, &alone))
    return NULL;
  Binding *b = PyObject_GC_New(Binding, &BindingType);
  if (b == NULL) return NULL;
  memset((char *)b + sizeof(PyObject), 0, sizeof(Binding) - sizeof(PyObject));
  b->spec = Py_NewRef(spec), b->parts = Py_NewRef(parts);
  b->steps = (PyArrayObject *)Py_NewRef((PyObject *)steps);
  b->locks = PyTuple_GET_SIZE(locks) ? Py_NewRef(locks) : NULL;
  b->opaque = opaque, b->python = python, b->values = constants; /* kept by parts */
  b->arguments = arguments, b->outputs = outputs;
  b->slots = slots, b->returns = returns;
  b->shared = (int)PyTuple_GET_SIZE(storages);
  b->constants = (int)PyTuple_GET_SIZE(constants);
  b->updates = (int)PyTuple_GET_SIZE(update_of);
  b->run = (void *)(uintptr_t)run, b->plan = (void *)(uintptr_t)plan;
  b->release_from = release_from;
  b->control = (Control){(void *)(uintptr_t)get, (void *)(uintptr_t)set};
  b->alone = alone;
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

#endif
