/* SPDX-License-Identifier: MIT */
/* The plan handle: what is kept of every matrix. */
#ifndef WSIC_API_PLAN_H
#define WSIC_API_PLAN_H

#include "api/context.h"
#include "waterfill/allocate.h"
#include "waterfill/budget.h"
#include "watersic/plan.h"

/* Rows of unequal weight are told apart by so many classes of equal size. */
enum { WSIC_PLAN_ROW_CLASSES = 6 };

typedef struct wsic_plan_entry {
    size_t rows;
    size_t columns;
    size_t dead;      /* columns */
    double live_rows; /* part of the rows that are not left out */
    double damping;
    double energy;
    double *sigma; /* √s_j L_jj; 0 for a dead column */
    /* Of each class of rows that behind the other: all sources of the matrix. Where rows are not
     * told apart there is one class, and sigma are all. */
    size_t row_classes;
    wsic_level_curve *curve; /* NULL: not yet needed */
    wsic_allocation allocation;
    double sensitivity;
    double target_rate; /* where solved for a budget, else 0 */
    uint64_t bytes;     /* planned for it, or what it took */
    bool committed;
    bool outputs; /* energies and distortions are in the metric of output statistics */
    double scale; /* of their squares to those of sigma, which is of weighted rows; else 1 */
} wsic_plan_entry;

static inline size_t wsic_plan_sources(const wsic_plan_entry *entry)
{
    return entry->row_classes * entry->columns;
}

struct wsic_plan {
    wsic_handle handle;
    wsic_plan_entry *entries;
    size_t count;
    size_t capacity;
    bool solved;     /* since the last change */
    int32_t mode;    /* of the budget that it is solved for; 0: none */
    uint64_t budget; /* bytes */
};

/* Step, rate and distortion for a mean rate of the codes over all weights. */
void wsic_plan_entry_allocate(wsic_plan_entry *entry, double bits);

#endif
