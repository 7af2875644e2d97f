/* SPDX-License-Identifier: MIT */
/* Statistics of each expert of a mixture, against sums that are computed here from where the tokens
 * go; and those of experts that no token goes to. */
#include "llm/run/reached.h"
#include "llm_experts_fixture.h"

/* --- statistics of experts ---------------------------------------------------- */

/* The first block, as plainly as can be: what every token brings to the experts, and the weights
 * that these have. */
struct truth {
    double x[text_length][hidden];
    double weight[text_length][experts]; /* 0: the token does not go there */
    struct block block;
};

static void route(struct truth *truth, size_t token)
{
    const size_t count = model.config.mixture.experts;
    double p[experts];
    double sum = 0;

    for (size_t e = 0; e < count; e++) {
        p[e] = 0;
        for (size_t j = 0; j < hidden; j++)
            p[e] += (double)truth->block.router[e * hidden + j] * truth->x[token][j];
        p[e] = exp(p[e]);
    }
    for (size_t e = 0; e < count; e++) {
        size_t above = 0;
        for (size_t i = 0; i < count; i++)
            above += p[i] > p[e];
        truth->weight[token][e] = above < model.config.mixture.chosen ? p[e] : 0;
        sum += truth->weight[token][e];
    }
    for (size_t e = 0; e < count; e++)
        truth->weight[token][e] /= sum;
}

static struct truth *find_truth(void)
{
    struct truth *const truth = calloc(1, sizeof *truth);
    float *const stream = malloc(text_length * hidden * sizeof *stream);
    struct forward forward;
    struct failure failure;

    ck_assert(model_load_block(&model, 0, &truth->block, &failure));
    ck_assert(forward_create(&forward, &model.config, window, &failure));
    ck_assert(forward_embed(&model, values, text_length, stream, &failure));
    forward_attention_input(&forward, &truth->block, stream, text_length);
    forward_attention_mix(&forward, &truth->block, text_length);
    forward_attention_output(&forward, &truth->block, stream, text_length);
    forward_ffn_input(&forward, &truth->block, stream, text_length);
    for (size_t i = 0; i < text_length; i++) {
        for (size_t j = 0; j < hidden; j++)
            truth->x[i][j] = (double)forward.normed[i * hidden + j];
        route(truth, i);
    }
    forward_free(&forward);
    free(stream);
    return truth;
}

static void free_truth(struct truth *truth)
{
    block_free(&truth->block);
    free(truth);
}

/* What a token counts for an expert whose layer has so many inputs: the square of its weight, 1 in
 * the mean; or 1, if it is one of so many others that are spread evenly. */
static void count_tokens(const struct truth *truth, size_t expert, size_t inputs,
                         double counts[text_length])
{
    size_t own = 0, other = 0;
    double squares = 0;

    for (size_t i = 0; i < text_length; i++) {
        own += truth->weight[i][expert] > 0;
        squares += pow(truth->weight[i][expert], 2);
    }
    const size_t others = text_length - own;
    const size_t most = others < inputs ? others : inputs;
    for (size_t i = 0; i < text_length; i++) {
        counts[i] = pow(truth->weight[i][expert], 2) / squares * (double)own;
        if (truth->weight[i][expert] > 0)
            continue;
        counts[i] = (other + 1) * most / others > other * most / others;
        other++;
    }
}

/* f(gate x) ∘ (up x) of an expert */
static void product_of_expert(const struct truth *truth, size_t expert, size_t token,
                              double product[inner])
{
    const struct linear *const gate = &truth->block.linear[layers_slot(LINEAR_GATE, expert)];
    const struct linear *const up = &truth->block.linear[layers_slot(LINEAR_UP, expert)];

    for (size_t i = 0; i < inner; i++) {
        double a = 0, b = 0;
        for (size_t j = 0; j < hidden; j++) {
            a += (double)gate->weights[i * hidden + j] * truth->x[token][j];
            b += (double)up->weights[i * hidden + j] * truth->x[token][j];
        }
        product[i] = a / (1 + exp(-a)) * b;
    }
}

static void expect_moment(const struct truth *truth, size_t expert, enum linear_kind kind,
                          const struct given *given)
{
    const size_t n = kind == LINEAR_DOWN ? inner : hidden;
    double counts[text_length];
    double moment[inner][inner] = {{0}};
    double total = 0;

    count_tokens(truth, expert, n, counts);
    for (size_t t = 0; t < text_length; t++) {
        double input[inner];
        memcpy(input, truth->x[t], sizeof truth->x[t]);
        if (kind == LINEAR_DOWN)
            product_of_expert(truth, expert, t, input);
        total += counts[t];
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                moment[i][j] += counts[t] * input[i] * input[j];
    }
    ck_assert_uint_eq(given->columns, n);
    ck_assert_double_eq_tol(given->samples, total, 1e-4);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            ck_assert_double_eq_tol(given->moments[0][i * n + j], moment[i][j] / total,
                                    1e-4 * sqrt(moment[i][i] * moment[j][j]) / total + 1e-9);
}

static void expect_moments(const struct mixture_plan *plan)
{
    const struct recipe plain = {.statistics = true};

    open_mixture(plan);
    struct truth *const truth = find_truth();
    struct given *const given = gather(&plain);
    for (size_t e = 0; e < experts; e++)
        for (size_t kind = LINEAR_GATE; kind <= LINEAR_DOWN; kind++)
            expect_moment(truth, e, (enum linear_kind)kind,
                          &given[layers_slot((enum linear_kind)kind, e)]);
    free_truth(truth);
    free(given);
}

START_TEST(statistics_are_of_the_tokens_that_come)
{
    expect_moments(&(struct mixture_plan){
        .experts = experts, .chosen = chosen, .router = any_router, .grown = 0.1});
}
END_TEST

/* --- experts that no token reaches -------------------------------------------- */

START_TEST(an_expert_that_no_token_reaches_sees_what_its_layer_sees)
{
    const struct recipe plain = {.statistics = true};
    double mean = 0;

    open_mixture(&lonely);
    struct truth *const truth = find_truth();
    struct given *const given = gather(&plain);
    const struct given *const gate = &given[layers_slot(LINEAR_GATE, 2)];
    ck_assert_double_eq(gate->samples, hidden);
    ck_assert_double_eq(given[layers_slot(LINEAR_DOWN, 2)].samples, inner);
    /* All of the text, of which every 300/16th token is taken. */
    for (size_t k = 0; k < hidden; k++) {
        size_t token = 0;
        while ((token + 1) * hidden / text_length <= k)
            token++;
        mean += truth->x[token][0] * truth->x[token][0] / hidden;
    }
    ck_assert_double_eq_tol(gate->moments[0][0], mean, 1e-5);
    free_truth(truth);
    free(given);
}
END_TEST

START_TEST(experts_that_no_token_reaches_are_told)
{
    struct config config = {.blocks = 1, .mixture = {.experts = 3, .chosen = 1}, .sparse = {true}};
    struct routes routes;
    struct failure failure;
    char said[300];

    ck_assert(routes_create(&routes, &config, 2, 2, &failure));
    routes.routing.experts[0] = 1;
    routes.routing.experts[1] = 1;
    FILE *const caught = tmpfile();
    const int before = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(caught), STDERR_FILENO), 0);
    reached_tell(&routes, &config, 0);
    routes.routing.experts[0] = 0;
    config.mixture.experts = 2;
    reached_tell(&routes, &config, 0);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(caught);
    said[fread(said, 1, sizeof said - 1, caught)] = '\0';
    fclose(caught);
    ck_assert_ptr_nonnull(strstr(said, "model.layers.0: no token of the text goes to 2 of its 3 "
                                       "experts (0, 2)"));
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
    routes_free(&routes);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm routes");
    TCase *const mixtures = tcase_create("mixtures");

    tcase_set_timeout(mixtures, 60);
    tcase_add_checked_fixture(mixtures, set_up, tear_down);
    tcase_add_test(mixtures, statistics_are_of_the_tokens_that_come);
    tcase_add_test(mixtures, an_expert_that_no_token_reaches_sees_what_its_layer_sees);
    tcase_add_test(mixtures, experts_that_no_token_reaches_are_told);
    suite_add_tcase(suite, mixtures);
    return run_suite(suite);
}
