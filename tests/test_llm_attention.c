/* SPDX-License-Identifier: MIT */
/* Attention, the products with weights and the loops over vectors, against plain sums in double
 * precision. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "common/blas_threads.h"
#include "llm/model/attention.h"
#include "llm/model/attention_backward.h"
#include "llm/model/product.h"
#include "llm/model/vector.h"
#include "random.h"

/* Two windows and a part of a third one, each with several strips, the last of them short. */
enum {
    heads = 4,
    kv_heads = 2,
    head_dim = 6,
    window = 150,
    count = 370,
    query_length = heads * head_dim,
    key_length = kv_heads * head_dim
};

static const struct config config = {
    .hidden = 8,
    .intermediate = 8,
    .blocks = 1,
    .heads = heads,
    .kv_heads = kv_heads,
    .head_dim = head_dim,
    .rope = {[SIGHT_FULL] = {.theta = 100, .rotated = head_dim, .amplitude = 1}}};

static const struct attention_rule rules[] = {
    {.scale = 0.4F},
    {.scale = 0.4F, .span = 1},
    {.scale = 0.4F, .span = 40},
    {.scale = 0.4F, .span = 64},
    {.scale = 0.4F, .span = 150},
    {.scale = 1.5F, .cap = 2},
    {.scale = 1.5F, .cap = 2, .span = 70},
};

enum { rule_count = sizeof rules / sizeof rules[0] };

static struct forward forward;
static double query[count][heads][head_dim];
static double key[count][kv_heads][head_dim];
static double value[count][kv_heads][head_dim];
static double mix[count][heads][head_dim];
static double looked_at[count][heads];

static void fill(float *values, double *copy, size_t number, random_state *random)
{
    for (size_t i = 0; i < number; i++) {
        values[i] = (float)random_normal(random);
        copy[i] = values[i];
    }
}

static void begin(void)
{
    random_state random = {3};
    struct failure failure;

    ck_assert_msg(forward_create(&forward, &config, window, &failure), "%s", failure.text);
    ck_assert_msg(forward_watch_importance(&forward, &failure), "%s", failure.text);
    fill(forward.query, &query[0][0][0], sizeof query / sizeof(double), &random);
    fill(forward.key, &key[0][0][0], sizeof key / sizeof(double), &random);
    fill(forward.value, &value[0][0][0], sizeof value / sizeof(double), &random);
}

static void end(void)
{
    forward_free(&forward);
}

static void rotate(double *vector, size_t position)
{
    for (size_t i = 0; i < head_dim / 2; i++) {
        const double angle =
            (double)position * pow(config.rope[SIGHT_FULL].theta, -2.0 * (double)i / head_dim);
        const double x = vector[i];
        const double y = vector[head_dim / 2 + i];
        vector[i] = x * cos(angle) - y * sin(angle);
        vector[head_dim / 2 + i] = x * sin(angle) + y * cos(angle);
    }
}

static void rotate_all(void)
{
    for (size_t t = 0; t < count; t++) {
        for (size_t h = 0; h < heads; h++)
            rotate(query[t][h], t % window);
        for (size_t h = 0; h < kv_heads; h++)
            rotate(key[t][h], t % window);
    }
}

static double dot(const double *a, const double *b)
{
    double sum = 0;

    for (size_t i = 0; i < head_dim; i++)
        sum += a[i] * b[i];
    return sum;
}

static bool looks_at(const struct attention_rule *rule, size_t t, size_t s)
{
    return s <= t && s / window == t / window && (rule->span == 0 || t - s < rule->span);
}

static void attend(const struct attention_rule *rule, size_t t, size_t h)
{
    const size_t shared = h / (heads / kv_heads);
    double weights[count];
    double sum = 0;

    for (size_t s = 0; s < count; s++) {
        double score = (double)rule->scale * dot(query[t][h], key[s][shared]);
        if (rule->cap != 0)
            score = (double)rule->cap * tanh(score / (double)rule->cap);
        weights[s] = looks_at(rule, t, s) ? exp(score) : 0;
        sum += weights[s];
    }
    memset(mix[t][h], 0, sizeof mix[t][h]);
    for (size_t s = 0; s < count; s++) {
        looked_at[s][h] += weights[s] / sum;
        for (size_t i = 0; i < head_dim; i++)
            mix[t][h][i] += weights[s] / sum * value[s][shared][i];
    }
}

static void attend_all(const struct attention_rule *rule)
{
    memset(looked_at, 0, sizeof looked_at);
    for (size_t t = 0; t < count; t++)
        for (size_t h = 0; h < heads; h++)
            attend(rule, t, h);
}

START_TEST(attention_agrees_with_plain_sums)
{
    const struct attention_rule *const rule = &rules[_i];
    double importance = 0;
    double largest = 0;

    attention_run(&forward, rule, count);
    rotate_all();
    attend_all(rule);
    for (size_t t = 0; t < count; t++)
        for (size_t h = 0; h < heads; h++) {
            const float seen = forward.importance[h * forward.capacity + t];
            importance = fmax(importance, fabs((double)seen - looked_at[t][h]));
            for (size_t i = 0; i < head_dim; i++) {
                const float found = forward.mix[t * query_length + h * head_dim + i];
                largest = fmax(largest, fabs((double)found - mix[t][h][i]));
            }
        }
    ck_assert_double_lt(largest, 1e-5);
    ck_assert_double_lt(importance, 1e-4);
}
END_TEST

/* Bit for bit, so that results do not depend on the machine's processors. */
START_TEST(workers_do_not_change_attention)
{
    static float alone[count * query_length];

    forward.workers = 1;
    attention_run(&forward, &rules[_i], count);
    memcpy(alone, forward.mix, sizeof alone);
    end();
    begin();
    attention_run(&forward, &rules[_i], count);
    ck_assert_mem_eq(forward.mix, alone, sizeof alone);
}
END_TEST

/* What a random combination of all elements of mix changes by, when one of those below changes. */
static double combination(const struct attention_rule *rule, const float *factors)
{
    double sum = 0;

    attend_all(rule);
    for (size_t i = 0; i < count * query_length; i++)
        sum += (double)factors[i] * (&mix[0][0][0])[i];
    return sum;
}

static void check_derivative(const struct attention_rule *rule, const float *factors, double *at,
                             float derivative)
{
    const double step = 1e-4;
    const double there = *at;

    *at = there + step;
    const double above = combination(rule, factors);
    *at = there - step;
    const double below = combination(rule, factors);
    *at = there;
    ck_assert_double_eq_tol((double)derivative, (above - below) / (2 * step), 2e-4);
}

START_TEST(attention_backward_agrees_with_differences)
{
    const struct attention_rule *const rule = &rules[_i];
    static float factors[count * query_length];
    static float by_query[count * query_length];
    static float by_key[count * key_length];
    static float by_value[count * key_length];
    float *const scores = forward_numbers(
        forward.workers * ATTENTION_BACKWARD_STRIPS * ATTENTION_STRIP, forward.window);
    const struct attention_gradient gradient = {
        .mix = factors, .query = by_query, .key = by_key, .value = by_value, .scores = scores};
    random_state random = {5};

    ck_assert_ptr_nonnull(scores);
    for (size_t i = 0; i < count * query_length; i++)
        factors[i] = (float)random_normal(&random);
    attention_run(&forward, rule, count);
    attention_backward(&forward, rule, &gradient, count);
    rotate_all();
    for (int i = 0; i < 2; i++) {
        const size_t q = (size_t)random_bits(&random) % (count * query_length);
        const size_t k = (size_t)random_bits(&random) % (count * key_length);
        check_derivative(rule, factors, &(&query[0][0][0])[q], by_query[q]);
        check_derivative(rule, factors, &(&key[0][0][0])[k], by_key[k]);
        check_derivative(rule, factors, &(&value[0][0][0])[k], by_value[k]);
    }
    free(scores);
}
END_TEST

/* More than a tile of tokens and of outputs, and neither a multiple of one. */
enum { tokens = 531, rows = 2053, columns = 37, stride = rows + 5 };

static float weights[rows * columns];
static float x[tokens * columns];
static float out[tokens * stride];

static void fill_floats(float *values, size_t number, random_state *random)
{
    for (size_t i = 0; i < number; i++)
        values[i] = (float)random_symmetric(random);
}

static double inner(const float *a, const float *b)
{
    double sum = 0;

    for (size_t c = 0; c < columns; c++)
        sum += (double)a[c] * (double)b[c];
    return sum;
}

START_TEST(products_agree_with_plain_sums)
{
    const struct product product = {.weights = weights,
                                    .rows = rows,
                                    .columns = columns,
                                    .x = x,
                                    .out = out,
                                    .out_stride = stride,
                                    .addition = -1};
    const size_t workers[] = {1, 2, 5};
    static float before[tokens * stride];
    static float first[tokens * stride];
    random_state random = {7};
    double largest = 0;

    fill_floats(weights, rows * columns, &random);
    fill_floats(x, tokens * columns, &random);
    fill_floats(before, tokens * stride, &random);
    for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++) {
        memcpy(out, before, sizeof out);
        products_run(&product, 1, tokens, workers[i]);
        if (i == 0)
            memcpy(first, out, sizeof out);
        ck_assert_mem_eq(out, first, sizeof out);
    }
    for (size_t t = 0; t < tokens; t++)
        for (size_t r = 0; r < stride; r++) {
            const double held = (double)before[t * stride + r];
            const double sum =
                r < rows ? inner(x + t * columns, weights + r * columns) - held : held;
            largest = fmax(largest, fabs((double)out[t * stride + r] - sum));
        }
    ck_assert_double_lt(largest, 1e-5);
}
END_TEST

START_TEST(products_back_agree_with_plain_sums)
{
    static float u[tokens * rows];
    const struct product product = {
        .weights = weights, .rows = rows, .columns = columns, .x = u, .out = out};
    random_state random = {8};
    double largest = 0;

    fill_floats(weights, rows * columns, &random);
    fill_floats(u, tokens * rows, &random);
    product_back(&product, tokens, 2);
    for (size_t t = 0; t < tokens; t++)
        for (size_t c = 0; c < columns; c++) {
            double sum = 0;
            for (size_t r = 0; r < rows; r++)
                sum += (double)u[t * rows + r] * (double)weights[r * columns + c];
            largest = fmax(largest, fabs((double)out[t * columns + c] - sum));
        }
    ck_assert_double_lt(largest, 1e-4);
}
END_TEST

/* One of several at the same time, the others being of other shapes. */
START_TEST(products_at_the_same_time_are_those_one_by_one)
{
    static float together[3][tokens * 700];
    static float alone[tokens * 700];
    struct product products[3];
    random_state random = {9};
    const size_t shapes[3] = {700, 3, 411};

    fill_floats(weights, rows * columns, &random);
    fill_floats(x, tokens * columns, &random);
    for (size_t i = 0; i < 3; i++)
        products[i] = (struct product){.weights = weights + i,
                                       .rows = shapes[i],
                                       .columns = columns,
                                       .x = x,
                                       .out = together[i]};
    products_run(products, 3, tokens, 4);
    for (size_t i = 0; i < 3; i++) {
        products[i].out = alone;
        products_run(&products[i], 1, tokens, 1);
        ck_assert_mem_eq(together[i], alone, tokens * shapes[i] * sizeof alone[0]);
    }
}
END_TEST

static double relative(float found, double expected)
{
    return fabs((double)found - expected) / fabs(expected);
}

START_TEST(exponentials_are_exact_to_two_units)
{
    enum { number = 20011 };
    static float v[number];
    double largest = 0;

    for (size_t i = 0; i < number; i++)
        v[i] = -87 + (float)i * (174.0F / number);
    vector_exponentials(v, 0, number);
    for (size_t i = 0; i < number; i++) {
        const float at = -87 + (float)i * (174.0F / number);
        largest = fmax(largest, relative(v[i], exp((double)at)));
    }
    ck_assert_double_le(largest, 2 * (double)FLT_EPSILON);
}
END_TEST

START_TEST(exponentials_stay_within_their_range)
{
    float v[] = {-INFINITY, -1e30F, -200, -88, 88, 1e30F, INFINITY, NAN, 0, 1};

    vector_exponentials(v, 0, sizeof v / sizeof v[0]);
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_le(relative(v[i], exp(-87)), 2 * (double)FLT_EPSILON);
    for (size_t i = 4; i < 7; i++)
        ck_assert_double_le(relative(v[i], exp(87)), 2 * (double)FLT_EPSILON);
    ck_assert(isnan(v[7]));
    ck_assert_float_eq(v[8], 1);
    ck_assert_double_le(relative(v[9], exp(1)), 2 * (double)FLT_EPSILON);
}
END_TEST

/* Every length around that of the registers: no element is left out or taken twice. */
START_TEST(loops_agree_with_plain_sums_at_every_length)
{
    float v[80], up[80], gate[80], capped[80];
    random_state random = {11};

    for (size_t n = 1; n <= 80; n++) {
        double largest = -HUGE_VAL, sum = 0;
        for (size_t i = 0; i < n; i++) {
            v[i] = gate[i] = capped[i] = (float)(4 * random_normal(&random));
            up[i] = (float)random_normal(&random);
            largest = fmax(largest, (double)v[i]);
            sum += (double)v[i];
        }
        ck_assert_double_eq((double)vector_largest(v, n), largest);
        ck_assert_double_eq_tol((double)vector_sum(v, n), sum, 1e-4);
        vector_gate(gate, up, n);
        vector_cap(capped, 3, n);
        for (size_t i = 0; i < n; i++) {
            const double t = (double)v[i];
            ck_assert_double_eq_tol((double)gate[i], t / (1 + exp(-t)) * (double)up[i], 1e-5);
            ck_assert_double_eq_tol((double)capped[i], 3 * tanh(t / 3), 1e-6);
        }
    }
}
END_TEST

static void note_threads(void *data, size_t index, size_t worker)
{
    int *const seen = data;

    (void)worker;
    seen[index] = blas_threads();
}

START_TEST(blas_gets_its_threads_back)
{
    const int before = blas_threads();
    int seen[4] = {0};

    blas_workers_run(2, 4, note_threads, seen);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_le(seen[i], 1);
    ck_assert_int_eq(blas_threads(), before);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm attention");
    TCase *const attention = tcase_create("attention");
    TCase *const loops = tcase_create("products and loops");

    tcase_add_checked_fixture(attention, begin, end);
    tcase_add_loop_test(attention, attention_agrees_with_plain_sums, 0, rule_count);
    tcase_add_loop_test(attention, workers_do_not_change_attention, 0, rule_count);
    tcase_add_loop_test(attention, attention_backward_agrees_with_differences, 0, rule_count);
    suite_add_tcase(suite, attention);
    tcase_add_test(loops, products_agree_with_plain_sums);
    tcase_add_test(loops, products_back_agree_with_plain_sums);
    tcase_add_test(loops, products_at_the_same_time_are_those_one_by_one);
    tcase_add_test(loops, exponentials_are_exact_to_two_units);
    tcase_add_test(loops, exponentials_stay_within_their_range);
    tcase_add_test(loops, loops_agree_with_plain_sums_at_every_length);
    tcase_add_test(loops, blas_gets_its_threads_back);
    suite_add_tcase(suite, loops);
    return run_suite(suite);
}
