/* SPDX-License-Identifier: MIT */
#include "memory_scenarios.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "temporary.h"

enum { ROWS = 10, COLUMNS = 8, TOKENS = 24, MOST_NAMES = 200 };

static temporary place;
static double weights[ROWS * COLUMNS];
static double tokens[TOKENS * COLUMNS];
static double gradients[TOKENS * ROWS];
static double squares[ROWS];

/* --- what has been called ------------------------------------------------------ */

static char called[MOST_NAMES][64];
static size_t calls;

void scenario_note(const char *call)
{
    char name[64];
    const size_t length = strcspn(call, "(");

    ck_assert_uint_lt(length, sizeof name);
    memcpy(name, call, length);
    name[length] = '\0';
    for (size_t k = 0; k < calls; k++) {
        if (strcmp(called[k], name) == 0)
            return;
    }
    ck_assert_uint_lt(calls, MOST_NAMES);
    strcpy(called[calls++], name);
}

bool scenario_called(const char *function)
{
    for (size_t k = 0; k < calls; k++) {
        if (strcmp(called[k], function) == 0)
            return true;
    }
    return false;
}

static void refused(run *r, const char *call)
{
    ck_assert_msg(wsic_context_message(r->context)[0] != '\0', "%s: no message", call);
    ck_assert_int_eq(wsic_context_set_memory_limit(r->context, 0), WSIC_OK);
    r->refusals++;
}

/* Call, and once more if memory was refused; then it must succeed. */
#define TRY(r, call)                                                                               \
    do {                                                                                           \
        wsic_status status_ = (call);                                                              \
        scenario_note(#call);                                                                      \
        if (status_ == WSIC_ERROR_MEMORY || status_ == WSIC_ERROR_MEMORY_LIMIT) {                  \
            refused(r, #call);                                                                     \
            status_ = (call);                                                                      \
        }                                                                                          \
        ck_assert_msg(status_ >= 0, "%s: %s: %s", #call, wsic_status_name(status_),                \
                      wsic_context_message((r)->context));                                         \
    } while (0)

static void digest(run *r, const void *data, size_t size)
{
    const unsigned char *const bytes = data;

    for (size_t k = 0; k < size; k++)
        r->digest = (r->digest ^ bytes[k]) * 1099511628211U;
}

static void digest_layer(run *r, const wsic_layer *layer)
{
    const void *bytes;
    size_t size;

    TRY(r, wsic_layer_get_bytes(layer, &bytes, &size));
    digest(r, bytes, size);
}

/* --- pieces ----------------------------------------------------------------------- */

static wsic_matrix matrix_of(const void *data, uint32_t dtype, size_t rows, size_t columns)
{
    wsic_matrix matrix;

    wsic_matrix_init(&matrix, sizeof matrix, data, dtype, rows, columns, 0);
    return matrix;
}

static wsic_stats *make_stats(run *r)
{
    const wsic_matrix x = matrix_of(tokens, WSIC_F64, TOKENS, COLUMNS);
    wsic_stats *stats;

    TRY(r, wsic_stats_create(r->context, COLUMNS, &stats));
    TRY(r, wsic_stats_add_activations(stats, &x, NULL));
    return stats;
}

static wsic_stats *make_outputs(run *r)
{
    wsic_stats *stats;

    TRY(r, wsic_stats_create(r->context, ROWS, &stats));
    TRY(r, wsic_stats_add_activations_flat(stats, gradients, WSIC_F64, TOKENS, 0, NULL));
    return stats;
}

static wsic_encoder *make_encoder(run *r, const char *preset)
{
    wsic_encoder *encoder;

    TRY(r, wsic_encoder_create(r->context, &encoder));
    TRY(r, wsic_encoder_set_preset(encoder, preset));
    TRY(r, wsic_encoder_set_number(encoder, WSIC_STEP, 0.2));
    TRY(r, wsic_encoder_set_integer(encoder, WSIC_LIMIT, 1));
    return encoder;
}

/* On a context of its own, which refuses nothing; the caller's with free(). */
static uint8_t *encode_once(const char *preset, size_t *size)
{
    const wsic_matrix w = matrix_of(weights, WSIC_F64, ROWS, COLUMNS);
    const void *bytes;
    wsic_layer *layer;
    run r = {.refusals = 0};

    ck_assert_int_eq(wsic_context_create(NULL, &r.context), WSIC_OK);
    wsic_stats *const stats = make_stats(&r);
    wsic_encoder *const encoder = make_encoder(&r, preset);
    TRY(&r, wsic_encoder_run(encoder, stats, &w, &layer));
    TRY(&r, wsic_layer_get_bytes(layer, &bytes, size));
    uint8_t *const copy = malloc(*size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, *size);
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
    wsic_context_destroy(r.context);
    return copy;
}

/* The bytes of a layer that a preset makes: made once, so that scenarios of decoding do not
 * encode. */
static wsic_layer *make_layer(run *r, const char *preset)
{
    static struct {
        const char *preset;
        uint8_t *bytes;
        size_t size;
    } kept[] = {{"fast", NULL, 0}, {"default", NULL, 0}};
    const size_t k = strcmp(preset, kept[0].preset) == 0 ? 0 : 1;
    wsic_layer *layer;

    if (!kept[k].bytes)
        kept[k].bytes = encode_once(preset, &kept[k].size);
    TRY(r, wsic_layer_create(r->context, kept[k].bytes, kept[k].size, &layer));
    digest_layer(r, layer);
    return layer;
}

/* --- scenarios ---------------------------------------------------------------------- */

static void digest_moment(run *r, const wsic_stats *stats, int32_t which)
{
    double values[COLUMNS * COLUMNS] = {0.0};
    wsic_matrix matrix = matrix_of(values, WSIC_F64, COLUMNS, COLUMNS);

    TRY(r, wsic_stats_get_moment(stats, which, &matrix));
    digest(r, values, sizeof values);
    TRY(r, wsic_stats_get_moment_flat(stats, which, values, WSIC_F64, 0));
    digest(r, values, sizeof values);
}

static void statistics(run *r)
{
    const wsic_matrix x = matrix_of(tokens, WSIC_F64, TOKENS, COLUMNS);
    double values[COLUMNS * COLUMNS];
    wsic_matrix matrix = matrix_of(values, WSIC_F64, COLUMNS, COLUMNS);
    wsic_stats *const stats = make_stats(r);
    wsic_stats *more, *loaded;

    TRY(r, wsic_stats_get_covariance(stats, &matrix));
    TRY(r, wsic_stats_create(r->context, COLUMNS, &more));
    TRY(r, wsic_stats_add_covariance(more, &matrix, 5));
    TRY(r, wsic_stats_add_covariance_flat(more, values, WSIC_F64, 0, 5));
    TRY(r, wsic_stats_merge(stats, more));
    TRY(r, wsic_stats_get_spectrum(stats, values));
    digest(r, values, COLUMNS * sizeof *values);
    TRY(r, wsic_stats_save(stats, temporary_path(&place, "statistics")));
    TRY(r, wsic_stats_load(r->context, place.path, &loaded));
    digest_moment(r, loaded, WSIC_MOMENT_INPUT);
    TRY(r, wsic_stats_add_activations(loaded, &x, NULL));
    digest_moment(r, loaded, WSIC_MOMENT_INPUT);
    wsic_stats_destroy(loaded);
    wsic_stats_destroy(more);
    wsic_stats_destroy(stats);
}

static void pairs(run *r)
{
    const wsic_matrix x = matrix_of(tokens, WSIC_F64, TOKENS - 1, COLUMNS);
    const wsic_matrix quantized = matrix_of(tokens + COLUMNS, WSIC_F64, TOKENS - 1, COLUMNS);
    const wsic_matrix residual = matrix_of(gradients, WSIC_F64, TOKENS - 1, ROWS);
    const wsic_matrix w = matrix_of(weights, WSIC_F64, ROWS, COLUMNS);
    double input[COLUMNS * COLUMNS];
    const wsic_matrix moment = matrix_of(input, WSIC_F64, COLUMNS, COLUMNS);
    const wsic_pair_moments moments = {
        .size = sizeof moments, .input = &moment, .quantized = &moment, .cross = &moment};
    wsic_stats *stats, *plain;
    wsic_layer *layer;

    TRY(r, wsic_stats_create(r->context, COLUMNS, &stats));
    TRY(r, wsic_stats_add_pair(stats, &x, &quantized, &residual, NULL));
    TRY(r, wsic_stats_add_pair_flat(stats, tokens, tokens + COLUMNS, gradients, ROWS, WSIC_F64,
                                    TOKENS - 1, NULL));
    digest_moment(r, stats, WSIC_MOMENT_CROSS);
    TRY(r, wsic_stats_get_moment_flat(stats, WSIC_MOMENT_INPUT, input, WSIC_F64, 0));
    TRY(r, wsic_stats_create(r->context, COLUMNS, &plain));
    TRY(r, wsic_stats_add_pair_moments(plain, &moments, 7));
    digest_moment(r, plain, WSIC_MOMENT_QUANTIZED);
    wsic_encoder *const encoder = make_encoder(r, "default");
    TRY(r, wsic_encoder_run(encoder, stats, &w, &layer));
    digest_layer(r, layer);
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(plain);
    wsic_stats_destroy(stats);
}

static void encode(run *r, const char *preset)
{
    wsic_encoder_report report = {.size = sizeof report};
    wsic_stats *const stats = make_stats(r);
    wsic_encoder *const encoder = make_encoder(r, preset);
    char text[64];
    double step;
    uint64_t bytes;
    wsic_layer *layer;

    TRY(r, wsic_encoder_set_text(encoder, "step", "0.3"));
    TRY(r, wsic_encoder_get_text(encoder, "step", text, sizeof text));
    TRY(r, wsic_encoder_get_number(encoder, WSIC_STEP, &step));
    TRY(r, wsic_encoder_estimate_memory(encoder, ROWS, COLUMNS, &bytes));
    TRY(r, wsic_encoder_run_flat(encoder, stats, weights, WSIC_F64, ROWS, 0, &layer));
    TRY(r, wsic_encoder_get_report(encoder, &report));
    digest_layer(r, layer);
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
}

static void encode_scalar(run *r)
{
    encode(r, "fast");
}

static void encode_trellis(run *r)
{
    encode(r, "default");
}

static void encode_paper(run *r)
{
    encode(r, "paper");
}

/* By rate: the search quantizes again and again. */
static void encode_by_rate(run *r)
{
    const wsic_matrix w = matrix_of(weights, WSIC_F64, ROWS, COLUMNS);
    wsic_stats *const stats = make_stats(r);
    wsic_encoder *const encoder = make_encoder(r, "fast");
    wsic_layer *layer;

    TRY(r, wsic_encoder_set_number(encoder, WSIC_STEP, 0.0));
    TRY(r, wsic_encoder_set_number(encoder, WSIC_RATE, 5.0));
    TRY(r, wsic_encoder_run(encoder, stats, &w, &layer));
    digest_layer(r, layer);
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
}

static void encode_problem(run *r)
{
    const wsic_matrix w = matrix_of(weights, WSIC_F64, ROWS, COLUMNS);
    const size_t dead = 2;
    uint64_t bytes;
    wsic_layer *layer;
    wsic_problem *problem;
    wsic_stats *const stats = make_stats(r);
    wsic_stats *const outputs = make_outputs(r);
    wsic_encoder *const encoder = make_encoder(r, "default");

    TRY(r, wsic_problem_create(r->context, stats, stats, &w, &problem));
    TRY(r, wsic_problem_set_mix(problem, 0.5, 0.5));
    TRY(r, wsic_problem_set_dead_rows(problem, &dead, 1));
    TRY(r, wsic_problem_set_dead_columns(problem, &dead, 1));
    TRY(r, wsic_problem_set_output_diagonal(problem, squares, ROWS));
    TRY(r, wsic_problem_set_outputs(problem, outputs));
    TRY(r, wsic_encoder_estimate_memory_problem(encoder, problem, &bytes));
    TRY(r, wsic_encoder_run_problem(encoder, problem, &layer));
    digest_layer(r, layer);
    wsic_layer_destroy(layer);
    wsic_problem_destroy(problem);
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(outputs);
    wsic_stats_destroy(stats);
}

static void digest_plan(run *r, const wsic_plan *plan)
{
    double rates[COLUMNS];
    wsic_plan_layer layer = {.size = sizeof layer};

    for (size_t k = 0; k < wsic_plan_count(plan); k++) {
        TRY(r, wsic_plan_get_layer(plan, k, &layer));
        digest(r, &layer.rate, sizeof layer.rate);
        TRY(r, wsic_plan_get_column_rates(plan, k, rates, COLUMNS));
        digest(r, rates, sizeof rates);
    }
}

/* The same matrix alone, beside statistics of its outputs. */
static void digest_divergence(run *r, wsic_problem *problem)
{
    double divergence;
    size_t index;
    wsic_plan *plan;

    TRY(r, wsic_plan_create(r->context, &plan));
    TRY(r, wsic_plan_add_problem(plan, problem, &index));
    TRY(r, wsic_plan_solve_rate(plan, 2.0));
    TRY(r, wsic_plan_get_divergence(plan, &divergence));
    digest(r, &divergence, sizeof divergence);
    wsic_plan_destroy(plan);
}

static void plan(run *r)
{
    const wsic_matrix w = matrix_of(weights, WSIC_F64, ROWS, COLUMNS);
    size_t index;
    wsic_plan *made;
    wsic_problem *problem;
    wsic_stats *const stats = make_stats(r);
    wsic_stats *const outputs = make_outputs(r);
    wsic_encoder *const encoder = make_encoder(r, "fast");

    TRY(r, wsic_problem_create(r->context, stats, NULL, &w, &problem));
    TRY(r, wsic_problem_set_outputs(problem, outputs));
    TRY(r, wsic_plan_create(r->context, &made));
    TRY(r, wsic_plan_add(made, stats, &w, &index));
    TRY(r, wsic_plan_add_flat(made, stats, weights, WSIC_F64, ROWS, 0, &index));
    TRY(r, wsic_plan_add_problem(made, problem, &index));
    TRY(r, wsic_plan_set_sensitivity(made, 0, 3.0));
    TRY(r, wsic_plan_solve_rate(made, 2.0));
    digest_plan(r, made);
    TRY(r, wsic_plan_solve_distortion(made, 0.1));
    digest_plan(r, made);
    TRY(r, wsic_plan_solve_budget(made, WSIC_PLAN_WATERFILL, 3000));
    TRY(r, wsic_encoder_set_plan(encoder, made, 0));
    TRY(r, wsic_plan_commit(made, 0, 1000));
    digest_plan(r, made);
    digest_divergence(r, problem);
    wsic_plan_destroy(made);
    wsic_problem_destroy(problem);
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(outputs);
    wsic_stats_destroy(stats);
}

static int32_t take_tile(void *user, const wsic_tile *tile)
{
    (void)tile;
    ++*(size_t *)user;
    return 0;
}

static void decode_jobs(run *r, const wsic_layer *layer)
{
    static _Alignas(64) char workspace[1 << 20];
    float values[ROWS * COLUMNS] = {0.0F};
    wsic_matrix out = matrix_of(values, WSIC_F32, ROWS, COLUMNS);
    const wsic_layer_job job = {
        .size = sizeof job, .layer = layer, .kind = WSIC_JOB_WEIGHTS, .output = &out};
    size_t size, tiles = 0;

    TRY(r, wsic_layer_get_workspace_size(&job, &size));
    ck_assert_uint_le(size, sizeof workspace);
    TRY(r, wsic_layer_run(&job, workspace, size));
    TRY(r, wsic_layers_get_workspace_size(r->context, &job, 1, 1, &size));
    ck_assert_uint_le(size, sizeof workspace);
    TRY(r, wsic_layers_run(r->context, &job, 1, 1, NULL, 0));
    digest(r, values, sizeof values);
    TRY(r, wsic_layer_visit(layer, 0, take_tile, &tiles, workspace, sizeof workspace));
    ck_assert_uint_ge(tiles, 1);
}

static void decode(run *r)
{
    wsic_layer *const layer = make_layer(r, "default");
    int32_t codes[ROWS * COLUMNS], least, greatest;
    float values[ROWS * COLUMNS], products[2 * ROWS], row_scales[ROWS], column_scales[COLUMNS];
    float x[2 * COLUMNS];
    wsic_matrix code_matrix = matrix_of(codes, WSIC_I32, ROWS, COLUMNS);
    wsic_matrix value_matrix = matrix_of(values, WSIC_F32, ROWS, COLUMNS);
    const wsic_matrix x_matrix = matrix_of(x, WSIC_F32, 2, COLUMNS);
    wsic_matrix y_matrix = matrix_of(products, WSIC_F32, 2, ROWS);
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *scaled;

    for (size_t k = 0; k < 2 * COLUMNS; k++)
        x[k] = (float)k;
    TRY(r, wsic_layer_get_info(layer, &info));
    TRY(r, wsic_layer_get_codes(layer, 0, &code_matrix));
    TRY(r, wsic_layer_get_codes_flat(layer, 0, codes, WSIC_I32, ROWS, 0));
    digest(r, codes, sizeof codes);
    TRY(r, wsic_layer_get_code_range(layer, &least, &greatest));
    TRY(r, wsic_layer_dequantize(layer, 0, &value_matrix));
    TRY(r, wsic_layer_dequantize_flat(layer, 0, values, WSIC_F32, ROWS, 0));
    digest(r, values, sizeof values);
    TRY(r, wsic_layer_matmul(layer, 0, &x_matrix, &y_matrix));
    TRY(r, wsic_layer_matmul_flat(layer, 0, ROWS, 2, x, WSIC_F32, 0, products, 0));
    digest(r, products, sizeof products);
    TRY(r, wsic_layer_matvec(layer, x, products));
    decode_jobs(r, layer);
    memcpy(row_scales, wsic_layer_row_scales(layer), sizeof row_scales);
    memcpy(column_scales, wsic_layer_column_scales(layer), sizeof column_scales);
    TRY(r, wsic_layer_create_with_scales(layer, row_scales, column_scales, &scaled));
    digest_layer(r, scaled);
    wsic_layer_destroy(scaled);
    wsic_layer_destroy(layer);
}

static void copies(run *r)
{
    wsic_layer *const layer = make_layer(r, "fast");
    const void *bytes;
    size_t size;
    wsic_layer *copy, *view;

    TRY(r, wsic_layer_get_bytes(layer, &bytes, &size));
    TRY(r, wsic_layer_create(r->context, bytes, size, &copy));
    TRY(r, wsic_layer_create_view(r->context, bytes, size, &view));
    digest_layer(r, copy);
    digest_layer(r, view);
    wsic_layer_destroy(view);
    wsic_layer_destroy(copy);
    wsic_layer_destroy(layer);
}

static void read_archive(run *r, const char *path)
{
    size_t index, size;
    uint64_t offset, bytes;
    wsic_archive *archive, *mapped;
    wsic_layer *owned, *borrowed;
    uint8_t *const data = read_file(path, &size);

    digest(r, data, size);
    TRY(r, wsic_archive_open(r->context, path, &archive));
    TRY(r, wsic_archive_open_memory(r->context, data, size, &mapped));
    TRY(r, wsic_archive_find(archive, "two", &index));
    TRY(r, wsic_archive_get_extent(archive, index, &offset, &bytes));
    TRY(r, wsic_archive_load_layer(archive, index, &owned));
    TRY(r, wsic_archive_view_layer(mapped, index, &borrowed));
    digest_layer(r, owned);
    digest_layer(r, borrowed);
    wsic_layer_destroy(borrowed);
    wsic_layer_destroy(owned);
    wsic_archive_close(mapped);
    wsic_archive_close(archive);
    free(data);
}

static void archives(run *r)
{
    const char *const path = temporary_path(&place, "archive");
    wsic_archive_writer *writer;
    wsic_layer *const layer = make_layer(r, "fast");
    wsic_layer *again;

    TRY(r, wsic_archive_writer_create(r->context, path, &writer));
    TRY(r, wsic_archive_writer_set_alignment(writer, 128));
    TRY(r, wsic_archive_writer_set_metadata(writer, "key", "value"));
    TRY(r, wsic_archive_writer_add(writer, "one", layer));
    TRY(r, wsic_archive_writer_load_layer(writer, 0, &again));
    wsic_archive_writer_destroy(writer);
    TRY(r, wsic_archive_writer_resume(r->context, path, &writer));
    TRY(r, wsic_archive_writer_add(writer, "two", again));
    TRY(r, wsic_archive_writer_finish(writer));
    wsic_archive_writer_destroy(writer);
    read_archive(r, path);
    wsic_layer_destroy(again);
    wsic_layer_destroy(layer);
}

const memory_scenario scenarios[SCENARIOS] = {{"statistics", statistics},
                                              {"pairs", pairs},
                                              {"encode_scalar", encode_scalar},
                                              {"encode_trellis", encode_trellis},
                                              {"encode_paper", encode_paper},
                                              {"encode_by_rate", encode_by_rate},
                                              {"encode_problem", encode_problem},
                                              {"plan", plan},
                                              {"decode", decode},
                                              {"copies", copies},
                                              {"archives", archives}};

static void fill(double *values, size_t count, double pace)
{
    for (size_t k = 0; k < count; k++)
        values[k] = (double)(k * k * 7919 % 1009) / 504.5 - 1.0 + pace * (double)(k % 5);
}

void scenarios_begin(void)
{
    fill(weights, ROWS * COLUMNS, 0.0);
    fill(tokens, TOKENS * COLUMNS, 0.1);
    fill(gradients, TOKENS * ROWS, 0.2);
    for (size_t k = 0; k < ROWS; k++)
        squares[k] = gradients[k] * gradients[k];
    temporary_create(&place);
}

void scenarios_end(void)
{
    temporary_destroy(&place);
}
