/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/encoder.h
 * \brief The encoder: from statistics and weights to a layer.
 *
 * An encoder holds a set of parameters and the report of its last run. A run depends on weights,
 * statistics and parameters alone. It gives the same bytes with the same binary, the same BLAS, the
 * same processor type and the same number of BLAS threads. The number of the library's own threads
 * does not matter.
 */
#ifndef WATERSIC_ENCODER_H
#define WATERSIC_ENCODER_H

#include <watersic/layer.h>
#include <watersic/plan.h>
#include <watersic/problem.h>
#include <watersic/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \brief An encoder. */
typedef struct wsic_encoder wsic_encoder;

/**
 * \brief Parameters.
 *
 * The numbers are pinned: they are never changed and never reused. Each parameter has a name for
 * command lines and files. It is the name of the constant in lower case without the prefix: "rate",
 * "damping", ... wsic_parameter_get_info() gives types, ranges and defaults.
 */
enum wsic_parameter {
    /** Target: bits per weight of the finished layer. All bytes count, those of side
     *  information and headers too. Number, 0 (not set) or 0.01 to 24.
     *  Exactly one of rate, step and distortion must be set (non-zero) when an
     *  encoder runs. The rate is met within 0.5 % or 0.005 bit, whichever is larger;
     *  otherwise the run returns #WSIC_NOTICE_RATE. */
    WSIC_RATE = 100,
    /** Target: the step c itself, in the domain of the Cholesky factor. There is no
     *  search. Number, 0 (not set) or positive. Where rows are weighted, c is the step of
     *  a row of weight 1. (The geometric mean of the weights is 1.) */
    WSIC_STEP = 101,
    /** Target: D = tr((W-Ŵ) Σ (W-Ŵ)ᵀ) / (a n). D is met within 2 %; otherwise the run
     *  returns #WSIC_NOTICE_RATE. Number, 0 (not set) or positive. Where output statistics are
     *  used (#WSIC_OUTPUTS), the target is D_G = tr(G ΔW Σ ΔWᵀ) / (a n) of problem.h. */
    WSIC_DISTORTION = 102,
    /** Part of the rows that the search for the rate uses, before the whole matrix is
     *  quantized. Number, 0.01 to 1, default 0.1. Rows are chosen evenly
     *  over the sorted row energies. Rows of zeros are left out. For small matrices the search
     *  always uses all other rows. */
    WSIC_ROW_FRACTION = 103,
    /** Bytes that the caller's file adds around the layer. With a rate as the target they
     *  count as bytes of the layer. Integer, default 0. */
    WSIC_CONTAINER_BYTES = 104,
    /** Largest number of times that a search may quantize the whole matrix. Integer,
     *  1 to 64, default 12. Two or three are usual. */
    WSIC_PASSES = 105,

    /** Damping: δ = damping · mean of the diagonal of Σ over the live columns. Number, 0 to 1,
     *  default 1e-4 (as in the reference implementation). */
    WSIC_DAMPING = 110,
    /** Number of times that δ may be raised tenfold if the factorisation fails.
     *  Integer, 0 to 12, default 6; 0 forbids it. wsic_layer_info reports how often it was. */
    WSIC_DAMPING_RETRIES = 111,
    /** A column is dead, and its weights are dropped, if Σ_jj is not positive or is below this
     *  part of the median of the diagonal. Number, 0 to 1, default 1e-3. */
    WSIC_DEAD_THRESHOLD = 112,

    /** Spacing of the columns. Choice: "waterfilling" (α_j = c / L_jj, default) or
     *  "uniform" (the same α for all columns, as in GPTQ with entropy-coded integers; the step
     *  is then the geometric mean of the α_j L_jj). */
    WSIC_SPACING = 120,
    /** LMMSE factor γ_j within the recursion. With scalar rounding and a ridge set it to 0: the
     *  ridge already shrinks weights towards 0, and both together shrink them too much. Integer, 0
     *  or 1, default 1. */
    WSIC_LMMSE = 121,
    /** Column quantizer. Choice: "scalar" (nearest integer); "rdo" (rate-distortion
     *  optimisation: of the two integers around a number, the one with the least sum of error
     *  and weighted bits; same decoder); "trellis" (entropy-coded trellis quantization down each
     *  column; default). */
    WSIC_QUANTIZER = 122,
    /** Number of states of the trellis. Integer, 4, 8, 16, 32, 64, 128 or 256, default 32. Time
     *  grows with the states; each doubling gains about 0.01 bit. */
    WSIC_TRELLIS_STATES = 123,
    /** Weight of a bit against the squared error in quantizers "rdo" and "trellis". Its unit is the
     *  slope 2 ln 2 · c²/12 of the rate-distortion curve at high rate. Number, 0 (bits do not
     *  count) to 16, default 0.85. */
    WSIC_LAMBDA = 124,

    /** Rate-aware ridge κ: weights are decided by their error plus κ τ / s_j times their
     *  square, where τ is the water level at the target and s_j the mean square of column j:
     *  the code length of a Gaussian weight (docs/algorithm.md, "The ridge"). With a lambda,
     *  quantizers "rdo" and "trellis" count the bits of the column that they decide. For that
     *  column they leave the ridge out, so that no bit counts twice. Number, 0 (none) to 100,
     *  default 1. */
    WSIC_RIDGE = 125,
    /** Order of the columns in the recursion. Choice: "natural" (last to first) or
     *  "pivoted" (pivoted Cholesky: the columns with the largest L_jj are decided last;
     *  default). Codes and scales keep the caller's order. */
    WSIC_ORDER = 126,

    /** Search across columns (K-best): number of candidates that the recursion keeps for each row.
     *  With 1 it takes the nearest integer at once. It helps at low rates on locally correlated
     *  inputs. Values above 1 need quantizer "scalar" and lmmse = 0; with others the run returns
     *  #WSIC_ERROR_STATE. Time and memory of the recursion grow with the number. Integer, 1 to 64,
     *  default 1. */
    WSIC_SURVIVORS = 127,

    /** Which scales are fitted after the recursion. Choice: "none"; "columns" (Γ);
     *  "both" (T and Γ, alternating); "auto" (both, but T is kept only if it saves
     *  more distortion than its bytes cost; default). With feedback between rows
     *  (#WSIC_OUTPUTS) "both" and "auto" fit Γ alone: T would undo the feedback. */
    WSIC_RESCALE = 130,
    /** Largest number of rounds of the alternating fit. Integer, 1 to 1000, default 1000. */
    WSIC_RESCALE_ROUNDS = 131,
    /** The fit ends when a round lowers the loss by less than this part of the loss. With drift,
     *  this loss leaves out the error that no choice of scales can remove. Number, 0 to 1,
     *  default 3e-4. */
    WSIC_RESCALE_TOLERANCE = 132,

    /** Rows that are coded together and can be decoded on their own. Integer, 0
     *  (chosen by size, default) or 1 to 2^20; a block of several rows has no more
     *  than 2^26 codes. */
    WSIC_BLOCK_ROWS = 140,
    /** Whether all codes are to lie from -8 to 7, so that the layer can be expanded to #WSIC_I4
     *  (docs/algorithm.md, "Codes for four bits"). Columns whose codes would be larger get wider
     *  steps, and codes that are still too large are clipped. The cost is part of the reported gap.
     *  It depends on how unequal the columns are: it is next to nothing at 2 bits if they are
     *  alike, and 0.2 bit with "scalar" if a few columns have most of the energy. No step gives
     *  more than about 3.8 bits (2.8 with "trellis", which counts half steps). A run for a higher
     *  rate returns #WSIC_NOTICE_RATE. Together with survivors the run returns #WSIC_ERROR_STATE.
     *  If the codes fit by chance, the layer says so without this parameter (info.codes_fit_i4).
     *  Integer, 0 or 1, default 0. */
    WSIC_CODES_FIT_I4 = 141,

    /** Precision of the recursion and of the fit of scales. Choice: "auto" (default),
     *  "double" or "codes" (preset "paper"). "auto" takes single precision if rounding raises the
     *  distortion by no more than 1e-5 of itself; docs/algorithm.md, "Precision", has the bound.
     *  Otherwise it takes double precision: at very high rates, for very ill-conditioned Σ, with
     *  survivors, and with feedback between rows. Single precision takes half the time and memory;
     *  some codes differ. "codes" does not take it for the recursion, so that all codes are those
     *  of "double". It does take it, as "auto" does, for products on the way to T and Γ that are
     *  fitted in turn, as long as the distortion is more than 1e-4 of the energy. The last T and
     *  the reported distortion are in double precision. */
    WSIC_PRECISION = 142,

    /** Compute the limit rate and the gap for the report. This takes 4 n³ / 3 operations for the
     *  eigenvalues of Σ and, with output statistics, 4 a³ / 3 for those of G. Eigenvalues that
     *  wsic_stats_get_spectrum() has computed before are used. Integer, 0 or 1, default 0. */
    WSIC_LIMIT = 150,

    /** How the output statistics of a problem (wsic_problem_set_outputs()) are used. Without
     *  them, this and the next two parameters change nothing. Choice: "none" (codes do not depend
     *  on them, but the report has the distortion in their metric; preset "paper"), "diagonal"
     *  (rows are weighted by G_rr), "full" (errors of rows also change the targets of rows that are
     *  decided later; default). If G is diagonal, "full" changes no targets. See
     *  docs/algorithm.md, "Both sides". */
    WSIC_OUTPUTS = 160,
    /** Damping of G: (G + δ diag(G)) / (1 + δ) is used in place of G, which divides the
     *  correlations between rows by 1 + δ. A G_rr below 1e-4 of the mean of the diagonal is raised
     *  to that value. Number: δ from 1e-9 to 100, or 0 (the encoder chooses δ by the number of
     *  samples for each row; default). */
    WSIC_OUTPUT_DAMPING = 162,
    /** Which rows have a weight of their own. A row with a weight also has a stored scale. Choice:
     *  "none" (no weights, only feedback), "blocks" (one weight for each 32 consecutive rows),
     *  "rows" (one weight for each row), "auto" (the choice among these three with the least
     *  distortion at equal bytes; default). Weights are rounded to powers of 2^(1/m); m is larger
     *  if a row has more columns. */
    WSIC_OUTPUT_WEIGHTS = 163
};

/** \brief Types of parameters. */
enum wsic_parameter_type {
    WSIC_PARAMETER_NUMBER = 1,  /**< double */
    WSIC_PARAMETER_INTEGER = 2, /**< int64_t */
    WSIC_PARAMETER_CHOICE = 3   /**< one of a list of names */
};

/** \brief Description of a parameter. All strings have static storage. */
typedef struct wsic_parameter_info {
    size_t size;         /**< sizeof(wsic_parameter_info), set by the caller */
    int32_t id;          /**< #WSIC_RATE ... */
    int32_t type;        /**< #WSIC_PARAMETER_NUMBER ... */
    const char *name;    /**< "rate", ... */
    const char *choices; /**< names separated by '|'; empty unless a choice */
    const char *summary; /**< one line of English */
    double minimum;      /**< least value; of a choice 0; of a target 0, which means "not set":
                              summary tells the least value that can be set */
    double maximum;      /**< greatest value; of a choice the index of the last name */
    double preset;       /**< value in preset "default"; of a choice the index of the name */
} wsic_parameter_info;

/** \brief Number of parameters.
 *  \return the number, the end of the index of wsic_parameter_get_info(). Thread-safe. */
WSIC_API size_t wsic_parameter_count(void);

/**
 * \brief Describe the index-th parameter, for help texts and bindings.
 *
 * \param index  below wsic_parameter_count()
 * \param info   to be filled; info->size is set by the caller
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STRUCT_SIZE. Thread-safe.
 */
WSIC_API wsic_status wsic_parameter_get_info(size_t index, wsic_parameter_info *info);

/**
 * \brief Find a parameter by name.
 *
 * \param name  such as "rate"
 * \return its id, or 0 if no parameter has that name. Thread-safe.
 */
WSIC_API int32_t wsic_parameter_find(const char *name);

/**
 * \brief Name of a value of a parameter that is a choice.
 *
 * \param id     of a parameter of type #WSIC_PARAMETER_CHOICE, such as #WSIC_QUANTIZER
 * \param index  number of the choice, as wsic_encoder_get_number() reads it; the last one is
 *               wsic_parameter_info::maximum
 * \param name   receives the name, such as "trellis"
 * \param size   of name in bytes; 64 are enough for every choice
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_NOT_FOUND: there is no parameter of that id
 *   - #WSIC_ERROR_ARGUMENT: name is NULL, the parameter is no choice, or it has no such value
 *   - #WSIC_ERROR_BUFFER: size is too small
 *
 * Thread-safe.
 */
WSIC_API wsic_status wsic_parameter_get_choice(int32_t id, size_t index, char *name,
                                               size_t size) WSIC_NODISCARD;

/**
 * \brief Names of the presets of wsic_encoder_set_preset().
 *
 * \param index  from 0 on
 * \return the name, such as "paper", in static storage; NULL if there are no more. Thread-safe.
 */
WSIC_API const char *wsic_preset_name(size_t index);

/**
 * \brief Create an encoder with preset "default".
 *
 * \param context  not NULL; kept alive by the encoder
 * \param out      receives the handle, or NULL on failure
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_encoder_create(wsic_context *context, wsic_encoder **out) WSIC_NODISCARD;

/** \brief Release an encoder. \param encoder may be NULL */
WSIC_API void wsic_encoder_destroy(wsic_encoder *encoder);

/** \brief Message of the last failing call on this encoder.
 *  \param encoder may be NULL
 *  \return text, empty if nothing failed, or of NULL; valid until the next call on the handle */
WSIC_API const char *wsic_encoder_message(const wsic_encoder *encoder);

/**
 * \brief Set the parameters that say how a matrix is quantized to those of a preset.
 *
 * - "paper": the reference implementation: waterfilling spacing, damping 1e-4, scalar
 *   rounding with the LMMSE factor, columns in natural order, both rescalers, no use of output
 *   statistics.
 * - "fast": scalar rounding with a rate-aware ridge and the pivoted order. Its codes are the
 *   simplest.
 * - "default": a trellis of 32 states, ridge and pivoted order. It stores row scales only where
 *   they save more distortion than their bytes cost.
 * - "max": as "default", but with 256 states.
 *
 * docs/algorithm.md, section "Presets", has the gains and costs of each. The same functions decode
 * the layers of all presets.
 *
 * rate, step, distortion, container_bytes and limit keep their values.
 *
 * \param encoder  not NULL
 * \param name     of the preset
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_NOT_FOUND
 */
WSIC_API wsic_status wsic_encoder_set_preset(wsic_encoder *encoder,
                                             const char *name) WSIC_NODISCARD;

/**
 * \brief Set a parameter of type number.
 *
 * \param encoder  not NULL
 * \param id       #WSIC_RATE ...
 * \param value    within the parameter's range
 * \return #WSIC_OK; #WSIC_ERROR_NOT_FOUND: unknown id; #WSIC_ERROR_ARGUMENT: wrong type
 *         or out of range. On failure the old value stays.
 */
WSIC_API wsic_status wsic_encoder_set_number(wsic_encoder *encoder, int32_t id,
                                             double value) WSIC_NODISCARD;

/**
 * \brief Set a parameter of type integer.
 *
 * \param encoder  not NULL
 * \param id       #WSIC_CONTAINER_BYTES ...
 * \param value    within the parameter's range
 * \return as wsic_encoder_set_number()
 */
WSIC_API wsic_status wsic_encoder_set_integer(wsic_encoder *encoder, int32_t id,
                                              int64_t value) WSIC_NODISCARD;

/**
 * \brief Set any parameter by name from text, as on a command line.
 *
 * \param encoder  not NULL
 * \param name     such as "rate" or "spacing"
 * \param value    a number in the notation of C ('.' as decimal point in any
 *                 locale), or a choice's name
 * \return #WSIC_OK; #WSIC_ERROR_NOT_FOUND: no such parameter; #WSIC_ERROR_ARGUMENT: not a
 *         value of the parameter's type and range. On failure the old value stays.
 */
WSIC_API wsic_status wsic_encoder_set_text(wsic_encoder *encoder, const char *name,
                                           const char *value) WSIC_NODISCARD;

/**
 * \brief Read a parameter as a number.
 *
 * \param encoder  not NULL
 * \param id       #WSIC_RATE ...
 * \param value    receives the value; of a choice the index of the name
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_NOT_FOUND
 */
WSIC_API wsic_status wsic_encoder_get_number(const wsic_encoder *encoder, int32_t id,
                                             double *value);

/**
 * \brief Read any parameter as text, as wsic_encoder_set_text() takes it.
 *
 * \param encoder  not NULL
 * \param name     of the parameter, such as "rate" or "spacing"
 * \param text     receives the value: a number in the notation of C, or the name of a choice
 * \param size     of text in bytes; 64 are enough for every value
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL
 *   - #WSIC_ERROR_NOT_FOUND: there is no parameter of that name
 *   - #WSIC_ERROR_BUFFER: size is too small; the message tells the size needed
 */
WSIC_API wsic_status wsic_encoder_get_text(const wsic_encoder *encoder, const char *name,
                                           char *text, size_t size) WSIC_NODISCARD;

/**
 * \brief All parameters that differ from preset "default", as "name=value name=value".
 *
 * Store the text as provenance: a new encoder with these parameters, set one by one, repeats the
 * run.
 *
 * \param encoder  not NULL
 * \return text owned by the encoder, valid until the next call on it
 */
WSIC_API const char *wsic_encoder_parameters(wsic_encoder *encoder) WSIC_NONNULL(1);

/**
 * \brief Take the target from a solved plan.
 *
 * If the plan is solved for a budget, rate is set to the target rate of the matrix: the next run
 * aims at the planned bytes. Otherwise step is set to the planned step: the next run quantizes at
 * exactly that step. A plan does not model the ridge (#WSIC_RIDGE). With a ridge the planned step
 * gives fewer bits than planned; the lower the rate, the larger the difference. The other two
 * targets become 0.
 *
 * \param encoder  not NULL
 * \param plan     solved
 * \param index    below wsic_plan_count()
 * \return as wsic_plan_get_layer(); #WSIC_ERROR_RANGE if the planned step is 0, where there
 *         is no budget
 */
WSIC_API wsic_status wsic_encoder_set_plan(wsic_encoder *encoder, const wsic_plan *plan,
                                           size_t index) WSIC_NODISCARD;

/**
 * \brief Memory that a run will need.
 *
 * \param encoder  not NULL
 * \param rows     a
 * \param columns  n
 * \param bytes    receives an upper bound of the bytes that a run allocates beyond
 *                 the caller's arrays and statistics, the finished layer included;
 *                 buffers inside BLAS and LAPACK are not counted
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_TOO_LARGE
 *
 * The bound holds for plain statistics. Pairs take up to 16 n² bytes more. Output statistics take
 * about 16 a² + 8 a n bytes more, and up to 24 KiB for each column, 2 KiB for each row, and 1 MiB.
 * wsic_problem_set_mix() says what mixtures take. wsic_encoder_estimate_memory_problem() counts all
 * of it.
 */
WSIC_API wsic_status wsic_encoder_estimate_memory(const wsic_encoder *encoder, size_t rows,
                                                  size_t columns, uint64_t *bytes) WSIC_NODISCARD;

/**
 * \brief Memory that a run of a problem will need, including the part that the problem will keep.
 *
 * \param encoder  not NULL
 * \param problem  not NULL
 * \param bytes    as for wsic_encoder_estimate_memory()
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_TOO_LARGE
 */
WSIC_API wsic_status wsic_encoder_estimate_memory_problem(const wsic_encoder *encoder,
                                                          const wsic_problem *problem,
                                                          uint64_t *bytes) WSIC_NODISCARD;

/**
 * \brief Quantize a matrix.
 *
 * \param encoder  not NULL, exactly one target set
 * \param stats    of the layer's input, n columns, at least one sample. With pairs the layer makes
 *                 up for the drift of its input, with residuals also for that of the residual
 *                 stream (stats.h).
 * \param weights  a × n; F64, F32, F16 or BF16; any shape from 1 × 1
 * \param out      receives the layer, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_NOTICE_RATE: the layer was made, but its rate (or distortion) is only the nearest
 *     that can be reached; the message says how near. With a step as the target: there was nothing
 *     to code, since no column is live or all weights are zero
 *   - #WSIC_ERROR_STATE: no target is set, or more than one; or survivors or block_rows cannot be
 *     combined with another parameter or with the shape; or the calling thread does not round
 *     to nearest (docs/determinism.md lists all settings of the environment that matter)
 *   - #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_SHAPE, #WSIC_ERROR_DTYPE
 *   - #WSIC_ERROR_NOT_FINITE: a weight is NaN or infinite; the message gives the
 *     first such index and their number
 *   - #WSIC_ERROR_NO_SAMPLES
 *   - #WSIC_ERROR_NOT_POSITIVE_DEFINITE: the covariance is not, even with all damping that is
 *     allowed
 *   - #WSIC_ERROR_RANGE: the step is so small that a code leaves 32 bits, or a scale or a
 *     restored weight leaves the range of float, or the covariance is too small for double
 *     precision
 *   - #WSIC_ERROR_TOO_LARGE, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT,
 *     #WSIC_ERROR_CANCELLED
 */
WSIC_API wsic_status wsic_encoder_run(wsic_encoder *encoder, const wsic_stats *stats,
                                      const wsic_matrix *weights, wsic_layer **out) WSIC_NODISCARD;

/**
 * \brief wsic_encoder_run() without a struct.
 *
 * \param encoder     not NULL, exactly one target set
 * \param stats       as for wsic_encoder_run()
 * \param data        weights, rows × n
 * \param dtype       #WSIC_F64, #WSIC_F32, #WSIC_F16 or #WSIC_BF16
 * \param rows        a
 * \param row_stride  elements from one row to the next, 0 for no gap
 * \param out         receives the layer, or NULL on failure
 * \return as wsic_encoder_run()
 *
 * wsic_problem_create() has no such variant, because a problem borrows its weights until it is
 * destroyed.
 */
WSIC_API wsic_status wsic_encoder_run_flat(wsic_encoder *encoder, const wsic_stats *stats,
                                           const void *data, uint32_t dtype, size_t rows,
                                           size_t row_stride, wsic_layer **out) WSIC_NODISCARD;

/**
 * \brief Quantize a prepared matrix.
 *
 * If the problem has one set of statistics, and no rows or columns are left out, the layer has the
 * same bytes as that of wsic_encoder_run().
 *
 * \param encoder  not NULL, exactly one target set
 * \param problem  of the encoder's context; receives results that it keeps for the next run
 * \param out      receives the layer, or NULL on failure
 * \return as wsic_encoder_run(); #WSIC_ERROR_ARGUMENT also if the contexts differ;
 *   #WSIC_ERROR_NOT_POSITIVE_DEFINITE also if G is not, even with its damping (a G that is a sum
 *   over gradients always is)
 */
WSIC_API wsic_status wsic_encoder_run_problem(wsic_encoder *encoder, wsic_problem *problem,
                                              wsic_layer **out) WSIC_NODISCARD;

/** \brief Times and counts of a run. Facts about the layer are in wsic_layer_info. */
typedef struct wsic_encoder_report {
    size_t size;               /**< sizeof(wsic_encoder_report), set by the caller */
    double seconds;            /**< the whole run */
    double seconds_prepare;    /**< checks, damping, Cholesky, target */
    double seconds_search;     /**< rate search on a part of the rows */
    double seconds_recursion;  /**< ZSIC on the whole matrix, all passes */
    double seconds_rescale;    /**< fit of the scales, all passes */
    double seconds_coding;     /**< entropy coding, all passes */
    double seconds_distortion; /**< measuring the distortion */
    double seconds_limit;      /**< eigenvalues and limit rate */
    uint64_t search_steps;     /**< evaluations on a part of the rows */
    uint64_t passes;           /**< quantizations of the whole matrix */
    uint64_t rescale_rounds;   /**< rounds of the last alternating fit */
    uint64_t memory_peak;      /**< most bytes that the run had allocated at one time */

    /* For a problem with output statistics. Otherwise output_limit_rate is -1, output_gap is NaN,
     * and all others are 0. */
    double seconds_outputs;   /**< factor of G, feedback, distortion in its metric */
    double output_distortion; /**< D_G = tr(G ΔW Σ ΔWᵀ) / (a n) as decoded, in the units of G:
                                   see problem.h. The plain distortion is in wsic_layer_info */
    double output_relative;   /**< D_G / (D_G of Ŵ = 0) */
    double divergence;        /**< D_G a n / (2 ln 2): bits per token that the matrix adds */
    double output_limit_rate; /**< two-sided reverse-waterfilling rate at D_G, for iid weights of
                                   the same energy (waterfill.h); -1 where limit_rate is -1 */
    double output_gap;        /**< rate - output_limit_rate; NaN where that is -1 */
    double output_damping;    /**< δ, see #WSIC_OUTPUT_DAMPING */
    uint64_t output_feedback; /**< 1: errors of rows moved the targets of others; 0: none did */
    uint32_t output_weights;  /**< #WSIC_OUTPUT_WEIGHTS_NONE ...: the choice, also that of "auto" */
    uint32_t reserved;        /**< 0 */
} wsic_encoder_report;

/** \brief Values of wsic_encoder_report::output_weights. The numbers are pinned. */
enum wsic_output_weights {
    WSIC_OUTPUT_WEIGHTS_NONE = 0,   /**< all rows have the same weight */
    WSIC_OUTPUT_WEIGHTS_BLOCKS = 1, /**< one weight for each block of rows */
    WSIC_OUTPUT_WEIGHTS_ROWS = 2    /**< one weight for each row */
};

/**
 * \brief Read the report of the last successful run.
 *
 * \param encoder  not NULL
 * \param report   to be filled; report->size is set by the caller
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STATE (no run yet),
 *         #WSIC_ERROR_STRUCT_SIZE
 */
WSIC_API wsic_status wsic_encoder_get_report(const wsic_encoder *encoder,
                                             wsic_encoder_report *report);

#ifdef __cplusplus
}
#endif

#endif
