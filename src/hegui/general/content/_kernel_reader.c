/* The costs of the readings of a few characters, by the lexicon's double-array trie; lexicon/segmenter.py says what they are
 * and why, in the same order, and decides by them.
 */
#include "_kernel.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PLANE 0x10000
#define FAR ((int64_t)1 << 30)
#define FEW 64 /* characters of a window that needs no memory of its own: nearly every one */

typedef struct {
    PyObject_HEAD
    Py_buffer base, check, cost, spelt, single, codes; /* the arrays of `trie.Lexicon`, and each character's code */
    Py_ssize_t slots;
    uint16_t none; /* the code of a character of no word */
    Py_ssize_t longest, reach_before, reach_after;
    int known, name, name_least, name_most;
} Reader;

/* A few characters that are read: their codes, and room for the costs of readings at each place and at the end. */
typedef struct {
    const Reader *of;
    uint16_t *codes;
    int64_t *after, *across, *inside;
    Py_ssize_t size;
    void *memory; /* where there was no room on the stack */
    uint16_t few_codes[FEW];
    int64_t few_costs[3 * (FEW + 1)];
} Window;

/* Walks the words of two and more characters that begin at a place, then the foreign names. */
typedef struct {
    const Window *window;
    Py_ssize_t at, to;
    uint32_t state;
    bool in_trie, in_names;
    int name; /* the cost of a name so far */
    int cost; /* of the word that ends at `to` */
} Words;

static inline Words
words_at(const Window *window, Py_ssize_t at)
{
    const Reader *of = window->of;
    uint16_t code = window->codes[at];
    Words words = {.window = window, .at = at, .to = at + 1, .state = code};
    words.in_trie = code < of->slots && ((const uint16_t *)of->check.buf)[code] == code;
    return words;
}

/* Go to the next word; say whether there is one. */
static inline bool
next_word(Words *words)
{
    const Window *window = words->window;
    const Reader *of = window->of;
    const uint32_t *base = of->base.buf;
    const uint16_t *check = of->check.buf;
    while (words->in_trie && words->to < window->size) {
        uint16_t code = window->codes[words->to];
        uint64_t slot = (uint64_t)base[words->state] + code;
        if (slot >= (uint64_t)of->slots || check[slot] != code) {
            break;
        }
        words->state = (uint32_t)slot;
        words->to++;
        words->cost = ((const uint8_t *)of->cost.buf)[slot];
        if (words->cost) {
            return true;
        }
    }
    words->in_trie = false;
    if (!words->in_names) {
        words->in_names = true;
        words->name = of->name;
        words->to = words->at;
    }
    while (words->to < window->size && words->to - words->at < of->name_most) {
        int one = ((const uint8_t *)of->spelt.buf)[window->codes[words->to]];
        if (!one) {
            break;
        }
        words->name += one;
        words->to++;
        if (words->to - words->at >= of->name_least) {
            words->cost = words->name;
            return true;
        }
    }
    return false;
}

static inline int
single_cost(const Window *window, Py_ssize_t at)
{
    return ((const uint8_t *)window->of->single.buf)[window->codes[at]];
}

/* Take the characters `[from, to)` of a text, which must be there. */
static bool
window_open(Window *window, const Reader *of, PyObject *text, Py_ssize_t from, Py_ssize_t to)
{
    Py_ssize_t size = to - from;
    window->of = of;
    window->size = size;
    window->memory = NULL;
    window->codes = window->few_codes;
    int64_t *costs = window->few_costs;
    if (size > FEW) {
        size_t places = (size_t)size + 1;
        if (places > PY_SSIZE_T_MAX / (4 * sizeof(int64_t)) ||
            (window->memory = PyMem_Malloc(places * (3 * sizeof(int64_t) + sizeof(uint16_t)))) == NULL) {
            PyErr_NoMemory();
            return false;
        }
        costs = window->memory;
        window->codes = (uint16_t *)(costs + 3 * places);
    }
    window->after = costs;
    window->across = costs + size + 1;
    window->inside = costs + 2 * (size + 1);
    const uint16_t *codes = of->codes.buf;
    for (Py_ssize_t at = 0; at < size; at++) {
        Py_UCS4 character = PyUnicode_READ_CHAR(text, from + at);
        uint16_t code = character < PLANE ? codes[character] : of->none;
        window->codes[at] = code <= of->none ? code : of->none;
    }
    return true;
}

static void
window_close(Window *window)
{
    PyMem_Free(window->memory);
}

/* Fill in `after`, the costs of the best readings from each place to the end, back to the place `first`. */
static void
read_after(Window *window, Py_ssize_t first)
{
    int64_t *after = window->after;
    after[window->size] = 0;
    for (Py_ssize_t at = window->size - 1; at >= first; at--) {
        int64_t best = single_cost(window, at) + after[at + 1];
        for (Words words = words_at(window, at); next_word(&words);) {
            best = Py_MIN(best, words.cost + after[words.to]);
        }
        after[at] = best;
    }
}

/* Return the cost of `[begin, end)` as one word of the lexicon, that of a known word where it is none. */
static int
own_cost(const Window *window, Py_ssize_t begin, Py_ssize_t end)
{
    const Reader *of = window->of;
    if (end == begin + 1) {
        return single_cost(window, begin);
    }
    uint64_t state = 0;
    for (Py_ssize_t at = begin; at < end; at++) {
        uint16_t code = window->codes[at];
        state = (uint64_t)((const uint32_t *)of->base.buf)[state] + code;
        if (state >= (uint64_t)of->slots || ((const uint16_t *)of->check.buf)[state] != code) {
            return of->known;
        }
    }
    int cost = ((const uint8_t *)of->cost.buf)[state];
    return cost ? cost : of->known;
}

/* Say whether words that begin before the span's end reach over its two edges. */
static void
find_crossing(const Window *window, Py_ssize_t begin, Py_ssize_t end, bool *over_begin, bool *over_end)
{
    Py_ssize_t near = begin + 1 > window->of->longest ? begin + 1 - window->of->longest : 0;
    *over_begin = *over_end = false;
    for (Py_ssize_t at = near; at < end; at++) {
        for (Words words = words_at(window, at); next_word(&words);) {
            *over_begin = *over_begin || (at < begin && words.to > begin);
            *over_end = *over_end || words.to > end;
        }
    }
}

/* The costs of the best readings of a window: with the span whole, with it torn, with it inside a longer word. */
typedef struct {
    int64_t whole, torn, holding;
} Costs;

static Costs
weigh(Window *window, Py_ssize_t low, Py_ssize_t begin, Py_ssize_t end)
{
    const int64_t *after = window->after;
    int64_t *across = window->across, *inside = window->inside, torn = FAR, holding = FAR;
    for (Py_ssize_t at = 0; at <= end; at++) {
        across[at] = inside[at] = FAR;
    }
    /* `across`: readings that have no edge where the span begins; `inside`: readings from there on. */
    across[low] = 0;
    for (Py_ssize_t at = low; at < begin; at++) {
        int64_t here = across[at];
        across[at + 1] = Py_MIN(across[at + 1], here + single_cost(window, at));
        for (Words words = words_at(window, at); next_word(&words);) {
            if (words.to < end) {
                across[words.to] = Py_MIN(across[words.to], here + words.cost);
            }
            else {
                holding = Py_MIN(holding, here + words.cost + after[words.to]);
            }
        }
    }
    inside[begin] = across[begin];
    across[begin] = FAR;
    for (Py_ssize_t at = begin; at < end; at++) {
        int64_t cut = across[at], uncut = inside[at];
        across[at + 1] = Py_MIN(across[at + 1], cut + single_cost(window, at));
        inside[at + 1] = Py_MIN(inside[at + 1], uncut + single_cost(window, at));
        for (Words words = words_at(window, at); next_word(&words);) {
            if (words.to <= end) {
                across[words.to] = Py_MIN(across[words.to], cut + words.cost);
                inside[words.to] = Py_MIN(inside[words.to], uncut + words.cost);
            }
            else if (at == begin) {
                holding = Py_MIN(holding, uncut + words.cost + after[words.to]);
            }
            else {
                torn = Py_MIN(torn, Py_MIN(cut, uncut) + words.cost + after[words.to]);
            }
        }
    }
    Costs costs = {
        .whole = Py_MIN(inside[end], inside[begin] + window->of->known) + after[end],
        .torn = Py_MIN(torn, across[end] + after[end]),
        .holding = holding,
    };
    return costs;
}

static PyObject *
reader_costs(Reader *self, PyObject *args)
{
    PyObject *text;
    Py_ssize_t start, end;
    if (!PyArg_ParseTuple(args, "Unn:costs", &text, &start, &end)) {
        return NULL;
    }
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    if (start < 0 || start >= end || end > size) {
        PyErr_SetString(PyExc_IndexError, "no such span in the text");
        return NULL;
    }
    Py_ssize_t left = start > self->reach_before ? start - self->reach_before : 0;
    Py_ssize_t right = size - end > self->reach_after ? end + self->reach_after : size;
    Window window;
    if (!window_open(&window, self, text, left, right)) {
        return NULL;
    }
    /* A character of no word, such as a punctuation mark, is an edge of every reading. */
    Py_ssize_t begin = start - left, stop = end - left, low = begin, high = stop;
    while (low > 0 && window.codes[low - 1] != self->none) {
        low--;
    }
    while (high < window.size && window.codes[high] != self->none) {
        high++;
    }
    bool over_begin = false, over_end = false;
    if (low != begin || high != stop) {
        window.codes += low;
        window.size = high - low;
        begin -= low;
        stop -= low;
        find_crossing(&window, begin, stop, &over_begin, &over_end);
    }
    PyObject *found = NULL;
    if (!over_begin && !over_end) {
        found = Py_NewRef(Py_None);
    }
    else {
        /* Where no word reaches over an edge, every reading has that edge, and what lies beyond it does not matter. */
        memset(window.after, 0, ((size_t)window.size + 1) * sizeof(int64_t));
        if (over_end) {
            read_after(&window, stop);
        }
        Costs costs = weigh(&window, over_begin ? 0 : begin, begin, stop);
        found = Py_BuildValue("(LLLi)", (long long)costs.whole, (long long)costs.torn, (long long)costs.holding,
                              own_cost(&window, begin, stop));
    }
    window_close(&window);
    return found;
}

static PyObject *
reader_cost(Reader *self, PyObject *text)
{
    if (!check_text(text)) {
        return NULL;
    }
    Window window;
    if (!window_open(&window, self, text, 0, PyUnicode_GET_LENGTH(text))) {
        return NULL;
    }
    read_after(&window, 0);
    PyObject *found = PyLong_FromLongLong((long long)window.after[0]);
    window_close(&window);
    return found;
}

static void
reader_dealloc(Reader *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyBuffer_Release(&self->base);
    PyBuffer_Release(&self->check);
    PyBuffer_Release(&self->cost);
    PyBuffer_Release(&self->spelt);
    PyBuffer_Release(&self->single);
    PyBuffer_Release(&self->codes);
    type->tp_free(self);
    Py_DECREF(type);
}

static bool
is_sound(const Reader *self)
{
    const Py_ssize_t codes = (Py_ssize_t)self->none + 1; /* with that of no word */
    return self->base.len / (Py_ssize_t)sizeof(uint32_t) == self->slots && self->slots > 0 &&
           self->check.len / (Py_ssize_t)sizeof(uint16_t) == self->slots && self->cost.len == self->slots &&
           self->spelt.len >= codes && self->single.len >= codes &&
           self->codes.len == (Py_ssize_t)(PLANE * sizeof(uint16_t)) && self->longest > 0 && self->reach_before >= 0 &&
           self->reach_after >= 0 && self->name_least > 1 && self->name_most >= self->name_least && self->name >= 0 &&
           self->name < PLANE && self->known >= 0 && self->known < PLANE && self->name_most < PLANE;
}

static PyObject *
reader_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {
        "base",    "check", "cost", "spelt",      "single",    "codes",        "none",        "longest",
        "known",   "name",  "name_least", "name_most", "reach_before", "reach_after", NULL,
    };
    Reader *self = (Reader *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    if (!PyArg_ParseTupleAndKeywords(
            args, keywords, "$y*y*y*y*y*y*Hniiiinn:Reader", names, &self->base, &self->check, &self->cost, &self->spelt,
            &self->single, &self->codes, &self->none, &self->longest, &self->known, &self->name, &self->name_least,
            &self->name_most, &self->reach_before, &self->reach_after)) {
        Py_DECREF(self);
        return NULL;
    }
    self->slots = self->cost.len;
    if (!is_sound(self)) {
        PyErr_SetString(PyExc_ValueError, "the parts of the lexicon do not fit together");
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static PyMethodDef reader_methods[] = {
    {"costs", (PyCFunction)reader_costs, METH_VARARGS, "Return the costs of the readings around a span."},
    {"cost", (PyCFunction)reader_cost, METH_O, "Return the cost of the likeliest reading."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot reader_slots[] = {
    {Py_tp_new, reader_new},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_methods, reader_methods},
    {0, NULL},
};

PyType_Spec reader_spec = {
    .name = "hegui.general.content._kernel.Reader",
    .basicsize = sizeof(Reader),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = reader_slots,
};
