/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "common/interrupt.h"
#include "common/terminal.h"
#include "facts.h"
#include "inputs.h"
#include "output.h"
#include "progress.h"
#include "session.h"

typedef struct info_job {
    const char *path;
    bool json;
    session_options session;
    wsic_context *context;
    wsic_archive *archive;
    size_t count;
    wsic_layer_info *infos;
    double seconds; /* to read and decode everything */
} info_job;

static int read_layer(const info_job *job, size_t index)
{
    wsic_layer *layer;

    if (archive_checked_layer(job->archive, job->path, index, &layer) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    job->infos[index] = (wsic_layer_info){.size = sizeof *job->infos};
    wsic_layer_get_info(layer, &job->infos[index]);
    wsic_layer_destroy(layer);
    return EXIT_SUCCESS;
}

static int read_all(info_job *job)
{
    if (session_open(&job->session, &job->context) != EXIT_SUCCESS ||
        archive_open(job->context, job->path, &job->archive) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    job->count = wsic_archive_count(job->archive);
    job->infos = calloc(job->count + 1, sizeof *job->infos);
    if (!job->infos)
        return complain(NULL, "out of memory");
    for (size_t i = 0; i < job->count; i++) {
        if (read_layer(job, i) != EXIT_SUCCESS)
            return EXIT_FAILURE;
        if (interrupt_pending())
            return complain(NULL, "interrupted");
        progress_show(NULL, (double)(i + 1) / (double)job->count, "decode");
    }
    job->seconds = progress_seconds();
    progress_clear();
    return EXIT_SUCCESS;
}

static void release(info_job *job)
{
    free(job->infos);
    wsic_archive_close(job->archive);
    session_close(job->context);
}

static double total_weights(const info_job *job)
{
    double sum = 0;

    for (size_t i = 0; i < job->count; i++)
        sum += (double)job->infos[i].rows * (double)job->infos[i].columns;
    return sum;
}

static json_t *metadata_json(const info_job *job)
{
    json_t *const object = json_object();

    for (size_t i = 0; i < wsic_archive_metadata_count(job->archive); i++) {
        const char *const key = wsic_archive_metadata_key(job->archive, i);
        json_object_set_new(object, key, json_string(wsic_archive_metadata(job->archive, key)));
    }
    return object;
}

static json_t *layers_json(const info_job *job)
{
    json_t *const array = json_array();

    for (size_t i = 0; i < job->count; i++)
        json_array_append_new(array, facts_json(wsic_archive_name(job->archive, i), &job->infos[i],
                                                job->infos[i].bytes));
    return array;
}

/* The only layer of an archive answers for the file: its facts stand at the top, with
 * the bytes of the whole file. */
static int print_as_json(const info_job *job)
{
    const uint64_t bytes = wsic_archive_size(job->archive);
    json_t *const object = job->count == 1
                               ? facts_json(wsic_archive_name(job->archive, 0), job->infos, bytes)
                               : json_object();

    json_object_set_new(object, "bytes", json_integer((json_int_t)bytes));
    json_object_set_new(object, "rate", json_figure(8 * (double)bytes / total_weights(job)));
    json_object_set_new(object, "seconds", json_figure(job->seconds));
    json_object_set_new(object, "metadata", metadata_json(job));
    json_object_set_new(object, "layers", layers_json(job));
    return print_json(object);
}

static size_t longest_name(const info_job *job)
{
    size_t longest = strlen("layer");

    for (size_t i = 0; i < job->count; i++) {
        const size_t length = strlen(wsic_archive_name(job->archive, i));
        longest = length > longest ? length : longest;
    }
    return longest;
}

static void print_layers(const info_job *job)
{
    enum { FIGURES = 80 }; /* characters of them in a line */
    const int width = (int)terminal_room(stdout, longest_name(job), FIGURES);
    char buffer[TERMINAL_NAME_SIZE];

    printf("\n%-*s %7s %7s %8s %8s %8s %8s %9s %8s %8s\n", width, "layer", "rows", "columns",
           "rate", "codes", "side", "entropy", "relative", "limit", "gap");
    for (size_t i = 0; i < job->count; i++) {
        const wsic_layer_info *const info = &job->infos[i];
        printf("%-*s %7" PRIu64 " %7" PRIu64 " %8.4f %8.4f %8.4f %8.4f %9.3g", width,
               terminal_fit(wsic_archive_name(job->archive, i), (size_t)width, buffer), info->rows,
               info->columns, info->rate, info->rate_codes, info->rate_side, info->entropy_pooled,
               info->relative_distortion);
        if (info->limit_rate < 0)
            printf(" %8s %8s\n", "-", "-");
        else
            printf(" %8.4f %8.4f\n", info->limit_rate, info->gap);
    }
}

static int print_for_person(const info_job *job)
{
    const uint64_t bytes = wsic_archive_size(job->archive);

    print_fact("file", "%s, %" PRIu64 " bytes", job->path, bytes);
    if (job->count == 1) {
        facts_print(wsic_archive_name(job->archive, 0), job->infos, bytes);
    } else {
        print_fact("layers", "%zu", job->count);
        if (job->count > 0)
            print_fact("rate", "%.4f bits per weight", 8 * (double)bytes / total_weights(job));
    }
    for (size_t i = 0; i < wsic_archive_metadata_count(job->archive); i++) {
        const char *const key = wsic_archive_metadata_key(job->archive, i);
        print_fact(key, "%s", wsic_archive_metadata(job->archive, key));
    }
    if (job->count > 1)
        print_layers(job);
    return finish_output();
}

int run_info(const cli_command *self, int argc, char **argv)
{
    info_job job = {.path = NULL};
    const option_spec specs[] = {
        {"json", 'j', OPTION_FLAG, &job.json, NULL, "print JSON"},
        SESSION_OPTIONS(job.session),
    };
    text_list names = {NULL, 0};
    int result = options_parse(self, specs, sizeof specs / sizeof *specs, &names, 1, argc, argv);

    if (result == OPTIONS_READ && names.count == 0)
        result = options_fail(self, "no archive is given");
    if (result == OPTIONS_READ) {
        job.path = names.items[0];
        result = read_all(&job);
        if (result == EXIT_SUCCESS)
            result = job.json ? print_as_json(&job) : print_for_person(&job);
    }
    release(&job);
    text_list_release(&names);
    return result;
}
