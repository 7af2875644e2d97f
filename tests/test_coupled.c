/* SPDX-License-Identifier: MIT */
/* Feedback from row to row within a column: the search through a trellis whose paths move what
 * comes after them, against all paths and against a plain search in double precision; and the
 * recursion over columns against plain loops. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "env_fixture.h"
#include "quant/coupled.h"
#include "quant/trellis_window.h"
#include "random.h"

enum {
    ROWS = WSIC_WINDOW_ROWS,
    FARTHEST = 60, /* level that the plain search tries */
    KEPT = 96      /* rows of a window that are decided, where more follow */
};

/* --- a window ------------------------------------------------------------------------------ */

typedef struct case_of_window {
    double number[ROWS], own[ROWS];
    float gain[ROWS * ROWS], weight[ROWS];
    int8_t row_width[ROWS];
    uint8_t start;
    wsic_window window;
} case_of_window;

/* Numbers of N(0, spread²) in steps; every error moves each row behind it by about `fed_back`. */
static void make_window(case_of_window *c, size_t count, size_t ahead, double spread,
                        double fed_back, uint64_t seed)
{
    random_state random = {seed};

    memset(c, 0, sizeof *c);
    for (size_t k = 0; k < count + ahead; k++) {
        c->number[k] = spread * random_normal(&random);
        c->own[k] = c->number[k] + 0.1 * random_normal(&random);
        c->weight[k] = (float)exp2(random_symmetric(&random));
        c->row_width[k] = (int8_t)(random_bits(&random) % 5) - 2;
        for (size_t i = k + 1; i < count + ahead; i++)
            c->gain[k * ROWS + i] = (float)(fed_back * random_normal(&random));
    }
    c->window = (wsic_window){
        .number = c->number,
        .own = c->own,
        .back = 0.9,
        .count = count,
        .ahead = ahead,
        .gain = c->gain,
        .weight = c->weight,
        .row_width = c->row_width,
        .column_width = (int)lround(4.0 * log2(spread)),
        .trellis_state = &c->start,
    };
}

static wsic_quantizer make_trellis(const env_fixture *f, unsigned kind, double lambda)
{
    const wsic_quantizer_choice choice = {
        .which = WSIC_QUANTIZE_TRELLIS, .kind = kind, .restart_rows = 512, .lambda = lambda};
    wsic_quantizer quantizer;

    ck_assert_int_eq(wsic_quantizer_create(&f->env, &choice, &quantizer), WSIC_OK);
    return quantizer;
}

/* By the plain steps, and by the fastest that this processor has. */
static uint8_t search(const wsic_quantizer *quantizer, const wsic_window *window, int32_t *codes)
{
    const uint8_t start = *window->trellis_state;
    void *const workspace = aligned_alloc(64, (quantizer->window_workspace + 63) / 64 * 64);
    int32_t plain[ROWS];

    ck_assert_ptr_nonnull(workspace);
    ck_assert(wsic_trellis_window(quantizer->state, window, workspace, plain));
    const uint8_t behind = *window->trellis_state;
    *window->trellis_state = start;
    ck_assert(quantizer->quantize_window(quantizer->state, window, workspace, codes));
    ck_assert_mem_eq(codes, plain, (window->count + window->ahead) * sizeof *codes);
    ck_assert_uint_eq(*window->trellis_state, behind);
    free(workspace);
    return *window->trellis_state;
}

/* --- a plain search ------------------------------------------------------------------------- */

typedef struct level_choice {
    double cost;
    int32_t level;
} level_choice;

/* Index of a level in a codebook; false where the codebook does not have it. */
static bool has_level(unsigned codebook, int32_t level, int32_t *index)
{
    const int32_t magnitude = abs(level);

    if (magnitude % 2 != (int)codebook && level != 0)
        return false;
    *index = (magnitude + (int32_t)codebook) / 2;
    return true;
}

/* The best of all levels of a codebook whose index has the parity. */
static level_choice choose_level(const wsic_trellis_quantizer *q, size_t width, double weight,
                                 double number, unsigned codebook, int32_t parity)
{
    level_choice best = {HUGE_VAL, 0};

    for (int32_t level = -FARTHEST; level <= FARTHEST; level++) {
        int32_t index;
        if (!has_level(codebook, level, &index) || index % 2 != parity)
            continue;
        const double cost = weight * (number - level) * (number - level) +
                            q->lambda * q->model.bits[width][codebook][wsic_rate_magnitude(index)];
        if (cost < best.cost)
            best = (level_choice){cost, level};
    }
    return best;
}

typedef struct path {
    double cost;
    double fed[ROWS]; /* what its errors move every row by */
    int32_t codes[ROWS];
    uint8_t states[ROWS]; /* behind each row */
} path;

/* The path one row longer. */
static void extend(const wsic_trellis_quantizer *q, const wsic_window *w, size_t row,
                   unsigned state, int32_t parity, path *p)
{
    const wsic_trellis *const trellis = &q->viterbi.trellis;
    const level_choice choice = choose_level(
        q, wsic_width_entry(w->column_width + w->row_width[row]), (double)w->weight[row],
        w->number[row] + p->fed[row], trellis->codebook[state], parity);
    const double error = w->own[row] - w->back * choice.level;

    p->cost += choice.cost;
    p->codes[row] = choice.level;
    p->states[row] = trellis->next[state][parity];
    for (size_t i = row + 1; i < w->count + w->ahead; i++)
        p->fed[i] += (double)w->gain[row * ROWS + i] * error;
}

/* To every state the cheaper of two paths. */
static void plain_search(const wsic_trellis_quantizer *q, const wsic_window *w, uint8_t start,
                         path *best)
{
    const size_t states = q->viterbi.trellis.states;
    path *paths = calloc(2 * states, sizeof *paths), *next = paths + states, *const memory = paths;

    for (size_t s = 0; s < states; s++)
        paths[s].cost = s == start ? 0.0 : HUGE_VAL;
    for (size_t row = 0; row < w->count + w->ahead; row++) {
        for (size_t s = 0; s < states; s++)
            next[s].cost = HUGE_VAL;
        for (size_t s = 0; s < states; s++) {
            for (int32_t parity = 0; parity < 2 && paths[s].cost < HUGE_VAL; parity++) {
                path longer = paths[s];
                extend(q, w, row, (unsigned)s, parity, &longer);
                if (longer.cost < next[longer.states[row]].cost)
                    next[longer.states[row]] = longer;
            }
        }
        path *const other = paths;
        paths = next;
        next = other;
    }
    *best = paths[0];
    for (size_t s = 1; s < states; s++)
        *best = paths[s].cost < best->cost ? paths[s] : *best;
    free(memory);
}

START_TEST(a_window_is_searched_as_plain_loops_do)
{
    env_fixture f = env_open();
    case_of_window c;
    path expected;
    int32_t codes[ROWS];
    const unsigned kind = 2 + (unsigned)_i % 4;
    wsic_quantizer quantizer = make_trellis(&f, kind, _i % 3 == 0 ? 0.0 : 0.85);
    for (uint64_t seed = 0; seed < 6; seed++) {
        const size_t count = seed < 3 ? 7 + 20 * seed : KEPT, ahead = seed < 3 ? seed : 32;
        make_window(&c, count, ahead, exp2((double)_i / 2.0 - 1.0), 0.1, 100 * (uint64_t)_i + seed);
        c.start = (uint8_t)(seed % (1U << kind));
        plain_search(quantizer.state, &c.window, c.start, &expected);
        ck_assert_uint_eq(search(&quantizer, &c.window, codes), expected.states[count - 1]);
        ck_assert_mem_eq(codes, expected.codes, (count + ahead) * sizeof *codes);
    }
    wsic_quantizer_release(&f.env, &quantizer);
    env_close(&f);
}
END_TEST

/* Before paths meet for the first time none is given up: what is found is the best of all. */
START_TEST(of_all_paths_the_best_is_found_while_none_meet)
{
    enum { KIND = 6, SHORT = KIND };
    env_fixture f = env_open();
    case_of_window c;
    int32_t codes[ROWS];
    wsic_quantizer quantizer = make_trellis(&f, KIND, 0.85);
    make_window(&c, SHORT, 0, 3.0, 0.4, 7 + (uint64_t)_i);
    path best = {.cost = HUGE_VAL};
    for (unsigned way = 0; way < 1U << SHORT; way++) {
        path one = {.cost = 0.0};
        for (size_t row = 0; row < SHORT; row++)
            extend(quantizer.state, &c.window, row, row == 0 ? 0 : one.states[row - 1],
                   way >> row & 1, &one);
        best = one.cost < best.cost ? one : best;
    }
    ck_assert_uint_eq(search(&quantizer, &c.window, codes), best.states[SHORT - 1]);
    ck_assert_mem_eq(codes, best.codes, SHORT * sizeof *codes);
    wsic_quantizer_release(&f.env, &quantizer);
    env_close(&f);
}
END_TEST

/* Without feedback no sequence of levels that the trellis allows is cheaper: among all of them. */
START_TEST(without_feedback_no_sequence_is_cheaper)
{
    enum { SHORT = 5, REACH = 4, LEVELS = 2 * REACH + 1 };
    env_fixture f = env_open();
    case_of_window c;
    int32_t codes[ROWS], best[SHORT] = {0};
    double least = HUGE_VAL;
    wsic_quantizer quantizer = make_trellis(&f, 2, 0.85);
    const wsic_trellis_quantizer *const q = quantizer.state;
    make_window(&c, SHORT, 0, 1.0, 0.0, 50 + (uint64_t)_i);
    for (unsigned all = 0; all < LEVELS * LEVELS * LEVELS * LEVELS * LEVELS; all++) {
        int32_t levels[SHORT], index = 0;
        unsigned rest = all, state = 0;
        double cost = 0.0;
        for (size_t row = 0; row < SHORT; row++, rest /= LEVELS) {
            const unsigned codebook = q->viterbi.trellis.codebook[state];
            levels[row] = (int32_t)(rest % LEVELS) - REACH;
            if (!has_level(codebook, levels[row], &index)) {
                cost = HUGE_VAL;
                break;
            }
            const size_t width = wsic_width_entry(c.window.column_width + c.row_width[row]);
            const double left = c.number[row] - levels[row];
            cost += (double)c.weight[row] * left * left +
                    q->lambda * q->model.bits[width][codebook][index];
            state = q->viterbi.trellis.next[state][index % 2];
        }
        if (cost < least) {
            least = cost;
            memcpy(best, levels, sizeof best);
        }
    }
    search(&quantizer, &c.window, codes);
    ck_assert_mem_eq(codes, best, sizeof best);
    wsic_quantizer_release(&f.env, &quantizer);
    env_close(&f);
}
END_TEST

/* Far from zero every level costs the same bits: λ of 0 makes that exact. */
START_TEST(numbers_far_from_zero_are_no_different)
{
    enum { COUNT = 40 };
    env_fixture f = env_open();
    case_of_window near, far;
    int32_t codes[ROWS], moved[ROWS];
    wsic_quantizer quantizer = make_trellis(&f, 4, 0.0);
    make_window(&near, COUNT, 0, 1.0, 0.1, 80 + (uint64_t)_i);
    /* Both lie where codebooks are lattices of period 4. */
    for (size_t k = 0; k < COUNT; k++)
        near.number[k] += 40.0;
    far = near;
    far.window.number = far.number;
    far.window.own = far.own;
    far.window.gain = far.gain;
    far.window.weight = far.weight;
    far.window.row_width = far.row_width;
    far.window.trellis_state = &far.start;
    for (size_t k = 0; k < COUNT; k++) {
        near.own[k] = near.number[k];
        far.number[k] += 4000.0;
        far.own[k] = near.own[k] + near.window.back * 4000.0; /* the same errors */
    }
    search(&quantizer, &near.window, codes);
    search(&quantizer, &far.window, moved);
    for (size_t k = 0; k < COUNT; k++)
        ck_assert_int_eq(moved[k], codes[k] + 4000);
    wsic_quantizer_release(&f.env, &quantizer);
    env_close(&f);
}
END_TEST

/* --- the recursion over columns --------------------------------------------------------------- */

enum { N = 7, MOST = 150 };

typedef struct case_of_columns {
    size_t rows;
    double L[N * N], W[N * MOST], bias[N * MOST], A[MOST * MOST];
    double alpha[N], gamma[N], error_share[N], passed_on[N];
    int8_t row_width[MOST];
    uint8_t states[N];
    wsic_coupled problem;
} case_of_columns;

static case_of_columns *make_columns(const wsic_quantizer *quantizer, size_t rows, uint64_t seed)
{
    case_of_columns *const c = calloc(1, sizeof *c);
    random_state random = {seed};

    c->rows = rows;
    for (size_t j = 0; j < N; j++) {
        for (size_t i = j; i < N; i++)
            c->L[j * N + i] = i == j ? 1.0 + random_uniform(&random) : 0.4 * random_normal(&random);
        c->alpha[j] = 0.3 + 0.3 * random_uniform(&random);
        c->gamma[j] = 0.8 + 0.2 * random_uniform(&random);
        c->error_share[j] = 0.9 + 0.1 * random_uniform(&random);
        c->passed_on[j] = 0.7 + 0.3 * random_uniform(&random);
        c->states[j] = (uint8_t)(j % 4);
    }
    random_fill(&random, c->W, N * rows);
    for (size_t k = 0; k < N * rows; k++)
        c->bias[k] = 0.1 * random_normal(&random);
    for (size_t s = 0; s < rows; s++) {
        c->row_width[s] = (int8_t)(s % 3) - 1;
        for (size_t r = s; r < rows; r++)
            c->A[s * rows + r] = r == s ? 1.0 + 0.5 * random_uniform(&random)
                                        : 1.0 / sqrt((double)rows) * random_normal(&random);
    }
    c->problem = (wsic_coupled){
        .rows = rows,
        .columns = N,
        .L = c->L,
        .alpha = c->alpha,
        .gamma = c->gamma,
        .error_share = c->error_share,
        .passed_on = c->passed_on,
        .bias = seed % 2 == 0 ? c->bias : NULL,
        .quantizer = quantizer,
        .row_width = c->row_width,
        .A = c->A,
        .lda = rows,
        .states = c->states,
    };
    return c;
}

/* Σ A_sk e_s / A_kk over the rows s that are decided before row k. */
static double fed_back(const case_of_columns *c, const double *errors, size_t k)
{
    double sum = 0.0;

    for (size_t s = k + 1; s < c->rows; s++)
        sum += c->A[k * c->rows + s] * errors[s];
    return sum / c->A[k * c->rows + k];
}

/* Of a trellis: the rows below place `end` whose codes are settled together. */
static size_t plain_rows(const case_of_columns *c, size_t column, size_t end, int width,
                         const double *numbers, const double *own, double back, int32_t *codes)
{
    const size_t count = end < KEPT ? end : KEPT;
    const size_t ahead = end - count < ROWS - KEPT ? end - count : ROWS - KEPT;
    case_of_window w;
    path best;

    memset(&w, 0, sizeof w);
    for (size_t k = 0; k < count + ahead; k++) {
        const size_t place = end - 1 - k;
        const double diagonal = c->A[place * c->rows + place];
        w.number[k] = numbers[place];
        w.own[k] = own[place];
        w.weight[k] = (float)(diagonal * diagonal);
        w.row_width[k] = c->row_width[place];
        for (size_t i = 0; i < k; i++)
            w.gain[i * ROWS + k] = (float)(c->A[place * c->rows + end - 1 - i] / diagonal);
    }
    w.window = (wsic_window){w.number, w.own,    back,        count, ahead,
                             w.gain,   w.weight, w.row_width, width, NULL};
    plain_search(c->problem.quantizer->state, &w.window, c->problem.states[column], &best);
    for (size_t k = 0; k < count; k++)
        codes[end - 1 - k] = best.codes[k];
    c->problem.states[column] = best.states[count - 1];
    return count;
}

/* One column: y becomes what the quantizer saw. */
static void plain_column(const case_of_columns *c, size_t j, double *y, int32_t *codes)
{
    const double step = c->alpha[j] * c->L[j * N + j];
    const double level = c->gamma[j] * step, seen = step * c->error_share[j];
    const wsic_stretch all = {.y = y, .count = c->rows, .step = seen, .row_width = c->row_width};
    const int width = wsic_stretch_width(&all);
    double errors[MOST] = {0.0}, numbers[MOST], own[MOST];

    for (size_t r = 0; r < c->rows; r++)
        own[r] = c->passed_on[j] * (y[r] + (c->problem.bias ? c->bias[j * c->rows + r] : 0.0));
    for (size_t end = c->rows, count = 1; end > 0; end -= count) {
        if (c->problem.quantizer->quantize_window) {
            double scaled[MOST];
            for (size_t r = 0; r < end; r++) {
                numbers[r] = (y[r] + fed_back(c, errors, r)) / seen;
                scaled[r] = own[r] / seen;
            }
            count = plain_rows(c, j, end, width, numbers, scaled, c->passed_on[j] * level / seen,
                               codes);
        } else {
            codes[end - 1] = (int32_t)nearbyint((y[end - 1] + fed_back(c, errors, end - 1)) / seen);
        }
        for (size_t r = end; r-- > end - count;)
            errors[r] = own[r] - c->passed_on[j] * level * codes[r];
    }
    for (size_t r = 0; r < c->rows; r++)
        y[r] += fed_back(c, errors, r);
}

/* Columns from the last to the first; codes and sums. */
static void plain_recursion(const case_of_columns *c, int32_t *codes, wsic_coupled_sums *sums)
{
    for (size_t j = N; j-- > 0;) {
        double y[MOST];
        int32_t *const z = codes + j * c->rows;
        for (size_t r = 0; r < c->rows; r++) {
            y[r] = 0.0;
            for (size_t k = j; k < N; k++)
                y[r] += c->W[k * c->rows + r] * c->L[j * N + k];
            for (size_t k = j + 1; k < N; k++)
                y[r] -= c->gamma[k] * c->alpha[k] * codes[k * c->rows + r] * c->L[j * N + k];
        }
        plain_column(c, j, y, z);
        const double step = c->alpha[j] * c->L[j * N + j];
        for (size_t r = 0; r < c->rows; r++) {
            const double left = y[r] - c->gamma[j] * step * z[r];
            sums->zy[j] += z[r] * y[r] / (step * c->error_share[j]);
            sums->zz[j] += (double)z[r] * z[r];
            sums->residual += left * left;
            sums->target_energy += y[r] * y[r];
        }
    }
}

static void check_near(double found, double expected)
{
    ck_assert_double_eq_tol(found, expected, 1e-6 * fabs(expected) + 1e-9);
}

static void check_columns(const env_fixture *f, const wsic_quantizer *quantizer, size_t rows,
                          uint64_t seed)
{
    case_of_columns *const c = make_columns(quantizer, rows, seed);
    int32_t *const codes = calloc(2 * N * rows, sizeof *codes), *const expected = codes + N * rows;
    double *const y = calloc(N * rows, sizeof *y);
    double sum[4][N] = {{0.0}};
    wsic_coupled_sums sums = {.zy = sum[0], .zz = sum[1]}, plain = {.zy = sum[2], .zz = sum[3]};
    const wsic_progress span = {"test", 0.0, 1.0};
    uint8_t start[N], behind[N];

    for (size_t j = 0; j < N; j++) {
        for (size_t r = 0; r < rows; r++) {
            for (size_t k = j; k < N; k++)
                y[j * rows + r] += c->W[k * rows + r] * c->L[j * N + k];
        }
    }
    memcpy(start, c->states, sizeof start);
    ck_assert_int_eq(wsic_coupled_run(&f->env, &span, &c->problem, y, codes, &sums), WSIC_OK);
    memcpy(behind, c->states, sizeof behind);
    memcpy(c->states, start, sizeof start);
    plain_recursion(c, expected, &plain);
    ck_assert_mem_eq(codes, expected, N * rows * sizeof *codes);
    if (quantizer->quantize_window)
        ck_assert_mem_eq(behind, c->states, sizeof behind);
    for (size_t j = 0; j < N; j++) {
        check_near(sum[0][j], sum[2][j]);
        check_near(sum[1][j], sum[3][j]);
        for (size_t r = 0; r < rows; r++)
            check_near(y[j * rows + r], c->gamma[j] * c->alpha[j] * codes[j * rows + r]);
    }
    check_near(sums.residual, plain.residual);
    check_near(sums.target_energy, plain.target_energy);
    free(y);
    free(codes);
    free(c);
}

START_TEST(rounded_columns_are_those_of_plain_loops)
{
    static const size_t rows[] = {1, 2, 13, 96, 97, MOST};
    env_fixture f = env_open();
    check_columns(&f, &wsic_quantizer_scalar, rows[_i % 6], 200 + (uint64_t)_i);
    env_close(&f);
}
END_TEST

START_TEST(columns_of_a_trellis_are_those_of_plain_loops)
{
    static const size_t rows[] = {1, 2, 13, 96, 130, MOST};
    env_fixture f = env_open();
    wsic_quantizer quantizer = make_trellis(&f, 2 + (unsigned)_i / 6, 0.85);
    check_columns(&f, &quantizer, rows[_i % 6], 300 + (uint64_t)_i);
    wsic_quantizer_release(&f.env, &quantizer);
    env_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("coupled");
    TCase *const window = tcase_create("window");
    TCase *const columns = tcase_create("columns");

    tcase_add_loop_test(window, a_window_is_searched_as_plain_loops_do, 0, 8);
    tcase_add_loop_test(window, of_all_paths_the_best_is_found_while_none_meet, 0, 10);
    tcase_add_loop_test(window, without_feedback_no_sequence_is_cheaper, 0, 6);
    tcase_add_loop_test(window, numbers_far_from_zero_are_no_different, 0, 4);
    tcase_add_loop_test(columns, rounded_columns_are_those_of_plain_loops, 0, 12);
    tcase_add_loop_test(columns, columns_of_a_trellis_are_those_of_plain_loops, 0, 12);
    tcase_set_timeout(window, 60);
    tcase_set_timeout(columns, 60);
    suite_add_tcase(suite, window);
    suite_add_tcase(suite, columns);
    return run_suite(suite);
}
