/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/encoder.h
 * \brief The encoder: from statistics and weights to a layer.
 *
 * An encoder is a set of parameters and the report of its last run. A run is a
 * pure function of weights, statistics and parameters: with the same binary, the
 * same BLAS, the same processor type and the same number of BLAS threads it gives
 * the same bytes, whatever the number of the library's own threads.
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
 * The numbers are pinned: never renumbered, never reused. Each has a name for
 * command lines and files, which is the constant's in lower case without the
 * prefix: "rate", "damping", ... Types, ranges and defaults can be asked from
 * wsic_parameter_get_info().
 */
enum {
    /** Target: bits per weight of the finished layer in bytes, all side
     *  information and headers counted. Number, 0 (not set) or 0.01 to 24.
     *  Exactly one of rate, step and distortion must be set (non-zero) when an
     *  encoder runs. Met within 0.5 % or 0.005 bit, whichever is larger, else the
     *  run returns #WSIC_NOTICE_RATE. */
    WSIC_RATE = 100,
    /** Target: the step c itself, in the domain of the Cholesky factor. No
     *  search is made. Number, 0 (not set) or positive. Where rows are weighted it is that of a
     *  row of weight 1, which is the geometric mean. */
    WSIC_STEP = 101,
    /** Target: D = tr((W-Ŵ) Σ (W-Ŵ)ᵀ) / (a n). Met within 2 %, else the run
     *  returns #WSIC_NOTICE_RATE. Number, 0 (not set) or positive. Where output statistics are
     *  used (#WSIC_OUTPUTS) it is D_G = tr(G ΔW Σ ΔWᵀ) / (a n) of problem.h that is to be met. */
    WSIC_DISTORTION = 102,
    /** Part of the rows on which the rate is searched, before the whole matrix is
     *  quantized. Number, 0.01 to 1, default 0.1. Rows are chosen evenly
     *  over the sorted row energies, leaving rows of zeros out; small matrices always use
     *  all others. */
    WSIC_ROW_FRACTION = 103,
    /** Bytes that the caller's file adds around the layer; counted as the
     *  layer's own when aiming at a rate. Integer, default 0. */
    WSIC_CONTAINER_BYTES = 104,
    /** Most quantizations of the whole matrix that a search may use. Integer,
     *  1 to 64, default 12. Two or three are usual. */
    WSIC_PASSES = 105,

    /** Damping: δ = damping · mean of the live diagonal of Σ. Number, 0 to 1,
     *  default 1e-4 (as the reference implementation). */
    WSIC_DAMPING = 110,
    /** Times that δ may be raised tenfold if the factorisation fails.
     *  Integer, 0 to 12, default 6; 0 forbids it. Reported. */
    WSIC_DAMPING_RETRIES = 111,
    /** A column is dead, and its weights are dropped, if Σ_jj is below this part
     *  of the median diagonal, or not positive. Number, 0 to 1, default 1e-3. */
    WSIC_DEAD_THRESHOLD = 112,

    /** Spacing of the columns. Choice: "waterfilling" (α_j = c / L_jj, default) or
     *  "uniform" (the same α for all: GPTQ with entropy-coded integers; its step is
     *  the geometric mean of the α_j L_jj). */
    WSIC_SPACING = 120,
    /** LMMSE factor γ_j within the recursion. With scalar rounding not together with a ridge,
     *  which does its work. Integer, 0 or 1, default 1. */
    WSIC_LMMSE = 121,
    /** Column quantizer. Choice: "scalar" (nearest integer); "rdo" (the one of the
     *  two integers around a number that is worth its bits; same decoder); "trellis"
     *  (entropy-coded trellis quantization down each column; default). */
    WSIC_QUANTIZER = 122,
    /** States of the trellis. Integer, 4, 8, 16, 32, 64, 128 or 256, default 32. Time grows
     *  with the states; each doubling gains about 0.01 bit. */
    WSIC_TRELLIS_STATES = 123,
    /** What a bit is worth in quantizers "rdo" and "trellis", in units of the slope
     *  2 ln 2 · c²/12 of the rate-distortion curve at high rate. Number, 0 (nothing) to 16,
     *  default 0.85. */
    WSIC_LAMBDA = 124,

    /** Rate-aware ridge κ: weights are decided by their error plus κ τ / s_j times their
     *  square, where τ is the water level at the target and s_j the mean square of column j:
     *  the code length of a Gaussian weight (docs/algorithm.md, "The ridge"). Quantizers "rdo" and
     *  "trellis" with a lambda decide a column without its own part of the ridge, since they count
     *  its bits. Number, 0 (none) to 100, default 1. */
    WSIC_RIDGE = 125,
    /** Order of the columns in the recursion. Choice: "natural" (last to first) or
     *  "pivoted" (pivoted Cholesky: the least certain columns are decided first; default). Codes
     *  and scales keep the caller's order. */
    WSIC_ORDER = 126,

    /** Search across columns: ways kept open for each row in the recursion (K-best), where 1
     *  takes the nearest integer at once. Helps at low rates on locally correlated inputs, with
     *  quantizer "scalar" and lmmse = 0 only (else the run returns #WSIC_ERROR_STATE). Time and
     *  memory of the recursion grow with it. Integer, 1 to 64, default 1. */
    WSIC_SURVIVORS = 127,

    /** Which scales are fitted after the recursion. Choice: "none"; "columns" (Γ);
     *  "both" (T and Γ, alternating); "auto" (both, but T is kept only if it saves
     *  more distortion than its bytes cost; default). With feedback between rows
     *  (#WSIC_OUTPUTS) "both" and "auto" fit Γ alone: T would undo the feedback. */
    WSIC_RESCALE = 130,
    /** Most rounds of the alternating fit. Integer, 1 to 1000, default 1000. */
    WSIC_RESCALE_ROUNDS = 131,
    /** The fit ends when a round lowers the loss by less than this part; what of it drift
     *  leaves whatever is stored does not count. Number, 0 to 1, default 3e-4. */
    WSIC_RESCALE_TOLERANCE = 132,

    /** Rows that are coded together and can be decoded on their own. Integer, 0
     *  (chosen by size, default) or 1 to 2^20; a block of several rows has no more
     *  than 2^26 codes. */
    WSIC_BLOCK_ROWS = 140,

    /** Precision of the recursion and of the fit of Γ. Choice: "auto" (single precision wherever
     *  what it rounds raises the distortion by no more than 1e-5 of itself, by the bound of
     *  docs/algorithm.md, "Precision", and double precision elsewhere: at very high rates, for very
     *  ill-conditioned Σ, with survivors and with feedback between rows; default) or "double"
     *  (preset "paper"). Single precision takes half the time and memory; some codes differ. */
    WSIC_PRECISION = 141,

    /** Compute the limit rate and the gap for the report. It needs the eigenvalues
     *  of Σ (see wsic_stats_get_spectrum()), and of G where there are output statistics. Integer,
     *  0 or 1, default 1. */
    WSIC_LIMIT = 150,

    /** What use is made of output statistics (wsic_problem_set_outputs()), where a problem has
     *  them; without, this and the next three change nothing. Choice: "none" (they are only
     *  reported on: preset "paper"), "diagonal" (rows are weighted by G_rr), "full" (feedback
     *  between blocks of rows as well; default). docs/algorithm.md, "Both sides". */
    WSIC_OUTPUTS = 160,
    /** Blocks of rows between which there is feedback: row r belongs to block r modulo the
     *  number of blocks. Integer, 0 (chosen by the number of rows, default) to 4096; more blocks
     *  than rows are as many as there are rows. A G without elements beside the diagonal has no
     *  feedback, and one block. */
    WSIC_OUTPUT_BLOCKS = 161,
    /** Damping of G: (G + δ diag(G)) / (1 + δ) is used in place of G, which shrinks the
     *  correlations of rows by 1 / (1 + δ), and a G_rr below 1e-4 of their mean is raised to
     *  that. Number, δ: 0 (chosen by the number of samples for each row, default) or 1e-9 to
     *  100. */
    WSIC_OUTPUT_DAMPING = 162,
    /** Which rows have a weight of their own, and with it a scale to be stored: Choice:
     *  "none" (feedback alone), "blocks" (one weight for all rows of a block), "rows", "auto"
     *  (of the three the one that saves most distortion for what its scales cost; default).
     *  Weights are rounded to fractions of an octave that suit the number of columns. */
    WSIC_OUTPUT_WEIGHTS = 163
};

/** \brief Types of parameters. */
enum {
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
    double minimum;      /**< least value; of a choice 0; of a target 0, which is "not set", and
                              summary tells the least one that is */
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
 * \return its id, or 0 if there is none of that name. Thread-safe.
 */
WSIC_API int32_t wsic_parameter_find(const char *name);

/**
 * \brief Create an encoder with preset "default".
 *
 * \param context  not NULL; kept alive by the encoder
 * \param out      receives the handle, or NULL on failure
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_encoder_create(wsic_context *context, wsic_encoder **out);

/** \brief Release an encoder. \param encoder may be NULL */
WSIC_API void wsic_encoder_destroy(wsic_encoder *encoder);

/** \brief Message of the last failing call on this encoder.
 *  \param encoder not NULL
 *  \return text, empty if nothing failed; valid until the next call on the handle */
WSIC_API const char *wsic_encoder_message(const wsic_encoder *encoder);

/**
 * \brief Set all parameters but the targets to those of a preset.
 *
 * - "paper": the reference implementation: waterfilling spacing, damping 1e-4, scalar
 *   rounding with the LMMSE factor, columns in natural order, both rescalers, no use of output
 *   statistics.
 * - "fast": scalar rounding with a rate-aware ridge and the pivoted order: the simplest
 *   codes.
 * - "default": a trellis of 32 states, ridge and pivoted order; row scales only where they
 *   pay.
 * - "max": the same with 256 states.
 *
 * Gains and costs of each: docs/algorithm.md, section "Presets". All are decoded by the
 * same functions.
 *
 * rate, step, distortion and container_bytes keep their values.
 *
 * \param encoder  not NULL
 * \param name     of the preset
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_NOT_FOUND
 */
WSIC_API wsic_status wsic_encoder_set_preset(wsic_encoder *encoder, const char *name);

/**
 * \brief Set a parameter of type number.
 *
 * \param encoder  not NULL
 * \param id       #WSIC_RATE ...
 * \param value    within the parameter's range
 * \return #WSIC_OK; #WSIC_ERROR_NOT_FOUND: unknown id; #WSIC_ERROR_ARGUMENT: wrong type
 *         or out of range. On failure the old value stays.
 */
WSIC_API wsic_status wsic_encoder_set_number(wsic_encoder *encoder, int32_t id, double value);

/**
 * \brief Set a parameter of type integer.
 *
 * \param encoder  not NULL
 * \param id       #WSIC_CONTAINER_BYTES ...
 * \param value    within the parameter's range
 * \return as wsic_encoder_set_number()
 */
WSIC_API wsic_status wsic_encoder_set_integer(wsic_encoder *encoder, int32_t id, int64_t value);

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
                                           const char *value);

/**
 * \brief Read a parameter as a number.
 *
 * \param encoder  not NULL
 * \param id       #WSIC_RATE ...
 * \param value    receives the value; of a choice the index of the name
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_NOT_FOUND
 */
WSIC_API wsic_status wsic_encoder_get_number(wsic_encoder *encoder, int32_t id, double *value);

/**
 * \brief All parameters that differ from preset "default", as "name=value name=value".
 *
 * For provenance: setting them one by one on a new encoder repeats the run.
 *
 * \param encoder  not NULL
 * \return text owned by the encoder, valid until the next call on it
 */
WSIC_API const char *wsic_encoder_parameters(wsic_encoder *encoder);

/**
 * \brief Take the target from a solved plan.
 *
 * Of a plan that is solved for a budget, sets rate to the target rate of that matrix: the next run
 * aims at the planned bytes. Of any other, sets step to the plan's step: the next run quantizes at
 * exactly that step. The plan does not know of the ridge: with one (WSIC_RIDGE) the same step
 * gives fewer bits than planned, the more so the lower the rate. The other two targets become 0.
 *
 * \param encoder  not NULL
 * \param plan     solved
 * \param index    below wsic_plan_count()
 * \return as wsic_plan_get_layer(); #WSIC_ERROR_RANGE if the planned step is 0, where there
 *         is no budget
 */
WSIC_API wsic_status wsic_encoder_set_plan(wsic_encoder *encoder, wsic_plan *plan, size_t index);

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
 * For plain statistics. Pairs take up to 8 n² bytes more, mixtures what wsic_problem_set_mix()
 * says, output statistics 16 a² + 14 a n bytes.
 */
WSIC_API wsic_status wsic_encoder_estimate_memory(wsic_encoder *encoder, size_t rows,
                                                  size_t columns, uint64_t *bytes);

/**
 * \brief Memory that a run of a problem will need, with what the problem will keep of it.
 *
 * \param encoder  not NULL
 * \param problem  not NULL
 * \param bytes    as for wsic_encoder_estimate_memory()
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_TOO_LARGE
 */
WSIC_API wsic_status wsic_encoder_estimate_memory_problem(wsic_encoder *encoder,
                                                          const wsic_problem *problem,
                                                          uint64_t *bytes);

/**
 * \brief Quantize a matrix.
 *
 * \param encoder  not NULL, exactly one target set
 * \param stats    of the layer's input, n columns, at least one sample; with pairs the drift is
 *                 made up for, with residuals theirs too (stats.h)
 * \param weights  a × n; F64, F32, F16 or BF16; any shape from 1 × 1
 * \param out      receives the layer, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_NOTICE_RATE: the layer is there, but its rate (or distortion) is the nearest
 *     that could be reached; the message says how near. With a step too where there is nothing to
 *     code: no column is live, or all weights are zero
 *   - #WSIC_ERROR_STATE: no target is set, or more than one; or a parameter does not go
 *     with another or with the shape: survivors, block_rows; or the calling thread does not round
 *     to nearest (see docs/determinism.md for what else the host may have set)
 *   - #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_SHAPE, #WSIC_ERROR_DTYPE
 *   - #WSIC_ERROR_NOT_FINITE: a weight is NaN or infinite; the message gives the
 *     first such index and their number
 *   - #WSIC_ERROR_NO_SAMPLES
 *   - #WSIC_ERROR_NOT_POSITIVE_DEFINITE: also with the damping that was allowed
 *   - #WSIC_ERROR_RANGE: the step is so small that a code leaves 32 bits, or a scale or a
 *     restored weight leaves the range of float, or the covariance is too small for double
 *     precision
 *   - #WSIC_ERROR_TOO_LARGE, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT,
 *     #WSIC_ERROR_CANCELLED
 */
WSIC_API wsic_status wsic_encoder_run(wsic_encoder *encoder, const wsic_stats *stats,
                                      const wsic_matrix *weights, wsic_layer **out);

/**
 * \brief Quantize a prepared matrix.
 *
 * The layer is that of wsic_encoder_run(), bit for bit, where the problem is of one statistics
 * without dead rows and columns.
 *
 * \param encoder  not NULL, exactly one target set
 * \param problem  of the encoder's context; receives what it keeps for the next run
 * \param out      receives the layer, or NULL on failure
 * \return as wsic_encoder_run(); #WSIC_ERROR_ARGUMENT also if the contexts differ;
 *   #WSIC_ERROR_NOT_POSITIVE_DEFINITE also if the output statistics are not, with their damping:
 *   sums of gradients always are
 */
WSIC_API wsic_status wsic_encoder_run_problem(wsic_encoder *encoder, wsic_problem *problem,
                                              wsic_layer **out);

/** \brief Where the time of a run went. What it produced is in wsic_layer_info. */
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
    uint64_t memory_peak;      /**< bytes allocated at once by the run */

    /* Of a problem with output statistics; else all 0, limits and gaps -1 and 0. */
    double seconds_outputs;   /**< factor of G, feedback, distortion in its metric */
    double output_distortion; /**< D_G = tr(G ΔW Σ ΔWᵀ) / (a n) as decoded, in the units of G:
                                   see problem.h. The plain distortion is in wsic_layer_info */
    double output_relative;   /**< D_G / (D_G of Ŵ = 0) */
    double divergence;        /**< D_G a n / (2 ln 2): bits per token that the matrix adds */
    double output_limit_rate; /**< two-sided reverse-waterfilling rate at D_G, for iid weights of
                                   the same energy (waterfill.h); -1 where limit_rate is -1 */
    double output_gap;        /**< rate - output_limit_rate; 0 where that is -1 */
    double output_damping;    /**< δ, see #WSIC_OUTPUT_DAMPING */
    uint64_t output_blocks;   /**< blocks of rows with feedback between them; 1: none */
    uint32_t output_weights;  /**< #WSIC_OUTPUT_WEIGHTS_NONE ...: what "auto" has chosen */
    uint32_t reserved;        /**< 0 */
} wsic_encoder_report;

/** \brief Values of wsic_encoder_report::output_weights. The numbers are pinned. */
enum {
    WSIC_OUTPUT_WEIGHTS_NONE = 0,   /**< all rows have the same */
    WSIC_OUTPUT_WEIGHTS_BLOCKS = 1, /**< one for each block of rows */
    WSIC_OUTPUT_WEIGHTS_ROWS = 2    /**< one for each row */
};

/**
 * \brief Read the report of the last successful run.
 *
 * \param encoder  not NULL
 * \param report   to be filled; report->size is set by the caller
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STATE (no run yet),
 *         #WSIC_ERROR_STRUCT_SIZE
 */
WSIC_API wsic_status wsic_encoder_get_report(wsic_encoder *encoder, wsic_encoder_report *report);

#ifdef __cplusplus
}
#endif

#endif
