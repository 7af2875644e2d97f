/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/waterfill.h
 * \brief Reverse waterfilling: the limit that no quantizer can pass.
 *
 * For weights that are iid Gaussian of variance σ² and an input covariance with
 * eigenvalues λ_1 ... λ_n, the least rate at which the distortion
 * D = E (w - ŵ) Σ (w - ŵ)ᵀ / n can be reached is given through the water level τ:
 *
 *     D(τ) = (1/n) Σ_i min(τ, σ² λ_i)
 *     R(τ) = (1/n) Σ_i ½ log2 max(1, σ² λ_i / τ)     bits per weight
 *
 * (classical reverse waterfilling; docs/algorithm.md, section "The limit").
 *
 * With output statistics (problem.h, "Outputs"), errors also count in the metric of G, which has
 * eigenvalues μ_1 ... μ_a. In the eigenbases of G and Σ, the components of W are independent, and
 * component (k, i) has the variance σ² μ_k λ_i. The same formulas then hold over all a n products:
 *
 *     D(τ) = 1/(a n) Σ_ki min(τ, σ² μ_k λ_i)
 *     R(τ) = 1/(a n) Σ_ki ½ log2 max(1, σ² μ_k λ_i / τ)
 *
 * These functions need no handle, allocate nothing and leave no message. All are thread-safe.
 */
#ifndef WATERSIC_WATERFILL_H
#define WATERSIC_WATERFILL_H

#include <watersic/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * \brief R(D): the least rate for a distortion.
 *
 * \param eigenvalues  n non-negative numbers, any order
 * \param n            at least 1
 * \param variance     σ² ≥ 0, mean square of a weight
 * \param distortion   D > 0, in the units of σ² λ
 * \param rate         receives bits per weight: 0 if D is at least the mean of
 *                     σ² λ_i
 * \param water_level  if not NULL, receives τ: the largest σ² λ_i where the rate is 0
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL, n is 0, variance or an eigenvalue is negative,
 *     distortion is not positive
 *   - #WSIC_ERROR_NOT_FINITE: an eigenvalue is NaN or infinite
 */
WSIC_API wsic_status wsic_waterfill_rate(const double *eigenvalues, size_t n, double variance,
                                         double distortion, double *rate,
                                         double *water_level) WSIC_NODISCARD;

/**
 * \brief D(R): the least distortion for a rate.
 *
 * \param eigenvalues  n non-negative numbers, any order
 * \param n            at least 1
 * \param variance     σ² ≥ 0, mean square of a weight
 * \param rate         R ≥ 0, bits per weight
 * \param distortion   receives D; 0 if every σ² λ_i is 0
 * \param water_level  if not NULL, receives τ
 * \return as wsic_waterfill_rate(); #WSIC_ERROR_ARGUMENT also if rate is negative
 */
WSIC_API wsic_status wsic_waterfill_distortion(const double *eigenvalues, size_t n, double variance,
                                               double rate, double *distortion,
                                               double *water_level) WSIC_NODISCARD;

/**
 * \brief Rate of every component at a water level: ½ log2 max(1, σ² λ_i / τ).
 *
 * \param eigenvalues  n non-negative numbers
 * \param n            at least 1
 * \param variance     σ² ≥ 0
 * \param water_level  τ > 0
 * \param rates        receives n rates in bits, in the order of eigenvalues
 * \return as wsic_waterfill_rate()
 */
WSIC_API wsic_status wsic_waterfill_component_rates(const double *eigenvalues, size_t n,
                                                    double variance, double water_level,
                                                    double *rates) WSIC_NODISCARD;

/**
 * \brief R(D) of two spectra: the least rate for a distortion D = tr(G ΔW Σ ΔWᵀ) / (a n).
 *
 * \param outputs      a non-negative numbers in descending order: eigenvalues μ of G
 * \param a            at least 1
 * \param inputs       n non-negative numbers in descending order: eigenvalues λ of Σ, as
 *                     wsic_stats_get_spectrum() gives them
 * \param n            at least 1
 * \param variance     σ² ≥ 0, mean square of a weight
 * \param distortion   D > 0, in the units of σ² μ λ
 * \param rate         receives bits per weight: 0 if D is at least the mean of σ² μ_k λ_i
 * \param water_level  if not NULL, receives τ: the largest σ² μ_k λ_i where the rate is 0
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_ARGUMENT: a pointer is NULL, a or n is 0, variance or an eigenvalue is negative,
 *     distortion is not positive, or a spectrum is not in descending order
 *   - #WSIC_ERROR_NOT_FINITE: an eigenvalue is NaN or infinite
 *
 * The call tries at most 64 water levels, with O(a + n) operations for each, and allocates nothing.
 * (Both spectra are sorted. The number of λ_i whose product with μ_k is above the water level
 * therefore never grows with k, and one walk finds it for all k.) With a = 1 and μ = 1 the result
 * is that of wsic_waterfill_rate().
 */
WSIC_API wsic_status wsic_waterfill_product_rate(const double *outputs, size_t a,
                                                 const double *inputs, size_t n, double variance,
                                                 double distortion, double *rate,
                                                 double *water_level) WSIC_NODISCARD;

/**
 * \brief D(R) of two spectra: the least distortion for a rate.
 *
 * \param outputs      as for wsic_waterfill_product_rate()
 * \param a            at least 1
 * \param inputs       as for wsic_waterfill_product_rate()
 * \param n            at least 1
 * \param variance     σ² ≥ 0, mean square of a weight
 * \param rate         R ≥ 0, bits per weight
 * \param distortion   receives D; 0 if every σ² μ_k λ_i is 0
 * \param water_level  if not NULL, receives τ
 * \return as wsic_waterfill_product_rate(); #WSIC_ERROR_ARGUMENT also if rate is negative
 */
WSIC_API wsic_status wsic_waterfill_product_distortion(const double *outputs, size_t a,
                                                       const double *inputs, size_t n,
                                                       double variance, double rate,
                                                       double *distortion,
                                                       double *water_level) WSIC_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif
