/* SPDX-License-Identifier: MIT */
#include "llm/model/resident.h"

#include <stdlib.h>
#include <string.h>

#include "common/workers.h"
#include "llm/model/vector.h"

static const char *const form_names[] = {
    [RESIDENT_F32] = "f32", [RESIDENT_INT8] = "int8", [RESIDENT_CODED] = "coded"};

const char *resident_form_name(enum resident_form form)
{
    return form_names[form];
}

bool resident_form_find(enum resident_form *form, const char *name)
{
    for (int i = RESIDENT_F32; i <= RESIDENT_CODED; i++) {
        if (strcmp(name, form_names[i]) == 0) {
            *form = (enum resident_form)i;
            return true;
        }
    }
    return false;
}

struct resident resident_floats(const float *weights, size_t rows, size_t columns)
{
    return (struct resident){.form = RESIDENT_F32,
                             .rows = rows,
                             .columns = columns,
                             .weights = weights,
                             .bytes = (uint64_t)rows * columns * sizeof *weights};
}

static bool refuse_layer(const wsic_layer *layer, const char *name, struct failure *failure)
{
    return refuse(failure, "layer \"%s\": %s", name, wsic_layer_message(layer));
}

static bool read_scales(struct resident *resident, const wsic_layer *layer)
{
    resident->row_scales = malloc(resident->rows * sizeof *resident->row_scales);
    resident->column_scales = malloc(resident->columns * sizeof *resident->column_scales);
    if (!resident->row_scales || !resident->column_scales)
        return false;
    memcpy(resident->row_scales, wsic_layer_row_scales(layer),
           resident->rows * sizeof *resident->row_scales);
    memcpy(resident->column_scales, wsic_layer_column_scales(layer),
           resident->columns * sizeof *resident->column_scales);
    return true;
}

static bool read_codes(struct resident *resident, const wsic_layer *layer, bool wide,
                       const char *name, struct failure *failure)
{
    const uint32_t type = wide ? WSIC_I16 : WSIC_I8;
    const size_t bytes = resident->rows * resident->columns * wsic_dtype_size(type);
    void *const data = malloc(bytes);
    wsic_matrix codes;

    if (wide)
        resident->wide_codes = data;
    else
        resident->codes = data;
    if (!data || !read_scales(resident, layer))
        return refuse(failure, "layer \"%s\": out of memory", name);
    wsic_matrix_init(&codes, sizeof codes, data, type, resident->rows, resident->columns, 0);
    resident->bytes = bytes + (resident->rows + resident->columns) * sizeof(float);
    return wsic_layer_get_codes(layer, 0, &codes) >= 0 || refuse_layer(layer, name, failure);
}

bool resident_take(struct resident *resident, enum resident_form form, wsic_layer *layer,
                   const char *name, struct failure *failure)
{
    wsic_layer_info info = {.size = sizeof info};

    *resident = (struct resident){.form = form};
    bool ok = wsic_layer_get_info(layer, &info) >= 0 || refuse_layer(layer, name, failure);
    resident->rows = (size_t)info.rows;
    resident->columns = (size_t)info.columns;
    if (ok && form == RESIDENT_INT8)
        ok = read_codes(resident, layer, info.code_dtype != WSIC_I8, name, failure);
    if (ok && form == RESIDENT_CODED) {
        resident->layer = layer;
        resident->bytes = info.memory;
        return true;
    }
    wsic_layer_destroy(layer);
    if (!ok)
        resident_free(resident);
    return ok;
}

void resident_free(struct resident *resident)
{
    free(resident->codes);
    free(resident->wide_codes);
    free(resident->row_scales);
    free(resident->column_scales);
    wsic_layer_destroy(resident->layer);
    *resident = (struct resident){.form = RESIDENT_F32};
}

/* Rows that a worker takes at once. */
enum { strip_rows = 64 };

struct multiplication {
    const struct resident *resident;
    const float *x;
    size_t tokens;
    float *out;
    size_t out_stride;
    float addition;
};

static float dot_row(const struct resident *resident, size_t row, const float *x)
{
    const size_t columns = resident->columns;
    const size_t place = row * columns;

    if (resident->form == RESIDENT_F32)
        return vector_dot(resident->weights + place, x, columns);
    return resident->row_scales[row] *
           (resident->wide_codes ? vector_dot_wide(resident->wide_codes + place, x, columns)
                                 : vector_dot_codes(resident->codes + place, x, columns));
}

/* A row stays in the cache while all tokens are multiplied by it. */
static void multiply_strip(void *data, size_t strip, size_t worker)
{
    const struct multiplication *const job = data;
    const struct resident *const resident = job->resident;
    const size_t end =
        (strip + 1) * strip_rows < resident->rows ? (strip + 1) * strip_rows : resident->rows;

    (void)worker;
    for (size_t row = strip * strip_rows; row < end; row++) {
        for (size_t token = 0; token < job->tokens; token++) {
            float *const out = job->out + token * job->out_stride + row;
            const float sum = dot_row(resident, row, job->x + token * resident->columns);
            *out = job->addition == 0 ? sum : job->addition * *out + sum;
        }
    }
}

static bool reserve(struct resident_work *work, size_t numbers)
{
    if (numbers <= work->numbers)
        return true;
    free(work->inputs);
    work->inputs = malloc(numbers * sizeof *work->inputs);
    work->numbers = work->inputs ? numbers : 0;
    return work->inputs || refuse(&work->failure, "out of memory for %zu numbers", numbers);
}

static size_t choose_workers(const struct resident_work *work, const struct multiplication *job)
{
    return workers_for(job->resident->rows * job->resident->columns * job->tokens, work->workers);
}

static void multiply_rows(struct resident_work *work, struct multiplication *job)
{
    const struct resident *const resident = job->resident;

    workers_run(choose_workers(work, job), (resident->rows + strip_rows - 1) / strip_rows,
                multiply_strip, job);
}

/* A weight is row_scale · (column_scale · code): column scales go to the tokens. */
static void multiply_codes(struct resident_work *work, struct multiplication *job)
{
    const size_t columns = job->resident->columns;

    if (!reserve(work, job->tokens * columns))
        return;
    for (size_t token = 0; token < job->tokens; token++)
        for (size_t j = 0; j < columns; j++)
            work->inputs[token * columns + j] =
                job->x[token * columns + j] * job->resident->column_scales[j];
    job->x = work->inputs;
    multiply_rows(work, job);
}

static bool reserve_workspace(struct resident_work *work, const wsic_layer_job *job,
                              int32_t threads)
{
    size_t bytes;

    if (wsic_layers_get_workspace_size(work->context, job, 1, threads, &bytes) < 0)
        return refuse(&work->failure, "%s", wsic_layer_message(job->layer));
    if (bytes <= work->workspace_bytes)
        return true;
    free(work->workspace);
    work->workspace = aligned_alloc(WSIC_WORKSPACE_ALIGNMENT, bytes);
    work->workspace_bytes = work->workspace ? bytes : 0;
    return work->workspace || refuse(&work->failure, "out of memory to decode a layer");
}

static void multiply_layer(struct resident_work *work, const struct multiplication *job)
{
    const struct resident *const resident = job->resident;
    const bool adds = job->addition != 0;
    wsic_matrix input, output;
    const wsic_layer_job product = {.size = sizeof product,
                                    .layer = resident->layer,
                                    .kind = WSIC_JOB_PRODUCT,
                                    .input = &input,
                                    .output = &output};

    if (adds && !reserve(work, job->tokens * resident->rows))
        return;
    wsic_matrix_init(&input, sizeof input, (float *)job->x, WSIC_F32, job->tokens,
                     resident->columns, 0);
    wsic_matrix_init(&output, sizeof output, adds ? work->inputs : job->out, WSIC_F32, job->tokens,
                     resident->rows, adds ? 0 : job->out_stride);
    const int32_t threads = (int32_t)choose_workers(work, job);
    if (!reserve_workspace(work, &product, threads))
        return;
    if (wsic_layers_run(work->context, &product, 1, threads, work->workspace,
                        work->workspace_bytes) < 0) {
        refuse(&work->failure, "%s", wsic_layer_message(resident->layer));
        return;
    }
    for (size_t token = 0; adds && token < job->tokens; token++)
        for (size_t i = 0; i < resident->rows; i++) {
            float *const out = job->out + token * job->out_stride + i;
            *out = job->addition * *out + work->inputs[token * resident->rows + i];
        }
}

void resident_multiply(const struct resident *resident, struct resident_work *work, const float *x,
                       size_t tokens, float *out, size_t out_stride, float addition)
{
    struct multiplication job = {.resident = resident,
                                 .x = x,
                                 .tokens = tokens,
                                 .out = out,
                                 .out_stride = out_stride,
                                 .addition = addition};

    if (work->failure.text[0] != '\0')
        return;
    if (resident->form == RESIDENT_F32)
        multiply_rows(work, &job);
    else if (resident->form == RESIDENT_INT8)
        multiply_codes(work, &job);
    else
        multiply_layer(work, &job);
}

void resident_work_free(struct resident_work *work)
{
    free(work->inputs);
    free(work->workspace);
    *work = (struct resident_work){.workers = 0};
}
