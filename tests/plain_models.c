/* SPDX-License-Identifier: MIT */
#include "plain_models.h"

#include <math.h>
#include <stdlib.h>

#include "gamma_tail.h"

static unsigned shift_of(int w)
{
    const int64_t octave = floor_div(w, 3); /* 8 = 2^3 */
    return octave > 3 ? (unsigned)(octave - 3) : 0;
}

static double exponent_of(unsigned shape)
{
    static const double exponents[] = {2, 1.5, 1, 0.7};
    return exponents[shape];
}

static int64_t table_entry(unsigned shape, int64_t i)
{
    static int64_t table[4][513];
    static bool ready[4];

    for (int k = 0; k <= 512 && !ready[shape]; k++)
        table[shape][k] = llround(gaussian_tail(exponent_of(shape), k / 32.0) * 16777216);
    ready[shape] = true;
    return table[shape][i];
}

/* Mass above t / 4. */
static int64_t tail(unsigned shape, int w, int64_t t)
{
    static const int64_t roots[] = {16777216, 15384775, 14107901, 12937002,
                                    11863283, 10878679, 9975792,  9147842};
    const int64_t o = floor_div(w, 3); /* 8 = 2^3 */
    const int64_t root = roots[w - 8 * o];
    const int64_t position = floor_div(t * root, (unsigned)(o + 5));
    const int64_t i = position / 65536;
    const int64_t part = position % 65536;

    if (i >= 512)
        return 0;
    const int64_t here = table_entry(shape, i);
    return here - (here - table_entry(shape, i + 1)) * part / 65536;
}

static int64_t below(unsigned shape, int w, unsigned codebook, int64_t h)
{
    const unsigned shift = shift_of(w);
    const int64_t half = (INT64_C(1) << shift) / 2;
    const int64_t m = h * (INT64_C(1) << shift) - half;
    int64_t t = 4 * m - 2;
    if (codebook == 1)
        t = m < 0 ? 4 * m : m > 1 ? 4 * m - 4 : 2 * m - 1;
    return t < 0 ? tail(shape, w, -t) : 16777216 - tail(shape, w, t);
}

/* powers are in 1/32 of an octave, by magnitude. */
void plain_builtin_model(model *m, unsigned shape, int w, unsigned codebook, unsigned corrected,
                         const int *powers)
{
    int64_t mass[256];
    int64_t all = 0;
    int64_t sum = 0;
    int64_t r = 0;

    while (r < 127 && 16777216 - below(shape, w, codebook, r + 1) >= 8192)
        r++;
    m->first = -r;
    m->n = (unsigned)(2 * r + 2);
    m->shift = shift_of(w);
    mass[0] = 16777216 - below(shape, w, codebook, r + 1) + below(shape, w, codebook, -r);
    for (int64_t h = -r; h <= r; h++) {
        const int64_t magnitude = llabs(h);
        mass[h + r + 1] = below(shape, w, codebook, h + 1) - below(shape, w, codebook, h);
        if (magnitude < corrected) {
            const int64_t octave = floor_div(powers[magnitude], 5);
            const double part = exp2((double)(powers[magnitude] - 32 * octave) / 32);
            mass[h + r + 1] =
                floor_div(mass[h + r + 1] * llround(part * 65536), (unsigned)(16 - octave));
        }
    }
    for (unsigned k = 0; k < m->n; k++)
        all += mass[k];
    int64_t before = 0;
    for (unsigned k = 0; k < m->n; k++) {
        sum += mass[k];
        const int64_t start = k + 1 + (sum * (4096 - (int64_t)m->n) + all / 2) / all;
        m->f[k] = (unsigned)(start - before);
        before = start;
    }
}

void plain_table_model(stream *s, model *m, int w)
{
    const int64_t first = unfold(golomb(s));
    const uint64_t count = golomb(s);
    const uint64_t escape = golomb(s);
    const uint64_t peak = golomb(s);
    uint64_t sum = escape;
    int64_t length = 1;

    if (s->bad || first < -1048576 || first > 1048576 || count > 254 || escape > 4095 ||
        peak > count) {
        s->bad = true;
        return;
    }
    m->first = first;
    m->n = (unsigned)count + 2;
    m->shift = shift_of(w);
    m->f[0] = (unsigned)escape;
    for (unsigned k = 1; k < m->n; k++) {
        if (k == peak + 1)
            continue;
        length += unfold(golomb(s));
        if (s->bad || length < 1 || length > 12) {
            s->bad = true;
            return;
        }
        const unsigned rest = (unsigned)length - 1;
        const unsigned kept = rest < 5 ? rest : 5;
        m->f[k] = (1U << rest) + ((unsigned)bits(s, kept) << (rest - kept));
        sum += m->f[k];
    }
    if (sum > 4095)
        s->bad = true;
    m->f[peak + 1] = (unsigned)(4096 - sum);
}

/* Powers of magnitudes by context, magnitude and knot. */
typedef struct corrections {
    unsigned count[4];
    int power[4][7][17];
    int spacing;
    int classes; /* that have them */
} corrections;

static void read_corrections(stream *s, int contexts, int base, unsigned step, int classes,
                             corrections *c)
{
    c->spacing = step == 0 ? 4 : step == 1 ? 2 : 1;
    while (c->classes < classes && (base + c->classes) * (1 << step) < 32)
        c->classes++;
    const int knots = c->classes == 0 ? 0 : (c->classes - 1 + c->spacing - 1) / c->spacing + 1;
    for (int context = 0; context < contexts && !s->bad; context++) {
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
                c->power[context][k][knot] = s->bad ? 0 : (int)power;
            }
        }
    }
}

static void shared_model(const corrections *c, unsigned shape, int w, int context, int index,
                         model *m)
{
    const int knot = index / c->spacing, behind = index % c->spacing;
    int powers[7] = {0};

    for (unsigned k = 0; k < c->count[context] && index < c->classes; k++) {
        const int *const at = &c->power[context][k][knot];
        powers[k] = 4 * at[0];
        if (behind != 0)
            powers[k] = 4 * (at[0] * (c->spacing - behind) + at[1] * behind) / c->spacing;
    }
    plain_builtin_model(m, shape, w, (unsigned)context / 2, 7, powers);
}

void plain_read_models(stream *s, unsigned kind_of_codes, unsigned flags1, unsigned flags2,
                       int base, int classes, model *models)
{
    const int each = kind_of_codes == 0 ? 1 : 4;
    const unsigned step = flags1 / 8 % 4;
    corrections shared = {.spacing = 1};

    if ((flags2 & 16) != 0)
        read_corrections(s, each, base, step, classes, &shared);
    for (int index = 0; index < classes * each && !s->bad; index++) {
        const int w = (base + index / each) * (1 << step);
        if ((flags1 & 128) == 0 || bits(s, 1) == 1) {
            shared_model(&shared, flags2 % 4, w, index % each, index / each, &models[index]);
            continue;
        }
        const unsigned kind = (unsigned)bits(s, 3);
        if (kind < 4)
            plain_builtin_model(&models[index], kind, w, (unsigned)(index % each / 2), 0, NULL);
        else if (kind == 4)
            plain_table_model(s, &models[index], w);
        else
            s->bad = true;
    }
    end_of_bits(s);
}
