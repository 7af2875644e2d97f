/* SPDX-License-Identifier: MIT */
/* The state machine against Ungerboeck's definition of his codes: a parity check. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "coding_env.h"
#include "coding/trellis.h"

/* His table I for one dimension: parity check polynomials, and the squared minimum distance
 * of the code on levels 0, 1, 2, 3, ... of which two bits choose a subset. */
static const struct {
    unsigned kind, h0, h1, distance;
} codes[] = {
    {2, 05, 02, 9},     {3, 013, 04, 10},    {4, 023, 04, 11},    {5, 045, 010, 13},
    {6, 0103, 024, 14}, {7, 0235, 0126, 16}, {8, 0515, 0362, 16},
};

enum { CODES = sizeof codes / sizeof *codes, LENGTH = 400 };

/* Whatever the parities, codebooks and parities together fulfil the parity check
 * Σ_k h0_k codebook(n - k) + h1_k parity(n - k) = 0. */
START_TEST(every_path_fulfils_the_parity_check)
{
    unsigned codebook[LENGTH], parity[LENGTH], state = 0;
    wsic_trellis trellis;

    wsic_trellis_make(&trellis, codes[_i].kind);
    ck_assert_uint_eq(trellis.states, 1U << codes[_i].kind);
    srand(5);
    for (unsigned n = 0; n < LENGTH; n++) {
        const int32_t index = rand() % 9 - 4;
        codebook[n] = trellis.codebook[state];
        parity[n] = index % 2 != 0;
        state = wsic_trellis_next(&trellis, state, index);
        unsigned sum = 0;
        for (unsigned k = 0; k <= codes[_i].kind && k <= n; k++)
            sum +=
                (codes[_i].h0 >> k & 1) * codebook[n - k] + (codes[_i].h1 >> k & 1) * parity[n - k];
        ck_assert_uint_eq(sum % 2, 0);
    }
}
END_TEST

/* Set partition: branches that leave a state, or enter one, use the two subsets of one
 * codebook; every state is entered by two. */
START_TEST(branches_are_told_apart)
{
    wsic_trellis trellis;
    unsigned entered[WSIC_TRELLIS_STATES] = {0}, subsets[WSIC_TRELLIS_STATES] = {0};

    wsic_trellis_make(&trellis, codes[_i].kind);
    for (unsigned state = 0; state < trellis.states; state++) {
        ck_assert_uint_ne(trellis.next[state][0], trellis.next[state][1]);
        for (unsigned parity = 0; parity < 2; parity++) {
            entered[trellis.next[state][parity]]++;
            subsets[trellis.next[state][parity]] |= 1U << (2 * trellis.codebook[state] + parity);
        }
    }
    for (unsigned state = 0; state < trellis.states; state++) {
        ck_assert_uint_eq(entered[state], 2);
        ck_assert(subsets[state] == 3 || subsets[state] == 12);
    }
}
END_TEST

/* Squared distance of two subsets. Far from zero, where the levels of one sign are those of
 * a lattice: D0 = 4Z, D2 = 4Z + 2; D3 = 4Z + 1, D1 = 4Z + 3. */
static unsigned subset_distance(unsigned a, unsigned b)
{
    static const int offset[] = {0, 2, 3, 1};
    const int difference = abs(offset[a] - offset[b]);
    const int nearest = difference == 3 ? 1 : difference;
    return (unsigned)(nearest * nearest);
}

/* Free distance: the cheapest way of two paths that part to meet again (Dijkstra without a
 * queue), and that of two levels of one subset, which is 16. */
static unsigned free_distance(const wsic_trellis *t)
{
    enum { FAR = 1000 };
    unsigned *const least = malloc((size_t)t->states * t->states * sizeof *least);
    unsigned meeting = 16;
    bool moved = true;

    for (size_t k = 0; k < (size_t)t->states * t->states; k++)
        least[k] = FAR;
    for (unsigned s = 0; s < t->states; s++)
        least[t->next[s][0] * t->states + t->next[s][1]] = 4;
    while (moved) {
        moved = false;
        for (unsigned a = 0; a < t->states; a++) {
            for (unsigned b = 0; b < t->states; b++) {
                for (unsigned way = 0; a != b && way < 4; way++) {
                    const unsigned pa = way / 2, pb = way % 2;
                    const unsigned to = t->next[a][pa] * t->states + t->next[b][pb];
                    const unsigned cost =
                        least[a * t->states + b] +
                        subset_distance(2U * t->codebook[a] + pa, 2U * t->codebook[b] + pb);
                    if (cost < least[to]) {
                        least[to] = cost;
                        moved = true;
                    }
                }
            }
        }
    }
    for (unsigned s = 0; s < t->states; s++)
        meeting = least[s * t->states + s] < meeting ? least[s * t->states + s] : meeting;
    free(least);
    return meeting;
}

START_TEST(distance_is_ungerboecks)
{
    wsic_trellis trellis;

    wsic_trellis_make(&trellis, codes[_i].kind);
    ck_assert_uint_eq(free_distance(&trellis), codes[_i].distance);
}
END_TEST

/* The codebook after a parity and some more, which are the bits of `more`. */
static unsigned codebook_after(const wsic_trellis *t, unsigned state, unsigned parity,
                               unsigned count, unsigned more)
{
    state = t->next[state][parity];
    for (unsigned k = 0; k < count; k++)
        state = t->next[state][more >> k & 1];
    return t->codebook[state];
}

/* A context says what the codebook is, and what an even index makes it as soon as the two
 * parities lead to different ones, whatever comes between. */
START_TEST(contexts_look_ahead_as_far_as_a_parity_takes)
{
    wsic_trellis trellis;
    unsigned count = 0;

    wsic_trellis_make(&trellis, codes[_i].kind);
    while (codebook_after(&trellis, 0, 0, count, 0) == codebook_after(&trellis, 0, 1, count, 0))
        count++;
    for (unsigned state = 0; state < trellis.states; state++) {
        const unsigned even = trellis.context[state] % 2;
        ck_assert_uint_eq(trellis.context[state] / 2, trellis.codebook[state]);
        for (unsigned more = 0; more < 1U << count; more++) {
            ck_assert_uint_eq(codebook_after(&trellis, state, 0, count, more), even);
            ck_assert_uint_eq(codebook_after(&trellis, state, 1, count, more), 1 - even);
        }
    }
}
END_TEST

START_TEST(codebooks_partition_the_levels)
{
    static const int32_t even[] = {-6, -4, -2, 0, 2, 4, 6}, odd[] = {-5, -3, -1, 0, 1, 3, 5};

    for (int32_t index = -3; index <= 3; index++) {
        ck_assert_int_eq(wsic_trellis_level(0, index), even[index + 3]);
        ck_assert_int_eq(wsic_trellis_level(1, index), odd[index + 3]);
    }
    for (unsigned context = 0; context < WSIC_TRELLIS_CONTEXTS; context++) {
        for (int32_t k = -1; k <= 1; k++) {
            const int32_t index = k * WSIC_TRELLIS_INDEX_MOST;
            const int32_t token = wsic_trellis_token(context, index);
            ck_assert_int_eq(wsic_token_index(token), index);
            ck_assert_uint_eq(wsic_token_context(token), context);
            ck_assert_uint_eq(wsic_token_codebook(token), context / 2);
        }
    }
}
END_TEST

START_TEST(tokens_follow_the_state)
{
    /* Four states: 0 -(1)-> 1 -(0)-> 2 -(1)-> 0, codebooks 0, 1, 0, 0. */
    const int32_t levels[] = {2, 3, -2, 4};
    /* Even indices lead to 0, 0, 1, 0: contexts 0, 2, 1, 0; indices 1, 2, -1, 2. */
    const int32_t expected[] = {4, 10, -3, 8};
    int32_t tokens[4];
    wsic_trellis trellis;

    wsic_trellis_make(&trellis, 2);
    ck_assert_uint_eq(wsic_trellis_tokens(&trellis, levels, 4, tokens), 4);
    ck_assert_mem_eq(tokens, expected, sizeof expected);
    ck_assert_uint_eq(wsic_trellis_tokens(&trellis, levels + 1, 3, tokens), 0);
}
END_TEST

/* Token by token, as docs/format.md describes state, codebook and context. */
static void follow(const wsic_trellis *trellis, const int32_t *indices, size_t count,
                   int32_t *levels, int32_t *tokens)
{
    uint32_t state = 0;
    unsigned zeros = 0;

    while ((trellis->output >> zeros & 1) == 0)
        zeros++;
    for (size_t i = 0; i < count; i++) {
        const uint32_t fed_back = wsic_trellis_parity(state & trellis->feedback);
        const uint32_t ahead = (2 * state + fed_back) << zeros;
        const uint32_t codebook = wsic_trellis_parity(state & trellis->output);
        const uint32_t bit = ((uint32_t)indices[i] + fed_back) % 2;
        levels[i] = wsic_trellis_level(codebook, indices[i]);
        tokens[i] =
            4 * indices[i] + (int32_t)(2 * codebook + wsic_trellis_parity(ahead & trellis->output));
        state = (2 * state + bit) % trellis->states;
    }
}

START_TEST(tokens_are_those_of_one_row_after_the_other)
{
    enum { MOST = 300 };
    const size_t counts[] = {0, 1, 2, 7, 63, 64, 65, 127, 128, 129, 200, MOST};
    int32_t indices[MOST], levels[MOST], expected[MOST], tokens[MOST];
    uint64_t random = 1;
    wsic_trellis trellis;

    wsic_trellis_make(&trellis, (unsigned)_i);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        const size_t count = counts[c];
        for (size_t i = 0; i < count; i++)
            indices[i] = (int32_t)(random_bits(&random) % 9) - 4;
        if (count > 70)
            indices[69] = WSIC_TRELLIS_INDEX_MOST;
        follow(&trellis, indices, count, levels, expected);
        ck_assert_uint_eq(wsic_trellis_tokens(&trellis, levels, count, tokens), count);
        for (size_t i = 0; i < count; i++)
            ck_assert_int_eq(tokens[i], expected[i]);
        /* The first level that is of the other codebook, wherever it is. */
        for (size_t i = 0; i < count; i += 1 + i / 4) {
            const int32_t right = levels[i];
            levels[i] = right > 0 ? right + 1 : right - 1;
            if (right != 0)
                ck_assert_uint_eq(wsic_trellis_tokens(&trellis, levels, count, tokens), i);
            levels[i] = right;
        }
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("trellis");
    TCase *const tests = tcase_create("trellis");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, every_path_fulfils_the_parity_check, 0, CODES);
    tcase_add_loop_test(tests, branches_are_told_apart, 0, CODES);
    tcase_add_loop_test(tests, distance_is_ungerboecks, 0, CODES);
    tcase_add_loop_test(tests, contexts_look_ahead_as_far_as_a_parity_takes, 0, CODES);
    tcase_add_test(tests, codebooks_partition_the_levels);
    tcase_add_test(tests, tokens_follow_the_state);
    tcase_add_loop_test(tests, tokens_are_those_of_one_row_after_the_other, WSIC_TRELLIS_KIND_LEAST,
                        WSIC_TRELLIS_KIND_MOST + 1);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
