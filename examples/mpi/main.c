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
#include <sys/stat.h>
#include <unistd.h>

#include "mpi/deal.h"
#include "mpi/reduce.h"

struct run {
    int rank, ranks;
    const char *manifest_path, *out;
    char **settings;
    int setting_count;
    wsic_context *context;
    wsic_encoder *encoder;
    char *text; /* of the manifest */
    struct manifest manifest;
    char *settings_text; /* what makes two runs the same */
    char folder[STATISTICS_PATH_SIZE - 64];
    char scratch[STATISTICS_PATH_SIZE];
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

static bool name_files(struct run *run)
{
    const char *const temporary = getenv("TMPDIR");

    if ((size_t)snprintf(run->folder, sizeof run->folder, "%s.inputs", run->out) >=
        sizeof run->folder)
        return refuse(&run->failure, "the name of the output is too long");
    snprintf(run->scratch, sizeof run->scratch, "%s/watersic-mpi.%ld.%d",
             temporary ? temporary : "/tmp", (long)getpid(), run->rank);
    return true;
}

/* Statistics in the folder are those of the run whose settings are beside them. */
static bool same_settings(struct run *run, FILE *file)
{
    char *const text = run->settings_text;
    const size_t length = strlen(text);
    size_t i = 0;

    while (i < length && fgetc(file) == (unsigned char)text[i])
        i++;
    return (i == length && fgetc(file) == EOF) ||
           refuse(&run->failure,
                  "%s was left by a run with other settings or another manifest: remove it, and "
                  "%s.part, to begin anew",
                  run->folder, run->out);
}

static bool open_folder(struct run *run)
{
    char path[STATISTICS_PATH_SIZE];
    bool ok;

    if (mkdir(run->folder, 0777) != 0 && errno != EEXIST)
        return refuse(&run->failure, "%s: %s", run->folder, strerror(errno));
    snprintf(path, sizeof path, "%s/run", run->folder);
    FILE *file = fopen(path, "r");
    if (file) {
        ok = same_settings(run, file);
        fclose(file);
        return ok;
    }
    file = fopen(path, "w");
    ok = file && fputs(run->settings_text, file) >= 0;
    if (file)
        ok = fclose(file) == 0 && ok;
    return ok || refuse(&run->failure, "%s: %s", path, strerror(errno));
}

/* Which inputs are done from an earlier run: rank 0 knows, and all must agree. */
static bool is_done(struct run *run, size_t input)
{
    char path[STATISTICS_PATH_SIZE];
    int done = 0;

    if (run->rank == 0) {
        statistics_path(path, run->folder, input);
        done = access(path, R_OK) == 0;
    }
    MPI_Bcast(&done, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return done;
}

static bool reduce_all(struct run *run)
{
    const struct reduction reduction = {.context = run->context,
                                        .rank = (size_t)run->rank,
                                        .ranks = (size_t)run->ranks,
                                        .scratch = run->scratch};
    char path[STATISTICS_PATH_SIZE];

    for (size_t i = 0; i < run->manifest.input_count; i++) {
        statistics_path(path, run->folder, i);
        if (!is_done(run, i) &&
            !reduce_input(&reduction, &run->manifest.inputs[i], path, &run->failure))
            return false;
    }
    /* Nobody reads statistics before they are all there. */
    MPI_Barrier(MPI_COMM_WORLD);
    return true;
}

static void remove_folder(const struct run *run)
{
    char path[STATISTICS_PATH_SIZE];

    for (size_t i = 0; i < run->manifest.input_count; i++) {
        statistics_path(path, run->folder, i);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/run", run->folder);
    unlink(path);
    rmdir(run->folder);
}

static bool write_output(struct run *run, struct workshop *workshop)
{
    struct output output;

    if (!output_begin(&output, run->context, &run->manifest, run->out, run->settings_text,
                      &run->failure))
        return false;
    const bool ok = (run->ranks == 1 ? deal_alone(workshop, &output, &run->failure)
                                     : deal_out(&output, run->ranks, &run->failure)) &&
                    output_finish(&output, &run->failure);
    output_end(&output);
    if (ok)
        remove_folder(run);
    return ok;
}

static bool quantize_all(struct run *run)
{
    struct workshop workshop = {.context = run->context,
                                .encoder = run->encoder,
                                .manifest = &run->manifest,
                                .folder = run->folder};
    const bool ok =
        run->rank == 0 ? write_output(run, &workshop) : deal_in(&workshop, &run->failure);

    wsic_stats_destroy(workshop.stats);
    return ok;
}

/* What goes wrong for all ranks alike is told by one of them. */
static bool all_prepared(struct run *run, bool ok)
{
    int failing = ok ? run->ranks : run->rank, first;

    MPI_Allreduce(&failing, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (first == run->rank)
        fprintf(stderr, "watersic-mpi: %s\n", run->failure.text);
    return first == run->ranks;
}

static bool prepare(struct run *run)
{
    return set_up_encoder(run) && read_manifest(run) && describe(run) && name_files(run) &&
           (run->rank != 0 || open_folder(run));
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
    struct run run = {.rank = 0};

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &run.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &run.ranks);
    if (argc < 3) {
        if (run.rank == 0)
            fprintf(stderr, "usage: watersic-mpi MANIFEST OUT [NAME=VALUE...]\n");
        MPI_Finalize();
        return EXIT_FAILURE;
    }
    run.manifest_path = argv[1];
    run.out = argv[2];
    run.settings = argv + 3;
    run.setting_count = argc - 3;
    const bool prepared = all_prepared(&run, prepare(&run));
    if (prepared && !(reduce_all(&run) && quantize_all(&run))) {
        /* The others may be waiting for this rank. What is on the disk serves the next run. */
        fprintf(stderr, "watersic-mpi: rank %d: %s\n", run.rank, run.failure.text);
        MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    }
    end(&run);
    MPI_Finalize();
    return prepared ? EXIT_SUCCESS : EXIT_FAILURE;
}
