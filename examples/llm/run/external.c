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

bool external_stats(const struct external *external, wsic_context *context, const char *name,
                    size_t columns, wsic_stats **stats, struct failure *failure)
{
    static const char end[] = ".weight";
    struct request request = {.external = external,
                              .context = context,
                              .name = name,
                              .columns = columns,
                              .failure = failure};
    const size_t length = strlen(name);
    char stem[PATH_MAX];

    snprintf(stem, sizeof stem, "%s", name);
    enum finding finding = find(&request, stem);
    if (finding == FINDING_NOTHING && length > strlen(end) &&
        strcmp(name + length - strlen(end), end) == 0) {
        stem[length - strlen(end)] = '\0';
        finding = find(&request, stem);
    }
    if (finding == FINDING_NOTHING)
        refuse(failure,
               "%s: no statistics of \"%s\": neither .wstat, .covariance.npy, .npy, .0.npy, nor a "
               "tensor .covariance or .inputs of a .safetensors file has its name",
               external->directory, name);
    if (finding != FINDING_DONE)
        wsic_stats_destroy(request.stats);
    *stats = finding == FINDING_DONE ? request.stats : NULL;
    return finding == FINDING_DONE;
}
