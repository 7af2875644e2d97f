/* SPDX-License-Identifier: MIT */
#include "api/layer_job.h"

#include "api/check.h"
#include "base/checked.h"
#include "base/cpu.h"

/* A matrix that a job reads or fills, row_stride filled in. */
static wsic_status take_matrix(const wsic_env *env, const char *name, const wsic_matrix *given,
                               unsigned allowed, size_t columns, wsic_matrix *matrix)
{
    const wsic_status status =
        wsic_check_matrix(env, name, given, allowed, (wsic_shape){0, columns}, matrix);

    if (status != WSIC_OK)
        return status;
    if (matrix->dtype == WSIC_I4 && matrix->row_stride % 2 != 0)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s->row_stride is %zu: odd, of type I4", name,
                         matrix->row_stride);
    return WSIC_OK;
}

static wsic_status check_range(const wsic_env *env, const char *what, const char *name,
                               size_t first, size_t count, size_t total)
{
    if (first < total && count <= total - first)
        return WSIC_OK;
    return wsic_fail(env, WSIC_ERROR_ARGUMENT,
                     "first_%s is %zu and %s has %zu of them, where the layer has %zu", what, first,
                     name, count, total);
}

static wsic_status set_ranges(const wsic_env *env, const wsic_layer_job *job, const char *rows_of,
                              size_t rows, const char *columns_of, size_t columns,
                              wsic_decode_task *task)
{
    const size_t all_columns =
        task->coded_order ? wsic_code_reader_live_columns(task->reader) : task->layer_columns;
    wsic_status status = check_range(env, "row", rows_of, job->first_row, rows, task->layer_rows);

    if (status == WSIC_OK)
        status = check_range(env, "column", columns_of, job->first_column, columns, all_columns);
    task->first_row = job->first_row;
    task->rows = rows;
    task->first_column = job->first_column;
    task->columns = columns;
    return status;
}

static wsic_status take_rows_job(const wsic_layer *layer, const wsic_layer_job *job,
                                 const wsic_job_names *names, wsic_decode_task *task)
{
    const wsic_env *const env = &layer->handle.env;
    const wsic_layer_content *const content = &layer->content;
    const bool weights = job->kind == WSIC_JOB_WEIGHTS;
    wsic_matrix output;

    if (job->input)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is not NULL, which a product alone has",
                         names->input);
    task->coded_order = job->kind == WSIC_JOB_CODED_ORDER;
    wsic_status status =
        take_matrix(env, names->output, job->output,
                    weights ? WSIC_ALLOW_REAL : WSIC_ALLOW_CODES | WSIC_ALLOW_PACKED,
                    names->all_columns ? content->columns : 0, &output);
    if (status == WSIC_OK)
        status =
            set_ranges(env, job, names->output, output.rows, names->output, output.columns, task);
    if (status != WSIC_OK)
        return status;
    task->store = weights ? wsic_store_weight_piece : wsic_store_code_piece;
    task->output = (wsic_output){
        .env = env,
        .data = output.data,
        .row_stride = output.row_stride,
        .dtype = output.dtype,
        .first_row = job->first_row,
        .first_column = job->first_column,
        .order = task->coded_order ? wsic_code_reader_column_order(content->codes) : NULL,
        .row_scales = content->row_scales + job->first_row,
        .column_scales = content->column_scales + job->first_column,
        .kernels = wsic_weights_for(task->kernels)};
    return WSIC_OK;
}

static wsic_status take_product_job(const wsic_layer *layer, const wsic_layer_job *job,
                                    const wsic_job_names *names, wsic_decode_task *task)
{
    const wsic_env *const env = &layer->handle.env;
    const wsic_layer_content *const content = &layer->content;
    wsic_matrix input, output;

    wsic_status status = take_matrix(env, names->input, job->input, WSIC_ALLOW_INPUT,
                                     names->all_columns ? content->columns : 0, &input);
    if (status == WSIC_OK)
        status = take_matrix(env, names->output, job->output, WSIC_ALLOW_SINGLE, 0, &output);
    if (status == WSIC_OK && output.rows != input.rows)
        status = wsic_fail(env, WSIC_ERROR_SHAPE, "%s has %zu rows, where %s has %zu",
                           names->output, output.rows, names->input, input.rows);
    if (status == WSIC_OK)
        status =
            set_ranges(env, job, names->output, output.columns, names->input, input.columns, task);
    if (status != WSIC_OK)
        return status;
    task->input =
        (wsic_product_input){.data = input.data,
                             .dtype = input.dtype,
                             .row_stride = input.row_stride,
                             .tokens = input.rows,
                             .first_column = job->first_column,
                             .columns = input.columns,
                             .order = wsic_code_reader_column_order(content->codes),
                             .live_columns = wsic_code_reader_live_columns(content->codes),
                             .column_scales = content->column_scales};
    task->products = output.data;
    task->products_stride = output.row_stride;
    task->row_scales = content->row_scales;
    return WSIC_OK;
}

wsic_status wsic_layer_job_check(const wsic_layer_job *given, const wsic_job_names *names,
                                 wsic_decode_task *task)
{
    wsic_layer_job job;

    if (!given || !given->layer)
        return WSIC_ERROR_ARGUMENT;
    const wsic_layer *const layer = given->layer;
    const wsic_env *const env = &layer->handle.env;
    const wsic_status status = wsic_take_struct(
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): that member is a pointer */
        env, "job", given, given->size, WSIC_FIRST_SIZE(wsic_layer_job, output), &job, sizeof job);
    if (status != WSIC_OK)
        return status;
    if (job.reserved != 0)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "job->reserved is %u, not 0",
                         (unsigned)job.reserved);
    *task = (wsic_decode_task){.reader = layer->content.codes,
                               .layer_rows = layer->content.rows,
                               .layer_columns = layer->content.columns,
                               .kernels = wsic_kernels_chosen(env)};
    switch (job.kind) {
    case WSIC_JOB_CODES:
    case WSIC_JOB_CODED_ORDER:
    case WSIC_JOB_WEIGHTS:
        return take_rows_job(layer, &job, names, task);
    case WSIC_JOB_PRODUCT:
        return take_product_job(layer, &job, names, task);
    default:
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "job->kind is %u, not one of 1 to 4",
                         (unsigned)job.kind);
    }
}

wsic_status wsic_check_workspace(const wsic_env *env, const void *workspace, size_t bytes,
                                 size_t needed)
{
    if ((uintptr_t)workspace % WSIC_WORKSPACE_ALIGNMENT != 0)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "the workspace is not aligned to %d bytes",
                         (int)WSIC_WORKSPACE_ALIGNMENT);
    if (bytes < needed)
        return wsic_fail(env, WSIC_ERROR_BUFFER, "the workspace has %zu bytes, of %zu needed",
                         bytes, needed);
    return WSIC_OK;
}
