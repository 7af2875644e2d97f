/* SPDX-License-Identifier: MIT */
#include "plain_decoder.h"

#include <math.h>
#include <stdlib.h>

#include "gamma_tail.h"

/* --- forms and contexts ------------------------------------------------------------ */

unsigned plain_form_of_width(int w)
{
    return w <= 18 ? 0 : w <= 34 ? 1 : w <= 50 ? 2 : 2 + (unsigned)(w - 50 + 15) / 16;
}

unsigned plain_form_symbols(unsigned form)
{
    return form == 0 ? 16 : form == 1 ? 32 : 64;
}

unsigned plain_form_contexts(unsigned form, unsigned kind)
{
    return kind == 0 ? 1 : form == 0 ? 4 : 2;
}

unsigned plain_form_shift(unsigned form)
{
    return form < 2 ? 0 : form - 2;
}

static const unsigned h0[] = {0, 0, 5, 11, 19, 37, 67, 157, 333};
static const unsigned h1[] = {0, 0, 2, 4, 4, 8, 20, 86, 242};

static unsigned parity(unsigned value)
{
    unsigned ones = 0;

    for (; value != 0; value /= 2)
        ones += value % 2;
    return ones % 2;
}

unsigned plain_codebook(unsigned kind, unsigned state)
{
    return parity(state & (h1[kind] / 2));
}

unsigned plain_next_state(unsigned kind, unsigned state, int64_t index)
{
    return (2 * state + ((index % 2 != 0) + parity(state & (h0[kind] / 2))) % 2) % (1U << kind);
}

unsigned plain_context(unsigned kind, unsigned form, unsigned state)
{
    static const unsigned z[] = {0, 0, 0, 1, 1, 2, 1, 0, 0};
    const unsigned next = 2 * state + parity(state & (h0[kind] / 2));

    if (kind == 0 || form != 0)
        return kind == 0 ? 0 : plain_codebook(kind, state);
    return 2 * plain_codebook(kind, state) + parity((next << z[kind]) & (h1[kind] / 2));
}

/* --- models ------------------------------------------------------------------------ */

/* The mass above t / 4. */
static int64_t tail(unsigned shape, int w, int64_t t)
{
    static const double exponents[] = {2, 1.5, 1, 0.7};
    static int64_t table[4][514];
    const int64_t o = floor_div(w, 4); /* 16 = 2^4 */
    const int64_t root = llround(exp2(24 - (double)(w - 16 * o) / 16));
    const int64_t position = floor_div(t * root, (unsigned)(o + 5)), i = position / 65536;

    for (int k = 0; k <= 512 && table[shape][0] == 0; k++) /* the last one is there first */
        table[shape][512 - k] = llround(gaussian_tail(exponents[shape], (512 - k) / 32.0) * 0x1p24);
    if (i >= 512)
        return 0;
    const int64_t step = table[shape][i] - table[shape][i + 1];
    return table[shape][i] - step * (position % 65536) / 65536;
}

static int64_t below(unsigned shape, int w, unsigned shift, unsigned codebook, int64_t h)
{
    const int64_t m = h * (INT64_C(1) << shift) - (INT64_C(1) << shift) / 2;
    int64_t t = 4 * m - 2;

    if (codebook == 1)
        t = m < 0 ? 4 * m : m > 1 ? 4 * m - 4 : 2 * m - 1;
    return t < 0 ? tail(shape, w, -t) : 16777216 - tail(shape, w, t);
}

void plain_builtin_model(model *m, unsigned shape, int w, unsigned symbols, unsigned shift,
                         unsigned codebook, unsigned corrected, const int *powers)
{
    int64_t mass[256], all = 0, before = 0, begin = 0, r = 0;

    while (r < symbols / 2 - 1 && 16777216 - below(shape, w, shift, codebook, r + 1) >= 8192)
        r++;
    const int64_t count = 2 * r + 2;
    mass[0] =
        16777216 - below(shape, w, shift, codebook, r + 1) + below(shape, w, shift, codebook, -r);
    for (int64_t h = -r; h <= r; h++) {
        int64_t *const here = &mass[h + r + 1];
        *here = below(shape, w, shift, codebook, h + 1) - below(shape, w, shift, codebook, h);
        if (llabs(h) < corrected) {
            const int64_t p = powers[llabs(h)], o = floor_div(p, 5); /* 32 = 2^5 */
            *here = floor_div(*here * llround(exp2(16 + (double)(p - 32 * o) / 32)),
                              (unsigned)(16 - o));
        }
    }
    for (int64_t j = 0; j < count; j++)
        all += mass[j];
    *m = (model){.symbols = symbols, .first = -r, .last = r};
    for (int64_t j = 0; j < count; j++) {
        before += mass[j];
        const int64_t next = j + 1 + (before * (4096 - count) + all / 2) / all;
        m->f[j == 0 ? 0 : symbols / 2 - r + j - 1] = (unsigned)(next - begin);
        begin = next;
    }
}

void plain_read_table(stream *s, model *m, unsigned symbols)
{
    const int64_t half = symbols / 2, first = unfold(golomb(s)), last = first + (int64_t)golomb(s);
    const int64_t escape = (int64_t)golomb(s), peak = first + (int64_t)golomb(s);
    int64_t sum = escape, length = 1;

    *m = (model){.symbols = symbols, .first = first, .last = last, .f = {(unsigned)escape}};
    refuse_if(s, first < 1 - half || last > half - 1 || escape > 4095 || peak > last);
    for (int64_t h = first; h <= last && !s->bad; h++) {
        if (h == peak)
            continue;
        length += unfold(golomb(s));
        refuse_if(s, length < 1 || length > 12);
        const unsigned rest = s->bad ? 0 : (unsigned)length - 1, kept = rest < 5 ? rest : 5;
        m->f[h + half] = (1U << rest) + ((unsigned)bits(s, kept) << (rest - kept));
        sum += m->f[h + half];
    }
    refuse_if(s, sum > 4095);
    if (!s->bad)
        m->f[peak + half] = (unsigned)(4096 - sum);
}

int plain_knots(const plain_head *h, int *corrected)
{
    const int g = 8 >> h->step;

    *corrected = 0;
    while (*corrected < h->classes && (h->base + *corrected) * (1 << h->step) < 64)
        ++*corrected;
    return *corrected == 0 ? 0 : (*corrected - 1 + g - 1) / g + 1;
}

static void read_corrections(stream *s, const plain_head *h, corrections *c)
{
    int corrected;
    const int knots = plain_knots(h, &corrected);

    for (unsigned context = 0; context < plain_form_contexts(0, h->kind); context++) {
        const uint64_t count = golomb(s);
        refuse_if(s, count > 7);
        c->count[context] = s->bad ? 0 : (unsigned)count;
        for (unsigned k = 0; k < c->count[context]; k++) {
            for (int knot = 0, power = 0; knot < knots && !s->bad; knot++) {
                const int64_t difference = unfold(golomb(s));
                refuse_if(s, power + difference < -64 || power + difference > 63);
                c->power[context][k][knot] = power = s->bad ? 0 : power + (int)difference;
            }
        }
    }
}

static void shared_model(const plain_head *h, const corrections *c, unsigned form, int index,
                         unsigned context, model *m)
{
    const int g = 8 >> h->step, t = index / g, r = index % g;
    const unsigned codebook = form == 0 ? context / 2 : context;
    const unsigned given = form == 0 ? context : 2 * codebook;
    int powers[7] = {0}, corrected;

    plain_knots(h, &corrected);
    const bool is_corrected = index < corrected && plain_form_shift(form) == 0;
    for (unsigned k = 0; k < c->count[given] && is_corrected; k++) {
        const int *const at = &c->power[given][k][t];
        powers[k] = (int)floor_div((at[0] * (g - r) + (r == 0 ? 0 : at[1] * r)) * 4, 3 - h->step);
    }
    plain_builtin_model(m, h->shape, (h->base + index) * (1 << h->step), plain_form_symbols(form),
                        plain_form_shift(form), codebook, is_corrected ? c->count[given] : 0,
                        powers);
}

model *plain_model(const plain_head *h, unsigned form, int index, unsigned context)
{
    return &h->models[(form * (size_t)h->classes + (size_t)index) * PLAIN_CONTEXTS + context];
}

void plain_list_models(plain_head *h)
{
    const size_t models = h->forms * (size_t)h->classes * PLAIN_CONTEXTS;

    h->models = calloc(models, sizeof *h->models);
    for (size_t octet = 0; octet < h->octets; octet++) {
        const unsigned form = h->form[octet * h->octet_columns / h->lanes];
        for (size_t i = 0; i < h->rows; i++) {
            for (unsigned k = 0; k < plain_form_contexts(form, h->kind) && !h->row_dead[i]; k++)
                plain_model(h, form, plain_index(h, i, octet), k)->symbols =
                    plain_form_symbols(form);
        }
    }
}

void plain_read_models(stream *s, plain_head *h)
{
    corrections c = {{0}, {{{0}}}};
    const size_t classes = (size_t)h->classes;

    if (h->corrected)
        read_corrections(s, h, &c);
    for (size_t k = 0; k < h->forms * classes * PLAIN_CONTEXTS && !s->bad; k++) {
        const unsigned form = (unsigned)(k / PLAIN_CONTEXTS / classes);
        if (h->models[k].symbols == 0)
            continue;
        if (h->own && bits(s, 1) == 0)
            plain_read_table(s, &h->models[k], plain_form_symbols(form));
        else
            shared_model(h, &c, form, (int)(k / PLAIN_CONTEXTS % classes), k % PLAIN_CONTEXTS,
                         &h->models[k]);
    }
    end_of_bits(s);
}
