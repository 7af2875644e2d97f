/* SPDX-License-Identifier: MIT */
#include "llm/run/work.h"

/* Encoding a weight, as measured with preset "fast": matrix products, in columns, and all that does
 * not grow with them. All blocks being alike, an error shifts work within a block only. */
static const double encoding_by_column = 17;
static const double encoding_a_weight = 20000;

struct gathering gathering_at(const struct site *site, const struct config *config, size_t block,
                              const struct recipe *recipe)
{
    const bool residual = recipe->residual && stream_adds(site, config);
    const bool mixed = site->first == LINEAR_Q &&
                       (recipe->mixing || recipe->mix.clean > 0 || recipe->mix.attention > 0);

    return (struct gathering){.pairs = recipe->drift || residual,
                              .residual = residual,
                              .weighted = recipe_weights(recipe) && site->first == LINEAR_Q,
                              .mixed = mixed,
                              .columns = layers_in(config, block, site->first).columns,
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

/* Layers of a block, of one of its experts. */
static double linear_work(const struct config *config, size_t block, enum linear_kind first,
                          enum linear_kind last)
{
    double work = 0;

    for (size_t kind = first; kind <= (size_t)last; kind++) {
        const struct layer_place place = layers_in(config, block, kind);
        work += 2 * (double)place.rows * (double)place.columns;
    }
    return work;
}

/* Query, key and value, and what half a window of tokens has to say. */
static double attention_work(const struct config *config, size_t window)
{
    return linear_work(config, 0, LINEAR_Q, LINEAR_V) +
           2 * (double)(config->heads * config->head_dim) * (double)window;
}

/* Experts that a token passes. */
static double passed(const struct config *config, size_t block)
{
    return config_experts(config, block) > 0 ? (double)config->mixture.chosen : 1;
}

double work_blocks(const struct config *config, size_t window)
{
    double work = 0;

    for (size_t i = 0; i < config->blocks; i++)
        work += attention_work(config, window) + linear_work(config, i, LINEAR_O, LINEAR_O) +
                passed(config, i) * linear_work(config, i, LINEAR_GATE, LINEAR_DOWN);
    return work;
}

static double layer_work(const struct config *config, size_t block, size_t kind)
{
    const struct layer_place place = layers_in(config, block, kind);

    return WORK_DOUBLE * (double)place.rows * (double)place.columns *
           (encoding_by_column * (double)place.columns + encoding_a_weight);
}

/* The way to each site and to the end for one stream and token: with experts, the last two for one
 * that has its share of the tokens. */
static void find_ways(const struct config *config, const struct calibration *calibration,
                      size_t block, double way[SITES + 1])
{
    const double attention = attention_work(config, calibration->window);
    const double gate_up = linear_work(config, block, LINEAR_GATE, LINEAR_UP);
    const double down = linear_work(config, block, LINEAR_DOWN, LINEAR_DOWN);
    const double twice = calibration->low_memory ? 1 : 0;
    const size_t experts = config_experts(config, block);

    way[0] = 0;
    way[1] = attention;
    way[2] = linear_work(config, block, LINEAR_O, LINEAR_O) + twice * attention;
    way[3] = gate_up;
    way[SITES] = down + twice * gate_up;
    if (experts > 0) {
        way[2] = 0;
        way[3] = gate_up * passed(config, block) / (double)experts;
        way[SITES] = passed(config, block) * (gate_up + down);
    }
}

struct work work_expected(const struct config *config, const struct calibration *calibration,
                          size_t block)
{
    const struct recipe *const recipe = calibration->recipe;
    const double tokens = (double)calibration->tokens->count;
    const double streams = recipe_compares(recipe) ? 2 : 1;
    const size_t experts = config_experts(config, block);
    const double share = experts > 0 ? passed(config, block) / (double)experts : 1;
    struct work work = {.experts = experts > 0 ? (double)experts : 1};
    double way[SITES + 1];

    find_ways(config, calibration, block, way);
    for (size_t i = 0; recipe->statistics && i <= SITES; i++)
        work.pass[i] = tokens * streams * way[i];
    if (recipe->statistics && experts > 0)
        work.router = tokens * streams * linear_work(config, block, LINEAR_O, LINEAR_O);
    for (size_t i = 0; recipe->statistics && i < SITES; i++) {
        const struct gathering gathering = gathering_at(&stream_sites[i], config, block, recipe);
        const double again = gathering.weighted ? attention_work(config, calibration->window) : 0;
        work.pass[i] +=
            (i >= SITE_GATE_UP ? share : 1) * tokens * (gathering_work(&gathering) + again);
    }
    for (size_t kind = 0; kind < LINEAR_KINDS; kind++)
        work.layer[kind] = layer_work(config, block, kind);
    return work;
}

double work_passes(const struct config *config, const struct calibration *calibration)
{
    double sum = 0;

    for (size_t block = 0; block < config->blocks; block++) {
        const struct work work = work_expected(config, calibration, block);
        sum += work.router;
        for (size_t i = 0; i < SITES; i++)
            sum += work.pass[i] * (i >= SITE_GATE_UP ? work.experts : 1);
        /* Nothing goes to the end of the last block. */
        sum += block + 1 < config->blocks ? work.pass[SITES] : 0;
    }
    return sum;
}

double work_encoding(const struct config *config)
{
    double sum = 0;

    for (size_t block = 0; block < config->blocks; block++)
        for (size_t slot = 0; slot < layers_of_block(config, block); slot++)
            sum += layer_work(config, block, layers_kind(slot));
    return sum;
}
