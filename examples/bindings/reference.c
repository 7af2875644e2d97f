/* SPDX-License-Identifier: MIT */
/* Writes the archive that the tests of the bindings write, too: with the same bytes.
 *
 *     reference OUT
 *
 * Four layers: by an encoder alone, of a problem with a row left out, and two that share a
 * budget. */
#include <stdio.h>
#include <stdlib.h>

#include <watersic/watersic.h>

enum { ROWS = 48, COLUMNS = 64, TOKENS = 256, DEAD_ROW = 5, BUDGET = 1600 };

static float weights[ROWS * COLUMNS], others[ROWS * COLUMNS];
static float activations[TOKENS * COLUMNS];

/* Numbers between -1 and 1 that look random. */
static float noise(void)
{
    static uint32_t state = 1;

    state = state * 1664525 + 1013904223;
    return (float)(int32_t)state / 2147483648.0F;
}

static void make_data(void)
{
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        weights[i] = 0.02F * noise();
    for (size_t t = 0; t < TOKENS; t++) {
        float previous = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            previous = 0.875F * previous + noise();
            activations[t * COLUMNS + j] = previous;
        }
    }
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        others[i] = 0.5F * weights[i];
}

typedef struct session {
    wsic_context *context;
    wsic_stats *stats;
    wsic_encoder *encoder;
    wsic_problem *problem;
    wsic_plan *plan;
    wsic_archive_writer *writer;
} session;

/* Whether a call has succeeded. */
static int good(const session *s, wsic_status status)
{
    if (status < 0)
        fprintf(stderr, "reference: %s\n", wsic_context_message(s->context));
    return status >= 0;
}

static wsic_matrix matrix(const float *data)
{
    wsic_matrix m;

    wsic_matrix_init(&m, sizeof m, data, WSIC_F32, ROWS, COLUMNS, 0);
    return m;
}

/* The statistics, in two batches. */
static int collect(session *s)
{
    int done = good(s, wsic_stats_create(s->context, COLUMNS, &s->stats));

    for (size_t first = 0; done && first < TOKENS; first += TOKENS / 2)
        done = good(s, wsic_stats_add_activations_flat(s->stats, activations + first * COLUMNS,
                                                       WSIC_F32, TOKENS / 2, 0, NULL));
    return done;
}

/* A layer goes into the archive and is released. */
static int store(session *s, const char *name, wsic_layer *layer)
{
    const int done = good(s, wsic_archive_writer_add(s->writer, name, layer));

    wsic_layer_destroy(layer);
    return done;
}

static int plain(session *s)
{
    const wsic_matrix w = matrix(weights);
    wsic_layer *layer;

    return good(s, wsic_encoder_set_number(s->encoder, WSIC_RATE, 2.0)) &&
           good(s, wsic_encoder_run(s->encoder, s->stats, &w, &layer)) && store(s, "plain", layer);
}

static int with_problem(session *s)
{
    const wsic_matrix w = matrix(weights);
    const size_t dead = DEAD_ROW;
    wsic_layer *layer;

    return good(s, wsic_problem_create(s->context, s->stats, NULL, &w, &s->problem)) &&
           good(s, wsic_problem_set_dead_rows(s->problem, &dead, 1)) &&
           good(s, wsic_encoder_set_preset(s->encoder, "fast")) &&
           good(s, wsic_encoder_set_number(s->encoder, WSIC_RATE, 3.0)) &&
           good(s, wsic_encoder_run_problem(s->encoder, s->problem, &layer)) &&
           store(s, "problem", layer);
}

static int planned(session *s, size_t index, const float *data)
{
    const wsic_matrix w = matrix(data);
    const void *bytes;
    char name[32];
    size_t size;
    wsic_layer *layer;

    snprintf(name, sizeof name, "planned.%zu", index);
    return good(s, wsic_encoder_set_plan(s->encoder, s->plan, index)) &&
           good(s, wsic_encoder_run(s->encoder, s->stats, &w, &layer)) &&
           good(s, wsic_layer_get_bytes(layer, &bytes, &size)) &&
           good(s, wsic_plan_commit(s->plan, index, size)) && store(s, name, layer);
}

static int with_plan(session *s)
{
    const wsic_matrix w = matrix(weights), o = matrix(others);

    return good(s, wsic_encoder_set_preset(s->encoder, "default")) &&
           good(s, wsic_plan_create(s->context, &s->plan)) &&
           good(s, wsic_plan_add(s->plan, s->stats, &w, NULL)) &&
           good(s, wsic_plan_add(s->plan, s->stats, &o, NULL)) &&
           good(s, wsic_plan_solve_budget(s->plan, WSIC_PLAN_WATERFILL, BUDGET)) &&
           planned(s, 0, weights) && planned(s, 1, others);
}

static int work(session *s, const char *path)
{
    return good(s, wsic_context_create(NULL, &s->context)) && collect(s) &&
           good(s, wsic_encoder_create(s->context, &s->encoder)) &&
           good(s, wsic_archive_writer_create(s->context, path, &s->writer)) &&
           good(s, wsic_archive_writer_set_metadata(s->writer, "purpose", "reference")) &&
           plain(s) && with_problem(s) && with_plan(s) &&
           good(s, wsic_archive_writer_finish(s->writer));
}

int main(int argc, char **argv)
{
    session s = {NULL, NULL, NULL, NULL, NULL, NULL};
    int done;

    if (argc != 2) {
        fprintf(stderr, "usage: reference OUT\n");
        return EXIT_FAILURE;
    }
    make_data();
    done = work(&s, argv[1]);
    wsic_archive_writer_destroy(s.writer);
    wsic_plan_destroy(s.plan);
    wsic_problem_destroy(s.problem);
    wsic_encoder_destroy(s.encoder);
    wsic_stats_destroy(s.stats);
    wsic_context_destroy(s.context);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
