/* SPDX-License-Identifier: MIT */
/* Column quantizers: the search against all paths, what they gain on a Gaussian, and the
 * corners. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "coding/trellis.h"
#include "env_fixture.h"
#include "quant/quantizer.h"
#include "quant/viterbi.h"
#include "random.h"

/* --- the search ------------------------------------------------------------------ */

/* Least cost of all paths, from `state` on. */
static double least_cost(const wsic_trellis *t, const wsic_branches *branches, size_t count,
                         unsigned state)
{
    if (count == 0)
        return 0.0;
    double least = HUGE_VAL;
    for (unsigned parity = 0; parity < 2; parity++) {
        const double cost = branches[0].cost[2 * t->codebook[state] + parity] +
                            least_cost(t, branches + 1, count - 1, t->next[state][parity]);
        least = fmin(least, cost);
    }
    return least;
}

START_TEST(viterbi_finds_the_best_of_all_paths)
{
    enum { COUNT = 13 };
    const unsigned kind = (unsigned)_i + WSIC_TRELLIS_KIND_LEAST;
    wsic_branches branches[COUNT];
    wsic_viterbi viterbi;
    random_state random = {17};
    float *const metrics = malloc((COUNT + 1) * WSIC_TRELLIS_STATES * sizeof *metrics);

    wsic_viterbi_make(&viterbi, kind);
    const unsigned states = viterbi.trellis.states;
    for (int trial = 0; trial < 20; trial++) {
        const unsigned start = (unsigned)random_bits(&random) % states;
        for (size_t i = 0; i < COUNT; i++) {
            for (int b = 0; b < 4; b++)
                branches[i].cost[b] = (float)random_uniform(&random);
            if (i % 5 == 3)
                branches[i].cost[1] = branches[i].cost[3] = HUGE_VALF;
        }
        wsic_viterbi_forward(&viterbi, start, branches, COUNT, metrics);
        unsigned state = wsic_viterbi_best(&viterbi, metrics + COUNT * states);
        double cost = 0.0;
        for (size_t i = COUNT; i-- > 0;) {
            unsigned branch;
            const unsigned after = state;
            state = wsic_viterbi_back(&viterbi, &branches[i], metrics + i * states, state, &branch);
            ck_assert_uint_eq(viterbi.trellis.next[state][branch & 1], after);
            ck_assert_uint_eq(viterbi.trellis.codebook[state], branch >> 1);
            cost += (double)branches[i].cost[branch];
        }
        ck_assert_uint_eq(state, start);
        ck_assert_double_eq_tol(cost, least_cost(&viterbi.trellis, branches, COUNT, start), 1e-4);
    }
    free(metrics);
}
END_TEST

/* --- quantizers ------------------------------------------------------------------- */

static wsic_quantizer create(const wsic_env *env, int which, unsigned kind, size_t restart,
                             double lambda)
{
    const wsic_quantizer_choice choice = {
        .which = which, .kind = kind, .restart_rows = restart, .lambda = lambda};
    wsic_quantizer quantizer;

    ck_assert_int_eq(wsic_quantizer_create(env, &choice, &quantizer), WSIC_OK);
    return quantizer;
}

static bool quantize(const wsic_quantizer *quantizer, const wsic_stretch *stretch, int32_t *codes)
{
    void *const workspace = malloc(quantizer->workspace + 1);
    const bool done = quantizer->quantize(quantizer->state, stretch, workspace, codes);

    free(workspace);
    return done;
}

/* Least squared error of all sequences of levels near y that are a path. */
static double least_error(const wsic_trellis *t, const double *y, size_t count, unsigned state)
{
    double least = HUGE_VAL;

    if (count == 0)
        return 0.0;
    for (int32_t index = -4; index <= 4; index++) {
        const double error = y[0] - wsic_trellis_level(t->codebook[state], index);
        const unsigned next = wsic_trellis_next(t, state, index);
        least = fmin(least, error * error + least_error(t, y + 1, count - 1, next));
    }
    return least;
}

/* Without regard to bits the search is for the nearest path. */
START_TEST(trellis_finds_the_nearest_of_all_paths)
{
    enum { COUNT = 5 };
    const unsigned kind = (unsigned)_i + WSIC_TRELLIS_KIND_LEAST;
    env_fixture f = env_open();
    wsic_quantizer quantizer = create(&f.env, WSIC_QUANTIZE_TRELLIS, kind, 64, 0.0);
    random_state random = {23};
    wsic_trellis trellis;

    wsic_trellis_make(&trellis, kind);
    for (int trial = 0; trial < 10; trial++) {
        double y[COUNT], error = 0.0;
        int32_t codes[COUNT], tokens[COUNT];
        random_fill(&random, y, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            y[i] *= 2.0;
        const wsic_stretch stretch = {y, COUNT, 1.0, NULL, NULL};
        ck_assert(quantize(&quantizer, &stretch, codes));
        ck_assert_uint_eq(wsic_trellis_tokens(&trellis, codes, COUNT, tokens), COUNT);
        for (size_t i = 0; i < COUNT; i++)
            error += (y[i] - codes[i]) * (y[i] - codes[i]);
        ck_assert_double_eq_tol(error, least_error(&trellis, y, COUNT, 0), 1e-5);
    }
    wsic_quantizer_release(&f.env, &quantizer);
    env_close(&f);
}
END_TEST

enum { SAMPLES = 1 << 16, BLOCK = 1024, REACH = 600 };

static double entropy_sum(const unsigned *seen)
{
    double total = 0.0, sum = 0.0;

    for (size_t k = 0; k < 2 * REACH; k++) {
        total += seen[k];
        sum += seen[k] > 0 ? seen[k] * log2(seen[k]) : 0.0;
    }
    return total > 0.0 ? total * log2(total) - sum : 0.0;
}

/* Bits per code given what a decoder knows: the context. */
static double rate_of(const wsic_quantizer *quantizer, const int32_t *codes)
{
    static unsigned seen[WSIC_TRELLIS_CONTEXTS][2 * REACH];
    double sum = 0.0;
    int32_t *const tokens = malloc(SAMPLES * sizeof *tokens);
    wsic_trellis trellis;

    memset(seen, 0, sizeof seen);
    if (quantizer->kind != 0) {
        wsic_trellis_make(&trellis, quantizer->kind);
        for (size_t first = 0; first < SAMPLES; first += BLOCK) {
            const size_t count = SAMPLES - first < BLOCK ? SAMPLES - first : BLOCK;
            ck_assert_uint_eq(
                wsic_trellis_tokens(&trellis, codes + first, count, tokens + first), count);
        }
    }
    for (size_t i = 0; i < SAMPLES; i++) {
        const int32_t index = quantizer->kind == 0 ? codes[i] : wsic_token_index(tokens[i]);
        const unsigned context = quantizer->kind == 0 ? 0 : wsic_token_context(tokens[i]);
        ck_assert_int_lt(abs(index), REACH);
        seen[context][index + REACH]++;
    }
    free(tokens);
    for (unsigned context = 0; context < WSIC_TRELLIS_CONTEXTS; context++)
        sum += entropy_sum(seen[context]);
    return sum / SAMPLES;
}

typedef struct point {
    double rate;
    double distortion; /* with the best scale, of a source of variance 1 */
    double error;      /* with step as the scale */
    double gap;        /* rate - ½ log2(1 / distortion) */
} point;

static point measure(const wsic_quantizer *quantizer, double step)
{
    double *const y = malloc(SAMPLES * sizeof *y);
    int32_t *const codes = malloc(SAMPLES * sizeof *codes);
    double yy = 0.0, yz = 0.0, zz = 0.0;
    random_state random = {41};

    random_fill(&random, y, SAMPLES);
    for (size_t i = 0; i < SAMPLES; i += BLOCK) {
        const wsic_stretch stretch = {y + i, BLOCK, step, NULL, NULL};
        ck_assert(quantize(quantizer, &stretch, codes + i));
    }
    for (size_t i = 0; i < SAMPLES; i++) {
        yy += y[i] * y[i];
        yz += y[i] * codes[i];
        zz += (double)codes[i] * codes[i];
    }
    point p = {.rate = rate_of(quantizer, codes),
               .distortion = (yy - yz * yz / zz) / yy,
               .error = (yy - 2.0 * step * yz + step * step * zz) / yy};
    p.gap = p.rate + 0.5 * log2(p.distortion);
    free(codes);
    free(y);
    return p;
}

/* What is left of the 0.2546 bit that single numbers cost at high rate. Nothing may fall
 * below the limit. The bounds are 0.01 above what was measured. */
START_TEST(trellis_gains_on_a_gaussian)
{
    static const double high_rate[] = {0.115, 0.10, 0.09, 0.078, 0.069, 0.061, 0.055};
    static const double low_rate[] = {0.183, 0.15, 0.14, 0.125, 0.11, 0.095, 0.09};
    env_fixture f = env_open();
    const unsigned kind = (unsigned)_i + WSIC_TRELLIS_KIND_LEAST;
    wsic_quantizer quantizer = create(&f.env, WSIC_QUANTIZE_TRELLIS, kind, BLOCK, 0.5);
    const point high = measure(&quantizer, 0.145), low = measure(&quantizer, 1.1);

    ck_assert_double_eq_tol(high.rate, 3.9, 0.05);
    ck_assert_msg(high.gap > 0.0 && high.gap < high_rate[_i], "%f bits: gap %f", high.rate,
                  high.gap);
    ck_assert_double_eq_tol(low.rate, 1.2, 0.1);
    ck_assert_msg(low.gap > 0.0 && low.gap < low_rate[_i], "%f bits: gap %f", low.rate, low.gap);
    wsic_quantizer_release(&f.env, &quantizer);
    env_close(&f);
}
END_TEST

/* At the same step all kinds give nearly the rate of the scalar one, as plans expect. */
START_TEST(rates_agree_at_the_same_step)
{
    env_fixture f = env_open();

    for (double c = 0.25; c < 1.1; c *= 2.0) {
        const point scalar = measure(&wsic_quantizer_scalar, c);
        for (int which = WSIC_QUANTIZE_RDO; which <= WSIC_QUANTIZE_TRELLIS; which++) {
            wsic_quantizer quantizer = create(&f.env, which, 3, BLOCK, 0.5);
            const point other = measure(&quantizer, c * wsic_quantizer_grid(which));
            ck_assert_double_eq_tol(other.rate, scalar.rate, 0.15);
            wsic_quantizer_release(&f.env, &quantizer);
        }
    }
    env_close(&f);
}
END_TEST

START_TEST(bits_are_worth_their_error)
{
    env_fixture f = env_open();

    for (double c = 0.5; c < 2.1; c *= 2.0) {
        wsic_quantizer quantizer = create(&f.env, WSIC_QUANTIZE_RDO, 0, 0, 0.5);
        const double lambda = 0.5 * 2.0 * log(2.0) * c * c / 12.0;
        const point plain = measure(&wsic_quantizer_scalar, c), better = measure(&quantizer, c);
        ck_assert_double_lt(better.rate, plain.rate);
        ck_assert_double_gt(better.error, plain.error);
        ck_assert_double_lt(better.error + lambda * better.rate, plain.error + lambda * plain.rate);
        ck_assert_double_gt(better.gap, 0.0);
        wsic_quantizer_release(&f.env, &quantizer);
    }
    env_close(&f);
}
END_TEST

START_TEST(rdo_without_weight_is_rounding)
{
    env_fixture f = env_open();
    wsic_quantizer quantizer = create(&f.env, WSIC_QUANTIZE_RDO, 0, 0, 0.0);
    double y[1000];
    int32_t codes[1000], plain[1000];
    random_state random = {3};

    random_fill(&random, y, 1000);
    y[17] = 3e9 * 0.1;
    const wsic_stretch stretch = {y, 1000, 0.3, NULL, NULL};
    ck_assert(quantize(&quantizer, &stretch, codes));
    ck_assert(quantize(&wsic_quantizer_scalar, &stretch, plain));
    ck_assert_mem_eq(codes, plain, sizeof codes);
    wsic_quantizer_release(&f.env, &quantizer);
    env_close(&f);
}
END_TEST

/* --- corners ------------------------------------------------------------------------ */

/* Rows of zeros must stay zeros, whatever a detour might gain the rows around them. */
START_TEST(zeros_stay_zeros)
{
    enum { COUNT = 5000 };
    env_fixture f = env_open();
    double *const y = malloc(COUNT * sizeof *y);
    int32_t *const codes = malloc(COUNT * sizeof *codes);
    int32_t *const tokens = malloc(COUNT * sizeof *tokens);
    random_state random = {9};
    wsic_trellis trellis;

    random_fill(&random, y, COUNT);
    for (size_t i = 0; i < COUNT; i += 1 + random_bits(&random) % 3)
        y[i] = i % 2 == 0 ? 0.0 : -0.0;
    for (unsigned kind = WSIC_TRELLIS_KIND_LEAST; kind <= WSIC_TRELLIS_KIND_MOST; kind++) {
        /* More rows than are searched at once. */
        wsic_quantizer quantizer = create(&f.env, WSIC_QUANTIZE_TRELLIS, kind, COUNT, 0.4);
        const wsic_stretch stretch = {y, COUNT, 0.5, NULL, NULL};
        ck_assert(quantize(&quantizer, &stretch, codes));
        wsic_trellis_make(&trellis, kind);
        ck_assert_uint_eq(wsic_trellis_tokens(&trellis, codes, COUNT, tokens), COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            ck_assert(y[i] != 0.0 || codes[i] == 0);
            ck_assert_double_lt(fabs(y[i] / 0.5 - codes[i]), 3.5);
        }
        wsic_quantizer_release(&f.env, &quantizer);
    }
    free(tokens);
    free(codes);
    free(y);
    env_close(&f);
}
END_TEST

START_TEST(what_leaves_the_range_is_refused)
{
    static const double bad[] = {0x1p31, -0x1p31, 1e300, HUGE_VAL, NAN};
    env_fixture f = env_open();

    for (int which = WSIC_QUANTIZE_RDO; which <= WSIC_QUANTIZE_TRELLIS; which++) {
        wsic_quantizer quantizer = create(&f.env, which, 3, 8, 0.5);
        double y[] = {1.0, -0x1.fffffffp28, 0x1.fffffffp28, 0.5};
        int32_t codes[4];
        const wsic_stretch stretch = {y, 4, 1.0, NULL, NULL};
        ck_assert(quantize(&quantizer, &stretch, codes));
        for (size_t i = 0; i < 4; i++)
            ck_assert_double_lt(fabs(codes[i] - y[i]), 4.0);
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
            y[2] = bad[k];
            ck_assert(!quantize(&quantizer, &stretch, codes));
        }
        wsic_quantizer_release(&f.env, &quantizer);
    }
    env_close(&f);
}
END_TEST

/* Numbers beyond every code are refused, and each gets the code that is nearest. */
START_TEST(scalars_beyond_all_codes_end_at_the_last_one)
{
    static const double beyond[] = {0x1p31, 0x1p31 + 1, 0x1p52, 1e300, HUGE_VAL};
    double y[2];
    int32_t codes[2];
    const wsic_stretch stretch = {y, 2, 1.0, NULL, NULL};

    for (size_t k = 0; k < sizeof beyond / sizeof *beyond; k++) {
        y[0] = beyond[k];
        y[1] = -beyond[k];
        ck_assert(!wsic_quantizer_scalar.quantize(NULL, &stretch, NULL, codes));
        ck_assert_int_eq(codes[0], INT32_MAX);
        ck_assert_int_eq(codes[1], INT32_MIN);
    }
    y[0] = INT32_MAX;
    y[1] = -INT32_MAX;
    ck_assert(wsic_quantizer_scalar.quantize(NULL, &stretch, NULL, codes));
    ck_assert_int_eq(codes[0], INT32_MAX);
    ck_assert_int_eq(codes[1], -INT32_MAX);
}
END_TEST

/* Cost of codes whose bits are those of each half of the rows. */
static double cost_of(const double *y, const int32_t *codes, size_t count, double step,
                      double lambda)
{
    static unsigned seen[2][2 * REACH];
    double error = 0.0;

    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < count; i++) {
        error += (y[i] / step - codes[i]) * (y[i] / step - codes[i]);
        seen[i % 2][codes[i] + REACH]++;
    }
    return error + lambda * (entropy_sum(seen[0]) + entropy_sum(seen[1]));
}

/* Rows of a quarter of the others' width: who knows it pays less. */
START_TEST(widths_of_rows_help)
{
    enum { COUNT = 8192 };
    env_fixture f = env_open();
    wsic_quantizer quantizer = create(&f.env, WSIC_QUANTIZE_RDO, 0, 0, 1.0);
    double *const y = malloc(COUNT * sizeof *y);
    int32_t *const codes = malloc(COUNT * sizeof *codes);
    int8_t widths[COUNT];
    random_state random = {77};

    random_fill(&random, y, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        widths[i] = i % 2 == 0 ? 4 : -8;
        y[i] *= exp2(0.25 * widths[i]);
    }
    const double lambda = 2.0 * log(2.0) / 12.0;
    const wsic_stretch ignorant = {y, COUNT, 1.0, NULL, NULL},
                       knowing = {y, COUNT, 1.0, widths, NULL};
    ck_assert(quantize(&quantizer, &ignorant, codes));
    const double without = cost_of(y, codes, COUNT, 1.0, lambda);
    ck_assert(quantize(&quantizer, &knowing, codes));
    const double with = cost_of(y, codes, COUNT, 1.0, lambda);
    ck_assert_msg(with < without - 0.002 * COUNT, "%f with widths, %f without", with, without);
    free(codes);
    free(y);
    wsic_quantizer_release(&f.env, &quantizer);
    env_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("quantizer");
    TCase *const tests = tcase_create("quantizer");
    enum { KINDS = WSIC_TRELLIS_KIND_MOST - WSIC_TRELLIS_KIND_LEAST + 1 };

    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, viterbi_finds_the_best_of_all_paths, 0, KINDS);
    tcase_add_loop_test(tests, trellis_finds_the_nearest_of_all_paths, 0, KINDS);
    tcase_add_loop_test(tests, trellis_gains_on_a_gaussian, 0, KINDS);
    tcase_add_test(tests, rates_agree_at_the_same_step);
    tcase_add_test(tests, bits_are_worth_their_error);
    tcase_add_test(tests, rdo_without_weight_is_rounding);
    tcase_add_test(tests, zeros_stay_zeros);
    tcase_add_test(tests, what_leaves_the_range_is_refused);
    tcase_add_test(tests, scalars_beyond_all_codes_end_at_the_last_one);
    tcase_add_test(tests, widths_of_rows_help);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
