/* SPDX-License-Identifier: MIT */
#include "quant/blend.h"

static void add_term(wsic_blend *blend, const wsic_moments *moments, double part)
{
    if (part > 0.0)
        blend->term[blend->count++] = (wsic_blend_term){moments, part, part / moments->samples};
}

void wsic_blend_choose(const wsic_blend_sources *sources, wsic_blend *blend)
{
    const double a = sources->weighted ? sources->attention_mix : 1.0;

    *blend = (wsic_blend){.count = 0};
    add_term(blend, sources->moments, a);
    if (sources->weighted)
        add_term(blend, sources->weighted, 1.0 - a);
    blend->drift = sources->moments->quantized ? 1.0 - sources->drift_mix : 0.0;
}

bool wsic_blend_is_pure(const wsic_blend *blend)
{
    return blend->count == 1 && (blend->drift == 0.0 || blend->drift == 1.0);
}

static void borrow(wsic_blend *blend)
{
    const wsic_moments *const moments = blend->term[0].moments;

    blend->samples = moments->samples;
    blend->hessian = blend->drift > 0.0 ? moments->quantized : moments->input;
    blend->cross = blend->drift > 0.0 ? moments->cross : NULL;
}

/* out += (1 - q) · drifted + q · clean for the lower triangle. */
static void mix_hessian(const wsic_blend_term *term, double drift, double *out)
{
    const size_t n = term->moments->columns;
    const double *const clean = term->moments->input, *const drifted = term->moments->quantized;

    for (size_t j = 0; j < n; j++) {
        for (size_t k = j * n + j; k < j * n + n; k++) {
            const double of_clean = (1.0 - drift) * clean[k];
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): mixed terms own it */
            out[k] += term->factor * (drift > 0.0 ? of_clean + drift * drifted[k] : of_clean);
        }
    }
}

static void mix_cross(const wsic_blend_term *term, double drift, double *out)
{
    const size_t n = term->moments->columns;
    const double *const clean = term->moments->input, *const cross = term->moments->cross;

    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++) {
            const size_t lower = i > j ? j * n + i : i * n + j;
            out[j * n + i] +=
                term->factor * ((1.0 - drift) * clean[lower] + drift * cross[j * n + i]);
        }
    }
}

static wsic_status mix(const wsic_env *env, wsic_blend *blend)
{
    const size_t n = blend->term[0].moments->columns;
    wsic_status status = WSIC_OK;

    blend->samples = 1.0;
    blend->owned_hessian = wsic_alloc_zero(env, n * n, sizeof *blend->owned_hessian, &status);
    if (blend->owned_hessian && blend->drift > 0.0)
        blend->owned_cross = wsic_alloc_zero(env, n * n, sizeof *blend->owned_cross, &status);
    if (status != WSIC_OK)
        return status;
    for (size_t k = 0; k < blend->count; k++) {
        mix_hessian(&blend->term[k], blend->drift, blend->owned_hessian);
        if (blend->owned_cross)
            mix_cross(&blend->term[k], blend->drift, blend->owned_cross);
    }
    blend->hessian = blend->owned_hessian;
    blend->cross = blend->owned_cross;
    return WSIC_OK;
}

wsic_status wsic_blend_make(const wsic_env *env, const wsic_blend_sources *sources,
                            wsic_blend *blend)
{
    wsic_status status = WSIC_OK;

    wsic_blend_choose(sources, blend);
    if (wsic_blend_is_pure(blend))
        borrow(blend);
    else
        status = mix(env, blend);
    if (status != WSIC_OK)
        wsic_blend_release(env, blend);
    return status;
}

void wsic_blend_release(const wsic_env *env, wsic_blend *blend)
{
    wsic_free(env, blend->owned_hessian);
    wsic_free(env, blend->owned_cross);
    *blend = (wsic_blend){.count = 0};
}
