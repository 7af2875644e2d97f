/* SPDX-License-Identifier: MIT */
/* Everything that is decided before the first code is written: which rows and columns
 * are dead, the classes, the models, the lanes. */
#ifndef WSIC_CODING_CODES_PLAN_H
#define WSIC_CODING_CODES_PLAN_H

#include "coding/block.h"
#include "coding/codes.h"
#include "coding/corrections.h"

/* Rows or columns that are not all zero. */
typedef struct wsic_live_axis {
    size_t total;
    size_t count;
    uint32_t *index; /* in the order in which they are coded */
    int16_t *classes; /* of the live ones */
    const int32_t *hint;
} wsic_live_axis;

typedef struct wsic_code_plan {
    unsigned kind;        /* of the codes, see wsic_code_matrix; 0 if they are all zero */
    size_t contexts;      /* models to a class: with a trellis more than 1 */
    wsic_trellis trellis; /* if kind is not 0 */
    size_t row_stride;    /* if kind is not 0, see coding/row_order.h; 1: rows as they lie */
    int32_t *tokens;      /* if kind is not 0 */
    const int32_t *data;  /* the codes, or the tokens */
    wsic_live_axis rows;
    wsic_live_axis columns;
    size_t block_rows;
    unsigned lanes_log;
    unsigned step;
    int32_t base;    /* what the classes' index 0 stands for, in units of the step */
    int32_t classes; /* 0: all codes are zero */
    uint32_t shape;
    wsic_corrections corrections;
    bool corrected;
    bool own_models;
    uint8_t *kinds; /* of the models, `contexts` to a class */
    wsic_model *models;
    wsic_bytes head;  /* all bytes before the table of blocks */
    size_t head_rows; /* those of them that grow with the rows */
    double bits;      /* of all blocks, but for their heads and states */
} wsic_code_plan;

wsic_status wsic_code_plan_make(const wsic_env *env, const wsic_code_matrix *matrix,
                                size_t block_rows, wsic_code_plan *plan);
void wsic_code_plan_release(const wsic_env *env, wsic_code_plan *plan);

/* The width that a class stands for. */
static inline int32_t wsic_code_plan_class(const wsic_code_plan *plan, int32_t index)
{
    return (plan->base + index) * (1 << plan->step);
}

/* The parts of it: given the classes, choose a model for each (codes_models.c); given
 * everything, write the head (codes_head.c). */
wsic_status wsic_code_plan_choose_models(const wsic_env *env, wsic_code_plan *plan);
wsic_status wsic_code_plan_put_head(const wsic_env *env, wsic_code_plan *plan);

#endif
