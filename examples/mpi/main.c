/* SPDX-License-Identifier: MIT */
/* watersic-mpi: quantize the layers of a manifest on many ranks.
 *
 *     mpirun -n RANKS watersic-mpi MANIFEST OUT [NAME=VALUE...]
 *
 * Settings are those of the encoder, such as rate=2 or preset=fast. All ranks see the same
 * files. */
#include <errno.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mpi/manifest_run.h"
#include "mpi/output.h"

struct run {
    struct folder folder;
    const char *manifest_path, *out;
    char **settings;
    int setting_count;
    wsic_context *context;
    wsic_encoder *encoder;
    char *text; /* of the manifest */
    struct manifest manifest;
    char *settings_text; /* what makes two runs the same */
    struct failure failure;
};

static bool read_text(struct run *run, FILE *file)
{
    size_t count = 0, room = 0;

    do {
        room = room ? 2 * room : 65536;
        char *const larger = realloc(run->text, room + 1);
        if (!larger)
            return refuse(&run->failure, "%s: out of memory", run->manifest_path);
        run->text = larger;
        count += fread(run->text + count, 1, room - count, file);
    } while (count == room);
    run->text[count] = '\0';
    return strlen(run->text) == count ||
           refuse(&run->failure, "%s: a byte is NUL", run->manifest_path);
}

static bool read_manifest(struct run *run)
{
    struct failure reason;
    FILE *const file = fopen(run->manifest_path, "r");

    if (!file)
        return refuse(&run->failure, "%s: %s", run->manifest_path, strerror(errno));
    const bool ok = read_text(run, file);
    fclose(file);
    if (!ok || manifest_parse(&run->manifest, run->text, &reason))
        return ok;
    return refuse(&run->failure, "%s: %s", run->manifest_path, reason.text);
}

static bool set_up_encoder(struct run *run)
{
    if (wsic_context_create(NULL, &run->context) != WSIC_OK)
        return refuse(&run->failure, "out of memory");
    /* The processors that this rank is bound to. The bytes do not depend on their number. */
    if (wsic_context_set_threads(run->context, 0) != WSIC_OK ||
        wsic_encoder_create(run->context, &run->encoder) != WSIC_OK)
        return refuse(&run->failure, "%s", wsic_context_message(run->context));
    for (int i = 0; i < run->setting_count; i++) {
        char name[64];
        const char *const equals = strchr(run->settings[i], '=');
        if (!equals || (size_t)(equals - run->settings[i]) >= sizeof name)
            return refuse(&run->failure, "'%s' is not NAME=VALUE", run->settings[i]);
        snprintf(name, sizeof name, "%.*s", (int)(equals - run->settings[i]), run->settings[i]);
        if ((strcmp(name, "preset") == 0
                 ? wsic_encoder_set_preset(run->encoder, equals + 1)
                 : wsic_encoder_set_text(run->encoder, name, equals + 1)) != WSIC_OK)
            return refuse(&run->failure, "%s: %s", run->settings[i],
                          wsic_encoder_message(run->encoder));
    }
    return true;
}

/* The encoder's parameters and the manifest. */
static bool describe(struct run *run)
{
    const char *const parameters = wsic_encoder_parameters(run->encoder);
    const size_t size = strlen(parameters) + strlen(run->text) + 2;

    run->settings_text = malloc(size);
    if (!run->settings_text)
        return refuse(&run->failure, "out of memory");
    snprintf(run->settings_text, size, "%s\n%s", parameters, run->text);
    return true;
}

static bool reduce_all(struct run *run, struct workshop *workshop)
{
    for (size_t i = 0; i < run->manifest.input_count; i++)
        if (!folder_has(&run->folder, i) && !workshop_reduce(workshop, i, &run->failure))
            return false;
    /* Nobody reads statistics before they are all there. */
    MPI_Barrier(MPI_COMM_WORLD);
    return true;
}

static const char **name_layers(struct run *run)
{
    const char **const names = calloc(run->manifest.layer_count, sizeof *names);

    for (size_t i = 0; names && i < run->manifest.layer_count; i++)
        names[i] = run->manifest.layers[i].name;
    if (!names)
        refuse(&run->failure, "out of memory for %zu names", run->manifest.layer_count);
    return names;
}

static bool deal_layers(struct run *run, struct dealing *dealing)
{
    return deal(dealing, run->folder.rank, run->folder.ranks, &run->failure);
}

static bool write_named(struct run *run, struct dealing *dealing, const char *const *names)
{
    struct output output;

    if (!output_begin(&output, run->context, run->out, names, dealing->count, &run->failure))
        return false;
    dealing->first = output.next;
    dealing->take = output_take;
    dealing->taker = &output;
    const bool ok = output_settings(&output, run->out, "run", run->settings_text, &run->failure) &&
                    deal_layers(run, dealing) && output_finish(&output, &run->failure);
    output_end(&output);
    return ok;
}

/* Rank 0. */
static bool write_output(struct run *run, struct dealing *dealing)
{
    const char **const names = name_layers(run);
    const bool ok = names && write_named(run, dealing, names);

    free(names);
    if (ok)
        folder_remove(&run->folder);
    return ok;
}

static bool quantize_all(struct run *run)
{
    struct workshop workshop = {.context = run->context,
                                .encoder = run->encoder,
                                .manifest = &run->manifest,
                                .folder = &run->folder};
    struct dealing dealing = {
        .count = run->manifest.layer_count, .make = workshop_encode, .maker = &workshop};
    const bool ok =
        reduce_all(run, &workshop) &&
        (run->folder.rank == 0 ? write_output(run, &dealing) : deal_layers(run, &dealing));

    input_stats_release(&workshop.inputs);
    return ok;
}

static bool prepare(struct run *run)
{
    return set_up_encoder(run) && read_manifest(run) && describe(run) &&
           folder_name(&run->folder, run->out, &run->failure) &&
           (run->folder.rank != 0 || folder_open(&run->folder, run->settings_text, &run->failure));
}

static void end(struct run *run)
{
    manifest_free(&run->manifest);
    free(run->text);
    free(run->settings_text);
    wsic_encoder_destroy(run->encoder);
    wsic_context_destroy(run->context);
}

int main(int argc, char **argv)
{
    struct run run = {.out = NULL};

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &run.folder.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &run.folder.ranks);
    if (argc < 3) {
        if (run.folder.rank == 0)
            fprintf(stderr, "usage: watersic-mpi MANIFEST OUT [NAME=VALUE...]\n");
        MPI_Finalize();
        return EXIT_FAILURE;
    }
    run.manifest_path = argv[1];
    run.out = argv[2];
    run.settings = argv + 3;
    run.setting_count = argc - 3;
    const bool prepared =
        folder_all_ready(&run.folder, "watersic-mpi", prepare(&run), &run.failure);
    if (prepared && !quantize_all(&run)) {
        /* The others may be waiting for this rank. What is on the disk serves the next run. */
        fprintf(stderr, "watersic-mpi: rank %d: %s\n", run.folder.rank, run.failure.text);
        MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    }
    end(&run);
    MPI_Finalize();
    return prepared ? EXIT_SUCCESS : EXIT_FAILURE;
}
