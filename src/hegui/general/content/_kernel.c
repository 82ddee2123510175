/* The innermost loops of the content check, for machines that have a C compiler where hegui is installed.
 *
 * Nothing is here that Python does not do as well, more slowly: skeleton.py, folding.py, words.py and
 * lexicon/segmenter.py state what is meant, hold every constant (each is handed over once), and take every
 * decision. tests/unit/content/test_kernel.py holds the two to the same answers; see
 * docs/decisions/0024-native-kernel.md.
 *
 * Here are passes over texts by what each character becomes; what readings cost is in
 * _kernel_reader.c, what a linear model adds up in _kernel_sums.c.
 *
 * Every index is checked against the size of what it points into, whatever Python hands over.
 */
#include "_kernel.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What `kernel.py` expects; change it with anything that is handed over, so that an old build is not used. */
#define INTERFACE 2

#define CODE_POINTS 0x110000
#define IS_SURROGATE(code) ((code) >= 0xD800 && (code) <= 0xDFFF)

/* --- Table: what characters become ---------------------------------------------------------------------- */

#if defined(__GNUC__)
#define RARE(condition) __builtin_expect(!!(condition), 0)
#else
#define RARE(condition) (condition)
#endif

/* Signs in `known`. Each is a control character, which no single character becomes; where one did, it would be ASK. */
enum { UNKNOWN = 0, ASK = 1, DROPPED = 2, SEPARATES = 3 };

typedef struct {
    PyObject_HEAD
    PyObject *become; /* a mapping: one character to what it becomes, a text of none, one or several */
    Py_UCS4 separator; /* what a separator becomes; CODE_POINTS where there are none */
    Py_UCS4 line_end; /* what a long run of separators leaves */
    Py_UCS4 first_other; /* the first character of which a repetition is left out */
    int skips, repeats; /* most separators, and repetitions of a character, that are left out in a row */
    uint16_t *known; /* by code point: a sign, or the one character of the basic plane that it becomes */
} Table;

/* Characters that are written one by one; `wide` where one of them is beyond the basic plane, or is half a character. */
typedef struct {
    void *units; /* uint16_t, or Py_UCS4 where wide */
    int *origins;
    Py_ssize_t size, room;
    bool wide;
} Out;

static bool
out_grow(Out *out, Py_ssize_t room)
{
    size_t width = out->wide ? sizeof(Py_UCS4) : sizeof(uint16_t);
    if (room < 1) {
        room = 1;
    }
    if ((size_t)room > PY_SSIZE_T_MAX / sizeof(Py_UCS4)) {
        PyErr_NoMemory();
        return false;
    }
    void *units = PyMem_Realloc(out->units, (size_t)room * width);
    if (units == NULL) {
        PyErr_NoMemory();
        return false;
    }
    out->units = units;
    int *origins = PyMem_Realloc(out->origins, (size_t)room * sizeof(int));
    if (origins == NULL) {
        PyErr_NoMemory();
        return false;
    }
    out->origins = origins;
    out->room = room;
    return true;
}

/* Begin again with room for characters beyond the basic plane. */
static bool
out_widen(Out *out)
{
    PyMem_Free(out->units);
    out->units = NULL;
    out->wide = true;
    out->size = 0;
    return out_grow(out, out->room);
}

static void
out_free(Out *out)
{
    PyMem_Free(out->units);
    PyMem_Free(out->origins);
}

/* How characters are written: constants where a pass is compiled, so that its loop has no question about it. */
typedef enum { FORM_NATIVE, FORM_UNITS, FORM_WIDE } Form;

/* Write one character; there must be room. */
static Py_ALWAYS_INLINE inline void
out_put(Out *out, const Form form, Py_UCS4 code, Py_ssize_t origin)
{
    if (form == FORM_WIDE) {
        ((Py_UCS4 *)out->units)[out->size] = code;
    }
    else {
        uint16_t unit = (uint16_t)code;
#if PY_LITTLE_ENDIAN
        if (form == FORM_UNITS) {
            unit = (uint16_t)(unit << 8 | unit >> 8);
        }
#endif
        ((uint16_t *)out->units)[out->size] = unit;
    }
    out->origins[out->size++] = (int)origin;
}

static PyObject *
out_text(const Out *out)
{
    return PyUnicode_FromKindAndData(out->wide ? PyUnicode_4BYTE_KIND : PyUnicode_2BYTE_KIND, out->units, out->size);
}

static PyObject *
out_origins(const Out *out)
{
    return PyBytes_FromStringAndSize((const char *)out->origins, out->size * (Py_ssize_t)sizeof(int));
}

/* Say whether an object is a text whose characters can be read; Python before 3.12 makes some so when they are asked for. */
static bool
is_ready(PyObject *text)
{
#if PY_VERSION_HEX < 0x030C0000
    return PyUnicode_Check(text) && PyUnicode_READY(text) == 0;
#else
    return PyUnicode_Check(text);
#endif
}

/* Ask Python what a character becomes, and remember it where it is at most one character of the basic plane. */
static PyObject *
table_ask(Table *self, Py_UCS4 code)
{
    PyObject *character = PyUnicode_FromOrdinal((int)code);
    if (character == NULL) {
        return NULL;
    }
    PyObject *found = PyObject_GetItem(self->become, character);
    Py_DECREF(character);
    if (found == NULL) {
        return NULL;
    }
    if (!PyUnicode_Check(found)) {
        PyErr_SetString(PyExc_TypeError, "a character becomes a text");
    }
    if (!is_ready(found)) {
        Py_DECREF(found);
        return NULL;
    }
    uint16_t sign = ASK;
    Py_ssize_t size = PyUnicode_GET_LENGTH(found);
    if (size == 0) {
        sign = DROPPED;
    }
    else if (size == 1) {
        Py_UCS4 one = PyUnicode_READ_CHAR(found, 0);
        if (one == self->separator) {
            sign = SEPARATES;
        }
        else if (one > SEPARATES && one < 0x10000 && !IS_SURROGATE(one)) {
            sign = (uint16_t)one;
        }
    }
    self->known[code] = sign;
    return found;
}

/* Return the sign of a character, asking where it is not known; where it is ASK, `*several` is a new reference. -1: error. */
static inline int
table_sign(Table *self, Py_UCS4 code, PyObject **several)
{
    *several = NULL;
    int sign = self->known[code];
    if (sign != UNKNOWN && sign != ASK) {
        return sign;
    }
    PyObject *found = table_ask(self, code);
    if (found == NULL) {
        return -1;
    }
    sign = self->known[code];
    if (sign == ASK) {
        *several = found;
    }
    else {
        Py_DECREF(found);
    }
    return sign;
}

/* Say whether a text has a character that needs room for more than 16 bits. */
static bool
needs_wide(PyObject *text)
{
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    for (Py_ssize_t at = 0; at < size; at++) {
        Py_UCS4 code = PyUnicode_READ_CHAR(text, at);
        if (code > 0xFFFF || IS_SURROGATE(code)) {
            return true;
        }
    }
    return false;
}

/* What a pass over a text came to. */
typedef enum { FAILED = -1, DONE = 0, WIDEN = 1 } Passed;

static Passed
make_room(Out *out, PyObject *several, Py_ssize_t rest)
{
    if (!out->wide && needs_wide(several)) {
        return WIDEN;
    }
    Py_ssize_t needed = PyUnicode_GET_LENGTH(several);
    if (out->room - out->size - rest < needed) {
        Py_ssize_t more = out->room / 2 > needed ? out->room / 2 : needed;
        if (out->room > PY_SSIZE_T_MAX - more || !out_grow(out, out->room + more)) {
            if (!PyErr_Occurred()) {
                PyErr_NoMemory();
            }
            return FAILED;
        }
    }
    return DONE;
}

/* Write the skeleton of a text. There is always room for one character for each that is still to be read. */
static Py_ALWAYS_INLINE inline Passed
skeleton_pass(Table *self, const int kind, const Form form, const void *data, Py_ssize_t size, Out *given)
{
    const Py_UCS4 none = CODE_POINTS;
    const uint16_t *known = self->known;
    Out out = *given; /* in registers, but for when room is made */
    Py_UCS4 last = none;
    int run = 0, same = 0;
    for (Py_ssize_t at = 0; at < size; at++) {
        Py_UCS4 code = PyUnicode_READ(kind, data, at);
        int sign = known[code];
        PyObject *several = NULL;
        if (RARE(sign < SEPARATES)) {
            sign = table_sign(self, code, &several);
            if (sign < 0) {
                return FAILED;
            }
            if (sign == DROPPED) {
                continue;
            }
        }
        if (RARE(several != NULL)) {
            *given = out;
            Passed passed = make_room(given, several, size - at - 1);
            out = *given;
            if (passed != DONE) {
                Py_DECREF(several);
                return passed;
            }
            if (run) {
                last = self->line_end;
                run = 0;
            }
            for (Py_ssize_t of = 0; of < PyUnicode_GET_LENGTH(several); of++) {
                Py_UCS4 one = PyUnicode_READ_CHAR(several, of);
                if (one == last && one >= self->first_other && same < self->repeats) {
                    same++;
                    continue;
                }
                out_put(&out, form, one, at);
                last = one;
                same = 0;
            }
            Py_DECREF(several);
            continue;
        }
        /* A character after a separator is no repetition. No separator equals `last`. */
        if (RARE((Py_UCS4)sign == last && run == 0 && last >= self->first_other && same < self->repeats)) {
            same++;
            continue;
        }
        /* Which of the two comes next can not be foreseen, so there is no branch: what is no unit is written over. */
        bool unit = sign != SEPARATES;
        out_put(&out, form, (Py_UCS4)sign, at);
        out.size -= !unit;
        last = unit ? (Py_UCS4)sign : last;
        run = unit ? 0 : run + 1;
        same = 0;
        if (RARE(run == self->skips + 1)) {
            out_put(&out, form, self->line_end, at);
            last = self->line_end;
        }
    }
    *given = out;
    return DONE;
}

/* Write what each character of a text becomes; separators are characters like others here. */
static Py_ALWAYS_INLINE inline Passed
fold_pass(Table *self, const int kind, const Form form, const void *data, Py_ssize_t size, Out *given, bool *one_for_one)
{
    const uint16_t *known = self->known;
    Out out = *given; /* in registers, but for when room is made */
    *one_for_one = true;
    for (Py_ssize_t at = 0; at < size; at++) {
        Py_UCS4 code = PyUnicode_READ(kind, data, at);
        int sign = known[code];
        PyObject *several = NULL;
        if (RARE(sign <= SEPARATES)) {
            sign = table_sign(self, code, &several);
            if (sign < 0) {
                return FAILED;
            }
            if (sign == DROPPED) {
                *one_for_one = false;
                continue;
            }
            if (sign == SEPARATES) {
                sign = (int)self->separator;
            }
        }
        if (several == NULL) {
            out_put(&out, form, (Py_UCS4)sign, at);
            continue;
        }
        *given = out;
        Passed passed = make_room(given, several, size - at - 1);
        out = *given;
        if (passed != DONE) {
            Py_DECREF(several);
            return passed;
        }
        if (PyUnicode_GET_LENGTH(several) != 1) {
            *one_for_one = false;
        }
        for (Py_ssize_t of = 0; of < PyUnicode_GET_LENGTH(several); of++) {
            out_put(&out, form, PyUnicode_READ_CHAR(several, of), at);
        }
        Py_DECREF(several);
    }
    *given = out;
    return DONE;
}

/* A pass for each width of characters, so that the compiler makes three tight loops. */
#define PASS_BY_KIND(text, call, form)                                                                               \
    (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND   ? call(PyUnicode_1BYTE_KIND, form)                               \
     : PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND ? call(PyUnicode_2BYTE_KIND, form)                               \
                                                    : call(PyUnicode_4BYTE_KIND, form))

int
check_text(PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "a text is needed, not %.100s", Py_TYPE(text)->tp_name);
        return 0;
    }
    if (!is_ready(text)) {
        return 0;
    }
    if (PyUnicode_GET_LENGTH(text) > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "the text is too long");
        return 0;
    }
    return 1;
}

static PyObject *
table_skeleton(Table *self, PyObject *text)
{
    if (!check_text(text)) {
        return NULL;
    }
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    Out out = {0};
    PyObject *units = NULL, *origins = NULL, *found = NULL;
    if (!out_grow(&out, size)) {
        goto done;
    }
#define CALL(kind, form) skeleton_pass(self, kind, form, data, size, &out)
    Passed passed = PASS_BY_KIND(text, CALL, FORM_UNITS);
    if (passed == WIDEN) {
        passed = out_widen(&out) ? PASS_BY_KIND(text, CALL, FORM_WIDE) : FAILED;
    }
#undef CALL
    if (passed != DONE) {
        goto done;
    }
    units = out.wide ? out_text(&out)
                     : PyBytes_FromStringAndSize((const char *)out.units, out.size * (Py_ssize_t)sizeof(uint16_t));
    origins = units == NULL ? NULL : out_origins(&out);
    if (origins != NULL) {
        PyObject *beyond = PyUnicode_KIND(text) == PyUnicode_4BYTE_KIND ? Py_True : Py_False;
        found = out.wide ? PyTuple_Pack(4, Py_None, units, origins, beyond)
                         : PyTuple_Pack(4, units, Py_None, origins, beyond);
    }
done:
    Py_XDECREF(units);
    Py_XDECREF(origins);
    out_free(&out);
    return found;
}

static PyObject *
table_fold(Table *self, PyObject *text)
{
    if (!check_text(text)) {
        return NULL;
    }
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    bool one_for_one = true;
    Out out = {0};
    PyObject *folded = NULL, *origins = NULL, *found = NULL;
    if (!out_grow(&out, size)) {
        goto done;
    }
#define CALL(kind, form) fold_pass(self, kind, form, data, size, &out, &one_for_one)
    Passed passed = PASS_BY_KIND(text, CALL, FORM_NATIVE);
    if (passed == WIDEN) {
        passed = out_widen(&out) ? PASS_BY_KIND(text, CALL, FORM_WIDE) : FAILED;
    }
#undef CALL
    if (passed != DONE || (folded = out_text(&out)) == NULL) {
        goto done;
    }
    if (one_for_one) {
        origins = Py_NewRef(Py_None);
    }
    else if (out.size < out.room || out_grow(&out, out.size + 1)) {
        out_put(&out, out.wide ? FORM_WIDE : FORM_NATIVE, 0, size); /* the end comes from the end */
        origins = out_origins(&out);
    }
    if (origins != NULL) {
        found = PyTuple_Pack(2, folded, origins);
    }
done:
    Py_XDECREF(folded);
    Py_XDECREF(origins);
    out_free(&out);
    return found;
}

/* Add what a character becomes to what is being written; the origins are of no use here. */
static bool
put_becoming(Table *self, Py_UCS4 code, Out *out)
{
    PyObject *several = NULL;
    int sign = table_sign(self, code, &several);
    if (sign < 0) {
        return false;
    }
    Py_ssize_t needed = several == NULL ? 1 : PyUnicode_GET_LENGTH(several);
    bool is_room = out->room - out->size >= needed || out_grow(out, 2 * out->room + needed);
    if (is_room && several != NULL) {
        for (Py_ssize_t of = 0; of < needed; of++) {
            out_put(out, FORM_WIDE, PyUnicode_READ_CHAR(several, of), 0);
        }
    }
    else if (is_room && sign != DROPPED) {
        out_put(out, FORM_WIDE, sign == SEPARATES ? self->separator : (Py_UCS4)sign, 0);
    }
    Py_XDECREF(several);
    return is_room;
}

/* Return what the last `reach` characters before a place become, of those that become anything. */
static PyObject *
table_left(Table *self, PyObject *args)
{
    PyObject *texts[2]; /* the one before comes last: the walk is backwards */
    Py_ssize_t start, reach;
    if (!PyArg_ParseTuple(args, "UnUn:left", &texts[0], &start, &texts[1], &reach)) {
        return NULL;
    }
    if (start < 0 || start > PyUnicode_GET_LENGTH(texts[0])) {
        PyErr_SetString(PyExc_IndexError, "no such place in the text");
        return NULL;
    }
    Py_ssize_t counted = 0, places[2] = {start, PyUnicode_GET_LENGTH(texts[1])};
    for (int which = 0; which < 2; which++) {
        while (places[which] > 0 && counted < reach) {
            PyObject *several = NULL;
            int sign = table_sign(self, PyUnicode_READ_CHAR(texts[which], --places[which]), &several);
            if (sign < 0) {
                return NULL;
            }
            Py_XDECREF(several);
            counted += sign != DROPPED;
        }
    }
    Out out = {.wide = true};
    PyObject *found = NULL;
    bool ok = out_grow(&out, counted);
    for (int which = 1; ok && which >= 0; which--) {
        Py_ssize_t end = which ? PyUnicode_GET_LENGTH(texts[1]) : start;
        for (Py_ssize_t at = places[which]; ok && at < end; at++) {
            ok = put_becoming(self, PyUnicode_READ_CHAR(texts[which], at), &out);
        }
    }
    if (ok) {
        found = out_text(&out);
    }
    out_free(&out);
    return found;
}

/* Return what the `reach` characters from a place on become. */
static PyObject *
table_right(Table *self, PyObject *args)
{
    PyObject *text;
    Py_ssize_t end, reach;
    if (!PyArg_ParseTuple(args, "Unn:right", &text, &end, &reach)) {
        return NULL;
    }
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    if (end < 0 || end > size) {
        PyErr_SetString(PyExc_IndexError, "no such place in the text");
        return NULL;
    }
    Py_ssize_t stop = reach < size - end ? end + reach : size;
    Out out = {.wide = true};
    PyObject *found = NULL;
    bool ok = out_grow(&out, stop - end);
    for (Py_ssize_t at = end; ok && at < stop; at++) {
        ok = put_becoming(self, PyUnicode_READ_CHAR(text, at), &out);
    }
    if (ok) {
        found = out_text(&out);
    }
    out_free(&out);
    return found;
}

static PyObject *
table_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"become", "separator", "line_end", "first_other", "skips", "repeats", NULL};
    PyObject *become;
    int separator = CODE_POINTS, line_end = '\n', first_other = CODE_POINTS, skips = 0, repeats = 0;
    if (!PyArg_ParseTupleAndKeywords(
            args, keywords, "O|$CCCii:Table", names, &become, &separator, &line_end, &first_other, &skips, &repeats)) {
        return NULL;
    }
    if ((separator > 0xFFFF && separator != CODE_POINTS) || line_end > 0xFFFF || IS_SURROGATE(line_end) || skips < 0 || skips == INT_MAX || repeats < 0) {
        PyErr_SetString(PyExc_ValueError, "no such table");
        return NULL;
    }
    Table *self = (Table *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->become = Py_NewRef(become);
    self->separator = (Py_UCS4)separator;
    self->line_end = (Py_UCS4)line_end;
    self->first_other = (Py_UCS4)first_other;
    self->skips = skips;
    self->repeats = repeats;
    /* 2 MB of addresses, of which only the parts with characters that texts have become memory. */
    self->known = PyMem_RawCalloc(CODE_POINTS, sizeof(uint16_t));
    if (self->known == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void
table_dealloc(Table *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->become);
    PyMem_RawFree(self->known);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef table_methods[] = {
    {"skeleton", (PyCFunction)table_skeleton, METH_O, "Return a text's skeleton."},
    {"fold", (PyCFunction)table_fold, METH_O, "Return what a text becomes."},
    {"left", (PyCFunction)table_left, METH_VARARGS, "Return what stands before a place."},
    {"right", (PyCFunction)table_right, METH_VARARGS, "Return what stands after a place."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot table_slots[] = {
    {Py_tp_new, table_new},
    {Py_tp_dealloc, table_dealloc},
    {Py_tp_methods, table_methods},
    {0, NULL},
};

static PyType_Spec table_spec = {
    .name = "hegui.general.content._kernel.Table",
    .basicsize = sizeof(Table),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = table_slots,
};

/* --- the module ------------------------------------------------------------------------------------------ */

static int
add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int done = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return done;
}

static int
kernel_exec(PyObject *module)
{
    if (PyModule_AddIntConstant(module, "INTERFACE", INTERFACE) < 0 || add_type(module, &table_spec) < 0) {
        return -1;
    }
    return add_type(module, &reader_spec);
}

static PyModuleDef_Slot kernel_slots[] = {
    {Py_mod_exec, kernel_exec},
    {0, NULL},
};

static PyMethodDef kernel_methods[] = {
    {"sums", kernel_sums, METH_VARARGS, "Return running sums of weights over places."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef kernel_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_kernel",
    .m_doc = "The innermost loops of the content check.",
    .m_methods = kernel_methods,
    .m_slots = kernel_slots,
};

PyMODINIT_FUNC
PyInit__kernel(void)
{
    return PyModuleDef_Init(&kernel_module);
}
