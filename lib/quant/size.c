/* SPDX-License-Identifier: MIT */
#include "quant/size.h"

#include <math.h>
#include <string.h>

#include "coding/codes.h"

/* Header, figures and checksum of a layer, roughly: the search corrects itself by the
 * true size. */
enum { HEADER_BITS = 8 * 80 };

uint32_t wsic_scale_grid(double relative_distortion, size_t sharing)
{
    /* A relative error ε of a scale adds ε² of the column's energy to the distortion,
     * where a grid of q octaves has ε² = (q ln 2)² / 12 = 0.04 q². At relative
     * distortion d that costs 0.72 · 0.04 q² / d bits a weight; a finer grid costs
     * log2(1/q) bits for `sharing` weights. The sum is least at q² = 25 d / sharing. A distortion
     * that is lost in rounding, which may be left below 0, wants the finest. */
    const double q = sqrt(25.0 * fmax(relative_distortion, 0.0) / (double)sharing);
    const double grid = round(-log2(q));

    if (!(grid > 0.0))
        return 0;
    return grid < WSIC_SCALE_GRID_MAX ? (uint32_t)grid : WSIC_SCALE_GRID_MAX;
}

/* Round the scales that a trial suggests, as the assembly will. */
static void suggest_scales(const wsic_job *job, const wsic_trial *trial, wsic_scales *scales)
{
    for (size_t j = 0; j < scales->count; j++) {
        const double value = trial->alpha[j] * trial->gamma[j] * job->weights.unit;
        if (!wsic_scale_round(value, scales->grid, &scales->sign[j], &scales->exponent[j])) {
            scales->sign[j] = 0;
            scales->exponent[j] = 0;
        }
    }
}

wsic_status wsic_job_scale_bits(const wsic_job *job, const wsic_scales *scales, double *bits)
{
    wsic_bytes bytes;

    wsic_bytes_init(&bytes, job->env);
    const wsic_status status = wsic_scales_encode(job->env, scales, &bytes);
    *bits = 8.0 * (double)bytes.size;
    wsic_bytes_release(&bytes);
    return status;
}

static wsic_status code_bits(const wsic_job *job, const wsic_trial *trial,
                             const wsic_scales *scales, int32_t *hint, double *bits)
{
    const wsic_code_matrix matrix = {
        .rows = trial->rows,
        .columns = job->live,
        .codes = trial->codes,
        .kind = job->quantizer.kind,
        .row_at = trial->row_at,
        .row_hint = NULL,
        .column_hint = hint,
    };
    const double share = (double)trial->sampled / (double)trial->rows;
    double total = 0.0, fixed = 0.0;

    wsic_scales_hint(scales, hint);
    const wsic_status status =
        wsic_codes_measure(job->env, &matrix, trial->block_rows, &total, &fixed);
    *bits = fixed + (total - fixed) * share;
    return status;
}

wsic_status wsic_job_trial_bits(const wsic_job *job, const wsic_trial *trial, double *bits)
{
    const uint32_t grid = wsic_scale_grid(trial->relative_residual, job->rows);
    double of_scales = 0.0, of_codes = 0.0;
    wsic_scales scales;
    wsic_status status = wsic_scales_create(job->env, job->live, grid, &scales);

    if (status != WSIC_OK)
        return status;
    int32_t *const hint = wsic_alloc(job->env, job->live, sizeof *hint, &status);
    if (hint) {
        suggest_scales(job, trial, &scales);
        status = wsic_job_scale_bits(job, &scales, &of_scales);
        if (status == WSIC_OK)
            status = code_bits(job, trial, &scales, hint, &of_codes);
    }
    *bits = HEADER_BITS + of_scales + of_codes;
    wsic_free(job->env, hint);
    wsic_scales_release(job->env, &scales);
    return status;
}
