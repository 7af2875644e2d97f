/* SPDX-License-Identifier: MIT */
/* Everything that is decided before the first code is written: which rows and columns
 * are dead, their order, classes, forms, models and streams. */
#ifndef WSIC_CODING_CODES_PLAN_H
#define WSIC_CODING_CODES_PLAN_H

#include "coding/codes.h"
#include "coding/codes_data.h"
#include "coding/corrections.h"
#include "coding/magnitudes.h"
#include "coding/stream.h"

/* A model of a form, a class and a context that occur together. */
typedef struct wsic_planned_model {
    uint8_t form;
    uint8_t context;
    bool has_table; /* of its own; else it is the shared model */
    uint16_t class_index;
} wsic_planned_model;

typedef struct wsic_code_plan {
    const wsic_code_matrix *matrix;
    unsigned kind; /* of the codes, see wsic_code_matrix; 0 if they are all zero */
    bool is_trellis;
    wsic_trellis trellis;
    wsic_codes_data data; /* the codes, or the tokens */

    /* Live rows as they are coded, block by block. */
    size_t live_rows;
    uint32_t *row;
    int16_t *row_class;
    size_t block_rows;
    size_t blocks;
    size_t *first_row; /* of each block, and behind the last one */
    size_t stride;

    /* Live columns, and their order as they are coded. */
    size_t live_columns;
    uint32_t *live_column;
    uint32_t *place; /* of each coded column, its place among the live ones */
    unsigned order;
    int32_t *keys; /* as they are stored, by place */
    unsigned lanes_log;
    size_t groups;
    int32_t form_class; /* of a row: from it follow the forms */
    uint8_t *form;      /* of each group */
    unsigned octet_log; /* columns of an octet */
    size_t octets;
    int16_t *octet_class;

    unsigned step;
    int32_t base;    /* what the classes' index 0 stands for, in units of the step */
    int32_t classes; /* 0: all codes are zero */
    uint32_t shape;
    wsic_corrections corrections;
    bool corrected;
    double correction_bits;
    bool own_models;

    size_t models;
    wsic_planned_model *what;
    wsic_model *model;
    uint8_t form_rank[WSIC_FORMS];
    uint16_t *model_at;  /* by form_rank * classes + class: the model of context 0 */
    size_t symbols;      /* of all models */
    uint32_t *symbol_at; /* likewise: number of that model's first symbol */
    uint8_t *symbol;     /* of each code (coding/code_symbols.h) */
    bool *beyond;        /* of each eight columns: the form has no symbol for some code */

    size_t streams;   /* to a block */
    wsic_bytes head;  /* all bytes before the sizes of the streams */
    size_t head_rows; /* those of them that grow with the rows */
    double bits;      /* of all streams, but for their heads and states */
} wsic_code_plan;

enum { WSIC_MODEL_NOT_THERE = UINT16_MAX };

wsic_status wsic_code_plan_make(const wsic_env *env, const wsic_code_matrix *matrix,
                                size_t block_rows, wsic_code_plan *plan);
void wsic_code_plan_release(const wsic_env *env, wsic_code_plan *plan);

static inline size_t wsic_code_row_at(const wsic_code_matrix *matrix, size_t row)
{
    return matrix->row_at ? matrix->row_at[row] : row;
}

static inline size_t wsic_code_plan_lanes(const wsic_code_plan *plan)
{
    return (size_t)1 << plan->lanes_log;
}

static inline size_t wsic_code_plan_group_columns(const wsic_code_plan *plan, size_t group)
{
    const size_t lanes = wsic_code_plan_lanes(plan);
    const size_t left = plan->live_columns - group * lanes;
    return left < lanes ? left : lanes;
}

/* Little is coded by one state: those of lanes would weigh too much. */
static inline bool wsic_code_plan_serial(const wsic_code_plan *plan)
{
    enum { LITTLE = 1 << 16, FEW_LANES = 4 };
    return plan->live_rows * plan->live_columns < LITTLE || plan->live_columns < FEW_LANES;
}

static inline wsic_class_range wsic_code_plan_range(const wsic_code_plan *plan)
{
    return (wsic_class_range){.base = plan->base, .classes = plan->classes, .step = plan->step};
}

/* The width that a class stands for. */
static inline int32_t wsic_code_plan_width(const wsic_code_plan *plan, size_t class_index)
{
    const wsic_class_range range = wsic_code_plan_range(plan);
    return wsic_class_width(&range, class_index);
}

/* What the place of an octet says of its class beforehand: the key of its first column, in units of
 * the step (codes_lines.c). */
int32_t wsic_code_plan_octet_key(const wsic_code_plan *plan, size_t octet);

/* The parts of it. Rows and columns that live (codes_lines.c). */
wsic_status wsic_code_plan_lines(const wsic_env *env, wsic_code_plan *plan);
/* Given those, their codes or tokens and magnitudes (codes_take.c). */
wsic_status wsic_code_plan_take(const wsic_env *env, wsic_code_plan *plan,
                                wsic_magnitudes *magnitudes);
/* The order of the columns (codes_lines.c); deviations are those of the live columns. */
wsic_status wsic_code_plan_order(const wsic_env *env, wsic_code_plan *plan,
                                 const double *deviation);
/* Given the classes, a form for each group and the models that there are, unfitted (codes_forms.c).
 */
wsic_status wsic_code_plan_choose_forms(const wsic_env *env, wsic_code_plan *plan);
/* Given those, what each model is (codes_models.c). */
wsic_status wsic_code_plan_choose_models(const wsic_env *env, wsic_code_plan *plan);
/* Given everything, the head (codes_head.c). */
wsic_status wsic_code_plan_put_head(const wsic_env *env, wsic_code_plan *plan);

#endif
