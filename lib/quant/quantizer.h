/* SPDX-License-Identifier: MIT */
/* The column quantizer: the plug-in of the recursion that turns real numbers into
 * integers. It sees a stretch of one column, a step, how wide the rows are, and nothing
 * else of the problem. */
#ifndef WSIC_QUANT_QUANTIZER_H
#define WSIC_QUANT_QUANTIZER_H

#include "base/env.h"

/* Rows of one column that follow each other. */
typedef struct wsic_stretch {
    const double *y;
    size_t count;
    double step; /* the codes count this */
    /* Expected magnitude of each row's numbers against the mean of the column, in quarters
     * of an octave; NULL: all the same. */
    const int8_t *row_width;
    /* Of the mean of the column, see wsic_stretch_width(); NULL: to be found from y. */
    const int *column_width;
} wsic_stretch;

/* --- rows that feed back ------------------------------------------------------------ */

enum { WSIC_WINDOW_ROWS = 128 }; /* most rows that are looked at together */

/* Rows of one column, in the order in which they are decided, of which the error of each moves
 * those behind it. All in steps. */
typedef struct wsic_window {
    const double *number; /* to be quantized, before what rows of this window feed back */
    const double *own;    /* the error of a row is own - back · code */
    double back;
    size_t count;
    size_t ahead;      /* rows behind these that are looked at, but not decided */
    const float *gain; /* at k WSIC_WINDOW_ROWS + i: row i > k moves by this times row k's error */
    const float *weight; /* of a squared error, where bits have the weight λ */
    const int8_t *row_width;
    int column_width;       /* see wsic_stretch_width() */
    uint8_t *trellis_state; /* that the search begins in; receives the one behind the last row */
} wsic_window;

/* --- a quantizer ---------------------------------------------------------------------- */

typedef struct wsic_quantizer {
    const char *name;
    unsigned kind; /* of the codes, see wsic_code_matrix */
    /* Rows of one column that are quantized together, without regard to those before
     * and after; 0: any number (no memory between rows). */
    size_t restart_rows;
    size_t tile_rows; /* of a call, where restart_rows is 0: what it sees the width of, or any */
    size_t workspace; /* bytes that a call needs */
    double largest;   /* magnitude that it takes, in steps; its code is within int32 */
    void *state;
    /* Quantize at most restart_rows numbers on the grid step · integers. False if one is beyond
     * the largest. Called from several threads at once, each with a workspace of its own,
     * aligned to 64. */
    bool (*quantize)(const void *state, const wsic_stretch *stretch, void *workspace,
                     int32_t *codes);
    /* Quantize the rows of a window; codes of those that are looked at are tentative. NULL where a
     * row's code follows from its own number: then they are decided one by one. */
    bool (*quantize_window)(const void *state, const wsic_window *window, void *workspace,
                            int32_t *codes);
    size_t window_workspace;
} wsic_quantizer;

enum { WSIC_QUANTIZE_SCALAR, WSIC_QUANTIZE_RDO, WSIC_QUANTIZE_TRELLIS };

typedef struct wsic_quantizer_choice {
    int which;
    unsigned kind;       /* of a trellis: the logarithm of its states */
    size_t restart_rows; /* of a trellis */
    double lambda;       /* in units of 2 ln 2 c² / 12 to the bit, c as in wsic_quantizer_grid() */
    bool fit_i4;         /* numbers beyond WSIC_I4_LEAST ... WSIC_I4_MOST get codes within */
} wsic_quantizer_choice;

/* Codes that fit WSIC_I4. A trellis leaves out the least one. */
enum { WSIC_I4_LEAST = -8, WSIC_I4_MOST = 7 };

/* Spacing of the codes, where the spacing c of a codebook is 1: at the same c all
 * quantizers give nearly the same rate. */
double wsic_quantizer_grid(int which);

wsic_status wsic_quantizer_create(const wsic_env *env, const wsic_quantizer_choice *choice,
                                  wsic_quantizer *quantizer);
/* Upper bound of the bytes that its creation, or its state and the workspaces for all stretches
 * of a column of `rows`, take at once. */
double wsic_quantizer_memory(const wsic_quantizer_choice *choice, size_t rows);
void wsic_quantizer_release(const wsic_env *env, wsic_quantizer *quantizer);

/* Nearest integer, ties to even; or the nearest that fits WSIC_I4. */
extern const wsic_quantizer wsic_quantizer_scalar;
extern const wsic_quantizer wsic_quantizer_scalar_i4;

/* What wsic_quantizer_create() hands on to. */
wsic_status wsic_quantizer_create_rdo(const wsic_env *env, const wsic_quantizer_choice *choice,
                                      wsic_quantizer *quantizer);
wsic_status wsic_quantizer_create_trellis(const wsic_env *env, const wsic_quantizer_choice *choice,
                                          wsic_quantizer *quantizer);
double wsic_trellis_memory(const wsic_quantizer_choice *choice, size_t rows);

#endif
