/* SPDX-License-Identifier: MIT */
/* Statistics of pairs against their definition; what may be mixed and what not; files. */
#include <math.h>
#include <string.h>

#include "api/stats.h"
#include "check_main.h"
#include "counting_allocator.h"
#include "base/checksum.h"
#include "temporary.h"
#include "tokens.h"

enum { A = 5 };

static counting_allocator counter;
static wsic_context *context;
static wsic_stats *stats;
static temporary place;

/* X, X̂ and R - R̂ of the same tokens, in three types. */
typedef struct pairs {
    tokens x, xq, r;
} pairs;

static pairs batch, second;

static void make_pairs(pairs *p, size_t count, uint64_t seed)
{
    make_tokens(&p->x, WSIC_F32, count, seed);
    make_tokens(&p->xq, WSIC_BF16, count, seed + 100);
    make_tokens(&p->r, WSIC_F16, count, seed + 200);
    p->r.matrix.columns = A;
}

static void begin(void)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(context, N, &stats), WSIC_OK);
    temporary_create(&place);
    make_pairs(&batch, 300, 1);
    make_pairs(&second, 70, 2);
}

static void end(void)
{
    temporary_destroy(&place);
    wsic_stats_destroy(stats);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

static wsic_status add(wsic_stats *to, const pairs *p, bool residual, bool weighted)
{
    return wsic_stats_add_pair(to, &p->x.matrix, &p->xq.matrix, residual ? &p->r.matrix : NULL,
                               weighted ? p->x.weights : NULL);
}

static double value_of(const tokens *from, size_t t, size_t j)
{
    double value;

    wsic_load_f64(&value,
                  (const char *)from->storage +
                      (t * STRIDE + j) * wsic_dtype_size(from->matrix.dtype),
                  from->matrix.dtype, 1);
    return value;
}

static double mean_product(const tokens *left, size_t i, const tokens *right, size_t j,
                           const double *weights)
{
    double sum = 0, total = 0;

    for (size_t t = 0; t < left->matrix.rows; t++) {
        const double w = weights ? weights[t] : 1;
        sum += w * value_of(left, t, i) * value_of(right, t, j);
        total += w;
    }
    return sum / total;
}

/* The definition: the mean of w left rightᵀ. */
static void check_moment(const wsic_stats *of, int32_t which, const tokens *left,
                         const tokens *right, const double *weights)
{
    double found[N * N] = {0};
    const size_t rows = left->matrix.columns;
    const bool square = which == WSIC_MOMENT_RESIDUAL_ENERGY;
    const size_t columns = square ? 1 : right->matrix.columns;
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, found, WSIC_F64, rows, columns, 0);
    ck_assert_int_eq(wsic_stats_get_moment(of, which, &view), WSIC_OK);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            const size_t other = square ? i : j;
            const double unit = sqrt(mean_product(left, i, left, i, weights) *
                                     mean_product(right, other, right, other, weights));
            ck_assert_double_eq_tol(found[i * columns + j],
                                    mean_product(left, i, right, other, weights),
                                    tokens_error(left->matrix.dtype) * unit);
        }
    }
}

static void check_all(const wsic_stats *of, const pairs *p, bool residual, const double *weights)
{
    check_moment(of, WSIC_MOMENT_INPUT, &p->x, &p->x, weights);
    check_moment(of, WSIC_MOMENT_QUANTIZED, &p->xq, &p->xq, weights);
    check_moment(of, WSIC_MOMENT_CROSS, &p->x, &p->xq, weights);
    if (!residual)
        return;
    check_moment(of, WSIC_MOMENT_RESIDUAL, &p->r, &p->xq, weights);
    check_moment(of, WSIC_MOMENT_RESIDUAL_INPUT, &p->r, &p->x, weights);
    check_moment(of, WSIC_MOMENT_RESIDUAL_ENERGY, &p->r, &p->r, weights);
}

START_TEST(moments_match_the_definition)
{
    static const size_t counts[] = {1, 255, 256, 257, TOKENS};

    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (int kind = 0; kind < 4; kind++) {
            const bool residual = kind % 2 == 1, weighted = kind / 2 == 1;
            wsic_stats *fresh;
            make_pairs(&batch, counts[c], 10 * c);
            ck_assert_int_eq(wsic_stats_create(context, N, &fresh), WSIC_OK);
            ck_assert_int_eq(add(fresh, &batch, residual, weighted), WSIC_OK);
            ck_assert_int_eq(wsic_stats_has_pairs(fresh), 1);
            ck_assert_uint_eq(wsic_stats_residual_columns(fresh), residual ? A : 0);
            check_all(fresh, &batch, residual, weighted ? batch.x.weights : NULL);
            wsic_stats_destroy(fresh);
        }
    }
}
END_TEST

/* The sum of X is that of plain statistics, bit for bit, and so is that of X̂ = X. */
START_TEST(equal_pairs_are_plain)
{
    wsic_stats *plain;
    double expected[N * N] = {0}, found[N * N] = {0};
    wsic_matrix view;

    ck_assert_int_eq(wsic_stats_create(context, N, &plain), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(plain, &batch.x.matrix, batch.x.weights), WSIC_OK);
    ck_assert_int_eq(
        wsic_stats_add_pair(stats, &batch.x.matrix, &batch.x.matrix, NULL, batch.x.weights),
        WSIC_OK);
    ck_assert(wsic_stats_samples(stats) == wsic_stats_samples(plain));
    wsic_matrix_init(&view, sizeof view, expected, WSIC_F64, N, N, 0);
    ck_assert_int_eq(wsic_stats_get_covariance(plain, &view), WSIC_OK);
    view.data = found;
    for (int32_t which = WSIC_MOMENT_INPUT; which <= WSIC_MOMENT_QUANTIZED; which++) {
        ck_assert_int_eq(wsic_stats_get_moment(stats, which, &view), WSIC_OK);
        ck_assert_mem_eq(found, expected, sizeof found);
    }
    ck_assert_int_eq(wsic_stats_get_covariance(stats, &view), WSIC_OK);
    ck_assert_mem_eq(found, expected, sizeof found);
    wsic_stats_destroy(plain);
}
END_TEST

START_TEST(kinds_do_not_mix)
{
    wsic_stats *plain, *without;
    double ones[N * N] = {0};
    wsic_matrix covariance;

    wsic_matrix_init(&covariance, sizeof covariance, ones, WSIC_F64, N, N, 0);
    ck_assert_int_eq(wsic_stats_create(context, N, &plain), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(context, N, &without), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(plain, &batch.x.matrix, NULL), WSIC_OK);
    ck_assert_int_eq(add(without, &batch, false, false), WSIC_OK);
    ck_assert_int_eq(add(stats, &batch, true, false), WSIC_OK);

    ck_assert_int_eq(add(plain, &batch, false, false), WSIC_ERROR_STATE);
    ck_assert_ptr_nonnull(strstr(wsic_stats_message(plain), "hold plain inputs"));
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.x.matrix, NULL), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &covariance, 1), WSIC_ERROR_STATE);
    ck_assert_int_eq(add(stats, &batch, false, false), WSIC_ERROR_STATE);
    ck_assert_int_eq(add(without, &batch, true, false), WSIC_ERROR_STATE);
    batch.r.matrix.columns = A - 1;
    ck_assert_int_eq(add(stats, &batch, true, false), WSIC_ERROR_SHAPE);
    batch.r.matrix.columns = A;
    ck_assert_int_eq(wsic_stats_merge(plain, stats), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_stats_merge(stats, plain), WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_stats_merge(stats, without), WSIC_ERROR_STATE);

    ck_assert_int_eq(wsic_stats_has_pairs(plain), 0);
    check_moment(plain, WSIC_MOMENT_INPUT, &batch.x, &batch.x, NULL);
    check_all(without, &batch, false, NULL);
    check_all(stats, &batch, true, NULL);
    ck_assert_int_eq(wsic_stats_get_moment(plain, WSIC_MOMENT_CROSS, &covariance),
                     WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_stats_get_moment(without, WSIC_MOMENT_RESIDUAL, &covariance),
                     WSIC_ERROR_STATE);
    ck_assert_int_eq(wsic_stats_get_moment(stats, 0, &covariance), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_get_moment(stats, 7, &covariance), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_get_moment(stats, WSIC_MOMENT_RESIDUAL, &covariance),
                     WSIC_ERROR_SHAPE);
    wsic_stats_destroy(plain);
    wsic_stats_destroy(without);
}
END_TEST

START_TEST(residuals_of_other_outputs_are_not_merged)
{
    wsic_stats *other;

    ck_assert_int_eq(wsic_stats_create(context, N, &other), WSIC_OK);
    batch.r.matrix.columns = A - 1;
    ck_assert_int_eq(add(other, &batch, true, false), WSIC_OK);
    batch.r.matrix.columns = A;
    ck_assert_int_eq(add(stats, &batch, true, false), WSIC_OK);
    ck_assert_int_eq(wsic_stats_merge(stats, other), WSIC_ERROR_SHAPE);
    ck_assert_ptr_nonnull(strstr(wsic_stats_message(stats), "residuals of"));
    check_all(stats, &batch, true, NULL);
    wsic_stats_destroy(other);
}
END_TEST

START_TEST(bad_batches_change_nothing)
{
    ck_assert_int_eq(add(stats, &batch, true, true), WSIC_OK);
    second.xq.matrix.rows--;
    ck_assert_int_eq(add(stats, &second, true, true), WSIC_ERROR_SHAPE);
    second.xq.matrix.rows++;
    second.r.matrix.rows--;
    ck_assert_int_eq(add(stats, &second, true, true), WSIC_ERROR_SHAPE);
    second.r.matrix.rows++;
    second.x.matrix.columns--;
    ck_assert_int_eq(add(stats, &second, true, true), WSIC_ERROR_SHAPE);
    second.x.matrix.columns++;
    second.xq.matrix.dtype = WSIC_I8;
    ck_assert_int_eq(add(stats, &second, true, true), WSIC_ERROR_DTYPE);
    second.xq.matrix.dtype = WSIC_BF16;
    ck_assert_int_eq(wsic_stats_add_pair(stats, &second.x.matrix, NULL, NULL, NULL),
                     WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_add_pair(NULL, &second.x.matrix, &second.xq.matrix, NULL, NULL),
                     WSIC_ERROR_ARGUMENT);
    second.x.weights[3] = -1;
    ck_assert_int_eq(add(stats, &second, true, true), WSIC_ERROR_ARGUMENT);
    second.x.weights[3] = 1;
    ((uint16_t *)second.r.storage)[STRIDE * 60 + 2] = 0x7C00;
    ck_assert_int_eq(add(stats, &second, true, true), WSIC_ERROR_NOT_FINITE);
    ck_assert_ptr_nonnull(strstr(wsic_stats_message(stats), "residual is NaN or infinite"));
    wsic_context_stop(context);
    ck_assert_int_eq(add(stats, &batch, true, true), WSIC_ERROR_CANCELLED);
    wsic_context_resume(context);
    check_all(stats, &batch, true, batch.x.weights);
}
END_TEST

START_TEST(merging_is_adding_all)
{
    wsic_stats *other, *all, *empty;

    ck_assert_int_eq(wsic_stats_create(context, N, &other), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(context, N, &all), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(context, N, &empty), WSIC_OK);
    ck_assert_int_eq(add(other, &batch, true, true), WSIC_OK);
    /* Into statistics without a sample, and from such. */
    ck_assert_int_eq(wsic_stats_merge(stats, other), WSIC_OK);
    ck_assert_int_eq(wsic_stats_merge(stats, empty), WSIC_OK);
    check_all(stats, &batch, true, batch.x.weights);

    wsic_stats_destroy(other);
    ck_assert_int_eq(wsic_stats_create(context, N, &other), WSIC_OK);
    ck_assert_int_eq(add(other, &second, true, false), WSIC_OK);
    ck_assert_int_eq(wsic_stats_merge(stats, other), WSIC_OK);
    ck_assert_int_eq(add(all, &batch, true, true), WSIC_OK);
    ck_assert_int_eq(add(all, &second, true, false), WSIC_OK);
    for (int32_t which = WSIC_MOMENT_INPUT; which <= WSIC_MOMENT_RESIDUAL_ENERGY; which++) {
        const bool of_residual = which >= WSIC_MOMENT_RESIDUAL;
        double found[N * N] = {0}, expected[N * N] = {0};
        wsic_matrix view;
        wsic_matrix_init(&view, sizeof view, found, WSIC_F64, of_residual ? A : N,
                         which == WSIC_MOMENT_RESIDUAL_ENERGY ? 1 : N, 0);
        ck_assert_int_eq(wsic_stats_get_moment(stats, which, &view), WSIC_OK);
        view.data = expected;
        ck_assert_int_eq(wsic_stats_get_moment(all, which, &view), WSIC_OK);
        for (size_t k = 0; k < view.rows * view.columns; k++)
            ck_assert_double_eq_tol(found[k], expected[k], 1e-11);
    }
    wsic_stats_destroy(other);
    wsic_stats_destroy(all);
    wsic_stats_destroy(empty);
}
END_TEST

/* --- moments from elsewhere ---------------------------------------------- */

typedef struct handed_over {
    double values[6][N * N];
    wsic_matrix matrix[6];
    wsic_pair_moments moments;
} handed_over;

static void hand_over(const wsic_stats *from, handed_over *h)
{
    for (int32_t k = 0; k < 6; k++) {
        wsic_matrix_init(&h->matrix[k], sizeof *h->matrix, h->values[k], WSIC_F64, k < 3 ? N : A,
                         k < 5 ? N : 1, 0);
        ck_assert_int_eq(wsic_stats_get_moment(from, WSIC_MOMENT_INPUT + k, &h->matrix[k]),
                         WSIC_OK);
    }
    h->moments = (wsic_pair_moments){
        sizeof h->moments, &h->matrix[0], &h->matrix[1], &h->matrix[2],
        &h->matrix[3],     &h->matrix[4], &h->matrix[5],
    };
}

START_TEST(moments_come_back)
{
    static handed_over h;
    wsic_stats *made;

    ck_assert_int_eq(add(stats, &batch, true, true), WSIC_OK);
    hand_over(stats, &h);
    ck_assert_int_eq(wsic_stats_create(context, N, &made), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 12.5), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 0.5), WSIC_OK);
    ck_assert(wsic_stats_samples(made) == 13.0);
    check_all(made, &batch, true, batch.x.weights);
    wsic_stats_destroy(made);

    h.moments.residual = h.moments.residual_input = h.moments.residual_energy = NULL;
    ck_assert_int_eq(wsic_stats_create(context, N, &made), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 3), WSIC_OK);
    check_all(made, &batch, false, batch.x.weights);
    wsic_stats_destroy(made);
}
END_TEST

START_TEST(bad_moments_are_refused)
{
    static handed_over h, good;
    wsic_stats *made;

    ck_assert_int_eq(add(stats, &batch, true, true), WSIC_OK);
    hand_over(stats, &good);
    hand_over(stats, &h);
    ck_assert_int_eq(wsic_stats_create(context, N, &made), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, NULL, 1), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_add_pair_moments(NULL, &h.moments, 1), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 0), WSIC_ERROR_ARGUMENT);
    h.moments.size = 0;
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 1), WSIC_ERROR_STRUCT_SIZE);
    h.moments.size = sizeof h.moments;
    h.moments.cross = NULL;
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 1), WSIC_ERROR_ARGUMENT);
    h.moments.cross = &h.matrix[2];
    h.moments.residual_input = NULL;
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 1), WSIC_ERROR_ARGUMENT);
    h.moments.residual_input = &h.matrix[4];
    h.moments.residual = NULL;
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 1), WSIC_ERROR_ARGUMENT);
    h.moments.residual = &h.matrix[3];
    h.matrix[4].rows--;
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 1), WSIC_ERROR_SHAPE);
    h.matrix[4].rows++;
    h.values[1][3 * N + 1] += 1.0;
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 1), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_stats_message(made), "moments->quantized is not symmetric"));
    h.values[1][3 * N + 1] = good.values[1][3 * N + 1];
    h.values[5][2] = -1.0;
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 1), WSIC_ERROR_ARGUMENT);
    h.values[5][2] = 1.0;
    h.values[3][2] = (double)NAN;
    ck_assert_int_eq(wsic_stats_add_pair_moments(made, &h.moments, 1), WSIC_ERROR_NOT_FINITE);
    ck_assert(wsic_stats_samples(made) == 0);
    ck_assert_int_eq(wsic_stats_has_pairs(made), 0);
    wsic_stats_destroy(made);
}
END_TEST

/* --- files --------------------------------------------------------------- */

static size_t make_file(uint8_t **bytes, bool residual)
{
    size_t size;

    ck_assert_int_eq(add(stats, &batch, residual, true), WSIC_OK);
    ck_assert_int_eq(wsic_stats_save(stats, temporary_path(&place, "s")), WSIC_OK);
    *bytes = read_file(place.path, &size);
    return size;
}

static wsic_status load_bytes(const uint8_t *bytes, size_t size, wsic_stats **out)
{
    write_file(temporary_path(&place, "other"), bytes, size);
    return wsic_stats_load(context, place.path, out);
}

START_TEST(saving_and_loading_is_exact)
{
    const bool residual = _i == 1;
    uint8_t *bytes;
    wsic_stats *loaded;
    wsic_moment list[WSIC_MOMENTS], again[WSIC_MOMENTS];
    const size_t size = make_file(&bytes, residual);

    ck_assert_uint_eq(size,
                      40 + 8 * N * (N + 1) + 8 * N * N + (residual ? 8 + 16 * A * N + 8 * A : 0));
    ck_assert_uint_eq(bytes[12], residual ? 3 : 1);
    ck_assert_int_eq(load_bytes(bytes, size, &loaded), WSIC_OK);
    ck_assert(wsic_stats_samples(loaded) == wsic_stats_samples(stats));
    const size_t count = wsic_moments_list(wsic_stats_moments(stats), list);
    ck_assert_uint_eq(wsic_moments_list(wsic_stats_moments(loaded), again), count);
    for (size_t k = 0; k < count; k++) {
        for (size_t j = 0; j < list[k].columns; j++) {
            for (size_t i = list[k].lower ? j : 0; i < list[k].rows; i++)
                ck_assert(list[k].sum[j * list[k].rows + i] == again[k].sum[j * list[k].rows + i]);
        }
    }
    wsic_stats_destroy(loaded);
    free(bytes);
}
END_TEST

START_TEST(damage_is_refused)
{
    uint8_t *bytes;
    wsic_stats *loaded;
    const size_t size = make_file(&bytes, true);

    for (size_t cut = 0; cut < size; cut += cut < 48 ? 1 : 7)
        ck_assert_int_eq(load_bytes(bytes, cut, &loaded), WSIC_ERROR_TRUNCATED);
    for (size_t bit = 0; bit < 8 * size; bit += bit < 400 ? 1 : 61) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_lt(load_bytes(bytes, size, &loaded), 0);
        ck_assert_ptr_null(loaded);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(bytes);
}
END_TEST

/* Residuals without pairs; no outputs; an energy below 0: with the right checksum. */
START_TEST(sealed_nonsense_is_refused)
{
    static const struct {
        size_t offset; /* from the end where `back` */
        bool back;
        uint8_t value;
    } changes[] = {{12, false, 2}, {32, false, 0}, {9, true, 0xC0}};
    uint8_t *bytes;
    wsic_stats *loaded;
    const size_t size = make_file(&bytes, true);

    for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
        uint8_t *const place_of =
            bytes + (changes[k].back ? size - changes[k].offset : changes[k].offset);
        const uint8_t kept = *place_of;
        *place_of = changes[k].value;
        const uint64_t checksum = wsic_checksum_of(bytes, size - 8);
        for (size_t i = 0; i < 8; i++)
            bytes[size - 8 + i] = (uint8_t)(checksum >> 8 * i);
        ck_assert_msg(load_bytes(bytes, size, &loaded) == WSIC_ERROR_FORMAT, "change %zu", k);
        *place_of = kept;
    }
    free(bytes);
}
END_TEST

/* --- memory -------------------------------------------------------------- */

static wsic_status whole_life(void *data)
{
    const pairs *const p = data;
    wsic_stats *made = NULL, *loaded = NULL, *merged = NULL;

    wsic_status status = wsic_stats_create(context, N, &made);
    if (status == WSIC_OK)
        status = add(made, p, true, true);
    if (status == WSIC_OK)
        status = wsic_stats_create(context, N, &merged);
    if (status == WSIC_OK)
        status = wsic_stats_merge(merged, made);
    if (status == WSIC_OK)
        status = wsic_stats_save(merged, temporary_path(&place, "s"));
    if (status == WSIC_OK)
        status = wsic_stats_load(context, temporary_path(&place, "s"), &loaded);
    wsic_stats_destroy(made);
    wsic_stats_destroy(loaded);
    wsic_stats_destroy(merged);
    return status;
}

START_TEST(every_refused_allocation_is_reported)
{
    refuse_every_allocation(&counter, whole_life, &batch);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("stats_pair");
    TCase *const tests = tcase_create("pairs");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, moments_match_the_definition);
    tcase_add_test(tests, equal_pairs_are_plain);
    tcase_add_test(tests, kinds_do_not_mix);
    tcase_add_test(tests, residuals_of_other_outputs_are_not_merged);
    tcase_add_test(tests, bad_batches_change_nothing);
    tcase_add_test(tests, merging_is_adding_all);
    tcase_add_test(tests, moments_come_back);
    tcase_add_test(tests, bad_moments_are_refused);
    tcase_add_loop_test(tests, saving_and_loading_is_exact, 0, 2);
    tcase_add_test(tests, damage_is_refused);
    tcase_add_test(tests, sealed_nonsense_is_refused);
    tcase_add_test(tests, every_refused_allocation_is_reported);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
