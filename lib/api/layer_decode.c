/* SPDX-License-Identifier: MIT */
/* The calls of layer.h that decode: jobs of all columns on the calling thread. */
#include "api/layer_job.h"

static const wsic_job_names codes_names = {"input", "codes", true};
static const wsic_job_names weights_names = {"input", "weights", true};
static const wsic_job_names product_names = {"x", "y", true};

wsic_status wsic_layer_get_codes(const wsic_layer *layer, size_t first_row, wsic_matrix *codes)
{
    const wsic_layer_job job = {.size = sizeof job,
                                .layer = layer,
                                .kind = WSIC_JOB_CODES,
                                .first_row = first_row,
                                .output = codes};

    return wsic_layer_run_named(&job, &codes_names, NULL, 0);
}

wsic_status wsic_layer_dequantize(const wsic_layer *layer, size_t first_row, wsic_matrix *weights)
{
    const wsic_layer_job job = {.size = sizeof job,
                                .layer = layer,
                                .kind = WSIC_JOB_WEIGHTS,
                                .first_row = first_row,
                                .output = weights};

    return wsic_layer_run_named(&job, &weights_names, NULL, 0);
}

wsic_status wsic_layer_matmul(const wsic_layer *layer, size_t first_row, const wsic_matrix *x,
                              wsic_matrix *y)
{
    const wsic_layer_job job = {.size = sizeof job,
                                .layer = layer,
                                .kind = WSIC_JOB_PRODUCT,
                                .first_row = first_row,
                                .input = x,
                                .output = y};

    return wsic_layer_run_named(&job, &product_names, NULL, 0);
}

wsic_status wsic_layer_matvec(const wsic_layer *layer, const float *x, float *y)
{
    wsic_matrix input, output;

    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    if (!x || !y)
        return wsic_fail(&layer->handle.env, WSIC_ERROR_ARGUMENT, "%s is NULL", x ? "y" : "x");
    wsic_matrix_init(&input, sizeof input, x, WSIC_F32, 1, layer->content.columns, 0);
    wsic_matrix_init(&output, sizeof output, y, WSIC_F32, 1, layer->content.rows, 0);
    return wsic_layer_matmul(layer, 0, &input, &output);
}
