/* SPDX-License-Identifier: MIT */
#include "llm/run/external.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/npy.h"
#include "common/path.h"
#include "common/safetensors.h"
#include "common/text_end.h"
#include "llm/run/samples.h"

struct external {
    char *directory;
    struct safetensors **files;
    size_t count;
};

/* --- the directory ----------------------------------------------------------- */

static bool is_safetensors(const char *name)
{
    static const char end[] = ".safetensors";
    const size_t length = strlen(name);

    return length >= sizeof end && strcmp(name + length - strlen(end), end) == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool open_file(struct external *external, const char *name, struct failure *failure)
{
    struct safetensors **const files =
        realloc(external->files, (external->count + 1) * sizeof *files);
    char path[PATH_MAX];

    if (!files)
        return refuse(failure, "%s: out of memory", external->directory);
    external->files = files;
    return path_join(path, external->directory, name, failure) &&
           safetensors_open(&files[external->count], path, failure) && (external->count++, true);
}

static bool open_named(struct external *external, char **names, size_t count,
                       struct failure *failure)
{
    if (count > 0)
        qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++)
        if (!open_file(external, names[i], failure))
            return false;
    return true;
}

/* In the order of their names: that of a directory is any. */
static bool open_files(struct external *external, DIR *directory, struct failure *failure)
{
    char **names = NULL;
    size_t count = 0;
    bool ok = true;

    for (struct dirent *entry; ok && (entry = readdir(directory));) {
        if (!is_safetensors(entry->d_name))
            continue;
        char **const more = realloc(names, (count + 1) * sizeof *names);
        names = more ? more : names;
        ok = more && (names[count] = strdup(entry->d_name));
        count += ok;
    }
    ok = ok ? open_named(external, names, count, failure)
            : refuse(failure, "%s: out of memory", external->directory);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return ok;
}

bool external_open(struct external **out, const char *directory, struct failure *failure)
{
    struct external *const external = calloc(1, sizeof *external);
    DIR *const stream = opendir(directory);
    const int reason = errno;
    bool ok = external && (external->directory = strdup(directory));

    *out = NULL;
    if (!ok)
        refuse(failure, "%s: out of memory", directory);
    else
        ok = stream ? open_files(external, stream, failure)
                    : refuse(failure, "%s: %s", directory, strerror(reason));
    if (stream)
        closedir(stream);
    if (ok)
        *out = external;
    else
        external_close(external);
    return ok;
}

void external_close(struct external *external)
{
    if (!external)
        return;
    for (size_t i = 0; i < external->count; i++)
        safetensors_close(external->files[i]);
    free(external->files);
    free(external->directory);
    free(external);
}

/* --- a matrix ---------------------------------------------------------------- */

/* One matrix on its way: its statistics as far as they are made. */
struct request {
    const struct external *external;
    wsic_context *context;
    const char *name;
    size_t columns;
    wsic_stats *stats;
    struct failure *failure;
};

enum finding { FINDING_NOTHING, FINDING_DONE, FINDING_FAILED };

static enum finding fail(const struct request *request, const char *where, const char *reason)
{
    refuse(request->failure, "%s: statistics of \"%s\": %s", where, request->name, reason);
    return FINDING_FAILED;
}

static enum finding add(struct request *request, const char *where, const wsic_matrix *matrix,
                        bool covariance)
{
    wsic_status status;

    if (!request->stats &&
        wsic_stats_create(request->context, request->columns, &request->stats) < 0)
        return fail(request, where, wsic_context_message(request->context));
    if (covariance)
        status = wsic_stats_add_covariance(request->stats, matrix, 1);
    else
        status = wsic_stats_add_activations(request->stats, matrix, NULL);
    return status < 0 ? fail(request, where, wsic_stats_message(request->stats)) : FINDING_DONE;
}

/* A name that is too long for the system is that of no file. */
static bool find_file(char path[PATH_MAX], const struct external *external, const char *stem,
                      const char *end)
{
    struct failure ignored;

    return path_format(path, &ignored, "%s/%s%s", external->directory, stem, end) &&
           access(path, F_OK) == 0;
}

static enum finding add_npy(struct request *request, const char *stem, const char *end,
                            bool covariance)
{
    char path[PATH_MAX];
    npy_array array;
    wsic_matrix matrix;

    if (!find_file(path, request->external, stem, end))
        return FINDING_NOTHING;
    if (!npy_read(path, &array, request->failure))
        return FINDING_FAILED;
    enum finding finding = FINDING_FAILED;
    if (!npy_is_real(&array, request->failure) ||
        (covariance && !npy_widen(&array, request->failure))) {
        const struct failure reason = *request->failure;
        fail(request, path, reason.text);
    } else {
        wsic_matrix_init(&matrix, sizeof matrix, array.data, array.dtype, array.rows, array.columns,
                         0);
        finding = add(request, path, &matrix, covariance);
    }
    npy_release(&array);
    return finding;
}

static enum finding add_batches(struct request *request, const char *stem)
{
    enum finding finding = FINDING_DONE;
    size_t batches = 0;
    char end[40];

    for (; finding == FINDING_DONE; batches++) {
        snprintf(end, sizeof end, ".%zu.npy", batches);
        finding = add_npy(request, stem, end, false);
    }
    return finding == FINDING_NOTHING && batches > 1 ? FINDING_DONE : finding;
}

static enum finding add_tensor(struct request *request, const struct tensor *tensor,
                               bool covariance)
{
    float *const values = malloc(tensor->count * sizeof *values);
    const size_t columns = tensor->dimensions > 0 ? tensor->shape[tensor->dimensions - 1] : 1;
    wsic_matrix matrix;

    if (!values)
        return fail(request, tensor->file, "out of memory");
    enum finding finding = FINDING_FAILED;
    if (columns == 0 || tensor->dimensions < 2)
        fail(request, tensor->file, "the tensor is no matrix");
    else if (tensor_read_f32(tensor, values, request->failure)) {
        wsic_matrix_init(&matrix, sizeof matrix, values, WSIC_F32, tensor->count / columns, columns,
                         0);
        finding = add(request, tensor->file, &matrix, covariance);
    }
    tensor_release(tensor);
    free(values);
    return finding;
}

static enum finding add_from_tensors(struct request *request, const char *stem)
{
    const struct external *const external = request->external;
    char name[PATH_MAX];

    for (size_t i = 0; i < external->count; i++) {
        snprintf(name, sizeof name, "%s.covariance", stem);
        const struct tensor *const covariance = safetensors_find(external->files[i], name);
        if (covariance)
            return add_tensor(request, covariance, true);
        snprintf(name, sizeof name, "%s.inputs", stem);
        const struct tensor *const inputs = safetensors_find(external->files[i], name);
        if (inputs)
            return add_tensor(request, inputs, false);
    }
    return FINDING_NOTHING;
}

static enum finding load_saved(struct request *request, const char *stem)
{
    char path[PATH_MAX];

    if (!find_file(path, request->external, stem, ".wstat"))
        return FINDING_NOTHING;
    if (wsic_stats_load(request->context, path, &request->stats) < 0)
        return fail(request, path, wsic_context_message(request->context));
    return wsic_stats_columns(request->stats) == request->columns
               ? FINDING_DONE
               : fail(request, path, "they are of another number of inputs");
}

static enum finding find(struct request *request, const char *stem)
{
    enum finding finding = load_saved(request, stem);

    if (finding == FINDING_NOTHING)
        finding = add_npy(request, stem, ".covariance.npy", true);
    if (finding == FINDING_NOTHING)
        finding = add_npy(request, stem, ".npy", false);
    if (finding == FINDING_NOTHING)
        finding = add_batches(request, stem);
    if (finding == FINDING_NOTHING)
        finding = add_from_tensors(request, stem);
    return finding;
}

/* Where its statistics may be: under its name, or without ".weight" at its end. Returns whether
 * there is a second stem. */
static bool find_stems(const char *name, char stems[2][PATH_MAX])
{
    static const char end[] = ".weight";
    const size_t length = strlen(name);

    snprintf(stems[0], PATH_MAX, "%s", name);
    strcpy(stems[1], stems[0]);
    if (!text_ends_with(stems[0], end) || length < sizeof end)
        return false;
    stems[1][length - strlen(end)] = '\0';
    return true;
}

static bool refuse_missing(const struct external *external, const char *name,
                           struct failure *failure)
{
    return refuse(
        failure,
        "%s: no statistics of \"%s\": neither .wstat, .covariance.npy, .npy, .0.npy, nor a "
        "tensor .covariance or .inputs of a .safetensors file has its name",
        external->directory, name);
}

bool external_stats(const struct external *external, wsic_context *context, const char *name,
                    size_t columns, wsic_stats **stats, struct failure *failure)
{
    struct request request = {.external = external,
                              .context = context,
                              .name = name,
                              .columns = columns,
                              .failure = failure};
    char stems[2][PATH_MAX];
    const bool second = find_stems(name, stems);
    enum finding finding = find(&request, stems[0]);

    if (finding == FINDING_NOTHING && second)
        finding = find(&request, stems[1]);
    if (finding == FINDING_NOTHING)
        refuse_missing(external, name, failure);
    if (finding != FINDING_DONE)
        wsic_stats_destroy(request.stats);
    *stats = finding == FINDING_DONE ? request.stats : NULL;
    return finding == FINDING_DONE;
}

/* --- whether they are what they were ------------------------------------------ */

struct samples {
    const struct external *external;
    uint64_t fingerprint;
    size_t found;
    struct failure *failure;
};

static bool add_file(struct samples *samples, const char *stem, const char *end)
{
    char path[PATH_MAX];

    if (!find_file(path, samples->external, stem, end))
        return true;
    samples->found++;
    return samples_of_file(&samples->fingerprint, path, samples->failure);
}

static bool add_all_batches(struct samples *samples, const char *stem)
{
    char end[40];
    size_t before;
    size_t batch = 0;

    do {
        before = samples->found;
        snprintf(end, sizeof end, ".%zu.npy", batch++);
        if (!add_file(samples, stem, end))
            return false;
    } while (samples->found > before);
    return true;
}

static void add_tensors(struct samples *samples, const char *stem)
{
    static const char *const ends[] = {"covariance", "inputs"};
    char name[PATH_MAX + 16];

    for (size_t i = 0; i < samples->external->count; i++) {
        for (size_t j = 0; j < 2; j++) {
            snprintf(name, sizeof name, "%s.%s", stem, ends[j]);
            const struct tensor *const tensor = safetensors_find(samples->external->files[i], name);
            if (!tensor)
                continue;
            samples->found++;
            samples->fingerprint = samples_of_tensor(samples->fingerprint, tensor);
        }
    }
}

static bool add_stem(struct samples *samples, const char *stem)
{
    static const char *const ends[] = {".wstat", ".covariance.npy", ".npy"};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (!add_file(samples, stem, ends[i]))
            return false;
    if (!add_all_batches(samples, stem))
        return false;
    add_tensors(samples, stem);
    return true;
}

bool external_fingerprint(const struct external *external, const char *name, uint64_t *fingerprint,
                          struct failure *failure)
{
    struct samples samples = {
        .external = external, .fingerprint = *fingerprint, .failure = failure};
    char stems[2][PATH_MAX];
    const bool second = find_stems(name, stems);

    if (!add_stem(&samples, stems[0]) || (second && !add_stem(&samples, stems[1])))
        return false;
    *fingerprint = samples.fingerprint;
    return samples.found > 0 || refuse_missing(external, name, failure);
}
