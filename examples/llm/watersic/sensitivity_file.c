/* SPDX-License-Identifier: MIT */
#include "llm/watersic/sensitivity_file.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <watersic/watersic.h>

#include "common/atomic_file.h"
#include "common/path.h"

bool sensitivity_file_name(struct sensitivity_file *file, const char *directory,
                           const struct model *model, const struct tokens *tokens, size_t window,
                           double rate, struct failure *failure)
{
    uint64_t fingerprint = 0;

    *file = (struct sensitivity_file){.path = ""};
    if (!directory)
        return true;
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return refuse(failure, "%s: %s", directory, strerror(errno));
    if (!path_join(file->path, directory, SENSITIVITY_FILE_NAME, failure))
        return false;
    /* Other versions of the library may make other drafts. */
    fingerprint = fingerprint_text(fingerprint, wsic_version());
    fingerprint = fingerprint_model(fingerprint, model);
    fingerprint = fingerprint_tokens(fingerprint, tokens);
    fingerprint = fingerprint_number(fingerprint, (double)window);
    fingerprint = fingerprint_number(fingerprint, rate);
    fingerprint_print(fingerprint, file->fingerprint);
    return true;
}

/* One value for every layer. */
static bool read_values(const json_t *array, double *values, size_t count)
{
    if (json_array_size(array) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *const value = json_array_get(array, i);
        if (!json_is_number(value) || !(json_number_value(value) >= 0))
            return false;
        values[i] = json_number_value(value);
    }
    return true;
}

bool sensitivity_file_read(const struct sensitivity_file *file, double *values, size_t count)
{
    json_t *const root = file->path[0] != '\0' ? json_load_file(file->path, 0, NULL) : NULL;
    const char *const fingerprint = json_string_value(json_object_get(root, "fingerprint"));
    const bool ok = fingerprint && strcmp(fingerprint, file->fingerprint) == 0 &&
                    read_values(json_object_get(root, "sensitivities"), values, count);

    json_decref(root);
    return ok;
}

bool sensitivity_file_write(const struct sensitivity_file *file, const double *values, size_t count,
                            struct failure *failure)
{
    json_t *const array = json_array();

    if (file->path[0] == '\0') {
        json_decref(array);
        return true;
    }
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_real(values[i]));
    json_t *const root =
        json_pack("{s:s, s:o}", "fingerprint", file->fingerprint, "sensitivities", array);
    char *const text = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    const bool ok = text ? atomic_file_put(file->path, text, strlen(text), failure)
                         : refuse(failure, "%s: out of memory", file->path);
    free(text);
    json_decref(root);
    return ok;
}
