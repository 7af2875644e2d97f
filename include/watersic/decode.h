/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/decode.h
 * \brief Decoding within an engine: ranges, threads, and memory of the caller.
 *
 * The functions of layer.h decode all columns on the calling thread and allocate memory. With the
 * functions of this file, an engine describes its work as jobs. A job fills a matrix with codes,
 * weights or products, for any range of rows and columns of a layer:
 *
 *     wsic_layer_job job = {.size = sizeof job, .layer = layer, .kind = WSIC_JOB_WEIGHTS,
 *                           .first_row = 512, .output = &weights};
 *     size_t bytes;
 *     wsic_layer_get_workspace_size(&job, &bytes);
 *     void *workspace = aligned_alloc(WSIC_WORKSPACE_ALIGNMENT, bytes);
 *     wsic_layer_run(&job, workspace, bytes);
 *
 * If the caller gives a workspace, the library allocates nothing, not even on failure.
 * wsic_layers_run() does many jobs on all threads of a context: it shares out their blocks of rows.
 * Results are the same bits in all cases.
 *
 * wsic_layer_visit() is for engines with kernels of their own: it hands out the codes tile by tile,
 * in the order in which they are decoded.
 */
#ifndef WATERSIC_DECODE_H
#define WATERSIC_DECODE_H

#include <watersic/layer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \brief Alignment of a workspace in bytes. All workspace sizes that these functions return are
 *  multiples of it, as aligned_alloc() requires. */
enum wsic_workspace {
    WSIC_WORKSPACE_ALIGNMENT = 64 /**< alignment of the first byte of a workspace */
};

/** \brief What a job computes. The numbers are pinned. */
enum wsic_job_kind {
    /** Codes in the order of the matrix. output: rows × columns, I8, I16, I32 or I4. */
    WSIC_JOB_CODES = 1,
    /** Codes in the order in which they are coded: column k of the result is column
     *  wsic_layer_column_order(layer)[k] of the matrix. There are info.live_columns of them.
     *  output: rows × columns, I8, I16, I32 or I4; first_column counts in this order. */
    WSIC_JOB_CODED_ORDER = 2,
    /** Weights. output: rows × columns, F64, F32, F16 or BF16. */
    WSIC_JOB_WEIGHTS = 3,
    /** Products, as wsic_layer_matmul() defines them. input: tokens × columns, F32 or BF16;
     *  output: tokens × rows, F32. With a range of columns the result is what wsic_layer_matmul()
     *  gives if the input is 0 in all other columns: the part of the product that a shard with
     *  these columns contributes. */
    WSIC_JOB_PRODUCT = 4
};

/**
 * \brief A task for wsic_layer_run() and wsic_layers_run().
 *
 * Everything is borrowed until the call returns. The shapes of the matrices give the range. For
 * codes and weights it is output->rows rows from first_row on, and output->columns columns from
 * first_column on. For products it is output->columns rows from first_row on, and input->columns
 * columns from first_column on. Any row stride is allowed. The memory between two rows is not
 * written.
 */
typedef struct wsic_layer_job {
    size_t size;              /**< sizeof(wsic_layer_job) */
    const wsic_layer *layer;  /**< not NULL */
    uint32_t kind;            /**< #WSIC_JOB_CODES ... #WSIC_JOB_PRODUCT */
    uint32_t reserved;        /**< 0 */
    size_t first_row;         /**< first row of the range, in the layer */
    size_t first_column;      /**< first column of the range, in the layer or in the coded order */
    const wsic_matrix *input; /**< of a product; NULL for all others */
    wsic_matrix *output;      /**< to be filled; must not overlap anything that another job fills */
} wsic_layer_job;

/**
 * \brief Size of the workspace for one job.
 *
 * \param job    not NULL, complete; the elements of its matrices are not looked at
 * \param bytes  receives the size, a multiple of #WSIC_WORKSPACE_ALIGNMENT; not NULL
 * \return
 *   - #WSIC_OK
 *   - the status with which wsic_layer_run() would refuse this job. Only wsic_layer_run() itself
 *     finds errors of the workspace, of memory and in the coded bytes.
 *   - #WSIC_ERROR_TOO_LARGE: the size does not fit size_t
 *
 * The size depends only on the layer and on the shapes, types and ranges of the job. Codes in the
 * order of the matrix, and weights, need about info.block_rows bytes for each column wanted, or
 * four times as many where info.code_dtype is not I8. Products need four bytes for each token and
 * live column, and four for each token and row of a block. Everything else is below 1 MiB.
 * Thread-safe.
 */
WSIC_API wsic_status wsic_layer_get_workspace_size(const wsic_layer_job *job,
                                                   size_t *bytes) WSIC_NODISCARD;

/**
 * \brief Do one job on the calling thread.
 *
 * \param job        not NULL
 * \param workspace  memory of the caller, aligned to #WSIC_WORKSPACE_ALIGNMENT, that nobody else
 *                   uses during the call; its contents do not matter. NULL: the library allocates
 *                   it
 * \param bytes      size of the workspace, at least that of wsic_layer_get_workspace_size(); 0 with
 *                   NULL
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL that must not be NULL, or the reverse; kind is not
 *     known; rows or columns are beyond the layer; the workspace, or data, is not aligned; a row
 *     stride is below the columns, or odd for I4
 *   - #WSIC_ERROR_STRUCT_SIZE, #WSIC_ERROR_STRUCT_NEWER: of the job or of a matrix
 *   - #WSIC_ERROR_SHAPE: output->rows of a product is not input->rows
 *   - #WSIC_ERROR_DTYPE: a matrix has a type that this kind of job does not take
 *   - #WSIC_ERROR_TOO_LARGE: a size does not fit size_t
 *   - #WSIC_ERROR_BUFFER: bytes is too small; the message says how many are needed
 *   - #WSIC_ERROR_RANGE: a code does not fit the type, or a weight is not finite in it; the message
 *     names row, column and value of one such element
 *   - #WSIC_ERROR_FORMAT: the coded bytes are not valid
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT: only without a workspace
 *
 * wsic_layer_message() gives the message. On failure the contents of output are undefined. Any
 * number of threads may run jobs on one layer at once, each with a workspace of its own.
 */
WSIC_API wsic_status wsic_layer_run(const wsic_layer_job *job, void *workspace,
                                    size_t bytes) WSIC_NODISCARD;

/**
 * \brief Size of the workspace for many jobs.
 *
 * \param context  as for wsic_layers_run()
 * \param jobs     count jobs
 * \param count    number of jobs, at least 1
 * \param threads  as for wsic_layers_run()
 * \param bytes    receives the size, a multiple of #WSIC_WORKSPACE_ALIGNMENT; not NULL
 * \return as wsic_layer_get_workspace_size()
 *
 * The workspace has one part for each thread, as large as the most demanding job needs. It also has
 * room for the inputs of all products: four bytes for each token and live column.
 */
WSIC_API wsic_status wsic_layers_get_workspace_size(wsic_context *context,
                                                    const wsic_layer_job *jobs, size_t count,
                                                    int32_t threads, size_t *bytes) WSIC_NODISCARD;

/**
 * \brief Do many jobs, of one or many layers, on the threads of a context.
 *
 * \param context    its threads or its runner do the work; not NULL. The layers may belong to other
 *                   contexts. The call counts as a use of this one.
 * \param jobs       count jobs
 * \param count      number of jobs, at least 1
 * \param threads    largest number of blocks that are decoded at the same time, 1 to 1024. 0: the
 *                   number of threads of the context; with a runner, the number of processors
 *                   online
 * \param workspace  as for wsic_layer_run(), of the size from wsic_layers_get_workspace_size()
 * \param bytes      size of the workspace
 * \return
 *   - #WSIC_OK: all jobs are done
 *   - as wsic_layer_run(): the status of the first job in the array that failed. The context's
 *     message names the job and the reason. If an argument of any job is wrong, no job is done;
 *     otherwise all other jobs are done.
 *   - #WSIC_ERROR_ARGUMENT: count is 0, or threads is negative or above 1024
 *
 * Each thread takes one block of info.block_rows rows after another. Results have the same bits as
 * those of wsic_layer_run(), whatever the number of threads.
 */
WSIC_API wsic_status wsic_layers_run(wsic_context *context, const wsic_layer_job *jobs,
                                     size_t count, int32_t threads, void *workspace,
                                     size_t bytes) WSIC_NODISCARD;

/**
 * \brief Codes of a group of columns, for all rows of a block that are not zero throughout.
 *
 * Code (i, j) belongs to row first_row + row[i] and column column[j] of the layer. It is
 * narrow[j * stride + i], or wide[j * stride + i] if narrow is NULL: the codes of a column follow
 * each other. Columns begin at addresses that are multiples of 64. The elements from rows to
 * stride - 1 of a column may be read, but their values mean nothing.
 *
 * The library owns all memory of the tile; it is valid during the call of the visitor.
 */
typedef struct wsic_tile {
    size_t size;         /**< sizeof(wsic_tile) of the library */
    size_t first_row;    /**< first row of the block, in the layer */
    size_t rows;         /**< 1 to info.block_rows, the same for all tiles of a block */
    size_t columns;      /**< 1 to 32 */
    const uint32_t *row; /**< array of length rows: numbers within the block, in any order; the same
                              for all tiles */
    const uint32_t *column; /**< array of length columns: a piece of wsic_layer_column_order() */
    size_t stride;          /**< elements from one column to the next: a multiple of 64 */
    const int8_t *narrow;   /**< the codes, or NULL */
    const int32_t *wide;    /**< the codes, or NULL */
} wsic_tile;

/**
 * \brief Receives a tile.
 *
 * \param user  as given to wsic_layer_visit()
 * \param tile  valid during the call
 * \return 0 to go on, anything else to stop
 *
 * The library calls it on the thread that called wsic_layer_visit(). It may read this layer.
 */
typedef int32_t (*wsic_tile_function)(void *user, const wsic_tile *tile);

/**
 * \brief Decode a block of rows and hand out its codes tile by tile.
 *
 * \param layer      not NULL
 * \param block      number of the block: rows from block · info.block_rows on
 * \param function   receives the tiles, in the order of wsic_layer_column_order(); not NULL
 * \param user       handed to function, never looked at
 * \param workspace  as for wsic_layer_run(), of the size from wsic_layer_visit_workspace_size();
 *                   NULL: the library allocates it
 * \param bytes      size of the workspace
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL, there is no such block, or the workspace is not
 *     aligned
 *   - #WSIC_ERROR_BUFFER: bytes is too small
 *   - #WSIC_ERROR_CANCELLED: function returned something other than 0
 *   - #WSIC_ERROR_FORMAT: the coded bytes are not valid. This may show only after tiles have been
 *     handed out; those tiles mean nothing.
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT: only without a workspace
 *
 * Rows and columns that no tile names hold zeros; a block of zeros has no tile. Weights are
 * row_scale · (column_scale · code), see layer.h. Any number of threads may visit one layer at
 * once.
 */
WSIC_API wsic_status wsic_layer_visit(const wsic_layer *layer, size_t block,
                                      wsic_tile_function function, void *user, void *workspace,
                                      size_t bytes) WSIC_NODISCARD;

/**
 * \brief Size of the workspace of wsic_layer_visit().
 *
 * \param layer  not NULL
 * \return bytes, a multiple of #WSIC_WORKSPACE_ALIGNMENT, below 1 MiB
 */
WSIC_API size_t wsic_layer_visit_workspace_size(const wsic_layer *layer) WSIC_NONNULL(1);

#ifdef __cplusplus
}
#endif

#endif
