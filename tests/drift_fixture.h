/* SPDX-License-Identifier: MIT */
/* A layer behind quantized ones: tokens in the original and in the quantized model, and the true
 * error of what leaves the layer, from the tokens themselves. */
#ifndef TESTS_DRIFT_FIXTURE_H
#define TESTS_DRIFT_FIXTURE_H

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <watersic/watersic.h>

#include "random.h"

enum { DRIFT_TOKENS = 400, DRIFT_ROWS = 40, DRIFT_COLUMNS = 24 };

typedef struct drift_fixture {
    double x[DRIFT_TOKENS][DRIFT_COLUMNS];  /* X */
    double xq[DRIFT_TOKENS][DRIFT_COLUMNS]; /* X̂ */
    double dr[DRIFT_TOKENS][DRIFT_ROWS];    /* R - R̂ */
    double importance[DRIFT_TOKENS];
    double w[DRIFT_ROWS][DRIFT_COLUMNS];
    wsic_context *context;
    wsic_stats *stats;    /* pairs */
    wsic_stats *weighted; /* pairs by importance */
    wsic_encoder *encoder;
    wsic_matrix x_view, xq_view, dr_view, w_view;
} drift_fixture;

static inline void drift_tokens(drift_fixture *f, random_state *state)
{
    for (size_t t = 0; t < DRIFT_TOKENS; t++) {
        double common = random_normal(state);
        for (size_t j = 0; j < DRIFT_COLUMNS; j++) {
            const double scale = exp2((double)(j % 5) - 2.0);
            common = 0.8 * common + 0.6 * random_normal(state);
            f->x[t][j] = scale * common;
            /* A part of the drift can be told from X̂, the rest is noise. */
            f->xq[t][j] = 0.9 * f->x[t][j] + 0.1 * scale * random_normal(state);
            if (j > 0)
                f->xq[t][j] += 0.1 * f->x[t][j - 1];
        }
        for (size_t r = 0; r < DRIFT_ROWS; r++)
            f->dr[t][r] = 0.3 * f->xq[t][r % DRIFT_COLUMNS] + 0.2 * random_normal(state);
        f->importance[t] = exp2(3.0 * random_normal(state)) * 1e-3;
    }
}

/* Statistics of the tokens as they are now. */
static inline void drift_refresh(drift_fixture *f, bool with_residual)
{
    wsic_stats_destroy(f->stats);
    wsic_stats_destroy(f->weighted);
    ck_assert_int_eq(wsic_stats_create(f->context, DRIFT_COLUMNS, &f->stats), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(f->context, DRIFT_COLUMNS, &f->weighted), WSIC_OK);
    wsic_matrix *const residual = with_residual ? &f->dr_view : NULL;
    ck_assert_int_eq(wsic_stats_add_pair(f->stats, &f->x_view, &f->xq_view, residual, NULL),
                     WSIC_OK);
    ck_assert_int_eq(
        wsic_stats_add_pair(f->weighted, &f->x_view, &f->xq_view, residual, f->importance),
        WSIC_OK);
}

static inline void drift_open(drift_fixture *f, bool with_residual, uint64_t seed)
{
    random_state state = {seed};

    memset(f, 0, sizeof *f);
    drift_tokens(f, &state);
    random_fill(&state, &f->w[0][0], DRIFT_ROWS * DRIFT_COLUMNS);
    ck_assert_int_eq(wsic_context_create(NULL, &f->context), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_create(f->context, &f->encoder), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_integer(f->encoder, WSIC_LIMIT, 1), WSIC_OK);
    wsic_matrix_init(&f->x_view, sizeof f->x_view, f->x, WSIC_F64, DRIFT_TOKENS, DRIFT_COLUMNS, 0);
    wsic_matrix_init(&f->xq_view, sizeof f->xq_view, f->xq, WSIC_F64, DRIFT_TOKENS, DRIFT_COLUMNS,
                     0);
    wsic_matrix_init(&f->dr_view, sizeof f->dr_view, f->dr, WSIC_F64, DRIFT_TOKENS, DRIFT_ROWS, 0);
    wsic_matrix_init(&f->w_view, sizeof f->w_view, f->w, WSIC_F64, DRIFT_ROWS, DRIFT_COLUMNS, 0);
    drift_refresh(f, with_residual);
}

static inline void drift_close(drift_fixture *f)
{
    wsic_encoder_destroy(f->encoder);
    wsic_stats_destroy(f->stats);
    wsic_stats_destroy(f->weighted);
    ck_assert_uint_eq(wsic_context_memory(f->context, NULL), 0);
    wsic_context_destroy(f->context);
}

/* ‖W x + (R - R̂) - Ŵ x̂‖² of one token; not drifted: x in the place of x̂, and no residual. Rows
 * marked dead are left out. */
static inline double drift_token_error(const drift_fixture *f, size_t t, const float *restored,
                                       bool drifted, bool residual, const int *dead)
{
    double error = 0.0;

    for (size_t r = 0; r < DRIFT_ROWS; r++) {
        double out = drifted && residual ? f->dr[t][r] : 0.0;
        if (dead && dead[r])
            continue;
        for (size_t j = 0; j < DRIFT_COLUMNS; j++) {
            const double seen = drifted ? f->xq[t][j] : f->x[t][j];
            out += f->w[r][j] * f->x[t][j] - (double)restored[r * DRIFT_COLUMNS + j] * seen;
        }
        error += out * out;
    }
    return error;
}

typedef struct drift_mix {
    double q, a;
    bool residual;
    const int *dead_rows;
} drift_mix;

/* The mixture's distortion, token by token. */
static inline double drift_truth(const drift_fixture *f, const float *restored, drift_mix mix)
{
    double plain = 0.0, weighted = 0.0, weights = 0.0;

    for (size_t t = 0; t < DRIFT_TOKENS; t++) {
        const double error =
            (1.0 - mix.q) * drift_token_error(f, t, restored, true, mix.residual, mix.dead_rows) +
            mix.q * drift_token_error(f, t, restored, false, mix.residual, mix.dead_rows);
        plain += error / DRIFT_TOKENS;
        weighted += f->importance[t] * error;
        weights += f->importance[t];
    }
    return (mix.a * plain + (1.0 - mix.a) * weighted / weights) / (DRIFT_ROWS * DRIFT_COLUMNS);
}

static inline void drift_restore(const wsic_layer *layer, float *restored)
{
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, restored, WSIC_F32, DRIFT_ROWS, DRIFT_COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &view), WSIC_OK);
}

/* --- runs --------------------------------------------------------------------------- */

static inline wsic_layer *run(drift_fixture *f, wsic_problem *problem)
{
    wsic_layer *layer = NULL;
    const wsic_status status = wsic_encoder_run_problem(f->encoder, problem, &layer);

    ck_assert_msg(status >= 0, "%s: %s", wsic_status_name(status),
                  wsic_encoder_message(f->encoder));
    return layer;
}

static inline wsic_problem *open_problem(drift_fixture *f, bool weighted)
{
    wsic_problem *problem = NULL;

    ck_assert_int_eq(wsic_problem_create(f->context, f->stats, weighted ? f->weighted : NULL,
                                         &f->w_view, &problem),
                     WSIC_OK);
    return problem;
}

static inline wsic_layer_info info_of(const wsic_layer *layer)
{
    wsic_layer_info info = {.size = sizeof info};

    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    return info;
}

static inline void check_same_bytes(const wsic_layer *a, const wsic_layer *b)
{
    const void *left, *right;
    size_t left_size, right_size;

    ck_assert_int_eq(wsic_layer_get_bytes(a, &left, &left_size), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_bytes(b, &right, &right_size), WSIC_OK);
    ck_assert_uint_eq(left_size, right_size);
    ck_assert_mem_eq(left, right, left_size);
}

static inline void set_step(drift_fixture *f, const char *preset, double step)
{
    ck_assert_int_eq(wsic_encoder_set_preset(f->encoder, preset), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f->encoder, WSIC_RATE, 0.0), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(f->encoder, WSIC_STEP, step), WSIC_OK);
}

#endif
