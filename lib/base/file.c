/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/system_error.h"

static size_t directory_length(const char *path)
{
    const char *const slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
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

/* Whether the name is that of the open file. Whoever had the lock before may have given the file
 * its final name; and names can be removed and used again behind one's back. */
static bool is_still_there(int descriptor, const char *path)
{
    struct stat opened, named;

    return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
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
        file->descriptor = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->descriptor >= 0)
            return WSIC_OK;
        if (errno != EEXIST)
            break;
    }
    status = wsic_fail_errno(env, errno, "creating a temporary file", file->temporary);
    wsic_free(env, file->temporary);
    file->temporary = NULL;
    return status;
}

/* Make a writer of this path whose temporary file open_file() provides. */
static wsic_status create(const wsic_env *env, const char *path,
                          wsic_status (*open_file)(const wsic_env *env, wsic_file_writer *file),
                          wsic_file_writer *file)
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
    status = open_file(env, file);
    if (status != WSIC_OK) {
        wsic_free(env, file->path);
        file->path = NULL;
    }
    return status;
}

wsic_status wsic_file_create(const wsic_env *env, const char *path, wsic_file_writer *file)
{
    const int saved = errno;
    const wsic_status status = create(env, path, open_temporary, file);
    errno = saved;
    return status;
}

/* Locks of fcntl() do not keep apart two writers of one process, and vanish as soon as that
 * process closes the file anywhere. Where the file system has none, one goes without. */
static wsic_status lock(const wsic_env *env, int descriptor, const char *path)
{
    int result;

    do
        result = flock(descriptor, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    if (result != 0 && errno == EWOULDBLOCK)
        return wsic_fail(env, WSIC_ERROR_IO, "another writer is at work on the unfinished file: %s",
                         path);
    if (result != 0)
        wsic_log(env, WSIC_LOG_WARNING, "no lock keeps other writers away from %s", path);
    return WSIC_OK;
}

/* A link is not followed, since only the link would get the final name; without O_NONBLOCK a pipe
 * could block. */
static wsic_status open_locked(const wsic_env *env, const char *path, int *descriptor)
{
    enum { ATTEMPTS = 100 };
    struct stat facts;
    wsic_status status = WSIC_OK;

    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        const int opened = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
        if (opened < 0)
            return wsic_fail_errno(env, errno, "opening the unfinished file", path);
        if (fstat(opened, &facts) != 0 || !S_ISREG(facts.st_mode))
            status = wsic_fail(env, WSIC_ERROR_IO, "not a regular file: %s", path);
        else
            status = lock(env, opened, path);
        if (status == WSIC_OK && is_still_there(opened, path)) {
            *descriptor = opened;
            return WSIC_OK;
        }
        close(opened);
        if (status != WSIC_OK)
            return status;
    }
    return wsic_fail(env, WSIC_ERROR_IO, "other writers keep replacing the unfinished file: %s",
                     path);
}

static wsic_status open_unfinished(const wsic_env *env, wsic_file_writer *file)
{
    const size_t length = strlen(file->path);
    wsic_status status;

    file->temporary = wsic_alloc(env, length + sizeof WSIC_FILE_UNFINISHED, 1, &status);
    if (!file->temporary)
        return status;
    memcpy(file->temporary, file->path, length);
    memcpy(file->temporary + length, WSIC_FILE_UNFINISHED, sizeof WSIC_FILE_UNFINISHED);
    status = open_locked(env, file->temporary, &file->descriptor);
    if (status != WSIC_OK) {
        wsic_free(env, file->temporary);
        file->temporary = NULL;
    }
    file->kept = true;
    return status;
}

static wsic_status resume(const wsic_env *env, const char *path, wsic_file_writer *file,
                          uint64_t *size)
{
    struct stat facts;

    wsic_status status = create(env, path, open_unfinished, file);
    if (status != WSIC_OK)
        return status;
    if (fstat(file->descriptor, &facts) != 0) {
        status = wsic_fail_errno(env, errno, "asking for the size", file->temporary);
        wsic_file_abandon(env, file);
        return status;
    }
    *size = (uint64_t)facts.st_size;
    /* The name of a new file must survive a crash as its contents do. */
    if (*size == 0)
        synchronize_directory(file->path);
    return WSIC_OK;
}

wsic_status wsic_file_resume(const wsic_env *env, const char *path, wsic_file_writer *file,
                             uint64_t *size)
{
    const int saved = errno;
    const wsic_status status = resume(env, path, file, size);
    errno = saved;
    return status;
}

wsic_source wsic_file_source(const wsic_file_writer *file, uint64_t size)
{
    return (wsic_source){.descriptor = file->descriptor, .size = size};
}

static wsic_status write_range(const wsic_env *env, wsic_file_writer *file, uint64_t offset,
                               const uint8_t *data, size_t size)
{
    while (size != 0) {
        const ssize_t written = pwrite(file->descriptor, data, size, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return wsic_fail_errno(env, errno, "writing", file->path);
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

static wsic_status cut(const wsic_env *env, wsic_file_writer *file, uint64_t size)
{
    if (ftruncate(file->descriptor, (off_t)size) != 0)
        return wsic_fail_errno(env, errno, "setting the size", file->path);
    return WSIC_OK;
}

wsic_status wsic_file_cut(const wsic_env *env, wsic_file_writer *file, uint64_t size)
{
    const int saved = errno;
    const wsic_status status = cut(env, file, size);
    errno = saved;
    return status;
}

void wsic_file_drop(wsic_file_writer *file, uint64_t size)
{
    const int saved = errno;
    const int result = ftruncate(file->descriptor, (off_t)size);
    (void)result;
    errno = saved;
}

static wsic_status bring_to_disk(const wsic_env *env, wsic_file_writer *file)
{
    /* After a failed fsync() the system forgets which pages it could not write, and a
     * second one would succeed. */
    if (file->lost_data)
        return wsic_fail(env, WSIC_ERROR_IO, "the system lost data written earlier: %s",
                         file->path);
    if (synchronize(file->descriptor) != 0) {
        file->lost_data = true;
        return wsic_fail_errno(env, errno, "writing to the disk", file->path);
    }
    return WSIC_OK;
}

wsic_status wsic_file_synchronize(const wsic_env *env, wsic_file_writer *file)
{
    const int saved = errno;
    const wsic_status status = bring_to_disk(env, file);
    errno = saved;
    return status;
}

static wsic_status commit(const wsic_env *env, wsic_file_writer *file, uint64_t size)
{
    wsic_status status = cut(env, file, size);

    if (status == WSIC_OK)
        status = bring_to_disk(env, file);
    if (status != WSIC_OK)
        return status;
    if (!is_still_there(file->descriptor, file->temporary))
        return wsic_fail(env, WSIC_ERROR_IO, "the temporary file was removed by someone else: %s",
                         file->temporary);
    if (rename(file->temporary, file->path) != 0)
        return wsic_fail_errno(env, errno, "renaming the temporary file", file->path);
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
    /* The lock goes with the descriptor: nobody may get it before the name is gone. */
    if (file->temporary && !file->kept && is_still_there(file->descriptor, file->temporary))
        unlink(file->temporary);
    close(file->descriptor);
    wsic_free(env, file->temporary);
    wsic_free(env, file->path);
    *file = (wsic_file_writer){.descriptor = -1};
    errno = saved;
}
