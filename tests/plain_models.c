/* SPDX-License-Identifier: MIT */
#include "plain_models.h"

#include <math.h>
#include <stdlib.h>

#include "gamma_tail.h"

/* --- forms ------------------------------------------------------------------------- */

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

int64_t plain_first(const model *m)
{
    unsigned k = 1;

    while (m->f[k] == 0)
        k++;
    return (int64_t)k - m->symbols / 2;
}

int64_t plain_last(const model *m)
{
    unsigned k = m->symbols - 1;

    while (m->f[k] == 0)
        k--;
    return (int64_t)k - m->symbols / 2;
}

/* --- built-in models --------------------------------------------------------------- */

static int64_t table_entry(unsigned shape, int64_t i)
{
    static const double exponents[] = {2, 1.5, 1, 0.7};
    static int64_t table[4][513];
    static bool ready[4];

    for (int k = 0; k <= 512 && !ready[shape]; k++)
        table[shape][k] = llround(gaussian_tail(exponents[shape], k / 32.0) * 16777216);
    ready[shape] = true;
    return table[shape][i];
}

/* Mass above t / 4. */
static int64_t tail(unsigned shape, int w, int64_t t)
{
    const int64_t o = floor_div(w, 4); /* 16 = 2^4 */
    const int64_t root = llround(exp2(24 - (double)(w - 16 * o) / 16));
    const int64_t position = floor_div(t * root, (unsigned)(o + 5));
    const int64_t i = position / 65536;
    const int64_t part = position % 65536;

    if (i >= 512)
        return 0;
    const int64_t here = table_entry(shape, i);
    return here - (here - table_entry(shape, i + 1)) * part / 65536;
}

static int64_t below(unsigned shape, int w, unsigned shift, unsigned codebook, int64_t h)
{
    const int64_t half = (INT64_C(1) << shift) / 2;
    const int64_t m = h * (INT64_C(1) << shift) - half;
    int64_t t = 4 * m - 2;

    if (codebook == 1)
        t = m < 0 ? 4 * m : m > 1 ? 4 * m - 4 : 2 * m - 1;
    return t < 0 ? tail(shape, w, -t) : 16777216 - tail(shape, w, t);
}

static int64_t times_factor(int64_t mass, int power)
{
    const int64_t octave = floor_div(power, 5);
    const int64_t numerator = llround(exp2(16 + (double)(power - 32 * octave) / 32));

    return floor_div(mass * numerator, (unsigned)(16 - octave));
}

void plain_builtin_model(model *m, unsigned shape, int w, unsigned symbols, unsigned shift,
                         unsigned codebook, unsigned corrected, const int *powers)
{
    int64_t mass[256];
    int64_t all = 0, before = 0, begin = 0, r = 0;

    while (r < symbols / 2 - 1 && 16777216 - below(shape, w, shift, codebook, r + 1) >= 8192)
        r++;
    const int64_t count = 2 * r + 2;
    mass[0] =
        16777216 - below(shape, w, shift, codebook, r + 1) + below(shape, w, shift, codebook, -r);
    for (int64_t h = -r; h <= r; h++) {
        int64_t *const here = &mass[h + r + 1];
        *here = below(shape, w, shift, codebook, h + 1) - below(shape, w, shift, codebook, h);
        if (llabs(h) < corrected)
            *here = times_factor(*here, powers[llabs(h)]);
    }
    for (int64_t j = 0; j < count; j++)
        all += mass[j];
    *m = (model){.symbols = symbols};
    for (int64_t j = 0; j < count; j++) {
        before += mass[j];
        const int64_t next = j + 1 + (before * (4096 - count) + all / 2) / all;
        m->f[j == 0 ? 0 : symbols / 2 - r + j - 1] = (unsigned)(next - begin);
        begin = next;
    }
}

/* --- tables ------------------------------------------------------------------------ */

static unsigned read_frequency(stream *s, int64_t *length)
{
    *length += unfold(golomb(s));
    if (s->bad || *length < 1 || *length > 12) {
        s->bad = true;
        return 0;
    }
    const unsigned rest = (unsigned)*length - 1;
    const unsigned kept = rest < 5 ? rest : 5;
    return (1U << rest) + ((unsigned)bits(s, kept) << (rest - kept));
}

void plain_table_model(stream *s, model *m, unsigned symbols)
{
    const int64_t half = symbols / 2;
    const int64_t first = unfold(golomb(s));
    const int64_t count = (int64_t)golomb(s);
    const int64_t escape = (int64_t)golomb(s);
    const int64_t peak = (int64_t)golomb(s);
    int64_t sum = escape;
    int64_t length = 1;

    *m = (model){.symbols = symbols, .f = {(unsigned)escape}};
    if (first < 1 - half || first + count > half - 1 || escape > 4095 || peak > count)
        s->bad = true;
    for (int64_t k = 0; k <= count && !s->bad; k++) {
        if (k == peak)
            continue;
        m->f[first + k + half] = read_frequency(s, &length);
        sum += m->f[first + k + half];
    }
    if (sum > 4095)
        s->bad = true;
    if (!s->bad)
        m->f[first + peak + half] = (unsigned)(4096 - sum);
}

/* --- corrections ------------------------------------------------------------------- */

static int spacing_of(unsigned step)
{
    return 8 >> step;
}

int plain_corrected(int base, unsigned step, int classes)
{
    int count = 0;

    while (count < classes && (base + count) * (1 << step) < 64)
        count++;
    return count;
}

int plain_knots(int base, unsigned step, int classes)
{
    const int corrected = plain_corrected(base, step, classes), g = spacing_of(step);

    return corrected == 0 ? 0 : (corrected - 1 + g - 1) / g + 1;
}

static void read_corrections(stream *s, const model_frame *frame, corrections *c)
{
    const int knots = plain_knots(frame->base, frame->step, frame->classes);

    for (unsigned context = 0; context < plain_form_contexts(0, frame->kind); context++) {
        const uint64_t count = golomb(s);
        if (count > 7)
            s->bad = true;
        c->count[context] = s->bad ? 0 : (unsigned)count;
        for (unsigned k = 0; k < c->count[context]; k++) {
            int64_t power = 0;
            for (int knot = 0; knot < knots && !s->bad; knot++) {
                power += unfold(golomb(s));
                if (power < -64 || power > 63)
                    s->bad = true;
                c->power[context][k][knot] = (int)power;
            }
        }
    }
}

static unsigned codebook_of(unsigned form, unsigned context)
{
    return form == 0 ? context / 2 : context;
}

static void shared_model(const model_frame *frame, const corrections *c, unsigned form, int index,
                         unsigned context, model *m)
{
    const int g = spacing_of(frame->step), knot = index / g, behind = index % g;
    const unsigned codebook = codebook_of(form, context);
    const unsigned given = form == 0 ? context : 2 * codebook;
    unsigned corrected = c->count[given];
    int powers[7] = {0};

    if (index >= plain_corrected(frame->base, frame->step, frame->classes) ||
        plain_form_shift(form) != 0)
        corrected = 0;
    for (unsigned k = 0; k < corrected; k++) {
        const int *const at = &c->power[given][k][knot];
        powers[k] = (int)floor_div((at[0] * (g - behind) + (behind == 0 ? 0 : at[1] * behind)) * 4,
                                   3 - frame->step);
    }
    plain_builtin_model(m, frame->shape, (frame->base + index) * (1 << frame->step),
                        plain_form_symbols(form), plain_form_shift(form), codebook, corrected,
                        powers);
}

/* --- all of them ------------------------------------------------------------------- */

size_t plain_model_number(const model_frame *frame, unsigned form, int index, unsigned context)
{
    return frame->number[form][index] + context;
}

static void read_model(stream *s, const model_frame *frame, const corrections *c, unsigned form,
                       int index, unsigned context, model *m)
{
    if (frame->own_models && bits(s, 1) == 0)
        plain_table_model(s, m, plain_form_symbols(form));
    else
        shared_model(frame, c, form, index, context, m);
}

void plain_read_models(stream *s, const model_frame *frame, model *models)
{
    corrections c = {{0}, {{{0}}}};

    if (frame->corrections)
        read_corrections(s, frame, &c);
    for (unsigned form = 0; form < PLAIN_FORMS; form++) {
        for (int index = 0; index < frame->classes; index++) {
            for (unsigned context = 0; context < plain_form_contexts(form, frame->kind);
                 context++) {
                if (frame->occurs[form][index] && !s->bad)
                    read_model(s, frame, &c, form, index, context,
                               &models[plain_model_number(frame, form, index, context)]);
            }
        }
    }
    end_of_bits(s);
}
