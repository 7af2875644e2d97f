/* SPDX-License-Identifier: MIT */
/* Tiles as the decoder finds them: for engines with kernels of their own, and for what looks at
 * every code once. */
#include "api/layer_job.h"
#include "base/checked.h"

const uint32_t *wsic_layer_column_order(const wsic_layer *layer)
{
    return wsic_code_reader_column_order(layer->content.codes);
}

size_t wsic_layer_visit_workspace_size(const wsic_layer *layer)
{
    return wsic_div_up(wsic_code_reader_workspace(layer->content.codes), WSIC_WORKSPACE_ALIGNMENT) *
           WSIC_WORKSPACE_ALIGNMENT;
}

typedef struct host_visit {
    const wsic_layer *layer;
    size_t first_row;
    wsic_tile_function function;
    void *user;
} host_visit;

static wsic_status hand_out(void *data, const wsic_code_tile *tile)
{
    const host_visit *const visit = data;
    const wsic_tile public = {.size = sizeof public,
                              .first_row = visit->first_row,
                              .rows = tile->rows,
                              .columns = tile->columns,
                              .row = tile->row,
                              .column = tile->column,
                              .stride = tile->stride,
                              .narrow = tile->narrow,
                              .wide = tile->wide};

    if (visit->function(visit->user, &public) == 0)
        return WSIC_OK;
    return wsic_fail(&visit->layer->handle.env, WSIC_ERROR_CANCELLED,
                     "the function that receives the tiles stopped");
}

/* Visit a block within the caller's workspace, or one of our own where that is NULL. */
static wsic_status visit_block(const wsic_layer *layer, size_t block, void *workspace,
                               wsic_tile_visitor *visit, void *data)
{
    const wsic_env *const env = &layer->handle.env;
    wsic_status status;
    void *own = NULL;

    if (!workspace)
        workspace = own = wsic_alloc(env, wsic_layer_visit_workspace_size(layer), 1, &status);
    if (!workspace)
        return status;
    status = wsic_code_reader_visit(env, layer->content.codes, block, workspace, visit, data);
    wsic_free(env, own);
    return status;
}

wsic_status wsic_layer_visit(const wsic_layer *layer, size_t block, wsic_tile_function function,
                             void *user, void *workspace, size_t bytes)
{
    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &layer->handle.env;
    const size_t block_rows = wsic_code_reader_block_rows(layer->content.codes);
    const size_t blocks = wsic_div_up(layer->content.rows, block_rows);
    if (!function)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "function is NULL");
    if (block >= blocks)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "block is %zu, where the layer has %zu", block,
                         blocks);
    if (workspace) {
        const wsic_status status =
            wsic_check_workspace(env, workspace, bytes, wsic_layer_visit_workspace_size(layer));
        if (status != WSIC_OK)
            return status;
    }
    host_visit visit = {layer, block * block_rows, function, user};
    return visit_block(layer, block, workspace, hand_out, &visit);
}

/* --- the range of the codes ---------------------------------------------- */

typedef struct code_range {
    int32_t least;
    int32_t greatest;
    size_t rows; /* that tiles of this block have */
} code_range;

static void widen(code_range *range, int32_t code)
{
    range->least = code < range->least ? code : range->least;
    range->greatest = code > range->greatest ? code : range->greatest;
}

static wsic_status take_range(void *data, const wsic_code_tile *tile)
{
    code_range *const range = data;

    range->rows = tile->rows;
    for (size_t j = 0; j < tile->columns; j++) {
        for (size_t i = 0; i < tile->rows; i++) {
            const size_t index = j * tile->stride + i;
            widen(range, tile->narrow ? tile->narrow[index] : tile->wide[index]);
        }
    }
    return WSIC_OK;
}

static wsic_status find_range(const wsic_layer *layer, void *workspace, code_range *range)
{
    const wsic_layer_content *const content = &layer->content;
    const size_t block_rows = wsic_code_reader_block_rows(content->codes);

    if (wsic_code_reader_live_columns(content->codes) < content->columns)
        widen(range, 0);
    for (size_t first = 0; first < content->rows; first += block_rows) {
        range->rows = 0;
        const wsic_status status =
            visit_block(layer, first / block_rows, workspace, take_range, range);
        if (status != WSIC_OK)
            return status;
        if (range->rows < wsic_min_size(block_rows, content->rows - first))
            widen(range, 0);
    }
    return WSIC_OK;
}

wsic_status wsic_layer_get_code_range(const wsic_layer *layer, int32_t *least, int32_t *greatest)
{
    code_range range = {.least = INT32_MAX, .greatest = INT32_MIN};
    wsic_status status;

    if (!layer)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &layer->handle.env;
    if (!least || !greatest)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is NULL", least ? "greatest" : "least");
    void *const workspace = wsic_alloc(env, wsic_layer_visit_workspace_size(layer), 1, &status);
    if (!workspace)
        return status;
    status = find_range(layer, workspace, &range);
    wsic_free(env, workspace);
    if (status != WSIC_OK)
        return status;
    *least = range.least;
    *greatest = range.greatest;
    return WSIC_OK;
}
