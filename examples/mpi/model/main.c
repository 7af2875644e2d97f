/* SPDX-License-Identifier: MIT */
/* watersic-llm-mpi: quantize a model on many ranks.
 *
 *     mpirun -n RANKS watersic-llm-mpi --model DIR --text FILE --rate R --output FILE */
#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/blas_memory.h"
#include "common/workers.h"
#include "llm/command/output_files.h"
#include "llm/publish/pack.h"
#include "llm/text/text.h"
#include "llm/watersic/provenance.h"
#include "mpi/model/arguments.h"
#include "mpi/model/encode_layers.h"
#include "mpi/model/gather_shards.h"
#include "mpi/model/plan_layers.h"
#include "mpi/model/share_outputs.h"

static const char program[] = "watersic-llm-mpi";

struct run {
    struct arguments arguments;
    struct job job;
    wsic_encoder *encoder;
    char archive[PATH_MAX];         /* of a directory */
    json_t *description;            /* what the archive is made from, and how */
    char (*texts)[MODEL_NAME_SIZE]; /* the names of all layers */
    const char **names;
    char shards[32];
    struct failure failure;
};

/* --- setting up -------------------------------------------------------------- */

static bool open_model(struct run *run)
{
    const struct options *const options = &run->arguments.options;
    struct job *const job = &run->job;

    if (wsic_context_create(NULL, &job->context) != WSIC_OK)
        return refuse(&run->failure, "out of memory");
    /* The processors that this rank is bound to. The bytes do not depend on their number. */
    if (wsic_context_set_threads(job->context, 0) != WSIC_OK)
        return refuse(&run->failure, "%s", wsic_context_message(job->context));
    return blas_memory_check(workers_usual(), &run->failure) &&
           model_open(&job->model, options->model, &run->failure) &&
           output_files_check(options, &job->model, &run->failure) &&
           config_window(&job->model.config, options->window, &job->window, &run->failure);
}

static bool create_encoder(struct run *run)
{
    const struct options *const options = &run->arguments.options;
    struct job *const job = &run->job;

    job->recipe = options->recipe;
    job->settings = (struct method_settings){.rate = options->rates.values[0],
                                             .preset = options->presets.names[0],
                                             .settings = options->settings.values,
                                             .setting_count = options->settings.count,
                                             .rescalers = true,
                                             .outputs = options->recipe.outputs};
    run->encoder = watersic_encoder_create(job->context, &job->settings, false, &run->failure);
    return run->encoder != NULL;
}

/* Every shard has a window at least. */
static bool load_text(struct run *run)
{
    const struct text_source source = options_text(&run->arguments.options);
    struct job *const job = &run->job;

    if (!text_load(&job->tokens, &source, &job->model.config, job->window,
                   run->arguments.options.max_tokens, &run->failure))
        return false;
    const size_t windows = (job->tokens.count + job->window - 1) / job->window;
    job->shards = run->arguments.shards < windows ? run->arguments.shards : windows;
    snprintf(run->shards, sizeof run->shards, "%zu", job->shards);
    return true;
}

static bool name_layers(struct run *run)
{
    const size_t count = layers_count(&run->job.model.config);

    run->texts = calloc(count, sizeof *run->texts);
    run->names = calloc(count, sizeof *run->names);
    if (!run->texts || !run->names)
        return refuse(&run->failure, "out of memory for %zu names", count);
    for (size_t i = 0; i < count; i++) {
        layers_name(&run->job.model.config, i, run->texts[i]);
        run->names[i] = run->texts[i];
    }
    return true;
}

/* Only rank 0 has to read the whole checkpoint for its fingerprint. */
static bool describe(struct run *run)
{
    const struct provenance provenance = {.model = &run->job.model,
                                          .tokens = &run->job.tokens,
                                          .window = run->job.window,
                                          .recipe = &run->job.recipe,
                                          .preset = run->job.settings.preset,
                                          .parameters = wsic_encoder_parameters(run->encoder),
                                          .vocabulary = &run->arguments.options.vocabulary};
    bool ok = false;

    run->description = provenance_describe(&provenance, &run->failure);
    if (!run->description ||
        json_object_set_new(run->description, "shards", json_string(run->shards)) != 0)
        return false;
    char *const text = json_dumps(run->description, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (text)
        ok = folder_open(&run->job.folder, text, &run->failure);
    free(text);
    return ok;
}

static bool name_output(struct run *run)
{
    struct options *const options = &run->arguments.options;

    if (options->directory) {
        if (!pack_name_archive(options->directory, run->archive, &run->failure))
            return false;
        options->output = run->archive;
    }
    return folder_name(&run->job.folder, options->output, &run->failure);
}

static bool prepare(struct run *run)
{
    return name_output(run) && open_model(run) && create_encoder(run) && load_text(run) &&
           name_layers(run) && (run->job.folder.rank != 0 || describe(run));
}

/* --- the work ------------------------------------------------------------------ */

static bool note_settings(struct run *run, struct output *output)
{
    const char *const path = run->arguments.options.output;

    return output_settings(output, path, "shards", run->shards, &run->failure) &&
           (output->next == 0 ||
            provenance_check(run->description, output->writer, path, &run->failure)) &&
           provenance_write(run->description, output->writer, path, &run->failure);
}

static bool begin_output(struct run *run, struct output *output)
{
    return output_begin(output, run->job.context, run->arguments.options.output, run->names,
                        layers_count(&run->job.model.config), &run->failure) &&
           note_settings(run, output);
}

static bool plan_and_encode(struct run *run, struct output *output)
{
    return plan_layers(&run->job, run->encoder, output->writer, &run->failure) &&
           encode_layers(&run->job, run->encoder, output, &run->failure);
}

static bool pack(struct run *run)
{
    const struct options *const options = &run->arguments.options;
    const struct packing packing = {.checkpoint = run->job.model.checkpoint,
                                    .source = options->model,
                                    .config = &run->job.model.config,
                                    .archive_path = options->output,
                                    .output = options->directory,
                                    .shard_bytes = options->shard_bytes};
    struct packed packed;

    return !options->directory ||
           pack_archive_away(&packing, run->job.context, &packed, &run->failure);
}

static void tell(const struct run *run, const struct output *output)
{
    const double bytes = (double)wsic_archive_writer_size(output->writer, NULL, 0);

    printf("%s: %.0f bytes, %.4f bits per weight in %zu layers\n", run->arguments.options.output,
           bytes, 8 * bytes / (double)layers_weights(&run->job.model.config), output->count);
}

static bool write_output(struct run *run)
{
    struct output output = {.writer = NULL};
    const bool ok = begin_output(run, &output) && plan_and_encode(run, &output) &&
                    output_finish(&output, &run->failure);

    if (ok)
        tell(run, &output);
    output_end(&output);
    return ok && pack(run);
}

static bool quantize(struct run *run)
{
    struct output none = {.writer = NULL};

    if (!gather_shards(&run->job, &run->failure) || !share_outputs(&run->job, &run->failure))
        return false;
    if (run->job.folder.rank > 0)
        return plan_and_encode(run, &none);
    if (!write_output(run))
        return false;
    folder_remove(&run->job.folder);
    return true;
}

static void end(struct run *run)
{
    struct job *const job = &run->job;

    free(run->texts);
    free(run->names);
    json_decref(run->description);
    plan_end(job);
    outputs_free(&job->outputs);
    tokens_free(&job->tokens);
    model_free(&job->model);
    wsic_encoder_destroy(run->encoder);
    wsic_context_destroy(job->context);
}

static bool run_all(struct run *run)
{
    const bool prepared = folder_all_ready(&run->job.folder, program, prepare(run), &run->failure);

    if (prepared && !quantize(run)) {
        /* The others may be waiting for this rank. What is on the disk serves the next run. */
        fprintf(stderr, "%s: rank %d: %s\n", program, run->job.folder.rank, run->failure.text);
        MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    }
    end(run);
    return prepared;
}

int main(int argc, char **argv)
{
    static struct run run;
    bool ok;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &run.job.folder.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &run.job.folder.ranks);
    const bool understood = arguments_parse(&run.arguments, argc, argv, &run.failure);
    if (understood && run.arguments.options.help) {
        ok = true;
        if (run.job.folder.rank == 0)
            fputs(arguments_help, stdout);
    } else
        ok = folder_all_ready(&run.job.folder, program, understood, &run.failure) && run_all(&run);
    MPI_Finalize();
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
