/* SPDX-License-Identifier: MIT */
#include "llm/model/json_file.h"

#include <unistd.h>

#include "common/path.h"

json_t *json_file_load(const char *path, size_t flags, struct failure *failure)
{
    json_error_t error;
    json_t *const root = json_load_file(path, flags, &error);

    if (!root && error.line > 0)
        refuse(failure, "%s: line %d: %s", path, error.line, error.text);
    else if (!root) /* The text names the file. */
        refuse(failure, "%s", error.text);
    return root;
}

bool json_file_look(json_t **root, char path[PATH_MAX], const char *directory, const char *name,
                    struct failure *failure)
{
    *root = NULL;
    if (!path_join(path, directory, name, failure))
        return false;
    if (access(path, F_OK) != 0)
        return true;
    *root = json_file_load(path, 0, failure);
    return *root != NULL;
}
