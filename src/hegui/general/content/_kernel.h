/* What the files of the kernel share. */
#ifndef HEGUI_KERNEL_H
#define HEGUI_KERNEL_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Say whether an object is a text that the kernel takes; where it is not, the error is set. */
int check_text(PyObject *text);

extern PyType_Spec reader_spec;

PyObject *kernel_sums(PyObject *module, PyObject *args);

#endif
