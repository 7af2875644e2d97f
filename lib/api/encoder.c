/* SPDX-License-Identifier: MIT */
#include "watersic/encoder.h"

#include <math.h>
#include <string.h>

#include "api/check.h"
#include "api/context.h"
#include "api/layer.h"
#include "api/params.h"
#include "api/problem.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/rounding.h"
#include "coding/codes.h"

struct wsic_encoder {
    wsic_handle handle;
    wsic_params params;
    char text[2048]; /* of wsic_encoder_parameters() */
    bool has_report;
    wsic_encoder_report report;
};

wsic_status wsic_encoder_create(wsic_context *context, wsic_encoder **out)
{
    if (out)
        *out = NULL;
    wsic_status status = wsic_check_creation(context, NULL, NULL, out);
    if (status != WSIC_OK)
        return status;
    wsic_encoder *const encoder = wsic_handle_create(context, sizeof *encoder, &status);
    if (!encoder)
        return status;
    wsic_params_init(&encoder->params);
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): wsic_check_creation() refuses NULL */
    *out = encoder;
    return WSIC_OK;
}

void wsic_encoder_destroy(wsic_encoder *encoder)
{
    wsic_handle_destroy(encoder);
}

const char *wsic_encoder_message(const wsic_encoder *encoder)
{
    return wsic_handle_message(encoder);
}

wsic_status wsic_encoder_set_preset(wsic_encoder *encoder, const char *name)
{
    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    if (!name)
        return wsic_fail(&encoder->handle.env, WSIC_ERROR_ARGUMENT, "name is NULL");
    return wsic_params_set_preset(&encoder->handle.env, &encoder->params, name);
}

wsic_status wsic_encoder_set_number(wsic_encoder *encoder, int32_t id, double value)
{
    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    return wsic_params_set(&encoder->handle.env, &encoder->params, id, WSIC_PARAMETER_NUMBER,
                           value);
}

wsic_status wsic_encoder_set_integer(wsic_encoder *encoder, int32_t id, int64_t value)
{
    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    return wsic_params_set(&encoder->handle.env, &encoder->params, id, WSIC_PARAMETER_INTEGER,
                           (double)value);
}

wsic_status wsic_encoder_set_text(wsic_encoder *encoder, const char *name, const char *value)
{
    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    if (!name || !value)
        return wsic_fail(&encoder->handle.env, WSIC_ERROR_ARGUMENT, "%s is NULL",
                         name ? "value" : "name");
    return wsic_params_set_text(&encoder->handle.env, &encoder->params, name, value);
}

wsic_status wsic_encoder_get_number(const wsic_encoder *encoder, int32_t id, double *value)
{
    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    if (!value)
        return wsic_fail(&encoder->handle.env, WSIC_ERROR_ARGUMENT, "value is NULL");
    return wsic_params_get(&encoder->handle.env, &encoder->params, id, value);
}

wsic_status wsic_encoder_get_text(const wsic_encoder *encoder, const char *name, char *text,
                                  size_t size)
{
    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    if (!name || !text)
        return wsic_fail(&encoder->handle.env, WSIC_ERROR_ARGUMENT, "%s is NULL",
                         name ? "text" : "name");
    return wsic_params_get_text(&encoder->handle.env, &encoder->params, name, text, size);
}

const char *wsic_encoder_parameters(wsic_encoder *encoder)
{
    wsic_params_describe(&encoder->params, encoder->text, sizeof encoder->text);
    return encoder->text;
}

wsic_status wsic_encoder_set_plan(wsic_encoder *encoder, const wsic_plan *plan, size_t index)
{
    wsic_plan_layer layer = {.size = sizeof layer};

    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    if (!plan)
        return wsic_fail(&encoder->handle.env, WSIC_ERROR_ARGUMENT, "plan is NULL");
    const wsic_status status = wsic_plan_get_layer(plan, index, &layer);
    if (status != WSIC_OK)
        return wsic_fail(&encoder->handle.env, status, "plan: %s", wsic_plan_message(plan));
    const bool budget = layer.target_rate > 0.0;
    if (!budget && !(layer.step > 0.0))
        return wsic_fail(&encoder->handle.env, WSIC_ERROR_RANGE,
                         "the planned step of matrix %zu is 0: nothing is to be coded", index);
    encoder->params.value[PARAMETER_INDEX_WSIC_STEP] = budget ? 0.0 : layer.step;
    encoder->params.value[PARAMETER_INDEX_WSIC_RATE] = layer.target_rate;
    encoder->params.value[PARAMETER_INDEX_WSIC_DISTORTION] = 0.0;
    return WSIC_OK;
}

static wsic_status estimate_memory(const wsic_encoder *encoder, wsic_shape shape,
                                   const wsic_blend_sources *sources,
                                   const wsic_output_moments *outputs, uint64_t *bytes)
{
    const wsic_env *const env = &encoder->handle.env;
    wsic_encode_options options;

    if (!bytes)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "bytes is NULL");
    wsic_params_to_options(&encoder->params, &options);
    if (!wsic_encode_memory(env, &options, shape.rows, shape.columns, sources, outputs, bytes))
        return wsic_fail(env, WSIC_ERROR_TOO_LARGE, "%zu x %zu does not fit the address space",
                         shape.rows, shape.columns);
    return WSIC_OK;
}

wsic_status wsic_encoder_estimate_memory(const wsic_encoder *encoder, size_t rows, size_t columns,
                                         uint64_t *bytes)
{
    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    if (rows == 0 || columns == 0)
        return wsic_fail(&encoder->handle.env, WSIC_ERROR_ARGUMENT, "rows or columns is 0");
    return estimate_memory(encoder, (wsic_shape){rows, columns}, NULL, NULL, bytes);
}

wsic_status wsic_encoder_estimate_memory_problem(const wsic_encoder *encoder,
                                                 const wsic_problem *problem, uint64_t *bytes)
{
    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    if (!problem)
        return wsic_fail(&encoder->handle.env, WSIC_ERROR_ARGUMENT, "problem is NULL");
    const wsic_encode_input *const input = &problem->inner.input;
    return estimate_memory(encoder, (wsic_shape){input->weights.rows, input->weights.columns},
                           &input->sources, &input->outputs, bytes);
}

/* --- run ------------------------------------------------------------------------- */

/* Survivors are compared by their squared error: a quantizer that weighs bits, and a γ that
 * depends on all rows, have no place in that. */
static wsic_status check_survivors(const wsic_encoder *encoder)
{
    const double *const value = encoder->params.value;
    const bool plain = value[PARAMETER_INDEX_WSIC_QUANTIZER] == WSIC_QUANTIZE_SCALAR &&
                       value[PARAMETER_INDEX_WSIC_LMMSE] == 0.0;

    if (value[PARAMETER_INDEX_WSIC_SURVIVORS] == 1.0)
        return WSIC_OK;
    if (value[PARAMETER_INDEX_WSIC_CODES_FIT_I4] != 0.0)
        return wsic_fail(&encoder->handle.env, WSIC_ERROR_STATE,
                         "survivors is %g, which cannot be combined with codes_fit_i4",
                         value[PARAMETER_INDEX_WSIC_SURVIVORS]);
    if (plain)
        return WSIC_OK;
    return wsic_fail(&encoder->handle.env, WSIC_ERROR_STATE,
                     "survivors is %g, which needs quantizer=scalar and lmmse=0",
                     value[PARAMETER_INDEX_WSIC_SURVIVORS]);
}

static wsic_status check_target(const wsic_encoder *encoder)
{
    const double *const value = encoder->params.value;
    const int set = (value[PARAMETER_INDEX_WSIC_RATE] != 0.0) +
                    (value[PARAMETER_INDEX_WSIC_STEP] != 0.0) +
                    (value[PARAMETER_INDEX_WSIC_DISTORTION] != 0.0);

    if (set == 1)
        return check_survivors(encoder);
    return wsic_fail(&encoder->handle.env, WSIC_ERROR_STATE,
                     "%d of rate, step and distortion are set, not exactly one", set);
}

static wsic_status check_blocks(const wsic_encoder *encoder, const wsic_matrix *weights)
{
    const size_t wanted = (size_t)encoder->params.value[PARAMETER_INDEX_WSIC_BLOCK_ROWS];
    const size_t rows = wsic_min_size(wanted, weights->rows);

    if (rows <= wsic_codes_block_rows_most(weights->columns))
        return WSIC_OK;
    return wsic_fail(&encoder->handle.env, WSIC_ERROR_STATE,
                     "block_rows is %zu: blocks of %zu x %zu codes are too large", wanted, rows,
                     weights->columns);
}

/* What the report says of outputs, for a layer of this shape and rate. */
static void report_outputs(const wsic_encode_report *inner, const wsic_layer_info *info,
                           wsic_encoder_report *report)
{
    const wsic_output_figures *const outputs = &inner->outputs;
    const double weights = (double)info->rows * (double)info->columns;

    report->output_limit_rate = -1.0;
    report->output_gap = (double)NAN;
    if (!outputs->known)
        return;
    report->seconds_outputs = inner->seconds_outputs;
    report->output_distortion = outputs->distortion;
    report->output_relative = outputs->relative;
    report->divergence = outputs->distortion * weights / (2.0 * log(2.0));
    report->output_limit_rate = outputs->limit_rate;
    if (outputs->limit_rate >= 0.0)
        report->output_gap = info->rate - outputs->limit_rate;
    report->output_damping = outputs->damping;
    report->output_feedback = outputs->feedback;
    report->output_weights = (uint32_t)outputs->weights;
}

static wsic_encoder_report make_report(const wsic_encode_report *inner, double seconds,
                                       uint64_t memory_peak)
{
    return (wsic_encoder_report){
        .size = sizeof(wsic_encoder_report),
        .seconds = seconds,
        .seconds_prepare = inner->seconds_prepare,
        .seconds_search = inner->seconds_search,
        .seconds_recursion = inner->seconds_recursion,
        .seconds_rescale = inner->seconds_rescale,
        .seconds_coding = inner->seconds_coding,
        .seconds_distortion = inner->seconds_distortion,
        .seconds_limit = inner->seconds_limit,
        .search_steps = inner->search_steps,
        .passes = inner->passes,
        .rescale_rounds = inner->rescale_rounds,
        .memory_peak = memory_peak,
    };
}

/* The end is a report like any other: the host may cancel there, too. */
static wsic_status report_end(const wsic_env *env, wsic_layer **out)
{
    const wsic_progress end = {"done", 1.0, 1.0};
    const wsic_status status = wsic_progress_report(env, &end, 1.0);

    if (status != WSIC_OK) {
        wsic_layer_destroy(*out);
        *out = NULL;
    }
    return status;
}

/* Encode and turn the bytes into a layer. A notice survives. */
static wsic_status encode(wsic_encoder *encoder, wsic_encode_problem *problem,
                          wsic_encode_report *report, wsic_layer **out)
{
    const wsic_env *const env = &encoder->handle.env;
    wsic_encode_options options;
    wsic_bytes bytes;

    wsic_params_to_options(&encoder->params, &options);
    wsic_bytes_init(&bytes, env);
    const wsic_status notice = wsic_encode(env, &options, problem, &bytes, report);
    if (notice < 0)
        return notice;
    wsic_status status = wsic_layer_from_bytes(encoder->handle.context, &bytes, out);
    wsic_bytes_release(&bytes);
    if (status != WSIC_OK)
        return wsic_fail(env, status, "%s", wsic_context_message(encoder->handle.context));
    status = report_end(env, out);
    return status == WSIC_OK ? notice : status;
}

/* Codes are chosen by rounding: in another mode they would be far from the best, without a word. */
static wsic_status check_rounding(const wsic_env *env)
{
    if (wsic_rounds_to_nearest())
        return WSIC_OK;
    return wsic_fail(env, WSIC_ERROR_STATE,
                     "the calling thread does not round to nearest: fesetround(FE_TONEAREST) is "
                     "needed before");
}

/* Encode, and report on it. */
static wsic_status run(wsic_encoder *encoder, wsic_encode_problem *problem, double begin,
                       wsic_layer **out)
{
    wsic_context *const context = encoder->handle.context;
    uint64_t peak_before = 0, peak = 0;
    const uint64_t used_before = wsic_context_memory(context, &peak_before);
    wsic_encode_report report;

    wsic_status status = check_rounding(&encoder->handle.env);
    if (status == WSIC_OK)
        status = check_blocks(encoder, &problem->input.weights);
    if (status != WSIC_OK)
        return status;
    wsic_context_reset_peak(context);
    status = encode(encoder, problem, &report, out);
    wsic_context_memory(context, &peak);
    wsic_context_raise_peak(context, peak_before);
    if (status < 0)
        return status;
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer_get_info(*out, &info);
    encoder->report = make_report(&report, wsic_now() - begin, peak - used_before);
    report_outputs(&report, &info, &encoder->report);
    encoder->has_report = true;
    return status;
}

static wsic_status run_matrix(wsic_encoder *encoder, const wsic_stats *stats,
                              const wsic_matrix *weights, wsic_layer **out)
{
    const double begin = wsic_now();
    const wsic_env *const env = &encoder->handle.env;
    wsic_encode_input input;
    wsic_encode_problem problem;

    if (!out)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "out is NULL");
    wsic_status status = check_target(encoder);
    if (status == WSIC_OK)
        status = wsic_problem_check_input(env, stats, NULL, weights, &input);
    if (status != WSIC_OK)
        return status;
    wsic_encode_problem_init(&input, &problem);
    status = run(encoder, &problem, begin, out);
    wsic_encode_problem_release(env, &problem);
    return status;
}

static wsic_status run_problem(wsic_encoder *encoder, wsic_problem *problem, wsic_layer **out)
{
    const double begin = wsic_now();
    const wsic_env *const env = &encoder->handle.env;

    if (!out)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "out is NULL");
    if (!problem)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "problem is NULL");
    if (problem->handle.context != encoder->handle.context)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "problem belongs to another context");
    const wsic_status status = check_target(encoder);
    return status == WSIC_OK ? run(encoder, &problem->inner, begin, out) : status;
}

wsic_status wsic_encoder_run(wsic_encoder *encoder, const wsic_stats *stats,
                             const wsic_matrix *weights, wsic_layer **out)
{
    if (out)
        *out = NULL;
    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    wsic_call_begin(&encoder->handle.env);
    return wsic_call_end(&encoder->handle.env, run_matrix(encoder, stats, weights, out));
}

wsic_status wsic_encoder_run_problem(wsic_encoder *encoder, wsic_problem *problem, wsic_layer **out)
{
    if (out)
        *out = NULL;
    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    wsic_call_begin(&encoder->handle.env);
    return wsic_call_end(&encoder->handle.env, run_problem(encoder, problem, out));
}

wsic_status wsic_encoder_get_report(const wsic_encoder *encoder, wsic_encoder_report *report)
{
    if (!encoder)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &encoder->handle.env;
    if (!report)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "report is NULL");
    if (!encoder->has_report)
        return wsic_fail(env, WSIC_ERROR_STATE, "no run has succeeded yet");
    return wsic_give_struct(env, "report", report, report->size,
                            WSIC_FIRST_SIZE(wsic_encoder_report, memory_peak), &encoder->report,
                            sizeof encoder->report);
}
