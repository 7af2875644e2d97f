/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/layer.h
 * \brief A quantized layer: codes plus scales, as bytes.
 *
 * A layer is immutable. It holds its coded bytes and decodes from them on
 * demand; the reconstruction is
 *
 *     Ŵ[i][j] = row_scale[i] · (column_scale[j] · (float)code[i][j])
 *
 * in single precision, evaluated in exactly this order and without contraction. Hence
 * the same bytes give the same bits on every machine with IEEE arithmetic. (The library does not
 * compile for other machines.) Codes are decoded with integers only. Decoding needs neither
 * BLAS nor the mathematical library.
 *
 * Any number of threads may read one layer at the same time, each with calls of
 * its own. The functions of this file decode on the calling thread and take memory from the
 * context. Those of decode.h distribute rows over threads, work in memory of the caller, and
 * fill any range of columns. Only the message is not protected: read it when no
 * other thread is in a call that may fail.
 *
 * The bytes of a layer belong to the layer (wsic_layer_create()), to the caller
 * (wsic_layer_create_view()) or to an archive (wsic_archive_view_layer()). All functions work alike
 * on these three kinds.
 */
#ifndef WATERSIC_LAYER_H
#define WATERSIC_LAYER_H

#include <watersic/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \brief A quantized layer. */
typedef struct wsic_layer wsic_layer;

/** \brief Facts about a layer. The figures up to code_dtype follow from the bytes themselves. The
 *  encoder has measured those after it, and the bytes store them. */
typedef struct wsic_layer_info {
    size_t size;          /**< sizeof(wsic_layer_info), set by the caller */
    uint64_t rows;        /**< a, out-features */
    uint64_t columns;     /**< n, in-features */
    uint64_t bytes;       /**< size of the layer, everything included */
    uint64_t bytes_codes; /**< part of bytes: coded integers (streams, models, classes) */
    uint64_t bytes_side;  /**< part of bytes: the rest (scales, report, headers, checksums) */
    uint64_t block_rows;  /**< rows that are decoded together */
    double rate;          /**< 8 bytes / (rows · columns), bits per weight */
    double rate_codes;    /**< 8 bytes_codes / (rows · columns) */
    double rate_side;     /**< 8 bytes_side / (rows · columns) */
    uint32_t code_dtype;  /**< narrowest of WSIC_I8, WSIC_I16, WSIC_I32 that holds all codes */
    uint32_t reserved;    /**< 0 */

    double rate_target;    /**< target in bits per weight; 0 if it was a step or a distortion */
    double step;           /**< c, the step in the domain of the Cholesky factor */
    double entropy_pooled; /**< entropy of the pooled histogram of all codes, bits per
                                weight: what the literature counts as the rate */
    double distortion; /**< D = tr((W-Ŵ) Σ (W-Ŵ)ᵀ) / (a n), Ŵ as decoded; of pairs (stats.h)
                            E‖W X + (R-R̂) - Ŵ X̂‖² / (a n) */
    double relative_distortion; /**< D / (tr(W Σ Wᵀ) / (a n)); of pairs D / (D of Ŵ = 0) */
    double limit_rate;          /**< reverse-waterfilling rate at D for iid weights of the same
                                     energy, bits per weight; -1 if it was not computed (with drift
                                     it never is) */
    double gap;                 /**< rate - limit_rate; NaN where limit_rate is -1 */
    double damping;             /**< δ that was added to the diagonal of Σ */
    uint64_t damping_retries;   /**< number of times that δ had to be raised tenfold */
    uint64_t dead_columns;      /**< columns left out: their input is (nearly) always 0 */
    uint64_t dead_rows;         /**< rows whose weights are all zero, or that were left out */

    uint64_t live_columns; /**< columns that are coded; all codes of the others are 0 */
    uint64_t memory;       /**< bytes of memory that the layer holds, its coded bytes included */
    uint32_t codes_fit_i4; /**< 1: all codes fit #WSIC_I4. 0: some codes do not, or the bytes do not
                                say it; wsic_layer_get_code_range() finds out */
    uint32_t reserved_2;   /**< 0 */
} wsic_layer_info;

/** \brief Release a layer. \param layer may be NULL */
WSIC_API void wsic_layer_destroy(wsic_layer *layer);

/** \brief Message of the last failing call on this layer.
 *  \param layer may be NULL
 *  \return text, empty if nothing failed, or of NULL; see the note on threads above */
WSIC_API const char *wsic_layer_message(const wsic_layer *layer);

/**
 * \brief Read the facts about a layer.
 *
 * \param layer  not NULL
 * \param info   to be filled; info->size is set by the caller
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STRUCT_SIZE
 */
WSIC_API wsic_status wsic_layer_get_info(const wsic_layer *layer, wsic_layer_info *info);

/**
 * \brief Decode the integer codes of a range of rows.
 *
 * \param layer      not NULL
 * \param first_row  first row wanted
 * \param codes      to be filled: as many rows as wanted × n columns, I8, I16, I32 or I4
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: first_row + codes->rows is beyond the layer
 *   - #WSIC_ERROR_SHAPE: codes->columns is not n
 *   - #WSIC_ERROR_DTYPE
 *   - #WSIC_ERROR_RANGE: a code does not fit the type; the message names it.
 *     info.code_dtype tells beforehand which type fits.
 *   - #WSIC_ERROR_FORMAT: the coded bytes are not valid
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 *
 * Whole blocks of info.block_rows rows are decoded. Ranges that begin and end
 * at borders of blocks waste no work. On failure the contents of codes are undefined.
 */
WSIC_API wsic_status wsic_layer_get_codes(const wsic_layer *layer, size_t first_row,
                                          wsic_matrix *codes) WSIC_NODISCARD;

/**
 * \brief wsic_layer_get_codes() without a struct.
 *
 * It is meant for languages in which no struct of C may point at the memory, such as slices of Go.
 *
 * \param layer       not NULL
 * \param first_row   first row wanted
 * \param data        rows × n codes to be filled
 * \param dtype       #WSIC_I8, #WSIC_I16, #WSIC_I32 or #WSIC_I4
 * \param rows        number of rows wanted
 * \param row_stride  elements from one row to the next, 0 for no gap
 * \return as wsic_layer_get_codes()
 */
WSIC_API wsic_status wsic_layer_get_codes_flat(const wsic_layer *layer, size_t first_row,
                                               void *data, uint32_t dtype, size_t rows,
                                               size_t row_stride) WSIC_NODISCARD;

/**
 * \brief Find the least and the greatest code.
 *
 * \param layer     not NULL
 * \param least     receives the least code of the layer; not NULL
 * \param greatest  receives the greatest one; not NULL
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_FORMAT, #WSIC_ERROR_MEMORY,
 *         #WSIC_ERROR_MEMORY_LIMIT; on failure nothing is written
 *
 * The call decodes the whole layer. The result shows which number types hold all codes: #WSIC_I4
 * holds -8 to 7.
 */
WSIC_API wsic_status wsic_layer_get_code_range(const wsic_layer *layer, int32_t *least,
                                               int32_t *greatest) WSIC_NODISCARD;

/**
 * \brief The scales of the rows.
 *
 * \param layer  not NULL
 * \return a floats, owned by the layer, valid until it is destroyed. If the layer has no stored
 *         scales of rows, all are 1. If it has them, the scale of a row of zeros is 0.
 */
WSIC_API const float *wsic_layer_row_scales(const wsic_layer *layer) WSIC_NONNULL(1);

/**
 * \brief The scales of the columns.
 *
 * \param layer  not NULL
 * \return n floats, owned by the layer, valid until it is destroyed. The scale of a dead
 *         column is 0.
 */
WSIC_API const float *wsic_layer_column_scales(const wsic_layer *layer) WSIC_NONNULL(1);

/**
 * \brief Reconstruct a range of rows.
 *
 * \param layer      not NULL
 * \param first_row  first row wanted
 * \param weights    to be filled: as many rows as wanted × n; F64, F32, F16 or BF16.
 *                   F16 and BF16 are rounded to nearest even from single precision.
 * \return as wsic_layer_get_codes(), with
 *   - #WSIC_ERROR_RANGE: a weight would become infinite in the type asked for: in F16 from 65520
 *     on, in BF16 above 3.39e38. The message gives row, column, weight and a type that holds it.
 *     Another program may have stored scales whose weights are beyond the range of single
 *     precision. Such weights are refused in every type.
 *
 * On failure the contents of weights are undefined.
 */
WSIC_API wsic_status wsic_layer_dequantize(const wsic_layer *layer, size_t first_row,
                                           wsic_matrix *weights) WSIC_NODISCARD;

/**
 * \brief wsic_layer_dequantize() without a struct.
 *
 * \param layer       not NULL
 * \param first_row   first row wanted
 * \param data        rows × n weights to be filled
 * \param dtype       #WSIC_F64, #WSIC_F32, #WSIC_F16 or #WSIC_BF16
 * \param rows        number of rows wanted
 * \param row_stride  elements from one row to the next, 0 for no gap
 * \return as wsic_layer_dequantize()
 */
WSIC_API wsic_status wsic_layer_dequantize_flat(const wsic_layer *layer, size_t first_row,
                                                void *data, uint32_t dtype, size_t rows,
                                                size_t row_stride) WSIC_NODISCARD;

/**
 * \brief Y = X Ŵᵀ, straight from the coded bytes: products for a batch of tokens.
 *
 * With x = X[t] the input of a token and first_row + i a row,
 *
 *     Y[t][i] = row_scale[first_row + i] · s,    s = fma((float)code[first_row + i][j], v[j], s)
 *     v[j] = column_scale[j] · x[j]
 *
 * in single precision. The sum s begins at 0 and takes the columns j in the order of
 * wsic_layer_column_order(), with one fused multiply-add for each, which rounds once. Columns that
 * this order leaves out have codes of 0; their inputs are not read. Results have the same bits on
 * every machine, whatever the number of tokens, the range of rows, the number of threads and the
 * choice of kernels. A result that is NaN always has the bits 0x7FC00000.
 *
 * \param layer      not NULL
 * \param first_row  first row wanted
 * \param x          inputs: tokens × n, F32 or BF16, any row stride. They need not be finite.
 * \param y          to be filled: tokens × as many rows as wanted, F32, any row stride; must not
 *                   overlap x
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL, or first_row + y->columns is beyond the layer
 *   - #WSIC_ERROR_SHAPE: x->columns is not n, or y->rows is not x->rows
 *   - #WSIC_ERROR_DTYPE, #WSIC_ERROR_STRUCT_SIZE, #WSIC_ERROR_STRUCT_NEWER, #WSIC_ERROR_TOO_LARGE
 *   - #WSIC_ERROR_FORMAT: the coded bytes are not valid
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 *
 * Every block of rows is decoded once, whatever the number of tokens. On failure the contents of y
 * are undefined.
 */
WSIC_API wsic_status wsic_layer_matmul(const wsic_layer *layer, size_t first_row,
                                       const wsic_matrix *x, wsic_matrix *y) WSIC_NODISCARD;

/**
 * \brief wsic_layer_matmul() without structs.
 *
 * \param layer         not NULL
 * \param first_row     first row wanted
 * \param rows          number of rows wanted
 * \param tokens        number of tokens
 * \param x             inputs, tokens × n
 * \param x_dtype       #WSIC_F32 or #WSIC_BF16
 * \param x_row_stride  elements from one token of x to the next, 0 for no gap
 * \param y             tokens × rows products to be filled; must not overlap x
 * \param y_row_stride  elements from one token of y to the next, 0 for no gap
 * \return as wsic_layer_matmul()
 */
WSIC_API wsic_status wsic_layer_matmul_flat(const wsic_layer *layer, size_t first_row, size_t rows,
                                            size_t tokens, const void *x, uint32_t x_dtype,
                                            size_t x_row_stride, float *y,
                                            size_t y_row_stride) WSIC_NODISCARD;

/**
 * \brief y = Ŵ x: wsic_layer_matmul() for one token and all rows, with the same bits.
 *
 * \param layer  not NULL
 * \param x      n floats
 * \param y      a floats to be filled; must not overlap x
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_FORMAT, #WSIC_ERROR_MEMORY,
 *         #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_layer_matvec(const wsic_layer *layer, const float *x,
                                       float *y) WSIC_NODISCARD;

/**
 * \brief The order in which columns are coded.
 *
 * \param layer  not NULL
 * \return info.live_columns numbers of columns, each below n and none twice; owned by the layer,
 *         valid until it is destroyed. All codes of a column that does not occur are 0.
 *
 * Columns whose codes spread about equally are neighbours in this order. Engines that expand codes
 * can leave them in this order (#WSIC_JOB_CODED_ORDER), and permute the input instead.
 */
WSIC_API const uint32_t *wsic_layer_column_order(const wsic_layer *layer) WSIC_NONNULL(1);

/**
 * \brief Make a layer with the same codes and other scales, for example those of fine-tuning.
 *
 * With G = ∂loss/∂Ŵ (a × n), z the codes, t and g the scales of rows and columns,
 * Ŵ_rj = t_r g_j z_rj and
 *
 *     ∂loss/∂t_r = Σ_j G_rj g_j z_rj                      a numbers
 *     ∂loss/∂g_j = Σ_r G_rj t_r z_rj                      n numbers
 *
 * For outputs y = Ŵ x of a batch of tokens and u = ∂loss/∂y, G is the sum of u xᵀ over the
 * tokens. It need not be formed: with y' = Z (g ∘ x) and v = Zᵀ (t ∘ u), the two gradients are
 * the sums of u ∘ y' and of x ∘ v.
 *
 * \param layer          not NULL; unchanged
 * \param row_scales     a floats, or NULL to keep those of the layer. A scale that is 0 in the
 *                       layer stays 0, whatever is given. No other scale may become 0. Signs may
 *                       change.
 * \param column_scales  n floats, or NULL; the same rules hold
 * \param out            receives the new layer, of the same context, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: layer or out is NULL, or a scale became 0
 *   - #WSIC_ERROR_NOT_FINITE, #WSIC_ERROR_RANGE: a scale is not finite, or beyond the normal
 *     range of float
 *   - #WSIC_ERROR_FORMAT: the coded bytes are not valid
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT, #WSIC_ERROR_TOO_LARGE
 *
 * Scales are rounded to the grids of the layer's own scales: 2^(e / 2^k), with the k
 * that the encoder chose for rows and for columns (docs/algorithm.md, "Stored scales"). If the
 * given scales are those of the layer, the result has the same codes and the same scales. Codes are
 * the same integers in any case. They are coded anew, because the model of the entropy coder starts
 * from the scales; the size may change by a few bytes. Distortion, relative distortion and limit of
 * the new layer are not known: they are 0, 0 and -1. The call counts as a use of the context.
 */
WSIC_API wsic_status wsic_layer_create_with_scales(const wsic_layer *layer, const float *row_scales,
                                                   const float *column_scales,
                                                   wsic_layer **out) WSIC_NODISCARD;

/**
 * \brief The bytes of a layer, to be written to a file.
 *
 * \param layer  not NULL
 * \param bytes  receives a pointer to the bytes, which the layer owns. For a layer of
 *               wsic_layer_create_view() it points to the caller's bytes.
 * \param size   receives their number, info.bytes
 * \return #WSIC_OK, or #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_layer_get_bytes(const wsic_layer *layer, const void **bytes,
                                          size_t *size);

/**
 * \brief Make a layer from its bytes.
 *
 * Checks everything that can be checked without decoding the codes: sizes,
 * sections, checksum. The bytes may come from an untrusted source: whatever they hold, the call
 * reads nothing beyond them. It takes memory in proportion to the sizes that they declare, and only
 * after these sizes have been checked.
 *
 * \param context  not NULL; kept alive by the layer
 * \param bytes    the bytes; copied
 * \param size     their number
 * \param out      receives the layer, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_FORMAT, #WSIC_ERROR_TRUNCATED, #WSIC_ERROR_CHECKSUM,
 *     #WSIC_ERROR_VERSION
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_layer_create(wsic_context *context, const void *bytes, size_t size,
                                       wsic_layer **out) WSIC_NODISCARD;

/**
 * \brief Make a layer on bytes that the caller keeps.
 *
 * The call makes the same checks as wsic_layer_create(), but copies nothing. The layer decodes the
 * bytes where they are: in a mapping of a file, in a read buffer, or in a tensor of bytes in
 * another container. It allocates memory only for scales and models.
 *
 * \param context  not NULL; kept alive by the layer
 * \param bytes    the bytes, at any address: no alignment is needed. They must stay where they
 *                 are, unchanged, until the layer is destroyed. Several layers and threads may
 *                 use the same bytes. If somebody writes to them nevertheless, codes may be wrong,
 *                 or refused, or different from call to call. If they are a mapping of a file
 *                 that shrinks, the system raises SIGBUS when a lost byte is read.
 * \param size     their number: exactly those of the layer
 * \param out      receives the layer, or NULL on failure
 * \return as wsic_layer_create()
 *
 * The call counts as a use of the context, with one exception. Several threads may call this
 * function on one context at the same time, each for layers of its own. They must not use the
 * context for anything else meanwhile, and the allocator must allow several threads.
 */
WSIC_API wsic_status wsic_layer_create_view(wsic_context *context, const void *bytes, size_t size,
                                            wsic_layer **out) WSIC_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
