/* SPDX-License-Identifier: MIT */
/* The encoder's steps of 32 lanes with vectors: the states and words of one lane after the other,
 * each divided by integers. */
#include <check.h>
#include <string.h>

#include "check_main.h"
#include "coding_env.h"
#include "coding/stream_push.h"
#if WSIC_X86
#include "coding/compact.h"
#endif

enum { STEPS = 50, ROUNDS = 400, ROOM = STEPS * WSIC_LANES_MAX + WSIC_PUSH_SPARE };

typedef struct push_case {
    uint32_t ranges[STEPS * WSIC_LANES_MAX];
    wsic_push_lanes lanes;
    uint16_t words[ROOM];
} push_case;

static uint32_t random_below(uint64_t *random, uint32_t limit)
{
    return (uint32_t)(random_bits(random) >> 32) % limit;
}

/* Frequencies of all sizes: each bit length is as likely as the others. */
static uint32_t random_range(uint64_t *random)
{
    const uint32_t most = 1U << random_below(random, WSIC_MODEL_BITS + 1);
    const uint32_t frequency = 1 + random_below(random, most);
    const uint32_t start = random_below(random, WSIC_MODEL_TOTAL - frequency + 1);
    return (start & WSIC_RANGE_START) | frequency << WSIC_RANGE_SHIFT;
}

/* States just below, at and above what a frequency divides, and the last ones that fit. */
static uint32_t random_state(uint64_t *random, uint32_t frequency)
{
    const uint64_t limit = (uint64_t)frequency << (32 - WSIC_MODEL_BITS);
    const uint64_t quotient = 1 + random_bits(random) % (limit / frequency - 1);
    uint64_t state = quotient * frequency + random_below(random, 3) - 1;

    if (random_below(random, 4) == 0)
        state = limit - 1 - random_below(random, 2);
    else if (random_below(random, 4) == 0)
        state = random_bits(random) >> 32;
    return state < WSIC_STATE_LOW ? WSIC_STATE_LOW : (uint32_t)state;
}

static void fill(push_case *given, uint64_t *random)
{
    for (size_t k = 0; k < STEPS * WSIC_LANES_MAX; k++)
        given->ranges[k] = random_range(random);
    for (size_t k = 0; k < WSIC_LANES_MAX; k++)
        given->lanes.states[k] = random_state(
            random, given->ranges[(STEPS - 1) * WSIC_LANES_MAX + k] >> WSIC_RANGE_SHIFT);
    memset(given->words, 0, sizeof given->words);
    given->lanes.words = given->words + ROOM;
}

/* What docs/format.md says of a decoder's step, solved for the state before it. */
static void push_plainly(push_case *given, size_t from)
{
    for (size_t k = STEPS * WSIC_LANES_MAX; k-- > from * WSIC_LANES_MAX;) {
        uint32_t *const state = &given->lanes.states[k % WSIC_LANES_MAX];
        const uint32_t frequency = given->ranges[k] >> WSIC_RANGE_SHIFT;
        const uint32_t start = given->ranges[k] & WSIC_RANGE_START;
        if (*state / frequency >= 1U << (32 - WSIC_MODEL_BITS)) {
            *--given->lanes.words = *state & 0xFFFF;
            *state /= 65536;
        }
        *state = *state / frequency * WSIC_MODEL_TOTAL + *state % frequency + start;
    }
}

static void expect_same(const push_case *found, const push_case *truth)
{
    const size_t words = (size_t)(truth->words + ROOM - truth->lanes.words);

    ck_assert_uint_eq((size_t)(found->words + ROOM - found->lanes.words), words);
    ck_assert_mem_eq(found->lanes.words, truth->lanes.words, words * sizeof *truth->words);
    ck_assert_mem_eq(found->lanes.states, truth->lanes.states, sizeof truth->lanes.states);
}

START_TEST(vectors_push_what_integers_do)
{
    wsic_push_steps *const kernel = wsic_push_kernel(wsic_kernels_detect());
    static push_case found, truth;
    uint64_t random = 1;

    for (int round = 0; kernel && round < ROUNDS; round++) {
        fill(&found, &random);
        truth = found;
        truth.lanes.words = truth.words + ROOM;
        push_plainly(&truth, 0);
        ck_assert_uint_eq(kernel(&found.lanes, found.ranges, STEPS), 0);
        expect_same(&found, &truth);
    }
}
END_TEST

START_TEST(vectors_stop_at_an_escape)
{
    wsic_push_steps *const kernel = wsic_push_kernel(wsic_kernels_detect());
    static push_case found, truth;
    uint64_t random = 2;

    for (size_t k = 0; kernel && k < STEPS * WSIC_LANES_MAX; k++) {
        fill(&found, &random);
        found.ranges[k] |= WSIC_RANGE_ESCAPE;
        truth = found;
        truth.lanes.words = truth.words + ROOM;
        push_plainly(&truth, k / WSIC_LANES_MAX + 1);
        ck_assert_uint_eq(kernel(&found.lanes, found.ranges, STEPS), k / WSIC_LANES_MAX + 1);
        expect_same(&found, &truth);
    }
}
END_TEST

#if WSIC_X86
START_TEST(words_are_put_together_in_the_order_of_lanes)
{
    for (unsigned mask = 0; mask < 256; mask++) {
        unsigned word = 8;
        for (unsigned lane = 8; lane-- > 0;) {
            if (mask >> lane & 1)
                ck_assert_uint_eq(wsic_compact[mask] >> 8 * --word & 0xFF, lane);
        }
    }
}
END_TEST
#endif

static void encode(int32_t kernels, const wsic_code_matrix *matrix, uint8_t *out, size_t *size)
{
    wsic_env env;
    wsic_context *const context = open_env(&env);
    wsic_bytes bytes;

    ck_assert_int_eq(wsic_context_set_kernels(context, kernels), WSIC_OK);
    const wsic_env chosen = wsic_context_env(context);
    wsic_bytes_init(&bytes, &chosen);
    ck_assert_int_eq(wsic_codes_encode(&chosen, matrix, 150, &bytes), WSIC_OK);
    ck_assert_uint_le(bytes.size, *size);
    memcpy(out, bytes.data, bytes.size);
    *size = bytes.size;
    wsic_bytes_release(&bytes);
    close_env(context);
}

/* Full groups and one that is not, all forms, escapes. */
START_TEST(kernels_give_the_same_bytes)
{
    enum { ROWS = 700, COLUMNS = 395, SIZE = ROWS * COLUMNS };
    static int32_t codes[SIZE];
    static uint8_t plain[4 * SIZE], vectors[4 * SIZE];
    size_t plain_size = sizeof plain, vectors_size = sizeof vectors;
    uint64_t random = 3;

    for (size_t k = 0; k < SIZE; k++) {
        const double width = exp2(12.0 * (double)(k / ROWS) / COLUMNS - 3);
        const double outlier = random_uniform(&random) < 0.001 ? 50 : 1;
        codes[k] = (int32_t)lrint(width * outlier * random_gauss(&random));
    }
    const wsic_code_matrix matrix = {.rows = ROWS, .columns = COLUMNS, .codes = codes};
    encode(WSIC_KERNELS_C, &matrix, plain, &plain_size);
    encode(WSIC_KERNELS_AUTO, &matrix, vectors, &vectors_size);
    ck_assert_uint_eq(plain_size, vectors_size);
    ck_assert_mem_eq(plain, vectors, plain_size);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("stream_push");
    TCase *const tests = tcase_create("stream_push");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, vectors_push_what_integers_do);
    tcase_add_test(tests, vectors_stop_at_an_escape);
#if WSIC_X86
    tcase_add_test(tests, words_are_put_together_in_the_order_of_lanes);
#endif
    tcase_add_test(tests, kernels_give_the_same_bytes);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
