/* Sums of the linear model's weights over a text; classify/features.py says what a feature is and holds its constants. */
#include "_kernel.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MOST_ORDERS 8
#define MOST_BITS 30

/* How runs of characters become buckets. */
typedef struct {
    unsigned int spread, roll, finish;
    int shift, orders, bits;
} Hashing;

static void
sum_up(const uint32_t *codes, Py_ssize_t places, const int8_t *weights, Py_ssize_t risks, Hashing by, int64_t *sums)
{
    const int8_t *rows[MOST_ORDERS];
    memset(sums, 0, (size_t)risks * sizeof(int64_t));
    for (Py_ssize_t at = 0; at < places; at++, sums += risks) {
        uint32_t raw = 0;
        for (int order = 0; order < by.orders; order++) {
            raw = raw * by.roll + codes[at + order] * by.spread;
            uint32_t bucket = raw ^ raw >> by.shift;
            rows[order] = weights + (Py_ssize_t)(bucket * by.finish >> (32 - by.bits)) * risks;
        }
        for (Py_ssize_t risk = 0; risk < risks; risk++) {
            int sum = 0;
            for (int order = 0; order < by.orders; order++) {
                sum += rows[order][risk];
            }
            sums[risks + risk] = sums[risk] + sum;
        }
    }
}

PyObject *
kernel_sums(PyObject *module, PyObject *args)
{
    (void)module;
    Py_buffer codes = {0}, weights = {0};
    Hashing by;
    PyObject *found = NULL;
    if (!PyArg_ParseTuple(args, "y*y*iiIIIi:sums", &codes, &weights, &by.bits, &by.orders, &by.spread, &by.roll, &by.finish,
                          &by.shift)) {
        return NULL;
    }
    bool known = by.bits > 0 && by.bits <= MOST_BITS && by.orders > 0 && by.orders <= MOST_ORDERS && by.shift > 0 &&
                 by.shift < 32;
    Py_ssize_t size = codes.len / (Py_ssize_t)sizeof(uint32_t), buckets = known ? (Py_ssize_t)1 << by.bits : 1;
    Py_ssize_t risks = weights.len / buckets, places = size - by.orders + 1;
    if (!known || places < 0 || risks < 1 || risks * buckets != weights.len) {
        PyErr_SetString(PyExc_ValueError, "the weights are not those of the features");
    }
    else if (places + 1 > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(int64_t) / risks) {
        PyErr_NoMemory();
    }
    else {
        found = PyBytes_FromStringAndSize(NULL, (places + 1) * risks * (Py_ssize_t)sizeof(int64_t));
        if (found != NULL) {
            sum_up(codes.buf, places, weights.buf, risks, by, (int64_t *)(void *)PyBytes_AS_STRING(found));
        }
    }
    PyBuffer_Release(&codes);
    PyBuffer_Release(&weights);
    return found;
}
