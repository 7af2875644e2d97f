/* SPDX-License-Identifier: MIT */
#include "llm/run/work.h"

/* Encoding a weight, as measured with preset "fast": matrix products, in columns, and all that does
 * not grow with them. All blocks being alike, an error shifts work within a block only. */
static const double encoding_by_column = 17;
static const double encoding_a_weight = 20000;

struct gathering gathering_at(const struct site *site, const struct config *config,
                              const struct recipe *recipe)
{
    const bool residual = recipe->residual && stream_adds(site, config);
    const bool mixed = site->first == LINEAR_Q &&
                       (recipe->mixing || recipe->mix.clean > 0 || recipe->mix.attention > 0);

    return (struct gathering){.pairs = recipe->drift || residual,
                              .residual = residual,
                              .weighted = recipe_weights(recipe) && site->first == LINEAR_Q,
                              .mixed = mixed,
                              .columns = model_linear_shape(config, site->first).columns,
                              .hidden = config->hidden};
}

/* Operations for a token. A triangle of one input, or two and the square across. */
static double gathering_work(const struct gathering *gathering)
{
    const double n = (double)gathering->columns;
    const double inputs = n * n * (gathering->pairs ? 4 : 1);
    const double residuals = gathering->residual ? 4 * n * (double)gathering->hidden : 0;

    return WORK_DOUBLE * (inputs + residuals) * (gathering->weighted ? 2 : 1);
}

static double linear_work(const struct config *config, enum linear_kind first,
                          enum linear_kind last)
{
    double work = 0;

    for (size_t kind = first; kind <= (size_t)last; kind++) {
        const struct linear shape = model_linear_shape(config, (enum linear_kind)kind);
        work += 2 * (double)shape.rows * (double)shape.columns;
    }
    return work;
}

/* Query, key and value, and what half a window of tokens has to say. */
static double attention_work(const struct config *config, size_t window)
{
    return linear_work(config, LINEAR_Q, LINEAR_V) +
           2 * (double)(config->heads * config->head_dim) * (double)window;
}

double work_block(const struct config *config, size_t window)
{
    return attention_work(config, window) + linear_work(config, LINEAR_O, LINEAR_DOWN);
}

struct work work_expected(const struct config *config, const struct calibration *calibration)
{
    const struct recipe *const recipe = calibration->recipe;
    const double tokens = (double)calibration->tokens->count;
    const double streams = recipe_compares(recipe) ? 2 : 1;
    const double attention = attention_work(config, calibration->window);
    const double gate_up = linear_work(config, LINEAR_GATE, LINEAR_UP);
    const double twice = calibration->low_memory ? 1 : 0;
    /* In one stream, from the site before. */
    const double way[SITES + 1] = {
        0, attention, linear_work(config, LINEAR_O, LINEAR_O) + twice * attention, gate_up,
        linear_work(config, LINEAR_DOWN, LINEAR_DOWN) + twice * gate_up};
    struct work work = {.pass = {0}};

    for (size_t i = 0; recipe->statistics && i <= SITES; i++)
        work.pass[i] = tokens * streams * way[i];
    for (size_t i = 0; recipe->statistics && i < SITES; i++) {
        const struct gathering gathering = gathering_at(&stream_sites[i], config, recipe);
        work.pass[i] +=
            tokens * (gathering_work(&gathering) + (gathering.weighted ? attention : 0));
    }
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
        const struct linear shape = model_linear_shape(config, (enum linear_kind)kind);
        const double weights = (double)shape.rows * (double)shape.columns;
        work.layer[kind] = WORK_DOUBLE * weights *
                           (encoding_by_column * (double)shape.columns + encoding_a_weight);
    }
    return work;
}

double work_total(const struct work *work, const struct config *config)
{
    double block = 0;

    for (size_t i = 0; i <= SITES; i++)
        block += work->pass[i];
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++)
        block += work->layer[kind];
    /* Nothing goes to the end of the last block. */
    return block * (double)config->blocks - work->pass[SITES];
}
