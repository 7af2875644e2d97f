/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/plan.h
 * \brief Rate allocation: from statistics and weights to rates, before quantizing.
 *
 * WaterSIC quantizes column j of W on a grid of spacing α_j = c / L_jj, where
 * Σ + δI = L Lᵀ. In the domain of the Cholesky factor every column then has the
 * same step c, and column j is a source of standard deviation √s_j L_jj, where
 * s_j is the mean square of its weights. The plan models that source as Gaussian:
 *
 *     rate of column j         H(√s_j L_jj / c)     bits per weight
 *     distortion of column j   c² d(√s_j L_jj / c)
 *     water level              τ = c² / 12
 *
 * where H is the entropy and d the least mean square error of a uniformly
 * quantized Gaussian in units of the step. Columns far above the water level take
 * ½ log2(s_j L_jj² / τ) + 0.2546 bit per weight. Columns below it take almost no bits, as in
 * classical reverse waterfilling (docs/algorithm.md, "From a rate to a step").
 *
 * A plan only predicts; it quantizes nothing. Its rates and steps can be inspected, changed, and
 * passed to an encoder as targets.
 *
 * ## Outputs
 *
 * A problem with output statistics (wsic_problem_set_outputs()) is planned in their metric. Its
 * energies and distortions are those of D_G = tr(G ΔW Σ ΔWᵀ) / (a n). The plan weights rows and
 * feeds errors back as an encoder with default parameters does. The sensitivity of a new matrix is
 * 1 / (2 ln 2), so that sensitivity · a n · D is the divergence of the model's predictions in bits
 * per token: sensitivities need not be measured, and wsic_plan_get_divergence() predicts what a
 * plan will do to the model. A plan assumes scalar codes. A trellis needs up to 0.2 bit less, and
 * the divergence is then up to a quarter less than predicted.
 *
 * A matrix in a plan is named by its index. Each matrix is planned for a target of
 * its own, or all of them share one budget of bytes (wsic_plan_solve_budget()).
 */
#ifndef WATERSIC_PLAN_H
#define WATERSIC_PLAN_H

#include <watersic/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \brief A plan for one or more matrices. */
typedef struct wsic_plan wsic_plan;

/**
 * \brief Create an empty plan.
 *
 * \param context  not NULL; kept alive by the plan
 * \param out      receives the handle, or NULL on failure
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_plan_create(wsic_context *context, wsic_plan **out) WSIC_NODISCARD;

/** \brief Release a plan. \param plan may be NULL */
WSIC_API void wsic_plan_destroy(wsic_plan *plan);

/** \brief Message of the last failing call on this plan.
 *  \param plan may be NULL
 *  \return text, empty if nothing failed, or of NULL; valid until the next call on the handle */
WSIC_API const char *wsic_plan_message(const wsic_plan *plan);

/**
 * \brief Add a matrix.
 *
 * The call computes the Cholesky factor and keeps only its diagonal. The plan of a whole model
 * therefore takes O(n) memory for each layer. During the call 8 n² bytes are needed. If there are
 * dead columns, a copy of Σ without them takes up to 8 n² bytes more. Damping and dead columns are
 * those of an encoder with default parameters.
 *
 * \param plan     not NULL
 * \param stats    n columns, at least one sample; not kept
 * \param weights  a × n, F64, F32, F16 or BF16; not kept
 * \param index    if not NULL, receives the number of the matrix in the plan:
 *                 0, 1, ...
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_SHAPE, #WSIC_ERROR_DTYPE
 *   - #WSIC_ERROR_NOT_FINITE: a weight is NaN or infinite
 *   - #WSIC_ERROR_NO_SAMPLES
 *   - #WSIC_ERROR_NOT_POSITIVE_DEFINITE
 *   - #WSIC_ERROR_RANGE: the energy of weights and covariance is beyond the range of
 *     double
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT, #WSIC_ERROR_CANCELLED
 *
 * On failure the plan is as before.
 */
WSIC_API wsic_status wsic_plan_add(wsic_plan *plan, const wsic_stats *stats,
                                   const wsic_matrix *weights, size_t *index) WSIC_NODISCARD;

/**
 * \brief wsic_plan_add() without a struct.
 *
 * \param plan        not NULL
 * \param stats       as for wsic_plan_add()
 * \param data        weights, rows × n
 * \param dtype       #WSIC_F64, #WSIC_F32, #WSIC_F16 or #WSIC_BF16
 * \param rows        a
 * \param row_stride  elements from one row to the next, 0 for no gap
 * \param index       as for wsic_plan_add()
 * \return as wsic_plan_add()
 */
WSIC_API wsic_status wsic_plan_add_flat(wsic_plan *plan, const wsic_stats *stats, const void *data,
                                        uint32_t dtype, size_t rows, size_t row_stride,
                                        size_t *index) WSIC_NODISCARD;

/**
 * \brief Add a prepared matrix with its mixture of statistics.
 *
 * The plan does not count the rows and columns that the problem leaves out.
 * For statistics of pairs it counts the distortion that quantization adds. The error that
 * drift causes and that no choice of weights can remove is not counted. With output statistics the
 * plan counts in their metric (see above), which takes up to 16 a² bytes during the
 * call.
 *
 * \param plan     not NULL
 * \param problem  of the plan's context; the plan does not keep it. The problem itself keeps the
 *                 factor for a run with the encoder's defaults.
 * \param index    as for wsic_plan_add()
 * \return as wsic_plan_add(); #WSIC_ERROR_ARGUMENT also if the contexts differ
 */
WSIC_API wsic_status wsic_plan_add_problem(wsic_plan *plan, wsic_problem *problem,
                                           size_t *index) WSIC_NODISCARD;

/** \brief Number of matrices in the plan.
 *  \param plan not NULL
 *  \return their number */
WSIC_API size_t wsic_plan_count(const wsic_plan *plan) WSIC_NONNULL(1);

/**
 * \brief Plan every matrix for a rate.
 *
 * Finds the step c at which the mean rate of the columns is the target.
 *
 * \param plan             not NULL, at least one matrix
 * \param bits_per_weight  mean rate of the codes, 0.001 to 24; side information
 *                         is not part of it
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STATE (no matrix)
 *
 * A matrix whose weights are all zero, or whose columns are all dead, has rate 0
 * and step 0, whatever the target is.
 */
WSIC_API wsic_status wsic_plan_solve_rate(wsic_plan *plan, double bits_per_weight) WSIC_NODISCARD;

/**
 * \brief Plan every matrix for a distortion.
 *
 * \param plan        not NULL, at least one matrix
 * \param distortion  D = tr((W-Ŵ) Σ (W-Ŵ)ᵀ) / (a n), the same for every matrix;
 *                    positive. The rate of a matrix is 0 where the distortion is at least
 *                    wsic_plan_layer::energy. (That energy is the one of independent weights. It
 *                    may differ from tr(W Σ Wᵀ) / (a n).)
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STATE (no matrix)
 */
WSIC_API wsic_status wsic_plan_solve_distortion(wsic_plan *plan, double distortion) WSIC_NODISCARD;

/** \brief How a budget is distributed over the matrices. */
enum wsic_plan_mode {
    /** Every live weight gets the same rate, as in the reference implementation. */
    WSIC_PLAN_EQUAL = 1,
    /** One water level for all matrices: the product of wsic_plan_layer::sensitivity and
     *  wsic_plan_layer::marginal is the same for all. This minimises the sum over the matrices of
     *  sensitivity · a n · D. */
    WSIC_PLAN_WATERFILL = 2
};

/**
 * \brief Say how much the distortion of a matrix matters.
 *
 * \param plan         not NULL
 * \param index        below wsic_plan_count()
 * \param sensitivity  s > 0, for example the loss that a squared error at the output of this matrix
 *                     adds to the model. A new matrix has 1, and with output statistics
 *                     1 / (2 ln 2). Only ratios matter, and only to #WSIC_PLAN_WATERFILL.
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT
 *
 * The plan must be solved again afterwards.
 */
WSIC_API wsic_status wsic_plan_set_sensitivity(wsic_plan *plan, size_t index,
                                               double sensitivity) WSIC_NODISCARD;

/**
 * \brief Share one budget out over all matrices.
 *
 * Every matrix receives a target rate, which counts all bytes of its layer.
 * wsic_encoder_set_plan() hands it to an encoder. After the layer is made, wsic_plan_commit() tells
 * the plan the bytes that it took. The rest of the budget then goes to the matrices that are not
 * committed yet. The budget is thus met as exactly as the last matrix meets its target.
 *
 * \param plan   not NULL, at least one matrix
 * \param mode   #WSIC_PLAN_EQUAL or #WSIC_PLAN_WATERFILL
 * \param bytes  budget for all layers together, committed ones included. The caller can subtract
 *               the bytes that an archive adds.
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STATE (no matrix)
 *   - #WSIC_ERROR_RANGE: the budget is less than 0.05 bit for every weight
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT, #WSIC_ERROR_CANCELLED
 *
 * Target rates are within 0.05 to 16 bits per weight; a budget beyond that is not used up. On
 * failure the plan is as before. The first call in mode waterfill computes, and keeps, 4 KiB for
 * every matrix.
 */
WSIC_API wsic_status wsic_plan_solve_budget(wsic_plan *plan, int32_t mode,
                                            uint64_t bytes) WSIC_NODISCARD;

/**
 * \brief Tell the plan the size of a finished layer, and plan the other matrices anew.
 *
 * \param plan   solved for a budget
 * \param index  below wsic_plan_count(), not committed before
 * \param bytes  size of the layer, wsic_layer_info::bytes
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT;
 *   - #WSIC_ERROR_STATE: the plan is not solved for a budget, or the matrix was committed before
 *
 * If too little of the budget is left, the target rates of the other matrices are 0.05.
 */
WSIC_API wsic_status wsic_plan_commit(wsic_plan *plan, size_t index, uint64_t bytes) WSIC_NODISCARD;

/** \brief What a solved plan says about one matrix. */
typedef struct wsic_plan_layer {
    size_t size;           /**< sizeof(wsic_plan_layer), set by the caller */
    uint64_t rows;         /**< a */
    uint64_t columns;      /**< n */
    uint64_t dead_columns; /**< columns left out because their input is (nearly) always 0 */
    double rate;           /**< planned mean rate of the codes, bits per weight */
    double distortion;     /**< planned D */
    double energy;         /**< distortion at rate 0, from the Cholesky diagonal */
    double step;           /**< c; 0 where nothing is to be coded */
    double water_level;    /**< τ = c²/12 */
    double damping;        /**< δ that was added to the diagonal of Σ */
    double marginal;    /**< distortion that a bit more would save, -dD/dR / (2 ln 2). At high rates
                             it is the water level c²/12; at low rates it is less */
    double sensitivity; /**< s */
    double target_rate; /**< bits per weight of the finished layer; 0 unless solved for a budget */
    uint64_t bytes;     /**< target_rate in bytes; after wsic_plan_commit() the size of the layer */
    uint32_t committed; /**< 1 after wsic_plan_commit(), else 0 */
    uint32_t outputs;   /**< 1: the plan is in the metric of output statistics, and so are
                             distortion, energy, water_level and marginal; else 0 */
    double divergence;  /**< a n D / (2 ln 2) of the planned D, bits per token; 0 where outputs
                             is 0 */
} wsic_plan_layer;

/**
 * \brief Read the plan of one matrix.
 *
 * \param plan   not NULL, solved
 * \param index  below wsic_plan_count()
 * \param layer  to be filled; layer->size is set by the caller
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STATE (not solved since a
 *         matrix was added or a sensitivity set), #WSIC_ERROR_STRUCT_SIZE
 */
WSIC_API wsic_status wsic_plan_get_layer(const wsic_plan *plan, size_t index,
                                         wsic_plan_layer *layer) WSIC_NODISCARD;

/**
 * \brief What a solved plan will do to the predictions of the model.
 *
 * \param plan            not NULL, solved; every matrix with output statistics
 * \param bits_per_token  receives the sum of wsic_plan_layer::divergence over all matrices: the
 *                        predicted divergence between the predictions of the quantized and of the
 *                        original model, to second order
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL
 *   - #WSIC_ERROR_STATE: the plan was not solved since its last change; or a matrix has no output
 *     statistics, and the message names the first such matrix
 *
 * Solving the plan for one budget after another, and calling this function each time, gives the
 * divergence as a function of the size before anything is quantized.
 */
WSIC_API wsic_status wsic_plan_get_divergence(const wsic_plan *plan,
                                              double *bits_per_token) WSIC_NODISCARD;

/**
 * \brief Read the rate of every column of one matrix.
 *
 * \param plan   not NULL, solved
 * \param index  below wsic_plan_count()
 * \param rates  receives n rates in bits; 0 for dead columns
 * \param count  room in rates, at least n
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STATE, #WSIC_ERROR_BUFFER
 */
WSIC_API wsic_status wsic_plan_get_column_rates(const wsic_plan *plan, size_t index, double *rates,
                                                size_t count) WSIC_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
