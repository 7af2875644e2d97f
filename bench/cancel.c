/* SPDX-License-Identifier: MIT */
/* How long a call still takes after wsic_context_cancel(). A first run finds, for each stage, the
 * progress report behind which the next one comes latest. Further runs are cancelled there, just
 * after the call has looked for requests. It looks at every report, and at some places between. */
#include <stdio.h>
#include <string.h>

#include "trial.h"

enum { STAGES_MOST = 32, NAME_MOST = 32 };

static const char help[] = "usage: cancel [options]\n"
                           "  --json              one JSON object\n" TRIAL_HELP;

static const struct option option_list[] = {{"json", no_argument, NULL, 'j'}, TRIAL_OPTIONS};

typedef struct stage_waits {
    char name[NAME_MOST];
    size_t reports;
    double longest;   /* seconds from a report of this stage to the next report */
    size_t worst;     /* number of the report with that wait behind it */
    double cancelled; /* seconds that a call took which was cancelled there */
} stage_waits;

typedef struct watch {
    wsic_context *context;
    stage_waits stages[STAGES_MOST];
    size_t count; /* stages */
    size_t reports;
    size_t present;   /* stage of the last report */
    double last;      /* time of the last report */
    size_t cancel_at; /* number of the report that asks for a stop; 0: none */
    double asked;
} watch;

static size_t find_stage(watch *w, const char *name)
{
    size_t k = 0;

    while (k < w->count && strncmp(w->stages[k].name, name, NAME_MOST - 1) != 0)
        k++;
    if (k == STAGES_MOST)
        return STAGES_MOST - 1;
    if (k == w->count)
        snprintf(w->stages[w->count++].name, NAME_MOST, "%s", name);
    return k;
}

/* The wait behind the last report is over. */
static void end_wait(watch *w, double now)
{
    stage_waits *const stage = &w->stages[w->present];

    if (w->reports == 0 || now - w->last <= stage->longest)
        return;
    stage->longest = now - w->last;
    stage->worst = w->reports;
}

static int32_t report(void *user, double fraction, const char *stage)
{
    watch *const w = user;

    (void)fraction;
    end_wait(w, bench_seconds());
    w->present = find_stage(w, stage);
    w->stages[w->present].reports++;
    w->reports++;
    w->last = bench_seconds();
    if (w->reports == w->cancel_at) {
        w->asked = w->last;
        wsic_context_cancel(w->context);
    }
    return 0;
}

/* Seconds of the call, or from the request to its end. */
static double run(const trial_source *source, const trial_options *options, watch *w)
{
    wsic_encoder *const encoder = trial_encoder(source->context, options);
    wsic_matrix weights;
    wsic_layer *layer;

    wsic_matrix_init(&weights, sizeof weights, source->weights, WSIC_F32, source->rows,
                     source->columns, 0);
    bench_check(wsic_context_set_progress(source->context, report, w), "wsic_context_set_progress",
                "");
    const double start = bench_seconds();
    const wsic_status status = wsic_encoder_run(encoder, source->stats, &weights, &layer);
    const double end = bench_seconds();
    end_wait(w, end);
    /* Behind the last report nothing is left to be cancelled. */
    if (w->cancel_at == 0 || status != WSIC_ERROR_CANCELLED)
        bench_check(status, "wsic_encoder_run", wsic_encoder_message(encoder));
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    return end - (w->cancel_at == 0 ? start : w->asked);
}

static void take_option(void *data, int letter, const char *value)
{
    (void)letter;
    (void)value;
    *(bool *)data = true;
}

static void print_table(const trial_options *options, const watch *w, double whole)
{
    printf("%zu x %zu, preset %s: %.3f seconds, %zu reports\n\n", options->rows, options->columns,
           options->preset, whole, w->reports);
    printf(
        "| stage | reports | longest wait for the next one, ms | cancelled there: returned after, "
        "ms |\n|---|---|---|---|\n");
    for (size_t k = 0; k < w->count; k++)
        printf("| %s | %zu | %.1f | %.1f |\n", w->stages[k].name, w->stages[k].reports,
               1e3 * w->stages[k].longest, 1e3 * w->stages[k].cancelled);
}

static void print_json(const trial_options *options, const watch *w, double whole)
{
    bench_json json = bench_json_open();
    double cancelled = 0.0;

    for (size_t k = 0; k < w->count; k++)
        cancelled = w->stages[k].cancelled > cancelled ? w->stages[k].cancelled : cancelled;
    bench_json_text(&json, "benchmark", "cancel");
    bench_json_text(&json, "preset", options->preset);
    bench_json_number(&json, "rows", (double)options->rows);
    bench_json_number(&json, "columns", (double)options->columns);
    bench_json_number(&json, "seconds", whole);
    bench_json_number(&json, "reports", (double)w->reports);
    bench_json_number(&json, "seconds_cancelled", cancelled);
    bench_json_close();
}

int main(int argc, char **argv)
{
    trial_options options = {.covariance = "ar0.9",
                             .rows = 4096,
                             .columns = 4096,
                             .rate = 2.0,
                             .preset = "default",
                             .seed = 1,
                             .threads = 1};
    bool json = false;

    trial_parse(argc, argv, option_list, help, &options, take_option, &json);
    trial_source source = trial_source_create(&options);
    watch first = {.context = source.context};
    const double whole = run(&source, &options, &first);
    for (size_t k = 0; k < first.count; k++) {
        watch again = {.context = source.context, .cancel_at = first.stages[k].worst};
        first.stages[k].cancelled = run(&source, &options, &again);
    }
    if (json)
        print_json(&options, &first, whole);
    else
        print_table(&options, &first, whole);
    trial_source_release(&source);
    return 0;
}
