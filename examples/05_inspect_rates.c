/* SPDX-License-Identifier: MIT */
/* Look at the rates before paying for them: a plan says what step a rate needs and how
 * many bits every column will get. Then quantize at exactly the planned step, without any
 * search. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <watersic/watersic.h>

#include "common/synthetic.h"

enum { ROWS = 512, COLUMNS = 128, TOKENS = 400 };

static const double rate = 2.0;

typedef struct handles {
    wsic_context *context;
    wsic_stats *stats;
    wsic_plan *plan;
    wsic_encoder *encoder;
    wsic_layer *layer;
    wsic_matrix weights;
} handles;

static int fail(const char *what, const char *message)
{
    fprintf(stderr, "%s: %s\n", what, message);
    return EXIT_FAILURE;
}

/* Some inputs are a hundred times weaker than others, as in real models. */
static int prepare(handles *h)
{
    static float weights[ROWS * COLUMNS], activations[TOKENS * COLUMNS];
    wsic_matrix x;

    synthetic_weights(weights, ROWS, COLUMNS, 0.05F, 1);
    synthetic_activations(activations, TOKENS, COLUMNS, 2);
    for (size_t i = 0; i < TOKENS * COLUMNS; i++)
        activations[i] *= i % COLUMNS % 4 == 0 ? 0.1F : 1.0F;
    wsic_matrix_init(&x, sizeof x, activations, WSIC_F32, TOKENS, COLUMNS, 0);
    wsic_matrix_init(&h->weights, sizeof h->weights, weights, WSIC_F32, ROWS, COLUMNS, 0);
    if (wsic_context_create(NULL, &h->context) != WSIC_OK)
        return fail("context", "out of memory");
    if (wsic_stats_create(h->context, COLUMNS, &h->stats) != WSIC_OK ||
        wsic_plan_create(h->context, &h->plan) != WSIC_OK ||
        wsic_encoder_create(h->context, &h->encoder) != WSIC_OK)
        return fail("handles", wsic_context_message(h->context));
    if (wsic_stats_add_activations(h->stats, &x, NULL) != WSIC_OK)
        return fail("activations", wsic_stats_message(h->stats));
    return EXIT_SUCCESS;
}

static int show_plan(handles *h)
{
    wsic_plan_layer facts = {.size = sizeof facts};
    double rates[COLUMNS];

    if (wsic_plan_add(h->plan, h->stats, &h->weights, NULL) != WSIC_OK ||
        wsic_plan_solve_rate(h->plan, rate) != WSIC_OK ||
        wsic_plan_get_layer(h->plan, 0, &facts) != WSIC_OK ||
        wsic_plan_get_column_rates(h->plan, 0, rates, COLUMNS) != WSIC_OK)
        return fail("plan", wsic_plan_message(h->plan));
    printf("%.3f bits per weight need the step %.5f: water level %.3g\n", facts.rate, facts.step,
           facts.water_level);
    for (size_t j = 0; j < 8; j++)
        printf("  column %zu gets %.2f bits\n", j, rates[j]);
    return EXIT_SUCCESS;
}

static int follow_plan(handles *h)
{
    wsic_layer_info info = {.size = sizeof info};

    if (wsic_encoder_set_plan(h->encoder, h->plan, 0) != WSIC_OK ||
        wsic_encoder_run(h->encoder, h->stats, &h->weights, &h->layer) < 0)
        return fail("quantize", wsic_encoder_message(h->encoder));
    wsic_layer_get_info(h->layer, &info);
    printf("quantized: %.3f bits per weight of codes, %.3f of scales and headers\n",
           info.rate_codes, info.rate_side);
    return fabs(info.rate_codes - rate) < 0.2 ? EXIT_SUCCESS
                                              : fail("plan", "far from what was planned");
}

int main(void)
{
    handles h = {.context = NULL};
    int result = prepare(&h);

    if (result == EXIT_SUCCESS)
        result = show_plan(&h);
    if (result == EXIT_SUCCESS)
        result = follow_plan(&h);
    wsic_layer_destroy(h.layer);
    wsic_encoder_destroy(h.encoder);
    wsic_plan_destroy(h.plan);
    wsic_stats_destroy(h.stats);
    wsic_context_destroy(h.context);
    return result;
}
