/* SPDX-License-Identifier: MIT */
/* What the recursion aims at, and the rescalers with it. */
#ifndef WSIC_QUANT_TARGET_H
#define WSIC_QUANT_TARGET_H

#include "quant/job.h"

typedef struct wsic_target_energy {
    double target;  /* ||Y||² */
    double product; /* ||W L||², of which a ridge takes something off; 0 with drift */
} wsic_target_energy;

/* Fill the target Y of the given rows (all: index NULL), columns in the order of the factor, in
 * double precision, or in single where `single` says so, for which job->L_single is there. y of
 * NULL: only the energies, always in double precision. energy may be NULL. */
wsic_status wsic_job_target(const wsic_job *job, wsic_selection rows, bool single, wsic_reals y,
                            wsic_target_energy *energy);

/* The same, in place, from the weights of any rows, columns in the order of the factor. */
wsic_status wsic_job_aim(const wsic_job *job, size_t rows, double *y);

/* The cross term C of the given rows, live columns in natural order, and the constant K of the
 * rescalers, without drift of these rows alone: the distortion of Ŵ is K - 2 <C, Ŵ> + <Ŵ S, Ŵ>, of
 * live columns alone where there is no drift. single: products in single precision, where
 * job->L_single is there and the input does not drift. */
wsic_status wsic_job_cross(const wsic_job *job, wsic_selection rows, bool single, double *c,
                           double *K);

#endif
