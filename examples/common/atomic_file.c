/* SPDX-License-Identifier: MIT */
#include "common/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Renaming a file onto /dev/null or a pipe would replace the device itself. */
static bool is_special(const char *path)
{
    struct stat facts;

    return stat(path, &facts) == 0 && !S_ISREG(facts.st_mode);
}

static char *temporary_name(const char *path)
{
    const size_t size = strlen(path) + 32;
    char *const name = malloc(size);

    if (name)
        snprintf(name, size, "%s.%ld.tmp", path, (long)getpid());
    return name;
}

bool atomic_file_open(atomic_file *file, const char *path, struct failure *failure)
{
    const bool direct = is_special(path);

    *file = (atomic_file){.path = strdup(path), .temporary = direct ? NULL : temporary_name(path)};
    if (!file->path || (!direct && !file->temporary)) {
        atomic_file_abandon(file);
        return refuse(failure, "%s: out of memory", path);
    }
    const int flags = direct ? O_WRONLY : O_WRONLY | O_CREAT | O_EXCL;
    const int descriptor = open(direct ? path : file->temporary, flags, 0666);
    file->stream = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (file->stream)
        return true;

    refuse(failure, "%s: cannot be written: %s", path, strerror(errno));
    if (descriptor >= 0) {
        close(descriptor);
    } else {
        /* What stands there under the temporary name is not ours to remove. */
        free(file->temporary);
        file->temporary = NULL;
    }
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
