/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "api/stats.h"
#include "check_main.h"
#include "counting_allocator.h"
#include "base/checksum.h"
#include "temporary.h"
#include "tokens.h"
#include "watersic/watersic.h"

static counting_allocator counter;
static wsic_context *context;
static wsic_stats *stats;
static temporary place;

static void begin(void)
{
    const wsic_allocator hooks = counting_hooks(&counter);

    ck_assert_int_eq(wsic_context_create(&hooks, &context), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(context, N, &stats), WSIC_OK);
    temporary_create(&place);
}

static void end(void)
{
    temporary_destroy(&place);
    wsic_stats_destroy(stats);
    wsic_context_destroy(context);
    ck_assert_uint_eq(counter.live, 0);
}

static void check_same_sums(const wsic_stats *a, const wsic_stats *b)
{
    ck_assert(wsic_stats_samples(a) == wsic_stats_samples(b));
    ck_assert_uint_eq(wsic_stats_columns(a), wsic_stats_columns(b));
    for (size_t j = 0; j < wsic_stats_columns(a); j++) {
        for (size_t i = j; i < wsic_stats_columns(a); i++) {
            const size_t k = j * wsic_stats_columns(a) + i;
            ck_assert_mem_eq(&wsic_stats_moments(a)->input[k], &wsic_stats_moments(b)->input[k],
                             sizeof(double));
        }
    }
}

static size_t make_file(uint8_t **bytes)
{
    static tokens batch;
    size_t size;

    make_tokens(&batch, WSIC_F32, 100, 4);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &batch.matrix, batch.weights), WSIC_OK);
    ck_assert_int_eq(wsic_stats_save(stats, temporary_path(&place, "s")), WSIC_OK);
    *bytes = read_file(place.path, &size);
    return size;
}

static wsic_status load_bytes(const uint8_t *bytes, size_t size, wsic_stats **out)
{
    write_file(temporary_path(&place, "damaged"), bytes, size);
    return wsic_stats_load(context, place.path, out);
}

/* Give changed bytes the checksum that goes with them. */
static void seal(uint8_t *bytes, size_t size)
{
    const uint64_t checksum = wsic_checksum_of(bytes, size - 8);
    for (size_t i = 0; i < 8; i++)
        bytes[size - 8 + i] = (uint8_t)(checksum >> 8 * i);
}

static void put_double(uint8_t *bytes, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(bits >> 8 * i);
}

START_TEST(saving_and_loading_is_exact)
{
    uint8_t *bytes;
    wsic_stats *loaded;
    const size_t size = make_file(&bytes);

    ck_assert_uint_eq(size, 32 + 8 * N * (N + 1) / 2 + 8);
    ck_assert_mem_eq(bytes, "WSICSTAT\1\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0", 24);
    ck_assert_int_eq(wsic_stats_load(context, temporary_path(&place, "s"), &loaded), WSIC_OK);
    check_same_sums(stats, loaded);
    ck_assert_int_eq(wsic_stats_save(loaded, temporary_path(&place, "t")), WSIC_OK);
    size_t again_size;
    uint8_t *const again = read_file(place.path, &again_size);
    ck_assert_uint_eq(again_size, size);
    ck_assert_mem_eq(again, bytes, size);
    free(again);
    free(bytes);
    wsic_stats_destroy(loaded);
}
END_TEST

START_TEST(empty_statistics_can_be_saved)
{
    wsic_stats *loaded;

    ck_assert_int_eq(wsic_stats_save(stats, temporary_path(&place, "s")), WSIC_OK);
    ck_assert_int_eq(wsic_stats_load(context, place.path, &loaded), WSIC_OK);
    check_same_sums(stats, loaded);
    wsic_stats_destroy(loaded);
}
END_TEST

START_TEST(every_truncation_and_flip_is_refused)
{
    uint8_t *bytes;
    wsic_stats *loaded;
    const size_t size = make_file(&bytes);

    for (size_t cut = 0; cut < size; cut++) {
        ck_assert_int_eq(load_bytes(bytes, cut, &loaded), WSIC_ERROR_TRUNCATED);
        ck_assert_ptr_null(loaded);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_lt(load_bytes(bytes, size, &loaded), 0);
        ck_assert_ptr_null(loaded);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    bytes[size] = 0;
    ck_assert_int_eq(load_bytes(bytes, size + 1, &loaded), WSIC_ERROR_FORMAT);
    ck_assert_int_eq(load_bytes(bytes, size, &loaded), WSIC_OK);
    wsic_stats_destroy(loaded);
    free(bytes);
}
END_TEST

START_TEST(sealed_nonsense_is_refused)
{
    static const struct {
        size_t offset;
        double value;
    } changes[] = {
        {24, -1},               /* samples */
        {24, (double)NAN},      /* samples */
        {24, 0},                /* samples, where the sum is not 0 */
        {24, (double)INFINITY}, /* samples */
        {32, -1e-3},            /* first diagonal element */
        {40, (double)NAN},      /* an element */
        {40, (double)INFINITY}, /* an element */
        {40, 1e308},            /* an element; the covariance would be infinite */
    };
    uint8_t *bytes;
    wsic_stats *loaded;
    const size_t size = make_file(&bytes);
    uint8_t *const copy = malloc(size);

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        memcpy(copy, bytes, size);
        put_double(copy + changes[i].offset, changes[i].value);
        if (i == 7)
            put_double(copy + 24, 1e-5);
        seal(copy, size);
        ck_assert_msg(load_bytes(copy, size, &loaded) == WSIC_ERROR_FORMAT, "change %zu", i);
    }
    memcpy(copy, bytes, size);
    copy[8] = 2;
    seal(copy, size);
    ck_assert_int_eq(load_bytes(copy, size, &loaded), WSIC_ERROR_VERSION);
    copy[8] = 1;
    copy[12] = 4;
    seal(copy, size);
    ck_assert_int_eq(load_bytes(copy, size, &loaded), WSIC_ERROR_VERSION);
    free(copy);
    free(bytes);
}
END_TEST

START_TEST(a_huge_claim_takes_no_memory)
{
    uint8_t header[40] = "WSICSTAT\1\0\0\0\0\0\0\0\377\377\377\177";
    wsic_stats *loaded;

    seal(header, sizeof header);
    wsic_context_reset_peak(context);
    ck_assert_int_eq(load_bytes(header, sizeof header, &loaded), WSIC_ERROR_TRUNCATED);
    header[20] = 1;
    seal(header, sizeof header);
    ck_assert_int_eq(load_bytes(header, sizeof header, &loaded), WSIC_ERROR_FORMAT);
    memset(header + 16, 0, 8);
    seal(header, sizeof header);
    ck_assert_int_eq(load_bytes(header, sizeof header, &loaded), WSIC_ERROR_FORMAT);
    uint64_t peak;
    const uint64_t used = wsic_context_memory(context, &peak);
    ck_assert_uint_lt(peak - used, 4096);
}
END_TEST

START_TEST(file_errors_are_reported)
{
    wsic_stats *loaded;

    ck_assert_int_eq(wsic_stats_save(stats, temporary_path(&place, "none/s")), WSIC_ERROR_IO);
    ck_assert_ptr_nonnull(strstr(wsic_stats_message(stats), "No such file"));
    ck_assert_int_eq(wsic_stats_load(context, place.path, &loaded), WSIC_ERROR_IO);
    ck_assert_int_eq(wsic_stats_save(stats, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_load(context, NULL, &loaded), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_load(context, "x", NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_stats_load(NULL, "x", &loaded), WSIC_ERROR_ARGUMENT);
    ck_assert_uint_eq(temporary_count(&place), 0);
}
END_TEST

/* --- memory -------------------------------------------------------------- */

static wsic_status whole_life(void *data)
{
    tokens *const batch = data;
    wsic_stats *made = NULL, *loaded = NULL;

    wsic_status status = wsic_stats_create(context, N, &made);
    if (status == WSIC_OK)
        status = wsic_stats_add_activations(made, &batch->matrix, batch->weights);
    if (status == WSIC_OK)
        status = wsic_stats_get_spectrum(made, NULL);
    if (status == WSIC_OK)
        status = wsic_stats_save(made, temporary_path(&place, "s"));
    if (status == WSIC_OK)
        status = wsic_stats_load(context, temporary_path(&place, "s"), &loaded);
    wsic_stats_destroy(made);
    wsic_stats_destroy(loaded);
    return status;
}

static wsic_status add_or_nothing(void *data)
{
    tokens *const batch = data;
    const double samples = wsic_stats_samples(stats);
    const wsic_status status = wsic_stats_add_activations(stats, &batch->matrix, NULL);

    if (status != WSIC_OK)
        ck_assert(wsic_stats_samples(stats) == samples);
    return status;
}

START_TEST(every_refused_allocation_is_reported)
{
    static tokens batch;

    make_tokens(&batch, WSIC_BF16, 300, 1);
    refuse_every_allocation(&counter, whole_life, &batch);
    refuse_every_allocation(&counter, add_or_nothing, &batch);
    ck_assert(wsic_stats_samples(stats) == 300);
    ck_assert_uint_eq(temporary_count(&place), 1);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("stats_file");
    TCase *const tests = tcase_create("stats_file");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, saving_and_loading_is_exact);
    tcase_add_test(tests, empty_statistics_can_be_saved);
    tcase_add_test(tests, every_truncation_and_flip_is_refused);
    tcase_add_test(tests, sealed_nonsense_is_refused);
    tcase_add_test(tests, a_huge_claim_takes_no_memory);
    tcase_add_test(tests, file_errors_are_reported);
    tcase_add_test(tests, every_refused_allocation_is_reported);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
