/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The reason stands before the path, which may be longer than a message. */
static wsic_status fail_errno(const wsic_env *env, int error, const char *action, const char *path)
{
    char reason[128];

    if (strerror_r(error, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", error);
    return wsic_fail(env, WSIC_ERROR_IO, "%s failed: %s: %s", action, reason, path);
}

/* --- writing ------------------------------------------------------------- */

static size_t directory_length(const char *path)
{
    const char *const slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Renaming over a device or a directory would fail after all the work, or do harm. */
static wsic_status check_target(const wsic_env *env, const char *path)
{
    struct stat status;

    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return wsic_fail(env, WSIC_ERROR_IO, "not a regular file: %s", path);
    return WSIC_OK;
}

/* The name does not derive from the final one, which may be as long as a name can be;
 * O_EXCL makes it unique. mkstemp() would make a file that only its owner can read. */
static wsic_status open_temporary(const wsic_env *env, wsic_file_writer *file)
{
    enum { ATTEMPTS = 10000, SUFFIX = 64 };
    const size_t directory = directory_length(file->path);
    wsic_status status;

    file->temporary = wsic_alloc(env, directory + SUFFIX, 1, &status);
    if (!file->temporary)
        return status;
    memcpy(file->temporary, file->path, directory);
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        snprintf(file->temporary + directory, SUFFIX, ".watersic-%jd-%u", (intmax_t)getpid(),
                 attempt);
        file->descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->descriptor >= 0)
            return WSIC_OK;
        if (errno != EEXIST)
            break;
    }
    status = fail_errno(env, errno, "creating a temporary file", file->temporary);
    wsic_free(env, file->temporary);
    file->temporary = NULL;
    return status;
}

static wsic_status create(const wsic_env *env, const char *path, wsic_file_writer *file)
{
    const size_t size = strlen(path) + 1;
    wsic_status status = check_target(env, path);

    *file = (wsic_file_writer){.descriptor = -1};
    if (status != WSIC_OK)
        return status;
    file->path = wsic_alloc(env, size, 1, &status);
    if (!file->path)
        return status;
    memcpy(file->path, path, size);
    status = open_temporary(env, file);
    if (status != WSIC_OK) {
        wsic_free(env, file->path);
        file->path = NULL;
    }
    return status;
}

wsic_status wsic_file_create(const wsic_env *env, const char *path, wsic_file_writer *file)
{
    const int saved = errno;
    const wsic_status status = create(env, path, file);
    errno = saved;
    return status;
}

static wsic_status write_range(const wsic_env *env, wsic_file_writer *file, uint64_t offset,
                               const uint8_t *data, size_t size)
{
    while (size != 0) {
        const ssize_t written = pwrite(file->descriptor, data, size, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_errno(env, errno, "writing", file->path);
        offset += (uint64_t)written;
        data += written;
        size -= (size_t)written;
    }
    return WSIC_OK;
}

wsic_status wsic_file_write(const wsic_env *env, wsic_file_writer *file, uint64_t offset,
                            const void *data, size_t size)
{
    const int saved = errno;
    const wsic_status status = write_range(env, file, offset, data, size);
    errno = saved;
    return status;
}

static int synchronize(int descriptor)
{
    int result;

    do
        result = fsync(descriptor);
    while (result != 0 && errno == EINTR);
    return result;
}

/* The new name itself reaches the disk with its directory. Not every file system can do
 * that, and the file is complete either way: failures do not count. */
static void synchronize_directory(char *path)
{
    const size_t length = directory_length(path);
    const char kept = path[length];

    path[length] = '\0';
    const int descriptor = open(length ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    path[length] = kept;
    if (descriptor < 0)
        return;
    synchronize(descriptor);
    close(descriptor);
}

static wsic_status commit(const wsic_env *env, wsic_file_writer *file, uint64_t size)
{
    /* After a failed fsync() the system forgets which pages it could not write, and a
     * second one would succeed. */
    if (file->lost_data)
        return wsic_fail(env, WSIC_ERROR_IO, "the system lost data written earlier: %s",
                         file->path);
    if (ftruncate(file->descriptor, (off_t)size) != 0)
        return fail_errno(env, errno, "setting the size", file->path);
    if (synchronize(file->descriptor) != 0) {
        file->lost_data = true;
        return fail_errno(env, errno, "writing to the disk", file->path);
    }
    if (rename(file->temporary, file->path) != 0)
        return fail_errno(env, errno, "renaming the temporary file", file->path);
    wsic_free(env, file->temporary);
    file->temporary = NULL;
    synchronize_directory(file->path);
    return WSIC_OK;
}

wsic_status wsic_file_commit(const wsic_env *env, wsic_file_writer *file, uint64_t size)
{
    const int saved = errno;
    const wsic_status status = commit(env, file, size);
    errno = saved;
    return status;
}

void wsic_file_abandon(const wsic_env *env, wsic_file_writer *file)
{
    const int saved = errno;

    if (!file->path)
        return;
    close(file->descriptor);
    if (file->temporary)
        unlink(file->temporary);
    wsic_free(env, file->temporary);
    wsic_free(env, file->path);
    *file = (wsic_file_writer){.descriptor = -1};
    errno = saved;
}

/* --- reading ------------------------------------------------------------- */

static wsic_status open_source(const wsic_env *env, const char *path, wsic_source *source)
{
    struct stat facts;

    *source = (wsic_source){.descriptor = -1};
    /* Without O_NONBLOCK a pipe without a writer would block here for ever. */
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return fail_errno(env, errno, "opening", path);
    if (fstat(descriptor, &facts) != 0) {
        const wsic_status status = fail_errno(env, errno, "asking for the size", path);
        close(descriptor);
        return status;
    }
    if (!S_ISREG(facts.st_mode)) {
        close(descriptor);
        return wsic_fail(env, WSIC_ERROR_IO, "not a regular file: %s", path);
    }
    source->descriptor = descriptor;
    source->open = true;
    source->size = (uint64_t)facts.st_size;
    return WSIC_OK;
}

wsic_status wsic_source_open(const wsic_env *env, const char *path, wsic_source *source)
{
    const int saved = errno;
    const wsic_status status = open_source(env, path, source);
    errno = saved;
    return status;
}

wsic_source wsic_source_memory(const void *bytes, size_t size)
{
    return (wsic_source){.memory = bytes, .descriptor = -1, .open = false, .size = size};
}

static wsic_status read_range(const wsic_env *env, const wsic_source *source, uint64_t offset,
                              uint8_t *data, size_t size)
{
    while (size != 0) {
        const ssize_t count = pread(source->descriptor, data, size, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail_errno(env, errno, "reading", "the open file");
        if (count == 0)
            return wsic_fail(env, WSIC_ERROR_TRUNCATED, "the file shrank while it was open");
        offset += (uint64_t)count;
        data += count;
        size -= (size_t)count;
    }
    return WSIC_OK;
}

wsic_status wsic_source_read(const wsic_env *env, const wsic_source *source, uint64_t offset,
                             void *data, size_t size)
{
    if (offset > source->size || size > source->size - offset)
        return wsic_fail(env, WSIC_ERROR_TRUNCATED,
                         "%zu bytes at offset %" PRIu64 " are not within %" PRIu64 " bytes", size,
                         offset, source->size);
    if (source->memory) {
        memcpy(data, source->memory + offset, size);
        return WSIC_OK;
    }
    const int saved = errno;
    const wsic_status status = read_range(env, source, offset, data, size);
    errno = saved;
    return status;
}

void wsic_source_close(wsic_source *source)
{
    const int saved = errno;

    if (source->open)
        close(source->descriptor);
    *source = (wsic_source){.descriptor = -1};
    errno = saved;
}
