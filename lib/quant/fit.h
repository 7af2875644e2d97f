/* SPDX-License-Identifier: MIT */
/* The columns' scales Γ by what a recursion has left, Y - Ŵ L. With L Lᵀ = Σ + δI + diag(ρ),
 *
 *     C - Ŵ Σ = (Y - Ŵ L) Lᵀ - δ (W - Ŵ) + Ŵ diag(ρ),
 *
 * which is the gradient of the loss in the weights, and without drift (W - Ŵ) Σ: no difference of
 * large numbers, in single precision either. docs/algorithm.md, section "Rescalers". */
#ifndef WSIC_QUANT_FIT_H
#define WSIC_QUANT_FIT_H

#include "quant/job.h"
#include "quant/quadratic.h"

/* Whether the job's recursion leaves its error. */
bool wsic_fit_applies(const wsic_job *job);

/* The loss as a function of Γ, around γ, for the codes of the present pass, of which y is
 * overwritten. Its constant is the distortion over the live columns; with drift, of which that does
 * not tell, the residual of the recursion. */
wsic_status wsic_fit_columns(wsic_job *job, wsic_quadratic *columns);

/* tr(W Σ Wᵀ) over the live columns, without drift. */
double wsic_fit_energy(const wsic_job *job);

/* Σ of the live columns, internal units. */
wsic_symmetric wsic_fit_moments(const wsic_job *job);

/* δ + ρ_j of a live column, or of all in natural order: what L Lᵀ has on its diagonal beyond Σ. */
double wsic_fit_excess_of(const wsic_job *job, size_t column);
void wsic_fit_excess(const wsic_job *job, double *excess);

#endif
