/* SPDX-License-Identifier: MIT */
/* Parity with the authors' implementation on four small layers: tests/data/vectors holds its
 * inputs and outputs. The target is formed here with plain loops; recursion and
 * rescalers are the library's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "common/npy.h"
#include "env_fixture.h"
#include "plain.h"
#include "quant/rescale.h"
#include "quant/zsic.h"
#include "watersic/encoder.h"

/* From index.json. */
static const struct {
    const char *name;
    size_t rows, columns;
    bool drift, residual;
    double knob, c, damping, loss_before, loss;
} vectors[] = {
    {"plain_r1", 96, 64, false, false, 1.0, 0.9624867995580704, 0.0001, 0.05932699841614384,
     0.057580388900544954},
    {"plain_r3", 96, 64, false, false, 3.0, 0.21014681089532597, 9.999999999999999e-05,
     0.003546523592736783, 0.003471314282610789},
    {"drift_r2", 80, 48, true, false, 2.0, 0.5192389390106116, 0.00010190107218431554,
     0.029341835468531013, 0.02869537176122705},
    {"residual_r2", 80, 48, true, true, 2.0, 0.539896129303145, 0.00010919769330711235,
     0.036929468396755996, 0.03620346964458795},
};

/* An array of the vectors, transposed to column-major doubles. */
static double *load(const char *vector, const char *array)
{
    struct failure failure;
    npy_array file;
    char path[512];

    snprintf(path, sizeof path, "%s/%s_%s.npy", VECTORS, vector, array);
    ck_assert_msg(npy_read(path, &file, &failure), "%s", path);
    double *const out = malloc(file.rows * file.columns * sizeof *out);
    for (size_t i = 0; i < file.rows; i++) {
        for (size_t j = 0; j < file.columns; j++) {
            const size_t k = i * file.columns + j;
            double value = 0.0;
            if (file.dtype == WSIC_F64)
                value = ((const double *)file.data)[k];
            else if (file.dtype == WSIC_F32)
                value = ((const float *)file.data)[k];
            else if (file.dtype == WSIC_I32)
                value = ((const int32_t *)file.data)[k];
            else
                ck_abort_msg("%s has an unexpected type", path);
            out[j * file.rows + i] = value;
        }
    }
    npy_release(&file);
    return out;
}

/* Everything of one vector, and what the library made of it. */
typedef struct parity {
    size_t m, n;
    double *W, *Sx, *S, *Sxx, *delta, *Z, *alpha, *gamma, *t, *g;
    double *L, *C, *y;
    double K;
    int32_t *codes;
    double *own_gamma, *own_t, *own_g;
    double *excess; /* the damping, n times */
} parity;

/* C = W Σ_XX̂ + Δ, with Σ_XX̂ general: not through plain_multiply_symmetric(). */
static void cross_term(const parity *p, const double *delta, double *C)
{
    for (size_t j = 0; j < p->n; j++) {
        for (size_t i = 0; i < p->m; i++) {
            double sum = delta ? delta[j * p->m + i] : 0.0;
            for (size_t k = 0; k < p->n; k++)
                sum += p->W[k * p->m + i] * p->Sxx[j * p->n + k];
            C[j * p->m + i] = sum;
        }
    }
}

static void prepare(parity *p, int number)
{
    const char *const name = vectors[number].name;
    const size_t m = p->m = vectors[number].rows, n = p->n = vectors[number].columns;
    const double damping = vectors[number].damping;

    p->W = load(name, "W");
    p->Sx = load(name, "Sigma_X");
    p->S = load(name, vectors[number].drift ? "Sigma_Xhat" : "Sigma_X");
    p->Sxx = load(name, vectors[number].drift ? "Sigma_X_Xhat" : "Sigma_X");
    p->Z = load(name, "Z");
    p->alpha = load(name, "alpha");
    p->gamma = load(name, "gamma");
    p->t = load(name, "t");
    p->g = load(name, "g");
    p->delta = vectors[number].residual ? load(name, "Delta") : NULL;

    p->L = malloc(n * n * sizeof *p->L);
    memcpy(p->L, p->S, n * n * sizeof *p->L);
    p->excess = malloc(n * sizeof *p->excess);
    for (size_t j = 0; j < n; j++) {
        p->excess[j] = damping;
        p->L[j * n + j] += damping;
    }
    ck_assert(plain_cholesky(n, p->L));

    p->C = malloc(m * n * sizeof *p->C);
    p->y = malloc(m * n * sizeof *p->y);
    cross_term(p, p->delta, p->C);
    for (size_t k = 0; k < m * n; k++)
        p->y[k] = p->C[k] + damping * p->W[k];
    plain_solve_lower_transposed(m, n, p->L, p->y);

    p->K = 0.0;
    plain_multiply_symmetric(m, n, p->W, p->Sx, (p->own_t = malloc(m * n * sizeof(double))));
    for (size_t k = 0; k < m * n; k++)
        p->K += p->W[k] * p->own_t[k];
    p->codes = malloc(m * n * sizeof *p->codes);
    p->own_gamma = malloc(n * sizeof *p->own_gamma);
    p->own_g = malloc(n * sizeof *p->own_g);
}

static void release(parity *p)
{
    double *const arrays[] = {p->delta, p->W,         p->Sx,    p->S,     p->Sxx,   p->Z,
                              p->alpha, p->gamma,     p->t,     p->g,     p->L,     p->C,
                              p->y,     p->own_gamma, p->own_t, p->own_g, p->excess};

    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    free(p->codes);
}

static void quantize(const wsic_env *env, parity *p)
{
    const wsic_zsic problem = {.rows = p->m,
                               .columns = p->n,
                               .L = p->L,
                               .alpha = p->alpha,
                               .lmmse = true,
                               .quantizer = &wsic_quantizer_scalar};
    double residual;

    ck_assert_int_eq(wsic_zsic_run(env, NULL, &problem, (wsic_reals){.f64 = p->y}, p->codes,
                                   p->own_gamma, &residual),
                     WSIC_OK);
}

START_TEST(spacing_is_theirs)
{
    parity p;
    double mean = 0.0;

    prepare(&p, _i);
    for (size_t j = 0; j < p.n; j++) {
        double energy = 0.0;
        for (size_t i = 0; i < p.m; i++)
            energy += p.W[j * p.m + i] * p.W[j * p.m + i] / (double)p.m;
        const double l = p.L[j * p.n + j];
        mean += 0.5 * log(12.0 * energy * l * l) / (double)p.n;
        ck_assert_double_eq_tol(p.alpha[j] * l / vectors[_i].c, 1.0, 1e-6);
    }
    ck_assert_double_eq_tol(exp(mean - vectors[_i].knob * log(2.0)) / vectors[_i].c, 1.0, 1e-9);
    release(&p);
}
END_TEST

START_TEST(codes_and_gamma_are_theirs)
{
    env_fixture f = env_open();
    parity p;
    size_t different = 0;

    prepare(&p, _i);
    quantize(&f.env, &p);
    for (size_t k = 0; k < p.m * p.n; k++)
        different += p.codes[k] != (int32_t)p.Z[k];
    /* Ties, and their rounding of γ to single precision, may move single codes. */
    ck_assert_uint_le(different, 2);
    for (size_t j = 0; j < p.n; j++)
        ck_assert_double_eq_tol(p.own_gamma[j], p.gamma[j], different == 0 ? 1e-6 : 1e-2);
    release(&p);
    env_close(&f);
}
END_TEST

/* Their two figures leave Δ out where there is one; so does the comparison. */
static double reported_loss(const parity *p, const double *t, const double *g)
{
    double *const C = malloc(p->m * p->n * sizeof *C);

    cross_term(p, NULL, C);
    const double loss = plain_loss(p->m, p->n, p->codes, p->alpha, t, g, p->S, C, p->K);
    free(C);
    return loss / ((double)p->m * (double)p->n);
}

START_TEST(rescalers_and_losses_are_theirs)
{
    env_fixture f = env_open();
    parity p;

    prepare(&p, _i);
    quantize(&f.env, &p);
    for (size_t r = 0; r < p.m; r++)
        p.own_t[r] = 1.0;
    memcpy(p.own_g, p.own_gamma, p.n * sizeof *p.own_g);
    ck_assert_double_eq_tol(reported_loss(&p, p.own_t, p.own_g) / vectors[_i].loss_before, 1.0,
                            1e-6);

    const wsic_rescale problem = {
        .rows = p.m,
        .columns = p.n,
        .codes = p.codes,
        .alpha = p.alpha,
        .S = p.S,
        .S_factor = 1.0,
        .L = p.L,
        .excess = p.excess,
        .C = p.C,
        .K = p.K,
        .fit_rows = true,
        .rounds = 1000,
        .tolerance = 3e-4,
    };
    wsic_rescale_result result;
    ck_assert_int_eq(wsic_rescale_run(&f.env, NULL, &problem, p.own_t, p.own_g, &result), WSIC_OK);
    ck_assert_double_eq_tol(reported_loss(&p, p.own_t, p.own_g) / vectors[_i].loss, 1.0, 1e-6);
    for (size_t r = 0; r < p.m; r++)
        ck_assert_double_eq_tol(p.own_t[r], p.t[r], 1e-5);
    for (size_t j = 0; j < p.n; j++)
        ck_assert_double_eq_tol(p.own_g[j], p.g[j], 1e-5);
    release(&p);
    env_close(&f);
}
END_TEST

/* --- the same through the public interface ------------------------------------------ */

/* Column-major, as the vectors are loaded, to the rows of an argument. */
static wsic_matrix argument(const double *values, size_t rows, size_t columns, double **storage)
{
    wsic_matrix matrix;

    *storage = malloc(rows * columns * sizeof **storage);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++)
            (*storage)[i * columns + j] = values ? values[j * rows + i] : 0.0;
    }
    wsic_matrix_init(&matrix, sizeof matrix, *storage, WSIC_F64, rows, columns, 0);
    return matrix;
}

/* What the vectors do not hold, E ΔR Xᵀ and E ΔR², is constant in Ŵ: 0 and this. */
static const double residual_energy = 0.25;

static wsic_stats *give_moments(wsic_context *context, const parity *p)
{
    enum { MATRICES = 6 };
    double *storage[MATRICES], energies[128];
    wsic_stats *stats = NULL;

    for (size_t r = 0; r < p->m; r++)
        energies[r] = residual_energy;
    const wsic_matrix matrix[MATRICES] = {
        argument(p->Sx, p->n, p->n, &storage[0]),  argument(p->S, p->n, p->n, &storage[1]),
        argument(p->Sxx, p->n, p->n, &storage[2]), argument(p->delta, p->m, p->n, &storage[3]),
        argument(NULL, p->m, p->n, &storage[4]),   argument(energies, p->m, 1, &storage[5])};
    const wsic_pair_moments moments = {
        .size = sizeof moments,
        .input = &matrix[0],
        .quantized = &matrix[1],
        .cross = &matrix[2],
        .residual = p->delta ? &matrix[3] : NULL,
        .residual_input = p->delta ? &matrix[4] : NULL,
        .residual_energy = p->delta ? &matrix[5] : NULL,
    };
    ck_assert_int_eq(wsic_stats_create(context, p->n, &stats), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_pair_moments(stats, &moments, 1000.0), WSIC_OK);
    for (size_t k = 0; k < MATRICES; k++)
        free(storage[k]);
    return stats;
}

static wsic_layer *encode_at_their_step(wsic_context *context, const parity *p, double step)
{
    double *storage;
    const wsic_matrix weights = argument(p->W, p->m, p->n, &storage);
    wsic_stats *const stats = give_moments(context, p);
    wsic_encoder *encoder;
    wsic_layer *layer = NULL;

    ck_assert_int_eq(wsic_encoder_create(context, &encoder), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_preset(encoder, "paper"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(encoder, WSIC_STEP, step), WSIC_OK);
    ck_assert_msg(wsic_encoder_run(encoder, stats, &weights, &layer) == WSIC_OK, "%s",
                  wsic_encoder_message(encoder));
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
    free(storage);
    return layer;
}

static size_t count_differences(const wsic_layer *layer, const parity *p)
{
    int32_t codes[96 * 64] = {0};
    size_t different = 0;
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, codes, WSIC_I32, p->m, p->n, 0);
    ck_assert_int_eq(wsic_layer_get_codes(layer, 0, &view), WSIC_OK);
    for (size_t i = 0; i < p->m; i++) {
        for (size_t j = 0; j < p->n; j++)
            different += codes[i * p->n + j] != (int32_t)p->Z[j * p->m + i];
    }
    return different;
}

/* The true distortion of Ŵ = diag(t) Z diag(α ∘ g), constants included. */
static double true_distortion(const parity *p, const double *t, const double *g, const double *Z)
{
    const double constant = p->delta ? residual_energy * (double)p->m : 0.0;
    int32_t *const codes = malloc(p->m * p->n * sizeof *codes);

    for (size_t k = 0; k < p->m * p->n; k++)
        codes[k] = (int32_t)Z[k];
    const double loss = plain_loss(p->m, p->n, codes, p->alpha, t, g, p->S, p->C, p->K + constant);
    free(codes);
    return loss / ((double)p->m * (double)p->n);
}

/* From moments to bytes: their codes, and their distortion up to the rounding of scales, which on
 * its grid of q² = 25 d / m adds 0.04 q² / d = 1 / m for each of the two (docs/algorithm.md,
 * "Stored scales"): 3 % of layers as small as these, 0.05 % of one of 4096 x 4096. */
START_TEST(the_whole_encoder_gives_theirs)
{
    wsic_context *context;
    wsic_layer_info info = {.size = sizeof info};
    parity p;

    prepare(&p, _i);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    wsic_layer *const layer = encode_at_their_step(context, &p, vectors[_i].c);
    ck_assert_uint_le(count_differences(layer, &p), 2);
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    ck_assert_double_eq_tol(info.damping / vectors[_i].damping, 1.0, 1e-9);
    const double theirs = true_distortion(&p, p.t, p.g, p.Z);
    ck_assert_double_ge(info.distortion / theirs, 0.999);
    ck_assert_double_le(info.distortion / theirs, 1.0 + 1.0 / (double)p.m + 1.0 / (double)p.n);
    wsic_layer_destroy(layer);
    wsic_context_destroy(context);
    release(&p);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("vectors");
    TCase *const tc = tcase_create("parity");
    const int count = (int)(sizeof vectors / sizeof *vectors);

    tcase_add_loop_test(tc, spacing_is_theirs, 0, count);
    tcase_add_loop_test(tc, codes_and_gamma_are_theirs, 0, count);
    tcase_add_loop_test(tc, rescalers_and_losses_are_theirs, 0, count);
    tcase_add_loop_test(tc, the_whole_encoder_gives_theirs, 0, count);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
