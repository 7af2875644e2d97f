/* SPDX-License-Identifier: MIT */
#include "plain_decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plain_models.h"

/* --- blocks -------------------------------------------------------------------- */

typedef struct matrix {
    unsigned kind;
    size_t rows;
    size_t columns;
    unsigned lanes;
    int classes;
    const int *row_class;
    const int *column_class;
    const model *models;
} matrix;

typedef struct lanes {
    uint64_t x[32];
    size_t word;
    size_t words_end;
} lanes;

static int64_t integer(stream *s, stream *bypass, lanes *l, unsigned lane, const model *m)
{
    const uint64_t slot = l->x[lane] % 4096;
    uint64_t start = 0;
    unsigned k = 0;

    while (start + m->f[k] <= slot)
        start += m->f[k++];
    l->x[lane] = m->f[k] * (l->x[lane] / 4096) + slot - start;
    if (l->x[lane] < 65536) {
        if (l->word >= l->words_end) {
            s->bad = true;
            return 0;
        }
        l->x[lane] = l->x[lane] * 65536 + s->bytes[l->word] + 256U * s->bytes[l->word + 1];
        l->word += 2;
    }
    int64_t high = m->first + (int64_t)k - 1;
    if (k == 0) {
        const int64_t d = (int64_t)golomb(bypass);
        high = bits(bypass, 1) == 0 ? m->first + (int64_t)m->n - 1 + d : m->first - 1 - d;
    }
    const int64_t half = (INT64_C(1) << m->shift) / 2;
    const int64_t low = (int64_t)bits(bypass, m->shift);
    return high * (INT64_C(1) << m->shift) - half + low;
}

/* The polynomials of the kinds from 2 on, as lists of coefficients from the lowest. */
static const char *const H0[] = {"101",     "1101",     "11001",    "101001",
                                 "1100001", "10111001", "101100101"};
static const char *const H1[] = {"01", "001", "001", "0001", "00101", "0110101", "01001111"};

/* Sum of the coefficients that meet a one among the bits before, the last one first. */
static unsigned taps(const char *polynomial, const unsigned *past)
{
    unsigned sum = 0;

    for (size_t k = 1; polynomial[k] != 0; k++)
        sum += polynomial[k] == '1' ? past[k - 1] : 0;
    return sum % 2;
}

static void remember(unsigned kind, unsigned *past, int64_t index)
{
    const unsigned now = (taps(H0[kind - 2], past) + (index % 2 != 0)) % 2;

    for (unsigned k = kind - 1; k > 0; k--)
        past[k] = past[k - 1];
    past[0] = now;
}

/* Twice the codebook, and the one after an even index and as many others, of which it does not
 * depend, as it takes until that index counts. */
static unsigned context(unsigned kind, const unsigned *past)
{
    unsigned ahead[8];

    memcpy(ahead, past, sizeof ahead);
    remember(kind, ahead, 0);
    for (unsigned k = 1; H1[kind - 2][k] == '0'; k++) {
        for (unsigned i = 7; i > 0; i--)
            ahead[i] = ahead[i - 1];
        ahead[0] = 0;
    }
    return 2 * taps(H1[kind - 2], past) + taps(H1[kind - 2], ahead);
}

/* The block is all of s; its live rows and columns go to out, row-major. */
static bool block(stream *s, const matrix *b, int64_t *out)
{
    const uint64_t bypass_size = varint(s);
    lanes l;

    for (unsigned lane = 0; lane < b->lanes; lane++) {
        l.x[lane] = varint(s);
        if (l.x[lane] > UINT64_C(4294901759))
            s->bad = true;
        l.x[lane] += 65536;
    }
    if (s->bad || bypass_size > s->size - s->at || (s->size - s->at - bypass_size) % 2 != 0)
        return false;
    l.word = s->at;
    l.words_end = s->size - (size_t)bypass_size;
    stream bypass = {.bytes = s->bytes, .size = s->size, .at = l.words_end};

    for (size_t group = 0; group < b->columns; group += b->lanes) {
        unsigned past[32][8] = {{0}};
        for (size_t i = 0; i < b->rows; i++) {
            for (size_t j = group; j < group + b->lanes && j < b->columns; j++) {
                int index = b->row_class[i] + b->column_class[j];
                index = index < 0 ? 0 : index >= b->classes ? b->classes - 1 : index;
                const unsigned lane = (unsigned)(j - group);
                const unsigned seen = b->kind == 0 ? 0 : context(b->kind, past[lane]);
                const unsigned codebook = seen / 2;
                const model *const m = &b->models[b->kind == 0 ? index : 4 * index + (int)seen];
                int64_t v = integer(s, &bypass, &l, lane, m);
                if (s->bad || bypass.bad || v < INT32_MIN || v > INT32_MAX)
                    return false;
                if (b->kind != 0) {
                    if (v >= 536870912 || v <= -536870912)
                        return false;
                    remember(b->kind, past[lane], v);
                    v = 2 * v - (codebook == 0 || v == 0 ? 0 : v > 0 ? 1 : -1);
                }
                out[i * b->columns + j] = v;
            }
        }
    }
    for (unsigned lane = 0; lane < b->lanes; lane++) {
        if (l.x[lane] != 65536)
            return false;
    }
    end_of_bits(&bypass);
    return !bypass.bad && l.word == l.words_end && bypass.at == s->size;
}

static void array(stream *s, size_t count, int64_t *out)
{
    const int zero = 0;
    model m = {.n = 0};

    if (count == 0)
        return;
    const uint64_t head = varint(s);
    const unsigned mode = head % 8;
    const int64_t base = unfold(head / 8);
    if (s->bad || mode > 5 || llabs(base) >= 1073741824) {
        s->bad = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = 0;
    if (mode != 0) {
        const int w = 2 * ((int)u8(s) - 16);
        if (w > 248)
            s->bad = true;
        if (s->bad)
            return;
        if (mode == 1) {
            plain_table_model(s, &m, w);
            end_of_bits(s);
        } else {
            plain_builtin_model(&m, mode - 2, w, 0, 0, NULL);
        }
        const uint64_t size = varint(s);
        if (s->bad || size > s->size - s->at) {
            s->bad = true;
            return;
        }
        int *const classes = calloc(count, sizeof *classes);
        const matrix b = {0, count, 1, 1, 1, classes, &zero, &m};
        stream part = {.bytes = s->bytes, .size = s->at + (size_t)size, .at = s->at};
        s->bad = !block(&part, &b, out);
        s->at += (size_t)size;
        free(classes);
    }
    for (size_t i = 0; i < count && !s->bad; i++) {
        out[i] += base;
        if (llabs(out[i]) >= 1073741824)
            s->bad = true;
    }
}

/* --- coded integers -------------------------------------------------------------- */

typedef struct axis {
    size_t count;
    size_t *live;
    int *classes;
} axis;

/* How the rows of blocks follow each other. */
typedef struct row_rule {
    size_t block_rows, stride;
} row_rule;

static bool comes_before(const row_rule *rule, size_t x, size_t y)
{
    if (x / rule->block_rows != y / rule->block_rows)
        return x < y;
    if (x % rule->stride != y % rule->stride)
        return x % rule->stride > y % rule->stride;
    return x < y;
}

static void sort_rows(const row_rule *rule, axis *a)
{
    for (size_t i = 1; i < a->count; i++) {
        const size_t row = a->live[i];
        size_t k = i;
        for (; k > 0 && comes_before(rule, row, a->live[k - 1]); k--)
            a->live[k] = a->live[k - 1];
        a->live[k] = row;
    }
}

/* rule: of rows; NULL for columns. */
static void read_axis(stream *s, size_t total, bool dead, const row_rule *rule, const int32_t *hint,
                      unsigned step, axis *a)
{
    int64_t *const values = calloc(total, sizeof *values);

    a->live = calloc(total, sizeof *a->live);
    a->classes = calloc(total, sizeof *a->classes);
    if (dead)
        array(s, total, values);
    for (size_t i = 0; i < total && !s->bad; i++) {
        if (values[i] != 0 && values[i] != 1)
            s->bad = true;
        if (values[i] == 0)
            a->live[a->count++] = i;
    }
    if (a->count == 0)
        s->bad = true;
    if (rule)
        sort_rows(rule, a);
    if (!s->bad)
        array(s, a->count, values);
    for (size_t i = 0; i < a->count && !s->bad; i++) {
        int64_t value = values[i];
        if (hint)
            value += floor_div(hint[a->live[i]] + (1 << step) / 2, step);
        if (value < -1023 || value > 1023)
            s->bad = true;
        a->classes[i] = (int)value;
    }
    free(values);
}

static void read_blocks(stream *s, size_t rows, size_t columns, size_t block_rows, matrix *b,
                        const axis *r, const axis *c, int32_t *out)
{
    const size_t count = (rows + block_rows - 1) / block_rows;
    size_t *const sizes = calloc(count, sizeof *sizes);
    int64_t *const values = calloc(rows * columns, sizeof *values);
    size_t row = 0;

    for (size_t k = 0; k < count; k++)
        sizes[k] = (size_t)varint(s);
    for (size_t k = 0; k < count && !s->bad; k++) {
        if (sizes[k] > s->size - s->at) {
            s->bad = true;
            break;
        }
        stream part = {.bytes = s->bytes, .size = s->at + sizes[k], .at = s->at};
        b->row_class = r->classes + row;
        b->rows = 0;
        while (row + b->rows < r->count && r->live[row + b->rows] / block_rows == k)
            b->rows++;
        s->bad = !block(&part, b, values);
        for (size_t i = 0; i < b->rows && !s->bad; i++) {
            for (size_t j = 0; j < c->count; j++)
                out[r->live[row + i] * columns + c->live[j]] = (int32_t)values[i * c->count + j];
        }
        row += b->rows;
        s->at += sizes[k];
    }
    free(values);
    free(sizes);
}

static void read_rest(stream *s, unsigned kind, unsigned flags1, unsigned flags2, row_rule rule,
                      int classes, size_t rows, size_t columns, const int32_t *row_hint,
                      const int32_t *column_hint, int32_t *out)
{
    const unsigned step = flags1 / 8 % 4;
    const int64_t base = unfold(varint(s));
    axis r = {.count = 0};
    axis c = {.count = 0};
    model *const models = calloc((size_t)classes * 4, sizeof *models);

    if (base < -(32 >> step) || base > 248 || base + classes - 1 > 248 >> step) {
        s->bad = true;
        free(models);
        return;
    }
    read_axis(s, rows, (flags2 & 4) != 0, &rule, flags1 & 32 ? row_hint : NULL, step, &r);
    if (!s->bad)
        read_axis(s, columns, (flags2 & 8) != 0, NULL, flags1 & 64 ? column_hint : NULL, step, &c);
    if (!s->bad)
        plain_read_models(s, kind, flags1, flags2, (int)base, classes, models);
    matrix b = {.kind = kind,
                .columns = c.count,
                .lanes = 1U << flags1 % 8,
                .classes = classes,
                .column_class = c.classes,
                .models = models};
    if (!s->bad)
        read_blocks(s, rows, columns, rule.block_rows, &b, &r, &c, out);
    free(models);
    free(r.live);
    free(r.classes);
    free(c.live);
    free(c.classes);
}

bool plain_decode_codes(const uint8_t *bytes, size_t size, size_t rows, size_t columns,
                        const int32_t *row_hint, const int32_t *column_hint, int32_t *out,
                        size_t *used)
{
    stream s = {.bytes = bytes, .size = size};
    const unsigned quantizer = u8(&s);
    const unsigned flags1 = u8(&s);
    const unsigned flags2 = u8(&s);
    const uint64_t block_rows = varint(&s);
    const bool strided = (flags2 & 32) != 0;
    const uint64_t stride = strided ? varint(&s) : 1;
    const uint64_t classes = varint(&s);

    memset(out, 0, rows * columns * sizeof *out);
    if ((strided && (quantizer == 0 || stride < 2 || stride > 4096)) || s.bad || quantizer == 1 || quantizer > 8 || (quantizer != 0 && (flags2 & 4) != 0) ||
        flags1 % 8 > 5 || flags2 > 63 || block_rows == 0 || block_rows > rows || classes > 281 ||
        (block_rows > 1 && block_rows * columns > 67108864) ||
        ((flags1 & 32) != 0 && !row_hint) || ((flags1 & 64) != 0 && !column_hint))
        return false;
    if (classes == 0)
        s.bad = quantizer != 0 || flags1 != 0 || flags2 != 0;
    else
        read_rest(&s, quantizer, flags1, flags2, (row_rule){block_rows, stride}, (int)classes, rows, columns,
                  row_hint, column_hint, out);
    *used = s.at;
    return !s.bad;
}

/* --- scales ------------------------------------------------------------------------ */

static float scale_value(unsigned grid, int64_t sign, int64_t exponent)
{
    const int64_t octave = floor_div(exponent, grid);
    const int64_t part = (exponent - octave * (INT64_C(1) << grid)) * (INT64_C(1) << (12 - grid));
    const double a = (double)exp2l((long double)(part / 64) / 64);
    const double b = (double)exp2l((long double)(part % 64) / 4096);
    const double mantissa = a * b;

    return sign == 0 ? 0.0F : (float)((double)sign * ldexp(mantissa, (int)octave));
}

bool plain_decode_scales(const uint8_t *bytes, size_t size, size_t count, float *out, size_t *used)
{
    stream s = {.bytes = bytes, .size = size};
    const unsigned head = u8(&s);
    const unsigned grid = head % 16;
    int64_t *const signs = calloc(count, sizeof *signs);
    int64_t *const exponents = calloc(count, sizeof *exponents);
    size_t nonzero = 0;

    if (grid > 12 || head > 31)
        s.bad = true;
    for (size_t i = 0; i < count; i++)
        signs[i] = 1;
    if (!s.bad && head >= 16)
        array(&s, count, signs);
    for (size_t i = 0; i < count && !s.bad; i++) {
        s.bad = signs[i] < -1 || signs[i] > 1;
        nonzero += signs[i] != 0;
    }
    if (!s.bad)
        array(&s, nonzero, exponents);
    size_t next = 0;
    for (size_t i = 0; i < count && !s.bad; i++) {
        const int64_t exponent = signs[i] == 0 ? 0 : exponents[next++];
        if (exponent < -126 * (INT64_C(1) << grid) || exponent > 127 * (INT64_C(1) << grid))
            s.bad = true;
        else
            out[i] = scale_value(grid, signs[i], exponent);
    }
    free(signs);
    free(exponents);
    *used = s.at;
    return !s.bad;
}
