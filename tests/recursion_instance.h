/* SPDX-License-Identifier: MIT */
/* A problem for the recursion, with room for what it finds. */
#ifndef TESTS_RECURSION_INSTANCE_H
#define TESTS_RECURSION_INSTANCE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"
#include "quant/zsic.h"
#include "random.h"

typedef struct instance {
    size_t m, n;
    double *L, *alpha, *w, *target, *y, *gamma;
    int32_t *codes;
    double residual;
} instance;

/* Weights N(0, 1), Σ of plain_covariance(), spacing c / L_jj or uniform; y is the target. */
static inline instance make_instance(size_t m, size_t n, double c, bool uniform, uint64_t seed)
{
    instance p = {.m = m, .n = n};
    random_state random = {seed};

    p.L = malloc(n * n * sizeof *p.L);
    p.alpha = malloc(n * sizeof *p.alpha);
    p.w = malloc(m * n * sizeof *p.w);
    p.target = malloc(m * n * sizeof *p.target);
    p.y = malloc(m * n * sizeof *p.y);
    p.gamma = malloc(n * sizeof *p.gamma);
    p.codes = malloc(m * n * sizeof *p.codes);
    plain_covariance(n, p.L);
    ck_assert(plain_cholesky(n, p.L));
    random_fill(&random, p.w, m * n);
    plain_multiply_lower(m, n, p.w, p.L, p.target);
    memcpy(p.y, p.target, m * n * sizeof *p.y);
    for (size_t j = 0; j < n; j++)
        p.alpha[j] = uniform ? c : c / p.L[j * n + j];
    return p;
}

static inline void free_instance(instance *p)
{
    free(p->L);
    free(p->alpha);
    free(p->w);
    free(p->target);
    free(p->y);
    free(p->gamma);
    free(p->codes);
}

/* Rounded to integers. */
static inline wsic_zsic instance_problem(const instance *p, bool lmmse)
{
    return (wsic_zsic){.rows = p->m,
                       .columns = p->n,
                       .L = p->L,
                       .alpha = p->alpha,
                       .lmmse = lmmse,
                       .quantizer = &wsic_quantizer_scalar};
}

#endif
