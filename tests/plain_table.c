/* SPDX-License-Identifier: MIT */
#include "plain_table.h"

static unsigned length_of(unsigned f)
{
    unsigned length = 0;

    while (f >> length != 0)
        length++;
    return length;
}

/* The greatest frequency up to f that a table can hold. */
static unsigned kept(unsigned f)
{
    const unsigned length = length_of(f), dropped = length > 6 ? length - 6 : 0;

    return f >> dropped << dropped;
}

static unsigned peak_of(const model *m)
{
    unsigned peak = (unsigned)(m->first + m->symbols / 2);

    for (unsigned k = peak; k < m->symbols; k++)
        peak = m->f[k] > m->f[peak] ? k : peak;
    return peak;
}

model plain_count_model(unsigned symbols, const size_t *counts)
{
    model m = {.symbols = symbols};
    unsigned first = 1, last = symbols - 1, rest = 4096;
    size_t all = 1;

    for (unsigned k = 0; k < symbols; k++)
        all += counts[k];
    while (counts[first] == 0 && first < symbols - 1)
        first++;
    while (counts[last] == 0 && last > first)
        last--;
    for (unsigned k = first; k <= last; k++)
        m.f[k] = kept(1 + (unsigned)(3000 * counts[k] / all));
    m.first = (int64_t)first - symbols / 2;
    m.last = (int64_t)last - symbols / 2;
    m.f[0] = counts[0] == 0 ? 0 : 1 + (unsigned)(500 * counts[0] / all);
    const unsigned peak = peak_of(&m);
    for (unsigned k = 0; k < symbols; k++)
        rest -= k == peak ? 0 : m.f[k];
    m.f[peak] = rest;
    return m;
}

void plain_put_table(writer *w, const model *m)
{
    const unsigned half = m->symbols / 2, peak = peak_of(m);
    const unsigned first = (unsigned)(m->first + half), last = (unsigned)(m->last + half);
    unsigned before = 1;

    put_golomb(w, fold(m->first));
    put_golomb(w, last - first);
    put_golomb(w, m->f[0]);
    put_golomb(w, peak - first);
    for (unsigned k = first; k <= last; k++) {
        if (k == peak)
            continue;
        const unsigned length = length_of(m->f[k]), bits = length > 6 ? 5 : length - 1;
        put_golomb(w, fold((int64_t)length - before));
        put_bits(w, m->f[k] >> (length - 1 - bits), bits);
        before = length;
    }
}
