/* SPDX-License-Identifier: MIT */
#include "llm/watersic/estimate.h"

#include "common/workers.h"
#include "llm/model/forward.h"
#include "llm/watersic/outputs_estimate.h"
#include "llm/watersic/sensitivity.h"
#include "llm/watersic/survey.h"
#include "llm/watersic/watersic_run.h"
#include "llm/run/work.h"

/* What a run on next to nothing takes, and the panels of a thread that multiplies matrices. */
static const uint64_t program_bytes = 16 << 20;
static const uint64_t blas_bytes = 12 << 20;
/* What the C library may keep of freed blocks without using it again: glibc learns to keep blocks of
 * up to 32 MiB in its heap, and whether later ones fit the gap depends on the order in which threads
 * come. */
static const uint64_t gap_bytes = 32 << 20;

/* What the library holds for each input while it takes tokens, and for each of its threads: see
 * docs/performance.md, "What grows how". */
enum { bytes_an_input = 2458, bytes_a_thread = 1 << 18 };

static uint64_t largest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t square_bytes(uint64_t n)
{
    return n * n * sizeof(double);
}

/* Of pairs: of either input, and across; of residuals: with either input, and their energies. */
static uint64_t statistics_bytes(const struct gathering *gathering)
{
    const uint64_t n = gathering->columns;
    const uint64_t inputs = square_bytes(n) * (gathering->pairs ? 3 : 1);
    const uint64_t residuals = gathering->residual ? gathering->hidden * (2 * n + 1) : 0;

    return (inputs + residuals * sizeof(double)) * (gathering->weighted ? 2 : 1);
}

static uint64_t chunk_bytes(const struct gathering *gathering)
{
    const uint64_t inputs = gathering->columns * (gathering->pairs ? 2 : 1);
    const uint64_t residuals = gathering->residual ? gathering->hidden : 0;

    return bytes_an_input * (inputs + residuals) + bytes_a_thread * (uint64_t)workers_usual();
}

/* Whether a run makes a matrix for the rescalers, or for the limit. */
static bool has_second_square(wsic_encoder *encoder)
{
    double rescale = 1, limit = 1;

    wsic_encoder_get_number(encoder, WSIC_RESCALE, &rescale);
    wsic_encoder_get_number(encoder, WSIC_LIMIT, &limit);
    return rescale > 0 || limit > 0; /* the first choice is "none" */
}

/* Copies of the moments without dead columns. */
static uint64_t dead_bytes(const struct gathering *gathering)
{
    return square_bytes(gathering->columns) * (gathering->pairs ? 2 : 1);
}

/* Of the layer that needs most. The library's own bound (encoder.h) is for whatever may come: that
 * of plain statistics, and as much more for pairs as dead columns need; mixtures take no part in it
 * (problem.h). */
static bool encoding_bytes(uint64_t *bytes, const struct site *site, const struct config *config,
                           size_t block, const struct gathering *gathering, wsic_encoder *encoder,
                           struct failure *failure)
{
    const uint64_t square = square_bytes(gathering->columns);
    const uint64_t mixture = gathering->mixed ? square * (gathering->pairs ? 2 : 1) : 0;
    /* Without scales and a limit there is no second square. */
    const uint64_t spared = has_second_square(encoder) ? 0 : 1;
    const uint64_t unused = spared * square;

    *bytes = 0;
    for (size_t kind = site->first; kind <= (size_t)site->last; kind++) {
        const struct layer_place shape = layers_in(config, block, kind);
        uint64_t bound;
        if (wsic_encoder_estimate_memory(encoder, shape.rows, shape.columns, &bound) < 0)
            return refuse(failure, "%s", wsic_encoder_message(encoder));
        *bytes = largest(*bytes, bound - unused + mixture);
    }
    return true;
}

/* What drafts are judged with: a sample of states and what attention makes of it, and the drafts of
 * query, key and value. */
static uint64_t draft_bytes(const struct config *config, const struct calibration *calibration)
{
    const size_t tokens = calibration->tokens->count;
    const uint64_t sample = tokens < WATERSIC_DRAFT_TOKENS ? tokens : WATERSIC_DRAFT_TOKENS;
    const uint64_t query = config->heads * config->head_dim;
    const uint64_t drafts = config->hidden * (query + 2 * config->kv_heads * config->head_dim);

    return (sample * (config->hidden + query) + drafts) * sizeof(float) +
           forward_memory(config, calibration->window, sample);
}

static bool add_sites_of(struct memory_estimate *estimate, const struct config *config,
                         size_t block, const struct calibration *calibration, wsic_encoder *encoder,
                         struct failure *failure)
{
    const struct recipe *const recipe = calibration->recipe;

    for (size_t i = 0; i < SITES; i++) {
        const struct site *const site = &stream_sites[i];
        const struct gathering gathering = gathering_at(site, config, block, recipe);
        const uint64_t statistics = statistics_bytes(&gathering);
        uint64_t encoding;
        if (!encoding_bytes(&encoding, site, config, block, &gathering, encoder, failure))
            return false;
        encoding = largest(encoding, chunk_bytes(&gathering));
        if (recipe->mixing && site->first == LINEAR_Q)
            encoding += draft_bytes(config, calibration);
        if (statistics + encoding <= estimate->statistics + estimate->encoding)
            continue;
        estimate->statistics = statistics;
        estimate->encoding = encoding;
        estimate->dead = dead_bytes(&gathering);
    }
    return true;
}

/* Experts of a block come one after the other, and are alike. */
static bool add_sites(struct memory_estimate *estimate, const struct config *config,
                      const struct calibration *calibration, wsic_encoder *encoder,
                      struct failure *failure)
{
    size_t blocks[LAYERS_SHAPES];

    for (size_t i = layers_shapes(config, blocks); i-- > 0;)
        if (!add_sites_of(estimate, config, blocks[i], calibration, encoder, failure))
            return false;
    return true;
}

/* What the states have lost, and the importance of tokens to every head. */
static uint64_t batch_extras(const struct config *config, const struct calibration *calibration)
{
    const size_t capacity = forward_capacity(calibration->window);
    const size_t tokens = calibration->tokens->count;
    const uint64_t count = tokens < capacity ? tokens : capacity;
    const uint64_t importance =
        recipe_weights(calibration->recipe) ? config->heads * sizeof(float) + sizeof(double) : 0;

    return count * (config->hidden * sizeof(float) + importance);
}

static void add_up(struct memory_estimate *estimate)
{
    estimate->run = estimate->program + estimate->tables + estimate->blocks + estimate->states +
                    estimate->passing + estimate->statistics + estimate->encoding +
                    estimate->outputs;
    estimate->total = largest(largest(estimate->run, estimate->planning), estimate->collecting);
}

/* The largest layer of a site, in single precision. */
static uint64_t weights_bytes(const struct site *site, const struct config *config, size_t block)
{
    uint64_t bytes = 0;

    for (size_t kind = site->first; kind <= (size_t)site->last; kind++) {
        const struct layer_place shape = layers_in(config, block, kind);
        bytes = largest(bytes, (uint64_t)shape.rows * shape.columns * sizeof(float));
    }
    return bytes;
}

/* Of plain statistics, with the drafts that are made on them, and where the first layer of a block
 * comes, with what measuring the block before takes: its problem is there already. */
static bool drafting_bytes(uint64_t *bytes, const struct config *config, size_t block,
                           size_t divergence_tokens, wsic_encoder *encoder, struct failure *failure)
{
    const struct recipe plain = {.statistics = true};

    for (size_t i = 0; i < SITES; i++) {
        const struct site *const site = &stream_sites[i];
        const struct gathering gathering = gathering_at(site, config, block, &plain);
        uint64_t encoding;
        if (!encoding_bytes(&encoding, site, config, block, &gathering, encoder, failure))
            return false;
        if (site->first == LINEAR_Q && divergence_tokens > 0)
            encoding += sensitivity_passing(config, divergence_tokens);
        *bytes = largest(*bytes, statistics_bytes(&gathering) + encoding +
                                     weights_bytes(site, config, block));
    }
    return true;
}

/* A plan with equal shares needs less than the run, which has the same statistics at least, of the
 * same text at least. With sensitivities it may be more: drafts have rescalers, and a probe goes
 * beside the model. The text is copied for the samples. */
static bool add_planning(struct memory_estimate *estimate, const struct config *config,
                         const struct calibration *calibration, wsic_context *context,
                         struct failure *failure)
{
    const size_t count = calibration->tokens->count;
    const struct tokens sample = {.count = survey_tokens(config, calibration)};
    /* No probe where sensitivities come from the outputs. */
    const size_t divergence_tokens = calibration->recipe->sensitivity == SENSITIVITY_DRAFTS
                                         ? survey_divergence_tokens(calibration)
                                         : 0;
    struct stream_text text = pipeline_text(calibration);
    struct drafter drafter;
    uint64_t drafting = 0;
    size_t blocks[LAYERS_SHAPES];
    bool ok = true;

    if (!survey_create_drafter(&drafter, context, failure))
        return false;
    for (size_t i = layers_shapes(config, blocks); ok && i-- > 0;)
        ok = drafting_bytes(&drafting, config, blocks[i], divergence_tokens, drafter.encoder,
                            failure);
    drafter_destroy(&drafter);
    if (!ok)
        return false;
    text.tokens = &sample;
    estimate->planning = estimate->program + (2 * count + sample.count) * sizeof(uint32_t) +
                         block_memory(config) + stream_memory(config, &text) +
                         forward_memory(config, text.window, sample.count) + estimate->outputs +
                         drafting;
    if (divergence_tokens > 0)
        estimate->planning += sensitivity_held(config, text.window, divergence_tokens);
    return true;
}

bool estimate_memory(struct memory_estimate *estimate, const struct config *config,
                     const struct calibration *calibration, wsic_context *context,
                     wsic_encoder *encoder, struct failure *failure)
{
    const uint64_t streams = recipe_compares(calibration->recipe) ? 2 : 1;
    const struct stream_text text = pipeline_text(calibration);
    const size_t tokens = calibration->tokens->count;

    *estimate = (struct memory_estimate){
        .program = program_bytes + gap_bytes + workers_usual() * blas_bytes,
        .blocks = streams * block_memory(config),
        .states = streams * stream_memory(config, &text) + tokens * sizeof(uint32_t),
        .passing = streams * forward_memory(config, text.window, tokens) +
                   (streams > 1 ? batch_extras(config, calibration) : 0) +
                   routes_memory(config, tokens, forward_capacity(text.window))};
    if (recipe_differentiates(calibration->recipe)) {
        estimate->outputs = outputs_memory(config, calibration);
        estimate->collecting = estimate->program + outputs_pass_memory(config, calibration);
    }
    if (!add_sites(estimate, config, calibration, encoder, failure) ||
        (calibration->recipe->plan == PLAN_WATERFILL &&
         !add_planning(estimate, config, calibration, context, failure)))
        return false;
    add_up(estimate);
    return true;
}

/* A head may be fitted to pairs. For an embedding, moments are mixed in a square of their own and
 * given to statistics as a copy. */
static uint64_t table_statistics(const struct config *config)
{
    return 3 * square_bytes(config->hidden);
}

bool estimate_vocabulary(struct memory_estimate *estimate, const struct config *config,
                         const struct vocabulary_rates *rates, wsic_encoder *encoder,
                         struct failure *failure)
{
    const uint64_t statistics = table_statistics(config);
    uint64_t encoding;

    if (vocabulary_layers(rates) == 0)
        return true;
    if (wsic_encoder_estimate_memory(encoder, config->vocabulary, config->hidden, &encoding) < 0)
        return refuse(failure, "%s", wsic_encoder_message(encoder));
    estimate->tables = vocabulary_weights(rates, config) * sizeof(float);
    if (statistics + encoding > estimate->statistics + estimate->encoding) {
        estimate->statistics = statistics;
        estimate->encoding = encoding;
    }
    /* The embedding comes before the plan. */
    if (estimate->planning > 0 && rates->embedding > 0)
        estimate->planning += (uint64_t)config->vocabulary * config->hidden * sizeof(float);
    if (estimate->collecting > 0 && rates->embedding > 0)
        estimate->collecting += (uint64_t)config->vocabulary * config->hidden * sizeof(float);
    add_up(estimate);
    return true;
}

/* With experts, one more to the router, and two for each of them, over its tokens. */
static size_t count_passes(const struct config *config)
{
    size_t passes = 0;

    for (size_t i = 0; i < config->blocks; i++) {
        const size_t experts = config_experts(config, i);
        passes += experts > 0 ? 4 + 2 * experts : SITES + 1;
    }
    return passes - 1;
}

/* A pass to each site of a block, and one to its end, which the last block does without unless the
 * head is fitted to what it leaves. Attention is computed on the way to its output, once more from
 * there if it is not kept, and once more of the original for importance. An embedding that is the
 * head as well takes a pass through all of the original. */
struct pass_estimate estimate_passes(const struct config *config,
                                     const struct calibration *calibration,
                                     const struct vocabulary_rates *rates)
{
    const struct recipe *const recipe = calibration->recipe;
    const size_t streams = recipe_compares(recipe) ? 2 : 1;
    const size_t importance = recipe_weights(recipe) ? 1 : 0;
    const size_t passes = count_passes(config);
    const bool plans = recipe->plan != PLAN_NONE;
    const size_t readout = rates->embedding > 0 && config->tied && !rates->alike ? 1 : 0;

    return (struct pass_estimate){
        .streams = streams,
        .passes = passes + (rates->head > 0 ? 1 : 0) + readout,
        .attention =
            config->blocks * (streams * (calibration->low_memory ? 2 : 1) + importance + readout),
        .planning = plans ? passes : 0,
        .planning_tokens = plans ? survey_tokens(config, calibration) : 0,
        .outputs_tokens = recipe_differentiates(recipe) ? outputs_pass_tokens(calibration) : 0};
}
