/* SPDX-License-Identifier: MIT */
#include "llm/watersic/vocabulary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/blas_threads.h"
#include "llm/report/evaluate.h"
#include "llm/run/takeover.h"
#include "llm/watersic/outputs_ends.h"

/* How much of what an error of a row costs comes from either of its uses; in nats, up to a
 * factor. */
struct worth {
    double looked_up; /* as a row of the embedding */
    double read_out;  /* as one of the head */
};

bool vocabulary_check(const struct vocabulary_rates *rates, const struct config *config,
                      struct failure *failure)
{
    if (rates->head > 0 && config->tied)
        return refuse(failure, "--head-rate: the model has no head of its own; --embedding-rate is "
                               "for the matrix that is both");
    return true;
}

size_t vocabulary_layers(const struct vocabulary_rates *rates)
{
    return (size_t)(rates->embedding > 0) + (size_t)(rates->head > 0);
}

size_t vocabulary_weights(const struct vocabulary_rates *rates, const struct config *config)
{
    return vocabulary_layers(rates) * config->vocabulary * config->hidden;
}

/* What a row of either end is worth: of the embedding as often as its token occurs, where each is
 * taken to occur once more; of the head what its logit's errors cost on the average, where the pass
 * over the outputs has told, and else the same. */
static void weigh_rows(const struct vocabulary *vocabulary, const struct worth *worth,
                       double *weights)
{
    const struct tokens *const tokens = vocabulary->calibration->tokens;
    const size_t rows = vocabulary->model->config.vocabulary;
    const struct outputs *const outputs = vocabulary->calibration->outputs;
    const double *const readout = outputs ? outputs->readout : NULL;
    const double total = (double)(tokens->count + rows);

    for (size_t i = 0; i < rows; i++)
        weights[i] = 1 / total;
    for (size_t i = 0; i < tokens->count; i++)
        weights[tokens->values[i]] += 1 / total;
    for (size_t i = 0; i < rows && readout; i++)
        weights[i] = worth->looked_up * weights[i] + worth->read_out * (readout[i] + 1 / total);
}

/* log2 √w_r, rounded, of all rows, where the mean of w is 1. NULL on failure. */
static int *find_exponents(const struct vocabulary *vocabulary, const struct worth *worth,
                           struct failure *failure)
{
    const size_t rows = vocabulary->model->config.vocabulary;
    int *const exponents = calloc(rows, sizeof *exponents);
    double *const weights = calloc(rows, sizeof *weights);
    double mean = 0;

    if (!exponents || !weights) {
        free(exponents);
        free(weights);
        refuse(failure, "out of memory for the weights of %zu tokens", rows);
        return NULL;
    }
    weigh_rows(vocabulary, worth, weights);
    for (size_t i = 0; i < rows; i++)
        mean += weights[i] / (double)rows;
    for (size_t i = 0; i < rows && !vocabulary->rates.alike; i++)
        exponents[i] = (int)lrint(log2(weights[i] / mean) / 2);
    free(weights);
    return exponents;
}

static void scale_rows(const struct table *table, const int *exponents, int sign, float *values)
{
    for (size_t i = 0; i < table->rows; i++)
        for (size_t j = 0; j < table->columns; j++)
            values[i * table->columns + j] =
                ldexpf(values[i * table->columns + j], sign * exponents[i]);
}

/* A matrix on its way. */
struct matrix {
    const char *name;
    struct table *table; /* in memory; its rows have their weights */
    const wsic_stats *stats;
    const int *exponents;
    wsic_encoder *encoder;
    uint64_t container;
    struct layer_result *result;
    struct stages *stages;
    struct failure *failure;
};

/* The layer of the rows without their weights. */
static wsic_layer *undo_weights(const struct matrix *matrix, const wsic_layer *weighted)
{
    const float *const scales = wsic_layer_row_scales(weighted);
    float *const undone = malloc(matrix->table->rows * sizeof *undone);
    wsic_layer *layer = NULL;

    for (size_t i = 0; undone && i < matrix->table->rows; i++)
        undone[i] = ldexpf(scales[i], -matrix->exponents[i]);
    if (!undone)
        refuse(matrix->failure, "%s: out of memory", matrix->name);
    else if (wsic_layer_create_with_scales(weighted, undone, NULL, &layer) < 0)
        refuse(matrix->failure, "%s: %s", matrix->name, wsic_layer_message(weighted));
    free(undone);
    return layer;
}

/* Sizes are those of the layer as it is stored. What it loses is known from before its weights were
 * undone. */
static void note_result(const struct matrix *matrix, const wsic_layer *weighted,
                        const wsic_layer *layer, wsic_status status)
{
    struct layer_result *const result = matrix->result;
    wsic_layer_info before = {.size = sizeof before};

    snprintf(result->name, sizeof result->name, "%s", matrix->name);
    result->status = status;
    result->info.size = sizeof result->info;
    wsic_layer_get_info(weighted, &before);
    wsic_layer_get_info(layer, &result->info);
    result->info.distortion = before.distortion;
    result->info.relative_distortion = before.relative_distortion;
    result->info.limit_rate = before.limit_rate;
    result->info.gap = before.limit_rate < 0 ? (double)NAN : result->info.rate - before.limit_rate;
}

/* Encode such that `more` bytes are left for the scales of rows. NULL on failure. */
static wsic_layer *encode(const struct matrix *matrix, uint64_t more)
{
    const struct table *const table = matrix->table;
    wsic_matrix weights;
    wsic_layer *weighted;

    wsic_matrix_init(&weights, sizeof weights, table->values, WSIC_F32, table->rows, table->columns,
                     0);
    wsic_status status = wsic_encoder_set_integer(matrix->encoder, WSIC_CONTAINER_BYTES,
                                                  (int64_t)(matrix->container + more));
    if (status >= 0)
        status = wsic_encoder_run(matrix->encoder, matrix->stats, &weights, &weighted);
    if (status < 0) {
        refuse(matrix->failure, "%s: %s", matrix->name, wsic_encoder_message(matrix->encoder));
        return NULL;
    }
    stages_note_coding(matrix->stages, watersic_coding_seconds(matrix->encoder));
    wsic_layer *const layer = undo_weights(matrix, weighted);
    if (layer)
        note_result(matrix, weighted, layer, status);
    wsic_layer_destroy(weighted);
    return layer;
}

/* The bytes that undoing weights adds to the scales are known only when it is done. In wide
 * matrices they are too few to matter. */
static wsic_layer *encode_to_rate(const struct matrix *matrix, double rate)
{
    const struct table *const table = matrix->table;
    const double target = rate * (double)table->rows * (double)table->columns / 8;
    wsic_layer *const layer = encode(matrix, 0);

    if (!layer)
        return NULL;
    const double excess = (double)(matrix->result->info.bytes + matrix->container) - target;
    if (matrix->result->status != WSIC_OK || excess <= 0.002 * target)
        return layer;
    wsic_layer_destroy(layer);
    return encode(matrix, (uint64_t)excess);
}

static bool store(const struct vocabulary *vocabulary, const struct matrix *matrix,
                  const wsic_layer *layer)
{
    const struct table *const table = matrix->table;
    wsic_matrix restored;

    wsic_matrix_init(&restored, sizeof restored, table->values, WSIC_F32, table->rows,
                     table->columns, 0);
    if (wsic_layer_dequantize(layer, 0, &restored) < 0)
        return refuse(matrix->failure, "%s: %s", matrix->name, wsic_layer_message(layer));
    const enum stage before = stages_enter(vocabulary->stages, STAGE_WRITING);
    const wsic_status status = wsic_archive_writer_add(vocabulary->writer, matrix->name, layer);
    stages_leave(vocabulary->stages, before);
    if (status < 0)
        return refuse(matrix->failure, "%s: %s", matrix->name,
                      wsic_archive_writer_message(vocabulary->writer));
    return true;
}

static bool quantize_weighted(struct vocabulary *vocabulary, struct matrix *matrix, double rate)
{
    struct method_settings settings = vocabulary->settings;

    settings.rate = rate;
    matrix->container = watersic_container_bytes(vocabulary->writer, matrix->name,
                                                 rate * (double)matrix->table->rows *
                                                     (double)matrix->table->columns);
    matrix->result = &vocabulary->results[vocabulary->count];
    matrix->encoder =
        watersic_encoder_create(vocabulary->context, &settings, vocabulary->limit, matrix->failure);
    if (!matrix->encoder)
        return false;
    scale_rows(matrix->table, matrix->exponents, 1, matrix->table->values);
    wsic_layer *const layer = encode_to_rate(matrix, rate);
    const bool ok = layer && store(vocabulary, matrix, layer);
    vocabulary->count += ok;
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(matrix->encoder);
    return ok;
}

static bool load_table(const struct vocabulary *vocabulary, struct table *table,
                       struct failure *failure)
{
    const enum stage before = stages_enter(vocabulary->stages, STAGE_READING);
    const bool ok = table_load(table, failure);

    stages_leave(vocabulary->stages, before);
    return ok;
}

/* Leaves the matrix in memory, as it is restored. */
static bool quantize_table(struct vocabulary *vocabulary, const char *name, struct table *table,
                           const wsic_stats *stats, const struct worth *worth, double rate,
                           struct failure *failure)
{
    struct matrix matrix = {.name = name,
                            .table = table,
                            .stats = stats,
                            .stages = vocabulary->stages,
                            .failure = failure};

    if (!load_table(vocabulary, table, failure))
        return false;
    const enum stage before = stages_enter(vocabulary->stages, STAGE_ENCODING);
    int *const exponents = find_exponents(vocabulary, worth, failure);
    matrix.exponents = exponents;
    const bool ok = exponents && quantize_weighted(vocabulary, &matrix, rate);
    free(exponents);
    stages_leave(vocabulary->stages, before);
    return ok;
}

static wsic_stats *create_stats(const struct vocabulary *vocabulary, struct failure *failure)
{
    wsic_stats *stats;

    if (wsic_stats_create(vocabulary->context, vocabulary->model->config.hidden, &stats) < 0)
        refuse(failure, "calibration: %s", wsic_context_message(vocabulary->context));
    return stats;
}

/* Moments of the head's input in the original model, n × n. */
static bool gather_readout(const struct vocabulary *vocabulary, double *moments,
                           struct failure *failure)
{
    const struct calibration *const calibration = vocabulary->calibration;
    const size_t n = vocabulary->model->config.hidden;
    wsic_matrix states, covariance;
    wsic_stats *const stats = create_stats(vocabulary, failure);

    if (!stats)
        return false;
    float *const hidden =
        evaluate_hidden(vocabulary->model, calibration->tokens, calibration->window, failure);
    bool ok = hidden != NULL;
    if (ok) {
        wsic_matrix_init(&states, sizeof states, hidden, WSIC_F32, calibration->tokens->count, n,
                         0);
        wsic_matrix_init(&covariance, sizeof covariance, moments, WSIC_F64, n, n, 0);
        const int held = blas_hold();
        ok = wsic_stats_add_activations(stats, &states, NULL) == WSIC_OK;
        blas_release(held);
        ok = ok && wsic_stats_get_covariance(stats, &covariance) == WSIC_OK;
        if (!ok)
            refuse(failure, "calibration: %s", wsic_stats_message(stats));
    }
    free(hidden);
    wsic_stats_destroy(stats);
    return ok;
}

static double trace(const double *moments, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += moments[i * n + i];
    return sum;
}

/* As an embedding the matrix gives the states, of which nothing is known to matter more than the
 * rest; as a head it takes them. Each counts half, where the outputs do not tell. */
static void mix_with_identity(double *moments, size_t n)
{
    const double energy = trace(moments, n);

    for (size_t i = 0; i < n * n; i++)
        moments[i] =
            (energy > 0 ? moments[i] / energy * (double)n / 2 : 0) + (i % (n + 1) == 0 ? 0.5 : 0);
}

/* An error e of row t costs ½ f_t eᵀ G e nats where the row is looked up in a part f_t of all
 * places, and ½ r_t eᵀ Σ e where it makes logits of states with the moments Σ, r_t = E p (1 - p).
 * Both are known, so that they are added: moments, which are Σ or zeros, become G + Σ_t r_t Σ. */
static bool add_entry(const struct vocabulary *vocabulary, double *moments, struct worth *worth,
                      struct failure *failure)
{
    struct outputs *const outputs = vocabulary->calibration->outputs;
    const size_t n = vocabulary->model->config.hidden;
    const double factor = (double)vocabulary->model->embedding_factor;
    double *const entry = malloc(n * n * sizeof *entry);
    double read_out = 0;

    if (!entry)
        return refuse(failure, "out of memory for statistics");
    if (!outputs_read_entry(outputs, entry, failure)) {
        free(entry);
        return false;
    }
    for (size_t i = 0; i < vocabulary->model->config.vocabulary; i++)
        read_out += outputs->readout[i];
    *worth = (struct worth){.looked_up = factor * factor * trace(entry, n),
                            .read_out = trace(moments, n)};
    for (size_t i = 0; i < n * n; i++)
        moments[i] = factor * factor * entry[i] + read_out * moments[i];
    free(entry);
    return true;
}

static bool fill_embedding_stats(const struct vocabulary *vocabulary, wsic_stats *stats,
                                 double *moments, struct worth *worth, struct failure *failure)
{
    const size_t n = vocabulary->model->config.hidden;
    wsic_matrix covariance;

    if (vocabulary->model->config.tied && !vocabulary->rates.alike &&
        !gather_readout(vocabulary, moments, failure))
        return false;
    if (!vocabulary->calibration->outputs || vocabulary->rates.alike)
        mix_with_identity(moments, n);
    else if (!add_entry(vocabulary, moments, worth, failure))
        return false;
    wsic_matrix_init(&covariance, sizeof covariance, moments, WSIC_F64, n, n, 0);
    if (wsic_stats_add_covariance(stats, &covariance, 1) < 0)
        return refuse(failure, "calibration: %s", wsic_stats_message(stats));
    return true;
}

/* The result of a matrix that the writer has. */
static bool note_taken(struct vocabulary *vocabulary, const char *name, const wsic_layer *layer,
                       struct failure *failure)
{
    struct layer_result *const result = &vocabulary->results[vocabulary->count++];

    snprintf(result->name, sizeof result->name, "%s", name);
    result->taken = true;
    result->info.size = sizeof result->info;
    return wsic_layer_get_info(layer, &result->info) >= 0 ||
           refuse(failure, "%s: %s", name, wsic_layer_message(layer));
}

/* Take a matrix from the writer; into a table in memory unless that is NULL. */
static bool take_matrix(struct vocabulary *vocabulary, const char *name, struct table *table,
                        struct failure *failure)
{
    wsic_matrix restored;
    wsic_layer *layer;

    if (!takeover_layer(vocabulary->writer, name, &layer, failure))
        return false;
    bool ok = note_taken(vocabulary, name, layer, failure);
    if (ok && table) {
        wsic_matrix_init(&restored, sizeof restored, table->values, WSIC_F32, table->rows,
                         table->columns, 0);
        ok = wsic_layer_dequantize(layer, 0, &restored) >= 0 ||
             refuse(failure, "%s: %s", name, wsic_layer_message(layer));
    }
    wsic_layer_destroy(layer);
    return ok;
}

bool vocabulary_wants_embedding(const struct vocabulary *vocabulary)
{
    return vocabulary->rates.embedding > 0 && !vocabulary->rates.alike &&
           !takeover_has(vocabulary->writer, model_embedding_name);
}

bool vocabulary_quantize_embedding(struct vocabulary *vocabulary, struct failure *failure)
{
    struct model *const model = vocabulary->model;
    const size_t n = model->config.hidden;

    if (vocabulary->rates.embedding == 0)
        return true;
    /* The original is in the checkpoint, whatever is in memory. */
    table_unload(&model->embedding);
    if (takeover_has(vocabulary->writer, model_embedding_name))
        return table_load(&model->embedding, failure) &&
               take_matrix(vocabulary, model_embedding_name, &model->embedding, failure);
    wsic_stats *const stats = create_stats(vocabulary, failure);
    if (!stats)
        return false;
    struct worth worth = {.looked_up = 1};
    double *const moments = calloc(n * n, sizeof *moments);
    const enum stage before = stages_enter(vocabulary->stages, STAGE_STATISTICS);
    const bool filled = moments ? fill_embedding_stats(vocabulary, stats, moments, &worth, failure)
                                : refuse(failure, "out of memory for statistics");
    stages_leave(vocabulary->stages, before);
    free(moments);
    const bool ok = filled && quantize_table(vocabulary, model_embedding_name, &model->embedding,
                                             stats, &worth, vocabulary->rates.embedding, failure);
    wsic_stats_destroy(stats);
    return ok;
}

/* The states of both models become the input of the head. */
static bool add_head_inputs(const struct vocabulary *vocabulary, struct gatherer *gatherer,
                            wsic_stats *stats, struct failure *failure)
{
    const struct model *const model = vocabulary->model;
    const size_t count = gatherer->tokens->count;
    wsic_matrix live, clean;
    wsic_status status;

    if (!evaluate_norm(&gatherer->live.forward, model, gatherer->live.hidden, count, failure))
        return false;
    wsic_matrix_init(&live, sizeof live, gatherer->live.hidden, WSIC_F32, count,
                     model->config.hidden, 0);
    if (gatherer->recipe->drift) {
        if (!evaluate_norm(&gatherer->clean.forward, model, gatherer->clean.hidden, count, failure))
            return false;
        wsic_matrix_init(&clean, sizeof clean, gatherer->clean.hidden, WSIC_F32, count,
                         model->config.hidden, 0);
    }
    const enum stage before = stages_enter(vocabulary->stages, STAGE_STATISTICS);
    const int held = blas_hold();
    if (gatherer->recipe->drift)
        status = wsic_stats_add_pair(stats, &clean, &live, NULL, NULL);
    else
        status = wsic_stats_add_activations(stats, &live, NULL);
    blas_release(held);
    stages_leave(vocabulary->stages, before);
    return status == WSIC_OK || refuse(failure, "calibration: %s", wsic_stats_message(stats));
}

bool vocabulary_quantize_head(void *self, struct gatherer *gatherer, struct failure *failure)
{
    struct vocabulary *const vocabulary = self;
    struct table *const head = &vocabulary->model->head;

    table_unload(head);
    wsic_stats *const stats = create_stats(vocabulary, failure);
    if (!stats)
        return false;
    const struct worth worth = {.read_out = 1};
    const bool ok = add_head_inputs(vocabulary, gatherer, stats, failure) &&
                    quantize_table(vocabulary, model_head_name, head, stats, &worth,
                                   vocabulary->rates.head, failure);
    wsic_stats_destroy(stats);
    return ok;
}

bool vocabulary_wants_head(const struct vocabulary *vocabulary)
{
    return vocabulary->rates.head > 0 && !takeover_has(vocabulary->writer, model_head_name);
}

bool vocabulary_note_head(struct vocabulary *vocabulary, struct failure *failure)
{
    if (vocabulary->count == vocabulary_layers(&vocabulary->rates))
        return true;
    return take_matrix(vocabulary, model_head_name, NULL, failure);
}
