/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "common/atomic_file.h"
#include "common/interrupt.h"
#include "inputs.h"
#include "output.h"
#include "page/page.h"
#include "progress.h"
#include "session.h"

/* Models of more layers have a picture of the layer alone that loses most, unless some are asked
 * for. */
enum { DRAWN_LAYERS = 40 };

typedef struct report_options {
    const char *path, *other, *stats, *output;
    text_list layers;
    session_options session;
} report_options;

typedef struct report_job {
    const report_options *options;
    wsic_context *context;
    struct collection model, other;
    wsic_stats *stats;
    struct page_picture *pictures;
    size_t picture_count;
    struct failure failure;
} report_job;

static void release(report_job *job)
{
    for (size_t i = 0; i < job->picture_count; i++)
        picture_free(&job->pictures[i].picture);
    free(job->pictures);
    wsic_stats_destroy(job->stats);
    collection_close(&job->model);
    collection_close(&job->other);
    session_close(job->context);
}

static int fail(const report_job *job)
{
    return complain(NULL, "%s", job->failure.text);
}

static int open_inputs(report_job *job)
{
    const report_options *const options = job->options;

    if (session_open_for_blas(&options->session, &job->context) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (!collection_open(&job->model, job->context, options->path, &job->failure) ||
        (options->other &&
         !collection_open(&job->other, job->context, options->other, &job->failure)))
        return fail(job);
    return options->stats ? stats_open(job->context, options->stats, (double)NAN, &job->stats)
                          : EXIT_SUCCESS;
}

/* --- which layers are drawn ------------------------------------------------------------- */

static size_t worst_layer(const struct collection *model)
{
    size_t worst = 0;

    for (size_t i = 1; i < model->count; i++)
        if (model->infos[i].relative_distortion > model->infos[worst].relative_distortion)
            worst = i;
    return worst;
}

static int choose_named(report_job *job)
{
    const text_list *const names = &job->options->layers;

    for (size_t i = 0; i < names->count; i++) {
        struct page_picture *const drawn = &job->pictures[job->picture_count];
        if (!package_find(job->model.package, names->items[i], &drawn->layer))
            return complain(job->options->path, "holds no layer '%s'", names->items[i]);
        job->picture_count++;
    }
    return EXIT_SUCCESS;
}

static int choose_layers(report_job *job)
{
    const size_t named = job->options->layers.count;
    const size_t all = job->model.count <= DRAWN_LAYERS ? job->model.count : 1;

    job->pictures = calloc(named > 0 ? named : all, sizeof *job->pictures);
    if (!job->pictures)
        return complain(NULL, "out of memory");
    if (named > 0)
        return choose_named(job);
    for (size_t i = 0; i < all; i++)
        job->pictures[i].layer = all == 1 ? worst_layer(&job->model) : i;
    job->picture_count = all;
    return EXIT_SUCCESS;
}

static int make_picture(report_job *job, struct page_picture *drawn)
{
    wsic_layer *const layer = package_layer(job->model.package, drawn->layer, &job->failure);
    const bool ok = layer && picture_make(&drawn->picture, layer, job->stats, &job->failure);

    wsic_layer_destroy(layer);
    return ok ? EXIT_SUCCESS
              : complain(collection_name(&job->model, drawn->layer), "%s", job->failure.text);
}

static int make_pictures(report_job *job)
{
    for (size_t i = 0; i < job->picture_count; i++) {
        if (interrupt_pending())
            return complain(NULL, "interrupted");
        progress_show(NULL, (double)i / (double)job->picture_count, "draw");
        if (make_picture(job, &job->pictures[i]) != EXIT_SUCCESS)
            return EXIT_FAILURE;
    }
    progress_clear();
    return EXIT_SUCCESS;
}

/* --- all of it --------------------------------------------------------------------------- */

static int write_page(report_job *job)
{
    const struct page page = {.model = &job->model,
                              .other = job->options->other ? &job->other : NULL,
                              .pictures = job->pictures,
                              .picture_count = job->picture_count};
    atomic_file file;

    if (!atomic_file_open(&file, job->options->output, &job->failure))
        return fail(job);
    page_write(&page, file.stream);
    return atomic_file_commit(&file, &job->failure) ? EXIT_SUCCESS : fail(job);
}

static bool spares_inputs(const report_options *options)
{
    return spares_input(options->output, options->path) &&
           (!options->other || spares_input(options->output, options->other)) &&
           (!options->stats || spares_input(options->output, options->stats));
}

static int make_report(report_job *job)
{
    int result = spares_inputs(job->options) ? EXIT_SUCCESS : EXIT_FAILURE;

    if (result == EXIT_SUCCESS)
        result = open_inputs(job);
    if (result == EXIT_SUCCESS)
        result = choose_layers(job);
    if (result == EXIT_SUCCESS)
        result = make_pictures(job);
    return result == EXIT_SUCCESS ? write_page(job) : result;
}

static int check(const cli_command *self, const report_options *options)
{
    if (!options->path)
        return options_fail(self, "no archive and no directory is given");
    if (!options->output)
        return options_fail(self, "--output is missing");
    if (options->stats && options->layers.count != 1)
        return options_fail(self, "--stats is of the input of one layer, which --layer names");
    return OPTIONS_READ;
}

int run_report(const cli_command *self, int argc, char **argv)
{
    report_options options = {.path = NULL};
    const option_spec specs[] = {
        {"output", 'o', OPTION_TEXT, &options.output, "FILE", "the page (HTML)"},
        {"layer", 'l', OPTION_EACH, &options.layers, "NAME", "draw this layer; may be repeated"},
        {"stats", 's', OPTION_TEXT, &options.stats, "STATS", "of the input of the layer drawn"},
        {"compare", 'c', OPTION_TEXT, &options.other, "OTHER",
         "an archive or a directory beside it"},
        SESSION_OPTIONS(options.session),
    };
    text_list names = {NULL, 0};
    report_job job = {.options = &options};
    int result = options_parse(self, specs, sizeof specs / sizeof *specs, &names, 1, argc, argv);

    options.path = names.count > 0 ? names.items[0] : NULL;
    if (result == OPTIONS_READ)
        result = check(self, &options);
    if (result == OPTIONS_READ)
        result = make_report(&job);
    release(&job);
    text_list_release(&options.layers);
    text_list_release(&names);
    return result;
}
