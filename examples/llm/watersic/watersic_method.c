/* SPDX-License-Identifier: MIT */
#include "llm/watersic/watersic_method.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "llm/watersic/report.h"
#include "llm/run/takeover.h"

static bool apply_setting(wsic_encoder *encoder, const char *setting, struct failure *failure)
{
    const char *const equals = strchr(setting, '=');
    char name[64];

    if (!equals || (size_t)(equals - setting) >= sizeof name)
        return refuse(failure, "setting '%s' is not of the form name=value", setting);
    snprintf(name, sizeof name, "%.*s", (int)(equals - setting), setting);
    if (wsic_encoder_set_text(encoder, name, equals + 1) < 0)
        return refuse(failure, "setting '%s': %s", setting, wsic_encoder_message(encoder));
    return true;
}

static bool apply_settings(wsic_encoder *encoder, const struct method_settings *settings,
                           bool limit, struct failure *failure)
{
    if (wsic_encoder_set_preset(encoder, settings->preset) < 0)
        return refuse(failure, "preset '%s': %s", settings->preset, wsic_encoder_message(encoder));
    if (wsic_encoder_set_integer(encoder, WSIC_LIMIT, limit) < 0 ||
        wsic_encoder_set_number(encoder, WSIC_RATE, settings->rate) < 0)
        return refuse(failure, "rate: %s", wsic_encoder_message(encoder));
    if (!settings->rescalers && wsic_encoder_set_text(encoder, "rescale", "none") < 0)
        return refuse(failure, "rescalers: %s", wsic_encoder_message(encoder));
    if (settings->outputs == OUTPUTS_DIAGONAL &&
        wsic_encoder_set_text(encoder, "outputs", "diagonal") < 0)
        return refuse(failure, "outputs: %s", wsic_encoder_message(encoder));
    for (size_t i = 0; i < settings->setting_count; i++)
        if (!apply_setting(encoder, settings->settings[i], failure))
            return false;
    return true;
}

wsic_encoder *watersic_encoder_create(wsic_context *context, const struct method_settings *settings,
                                      bool limit, struct failure *failure)
{
    wsic_encoder *encoder;

    if (wsic_encoder_create(context, &encoder) < 0) {
        refuse(failure, "encoder: %s", wsic_context_message(context));
        return NULL;
    }
    if (apply_settings(encoder, settings, limit, failure))
        return encoder;
    wsic_encoder_destroy(encoder);
    return NULL;
}

static wsic_status leave_out(wsic_problem *problem, const struct exclusion *exclusion)
{
    const wsic_status status =
        wsic_problem_set_dead_rows(problem, exclusion->rows, exclusion->row_count);

    return status < 0 ? status
                      : wsic_problem_set_dead_columns(problem, exclusion->columns,
                                                      exclusion->column_count);
}

bool watersic_stores_zeros(const struct linear *linear)
{
    const size_t count = linear->rows * linear->columns;
    float largest = 0;

    for (size_t i = 0; i < count && largest < FLT_MIN; i++)
        largest = fmaxf(largest, fabsf(linear->weights[i]));
    return largest > 0 && largest < FLT_MIN;
}

static void store_zeros(const struct layer_task *task)
{
    if (!watersic_stores_zeros(task->linear))
        return;
    report_zeros(task->name);
    memset(task->linear->weights, 0,
           task->linear->rows * task->linear->columns * sizeof *task->linear->weights);
}

static bool set_up_problem(wsic_problem *problem, const struct layer_task *task,
                           struct failure *failure)
{
    return (wsic_problem_set_mix(problem, task->mix.clean, 1 - task->mix.attention) >= 0 &&
            (!task->exclusion || leave_out(problem, task->exclusion) >= 0)) ||
           refuse(failure, "%s: %s", task->name, wsic_problem_message(problem));
}

void watersic_problem_destroy(struct outputs *outputs, const struct layer_task *task,
                              wsic_problem *problem)
{
    wsic_problem_destroy(problem);
    if (outputs)
        outputs_give_back(outputs, task->number);
}

bool watersic_problem_create(wsic_context *context, struct outputs *outputs,
                             const struct layer_task *task, wsic_problem **problem,
                             struct failure *failure)
{
    wsic_matrix weights;

    store_zeros(task);
    wsic_matrix_init(&weights, sizeof weights, task->linear->weights, WSIC_F32, task->linear->rows,
                     task->linear->columns, 0);
    if (wsic_problem_create(context, task->stats, task->weighted, &weights, problem) < 0)
        return refuse(failure, "%s: %s", task->name, wsic_context_message(context));
    if (set_up_problem(*problem, task, failure) &&
        (!outputs || outputs_tell(outputs, task->number, task->name, *problem, failure)))
        return true;
    watersic_problem_destroy(outputs, task, *problem);
    return false;
}

uint64_t watersic_container_bytes(const wsic_archive_writer *writer, const char *name, double bits)
{
    const uint64_t layer = (uint64_t)(bits / 8);

    return wsic_archive_writer_size(writer, name, layer) - layer -
           wsic_archive_writer_size(writer, NULL, 0);
}

/* What the archive adds counts as the layer's own, unless a plan has taken it off beforehand. */
static bool aim(struct watersic_method *method, const struct layer_task *task,
                struct failure *failure)
{
    wsic_encoder *const encoder = method->encoder;
    const struct allocation *const allocation = method->allocation;
    const struct linear *const linear = task->linear;
    uint64_t container = 0;
    double rate = 0;
    wsic_status status = WSIC_OK;

    if (allocation)
        status =
            wsic_encoder_set_plan(encoder, allocation->plan, allocation->indices[task->number]);
    else if (method->writer) {
        status = wsic_encoder_get_number(encoder, WSIC_RATE, &rate);
        container = watersic_container_bytes(method->writer, task->name,
                                             rate * (double)linear->rows * (double)linear->columns);
    }
    if (status < 0 ||
        wsic_encoder_set_integer(encoder, WSIC_CONTAINER_BYTES, (int64_t)container) < 0)
        return refuse(failure, "%s: %s", task->name, wsic_encoder_message(encoder));
    return true;
}

static void begin_result(const struct watersic_method *method, const struct layer_task *task)
{
    struct layer_result *const result = &method->results[task->number];

    snprintf(result->name, sizeof result->name, "%s", task->name);
    result->mixed = task->mixing != NULL;
    if (task->mixing)
        result->mixing = *task->mixing;
    if (method->allocation)
        result->sensitivity = method->allocation->sensitivities[task->number];
}

double watersic_coding_seconds(wsic_encoder *encoder)
{
    wsic_encoder_report report = {.size = sizeof report};

    return wsic_encoder_get_report(encoder, &report) >= 0 ? report.seconds_coding : 0;
}

static bool run_encoder(struct watersic_method *method, const struct layer_task *task,
                        wsic_layer **layer, struct failure *failure)
{
    struct layer_result *const result = &method->results[task->number];
    wsic_problem *problem;

    if (!aim(method, task, failure) ||
        !watersic_problem_create(method->context, method->outputs, task, &problem, failure))
        return false;
    result->status = wsic_encoder_run_problem(method->encoder, problem, layer);
    watersic_problem_destroy(method->outputs, task, problem);
    if (result->status >= 0)
        stages_note_coding(method->stages, watersic_coding_seconds(method->encoder));
    return result->status >= 0 ||
           refuse(failure, "%s: %s", task->name, wsic_encoder_message(method->encoder));
}

bool watersic_restore(const struct layer_task *task, wsic_layer *layer, wsic_layer_info *info,
                      struct failure *failure)
{
    wsic_matrix restored;

    wsic_matrix_init(&restored, sizeof restored, task->linear->weights, WSIC_F32,
                     task->linear->rows, task->linear->columns, 0);
    info->size = sizeof *info;
    return (wsic_layer_get_info(layer, info) >= 0 &&
            wsic_layer_dequantize(layer, 0, &restored) >= 0) ||
           refuse(failure, "%s: %s", task->name, wsic_layer_message(layer));
}

static bool use_layer(struct watersic_method *method, const struct layer_task *task,
                      wsic_layer *layer, struct failure *failure)
{
    struct layer_result *const result = &method->results[task->number];

    if (!watersic_restore(task, layer, &result->info, failure))
        return false;
    return !method->allocation ||
           allocation_commit(method->allocation, task->number, result->info.bytes, failure);
}

static bool write_layer(struct watersic_method *method, const struct layer_task *task,
                        wsic_layer *layer, struct failure *failure)
{
    const enum stage before = stages_enter(method->stages, STAGE_WRITING);
    const wsic_status status = wsic_archive_writer_add(method->writer, task->name, layer);

    stages_leave(method->stages, before);
    return status >= 0 ||
           refuse(failure, "%s: %s", task->name, wsic_archive_writer_message(method->writer));
}

static bool make_layer(struct watersic_method *method, const struct layer_task *task,
                       struct failure *failure)
{
    wsic_layer *layer;

    if (!run_encoder(method, task, &layer, failure))
        return false;
    const bool used = use_layer(method, task, layer, failure);
    const bool ok = used && (!method->writer || write_layer(method, task, layer, failure));
    wsic_layer_destroy(layer);
    return ok;
}

static bool take_layer(struct watersic_method *method, const struct layer_task *task,
                       struct failure *failure)
{
    wsic_layer *layer;

    if (!takeover_layer(method->writer, task->name, &layer, failure))
        return false;
    const bool ok = use_layer(method, task, layer, failure);
    wsic_layer_destroy(layer);
    method->results[task->number].taken = true;
    return ok;
}

bool watersic_quantize(void *self, const struct layer_task *task, struct failure *failure)
{
    struct watersic_method *const method = self;

    begin_result(method, task);
    if (method->taken && method->taken[task->number])
        return take_layer(method, task, failure);
    return make_layer(method, task, failure);
}
