/* SPDX-License-Identifier: MIT */
/* What the steps of a recursion share: zsic.c, and zsic_steps.h in either precision. */
#ifndef WSIC_QUANT_ZSIC_STATE_H
#define WSIC_QUANT_ZSIC_STATE_H

#include "base/checked.h"
#include "quant/zsic.h"

enum {
    /* Columns whose coupling is summed up column by column; wider ranges are halved, and the
     * halves are coupled by a GEMM. */
    WSIC_ZSIC_BASE = 32,
    /* Columns whose reconstruction is kept, and taken out of all columns before them by one GEMM:
     * as many as a GEMM takes at a time. */
    WSIC_ZSIC_PANEL = 256,
    /* Rows of one GEMM within a panel. Fixed, like the two below, so that results are the same for
     * any number of threads. */
    WSIC_ZSIC_ROWS = 128,
    /* Rows and columns that a panel is taken out of by one GEMM: so many that it spends little on
     * packing, so few that there is a task for every thread. */
    WSIC_ZSIC_FAR_ROWS = 512,
    WSIC_ZSIC_FAR_COLUMNS = 1024
};

/* Sums over one tile and column: <z, y> and <z, z>. */
typedef struct wsic_zsic_sums {
    double zy;
    double zz;
    bool in_range;
} wsic_zsic_sums;

typedef struct wsic_zsic_stripe {
    size_t begin, count; /* rows */
} wsic_zsic_stripe;

typedef struct wsic_zsic_state {
    const wsic_env *env;
    const wsic_progress *progress;
    const wsic_zsic *problem;
    wsic_reals y;
    int32_t *codes;
    double *gamma;

    size_t tile_rows; /* where the problem does not say where tiles begin */
    size_t tiles;
    wsic_reals panel;         /* rows x WSIC_ZSIC_PANEL: Ŵ of the panel at work */
    double *seen;             /* rows: a column, for quantizers where Y is in single precision */
    wsic_zsic_sums *sums;     /* tiles x sums_columns */
    size_t sums_columns;      /* those of the panel, or the one at work */
    double *error;            /* tiles: squared, so far */
    unsigned char *workspace; /* of the quantizer, for each tile */
    size_t workspace_size;

    /* For the tasks: the panel, and columns first ... end - 1 of it. */
    size_t panel_first, panel_end;
    size_t first, middle, end, column;
    bool pending; /* the column behind `column` is decided, and not yet replaced by its error */
} wsic_zsic_state;

static inline wsic_zsic_stripe wsic_zsic_tile(const wsic_zsic_state *r, size_t tile)
{
    const wsic_zsic *const p = r->problem;
    const size_t begin = p->tile_start ? p->tile_start[tile] : tile * r->tile_rows;
    const size_t end = p->tile_start         ? p->tile_start[tile + 1]
                       : tile + 1 < r->tiles ? begin + r->tile_rows
                                             : p->rows;

    return (wsic_zsic_stripe){begin, end - begin};
}

/* L_jj² (w - u)² = M_j (w - v)² + ρ_j w² + const. with M_j = L_jj² - ρ_j and v = u L_jj² / M_j: to
 * decide for v instead of u = y / L_jj is to count y in steps that are smaller by M_j / L_jj². */
static inline double wsic_zsic_step_seen(const wsic_zsic *p, size_t column)
{
    const double step = p->alpha[column] * p->L[column * p->columns + column];
    return p->error_share ? step * p->error_share[column] : step;
}

static inline wsic_zsic_sums *wsic_zsic_sums_of(const wsic_zsic_state *r, size_t tile,
                                                size_t column)
{
    return &r->sums[tile * r->sums_columns + (column - r->panel_first) % r->sums_columns];
}

/* Parts of rows of couple_far(). */
static inline size_t wsic_zsic_far_rows(const wsic_zsic_state *r)
{
    return wsic_div_up(r->problem->rows, WSIC_ZSIC_FAR_ROWS);
}

/* Where a range of columns is halved: at whole bases, which keeps the last ones full. */
static inline size_t wsic_zsic_middle(size_t first, size_t end, size_t base)
{
    return end - wsic_div_up(end - first, base) / 2 * base;
}

/* The steps, which differ in nothing but their numbers. */
typedef struct wsic_zsic_steps {
    /* Quantize `column` of a tile, after what is pending of the column behind it. */
    void (*work_column)(void *state, size_t tile);
    /* Replace the last pending column of a tile by its error. */
    void (*finish_base)(void *state, size_t tile);
    /* Take columns middle ... end - 1 out of first ... middle - 1, for WSIC_ZSIC_ROWS rows. */
    void (*couple)(void *state, size_t part);
    /* Take the panel out of WSIC_ZSIC_FAR_ROWS x WSIC_ZSIC_FAR_COLUMNS of what is before it. */
    void (*couple_far)(void *state, size_t part);
    /* All of a panel for a tile whose γ is known beforehand. */
    void (*work_panel)(void *state, size_t tile);
} wsic_zsic_steps;

#endif
