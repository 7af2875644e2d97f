/* SPDX-License-Identifier: MIT */
#include "common/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/path.h"

/* Renaming a file onto /dev/null or a pipe would replace the device itself. */
static bool is_special(const char *path)
{
    struct stat facts;

    return stat(path, &facts) == 0 && !S_ISREG(facts.st_mode);
}

/* As the library's writers do it: the name does not derive from the final one, which may be as long
 * as a name can be, and what another process of the same number has left is stepped over. */
static int create_temporary(atomic_file *file)
{
    enum { ATTEMPTS = 10000, SUFFIX = 64 };
    const size_t folder = path_folder_length(file->path);

    file->temporary = malloc(folder + SUFFIX);
    if (!file->temporary)
        return -1;
    memcpy(file->temporary, file->path, folder);
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        snprintf(file->temporary + folder, SUFFIX, ".watersic-%ld-%u", (long)getpid(), attempt);
        const int descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0)
            return descriptor;
        if (errno != EEXIST)
            break;
    }
    /* What stands there under the temporary name is not ours to remove. */
    free(file->temporary);
    file->temporary = NULL;
    return -1;
}

bool atomic_file_is_possible(const char *path, struct failure *failure)
{
    char folder[PATH_MAX];

    return path_format(folder, failure, "%.*s.", (int)path_folder_length(path), path) &&
           (access(folder, W_OK | X_OK) == 0 ||
            refuse(failure, "%s: cannot be written: %s", path, strerror(errno)));
}

bool atomic_file_open(atomic_file *file, const char *path, struct failure *failure)
{
    *file = (atomic_file){.path = strdup(path)};
    if (!file->path)
        return refuse(failure, "%s: out of memory", path);
    const int descriptor =
        is_special(path) ? open(path, O_WRONLY | O_CLOEXEC) : create_temporary(file);
    file->stream = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (file->stream)
        return true;

    refuse(failure, "%s: cannot be written: %s", path, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    atomic_file_abandon(file);
    return false;
}

bool atomic_file_write(atomic_file *file, const void *data, size_t size, struct failure *failure)
{
    if (fwrite(data, 1, size, file->stream) == size)
        return true;
    return refuse(failure, "%s: cannot be written: %s", file->path, strerror(errno));
}

static bool finish(atomic_file *file)
{
    if (fflush(file->stream) != 0)
        return false;
    if (!file->temporary)
        return true;
    return fsync(fileno(file->stream)) == 0 && rename(file->temporary, file->path) == 0;
}

bool atomic_file_commit(atomic_file *file, struct failure *failure)
{
    const bool done = finish(file);

    if (!done) {
        refuse(failure, "%s: cannot be written: %s", file->path, strerror(errno));
    } else {
        free(file->temporary);
        file->temporary = NULL;
    }
    atomic_file_abandon(file);
    return done;
}

void atomic_file_abandon(atomic_file *file)
{
    if (file->stream)
        fclose(file->stream);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (atomic_file){.stream = NULL};
}

bool atomic_file_put(const char *path, const void *data, size_t size, struct failure *failure)
{
    atomic_file file;

    if (!atomic_file_open(&file, path, failure))
        return false;
    const bool ok =
        atomic_file_write(&file, data, size, failure) && atomic_file_commit(&file, failure);
    atomic_file_abandon(&file);
    return ok;
}
