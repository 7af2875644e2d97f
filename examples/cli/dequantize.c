/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "common/interrupt.h"
#include "inputs.h"
#include "output.h"
#include "progress.h"
#include "session.h"

typedef struct dequantize_options {
    const char *archive, *layer, *dtype, *out;
    session_options session;
} dequantize_options;

typedef struct dequantize_job {
    const dequantize_options *options;
    uint32_t dtype;
    wsic_context *context;
    wsic_archive *archive;
    wsic_layer *layer;
    wsic_layer_info info;
    void *rows; /* of one piece */
    atomic_file file;
} dequantize_job;

static void release(dequantize_job *job)
{
    atomic_file_abandon(&job->file);
    free(job->rows);
    wsic_layer_destroy(job->layer);
    wsic_archive_close(job->archive);
    session_close(job->context);
}

static bool choose_dtype(const char *name, uint32_t *dtype)
{
    static const struct {
        const char *name;
        uint32_t dtype;
    } choices[] = {{"f2", WSIC_F16}, {"f4", WSIC_F32}, {"f8", WSIC_F64}};

    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (strcmp(choices[i].name, name) == 0) {
            *dtype = choices[i].dtype;
            return true;
        }
    }
    return false;
}

static int open_layer(dequantize_job *job)
{
    const dequantize_options *const options = job->options;
    size_t index = 0;

    if (session_open(&options->session, &job->context) != EXIT_SUCCESS ||
        archive_open(job->context, options->archive, &job->archive) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (options->layer && wsic_archive_find(job->archive, options->layer, &index) != WSIC_OK)
        return complain(options->archive, "holds no layer \"%s\"", options->layer);
    if (!options->layer && wsic_archive_count(job->archive) != 1)
        return complain(options->archive, "holds %zu layers: name one with --layer",
                        wsic_archive_count(job->archive));
    if (archive_layer(job->archive, options->archive, index, &job->layer) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    job->info.size = sizeof job->info;
    wsic_layer_get_info(job->layer, &job->info);
    return EXIT_SUCCESS;
}

static int fail_layer(const dequantize_job *job, wsic_status status)
{
    const char *const message = wsic_layer_message(job->layer);

    if (status == WSIC_ERROR_RANGE && job->dtype == WSIC_F16)
        return complain(job->options->archive, "%s (--dtype f4)", message);
    return complain_status(job->options->archive, status, message);
}

/* Whole blocks of rows, so that none is decoded twice. */
static int write_rows(dequantize_job *job, struct failure *failure)
{
    const size_t rows = (size_t)job->info.rows, columns = (size_t)job->info.columns;
    const size_t step = job->info.block_rows < rows ? (size_t)job->info.block_rows : rows;
    const size_t row_bytes = columns * wsic_dtype_size(job->dtype);

    job->rows = malloc(step * row_bytes);
    if (!job->rows)
        return complain(NULL, "out of memory");
    for (size_t row = 0; row < rows; row += step) {
        const size_t count = rows - row < step ? rows - row : step;
        wsic_matrix piece;
        wsic_matrix_init(&piece, sizeof piece, job->rows, job->dtype, count, columns, 0);
        const wsic_status status = wsic_layer_dequantize(job->layer, row, &piece);
        if (status != WSIC_OK)
            return fail_layer(job, status);
        if (interrupt_pending())
            return complain(NULL, "interrupted");
        if (!atomic_file_write(&job->file, job->rows, count * row_bytes, failure))
            return complain(NULL, "%s", failure->text);
        progress_show(NULL, (double)(row + count) / (double)rows, "decode");
    }
    return EXIT_SUCCESS;
}

static int dequantize(dequantize_job *job)
{
    struct failure failure;

    if (!spares_input(job->options->out, job->options->archive) || open_layer(job) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (!npy_begin(&job->file, job->options->out, job->dtype, (size_t)job->info.rows,
                   (size_t)job->info.columns, &failure))
        return complain(NULL, "%s", failure.text);
    if (write_rows(job, &failure) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (!atomic_file_commit(&job->file, &failure))
        return complain(NULL, "%s", failure.text);
    return EXIT_SUCCESS;
}

static int check(const cli_command *self, const dequantize_options *options, uint32_t *dtype)
{
    if (!options->archive)
        return options_fail(self, "no archive is given");
    if (!options->out)
        return options_fail(self, "--output is missing");
    if (!choose_dtype(options->dtype, dtype))
        return options_fail(self, "--dtype: '%s' is not f2, f4 or f8", options->dtype);
    return OPTIONS_READ;
}

int run_dequantize(const cli_command *self, int argc, char **argv)
{
    dequantize_options options = {.dtype = "f4"};
    const option_spec specs[] = {
        {"layer", 'l', OPTION_TEXT, &options.layer, "NAME", "which layer, if there are several"},
        {"dtype", 'd', OPTION_TEXT, &options.dtype, "TYPE", "f2, f4 (default) or f8"},
        {"output", 'o', OPTION_TEXT, &options.out, "OUT.npy", "file to write"},
        SESSION_OPTIONS(options.session),
    };
    text_list names = {NULL, 0};
    dequantize_job job = {.options = &options};
    int result = options_parse(self, specs, sizeof specs / sizeof *specs, &names, 1, argc, argv);

    options.archive = names.count ? names.items[0] : NULL;
    if (result == OPTIONS_READ)
        result = check(self, &options, &job.dtype);
    if (result == OPTIONS_READ)
        result = dequantize(&job);
    release(&job);
    text_list_release(&names);
    return result;
}
