/* SPDX-License-Identifier: MIT */
#include "quant/fit.h"

#include "base/checked.h"
#include "quant/gram.h"

/* Fixed, so that sums are the same for any number of threads, and so many that BLAS spends little
 * of a product on packing the factor. */
enum { TILE_ROWS = 256 };

typedef struct gradient {
    const wsic_job *job;
    wsic_reals L;
    size_t *place; /* of every live column in the order of the factor; NULL: its own */
    size_t tiles;
    double *b;    /* tiles x live: <Z_j α_j, C - Ŵ Σ> over the rows of a tile */
    double *loss; /* of each tile: <W - Ŵ, C - Ŵ Σ> */
    wsic_status *status;
} gradient;

bool wsic_fit_applies(const wsic_job *job)
{
    return job->options->survivors <= 1 && !wsic_job_feeds_back(job);
}

wsic_symmetric wsic_fit_moments(const wsic_job *job)
{
    const wsic_blend *const blend = &job->problem->blend;

    return (wsic_symmetric){
        .lower = blend->hessian,
        .ld = job->columns,
        .index = job->live < job->columns ? job->factor->live_index : NULL,
        .factor = 1.0 / (blend->samples * job->factor->unit),
    };
}

double wsic_fit_excess_of(const wsic_job *job, size_t column)
{
    return job->factor->damping + (job->spacing.ridge ? job->spacing.ridge[column] : 0.0);
}

void wsic_fit_excess(const wsic_job *job, double *excess)
{
    for (size_t j = 0; j < job->live; j++)
        excess[j] = wsic_fit_excess_of(job, j);
}

double wsic_fit_energy(const wsic_job *job)
{
    const double rows = (double)job->rows;
    double energy = job->pass.product_energy;

    for (size_t j = 0; j < job->live; j++)
        energy -= wsic_fit_excess_of(job, j) * rows * job->column_energy[j];
    return energy;
}

/* --- one tile -------------------------------------------------------------------------- */

typedef struct column {
    const int32_t *z;
    double alpha, gamma;
    double damping, rho;
    size_t count;
} column;

#define ADD_COLUMN(name, REAL)                                                                     \
    /* y: a column of E Lᵀ; w: of W */                                                           \
    static void name(const column *c, const REAL *y, const REAL *w, double *b, double *loss)       \
    {                                                                                              \
        double of_b = 0.0, of_loss = 0.0;                                                          \
                                                                                                   \
        for (size_t i = 0; i < c->count; i++) {                                                    \
            const double code = c->alpha * c->z[i], restored = c->gamma * code;                    \
            const double error = (double)w[i] - restored;                                          \
            const double slope = (double)y[i] - c->damping * error + c->rho * restored;            \
            of_b += code * slope;                                                                  \
            of_loss += error * slope;                                                              \
        }                                                                                          \
        *b = of_b;                                                                                 \
        *loss += of_loss;                                                                          \
    }

ADD_COLUMN(add_column_f64, double)
ADD_COLUMN(add_column_f32, float)
#undef ADD_COLUMN

static void add_tile(const gradient *s, size_t tile, size_t first, size_t count, wsic_reals w)
{
    const wsic_job *const job = s->job;
    const bool single = job->single;

    for (size_t j = 0; j < job->live; j++) {
        const size_t place = s->place ? s->place[j] : j;
        const wsic_reals y = wsic_reals_at(job->pass.y, single, place * job->rows + first);
        const wsic_reals weights = wsic_reals_at(w, single, j * count);
        const column c = {
            .z = job->pass.codes + j * job->rows + first,
            .alpha = job->pass.alpha[j],
            .gamma = job->pass.gamma[j],
            .damping = job->factor->damping,
            .rho = job->spacing.ridge ? job->spacing.ridge[j] : 0.0,
            .count = count,
        };
        double *const b = &s->b[tile * job->live + j];
        if (single)
            add_column_f32(&c, y.f32, weights.f32, b, &s->loss[tile]);
        else
            add_column_f64(&c, y.f64, weights.f64, b, &s->loss[tile]);
    }
}

static void work_tile(void *data, size_t tile)
{
    const gradient *const s = data;
    const wsic_job *const job = s->job;
    const wsic_selection all = {job->rows, NULL};
    const size_t first = tile * TILE_ROWS, count = wsic_min_size(TILE_ROWS, job->rows - first);
    wsic_status status = WSIC_OK;
    const wsic_reals w = {
        .f64 = wsic_alloc(job->env, count * job->live, wsic_reals_size(job->single), &status)};

    if (status == WSIC_OK) {
        wsic_weights_place(&job->weights, all, first, count, job->problem->live_columns, NULL,
                           job->single, w, count);
        wsic_reals_multiply_lower_transposed(job->single, count, job->live, s->L,
                                             wsic_reals_at(job->pass.y, job->single, first),
                                             job->rows);
        add_tile(s, tile, first, count, w);
    }
    wsic_free(job->env, w.f64);
    s->status[tile] = status;
}

/* --- all ------------------------------------------------------------------------------- */

static wsic_status create(gradient *s)
{
    const wsic_job *const job = s->job;
    wsic_status status = WSIC_OK;

    s->tiles = wsic_div_up(job->rows, TILE_ROWS);
    s->L = job->single ? (wsic_reals){.f32 = job->L_single} : (wsic_reals){.f64 = job->factor->L};
    status = wsic_factor_places(job->env, job->factor, &s->place);
    if (status == WSIC_OK)
        s->b = wsic_alloc(job->env, s->tiles * job->live, sizeof *s->b, &status);
    if (status == WSIC_OK)
        s->loss = wsic_alloc_zero(job->env, s->tiles, sizeof *s->loss, &status);
    if (status == WSIC_OK)
        s->status = wsic_alloc(job->env, s->tiles, sizeof *s->status, &status);
    return status;
}

static void release(gradient *s)
{
    wsic_free(s->job->env, s->place);
    wsic_free(s->job->env, s->b);
    wsic_free(s->job->env, s->loss);
    wsic_free(s->job->env, s->status);
}

static wsic_status fill_gradient(const wsic_job *job, wsic_quadratic *columns)
{
    gradient s = {.job = job};
    wsic_status status = create(&s);

    if (status == WSIC_OK)
        wsic_parallel_for(job->env, s.tiles, work_tile, &s);
    for (size_t tile = 0; status == WSIC_OK && tile < s.tiles; tile++) {
        status = s.status[tile];
        columns->loss += s.loss[tile];
        for (size_t j = 0; j < job->live; j++)
            columns->b[j] += s.b[tile * job->live + j];
    }
    if (wsic_encode_problem_drifts(job->problem))
        columns->loss = job->pass.residual;
    release(&s);
    return status;
}

wsic_status wsic_fit_columns(wsic_job *job, wsic_quadratic *columns)
{
    wsic_status status = wsic_quadratic_create(job->env, job->live, columns);

    if (status == WSIC_OK)
        status = fill_gradient(job, columns);
    if (status == WSIC_OK)
        status = wsic_gram_codes(job->env, job->rows, job->live, job->pass.codes, NULL, columns->F);
    if (status != WSIC_OK) {
        wsic_quadratic_release(job->env, columns);
        return status;
    }
    for (size_t j = 0; j < job->live; j++)
        columns->origin[j] = job->pass.gamma[j];
    const wsic_symmetric moments = wsic_fit_moments(job);
    wsic_quadratic_weigh(columns, job->pass.alpha, &moments);
    return WSIC_OK;
}
