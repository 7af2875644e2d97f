/* SPDX-License-Identifier: MIT */
#include "base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(_POSIX_MAPPED_FILES) && _POSIX_MAPPED_FILES > 0
#include <sys/mman.h>
#endif

#include "base/system_error.h"

static wsic_status open_source(const wsic_env *env, const char *path, wsic_source *source)
{
    struct stat facts;

    *source = (wsic_source){.descriptor = -1};
    /* Without O_NONBLOCK a pipe without a writer would block here for ever. */
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return wsic_fail_errno(env, errno, "opening", path);
    if (fstat(descriptor, &facts) != 0) {
        const wsic_status status = wsic_fail_errno(env, errno, "asking for the size", path);
        close(descriptor);
        return status;
    }
    if (!S_ISREG(facts.st_mode)) {
        close(descriptor);
        return wsic_fail(env, WSIC_ERROR_IO, "not a regular file: %s", path);
    }
    source->descriptor = descriptor;
    source->owned = true;
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
    return (wsic_source){.memory = bytes, .descriptor = -1, .size = size};
}

static wsic_status read_range(const wsic_env *env, const wsic_source *source, uint64_t offset,
                              uint8_t *data, size_t size)
{
    while (size != 0) {
        const ssize_t count = pread(source->descriptor, data, size, (off_t)offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return wsic_fail_errno(env, errno, "reading", "the open file");
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
    if (source->descriptor < 0) {
        memcpy(data, source->memory + offset, size);
        return WSIC_OK;
    }
    const int saved = errno;
    const wsic_status status = read_range(env, source, offset, data, size);
    errno = saved;
    return status;
}

/* Shared, not private: there is one copy of the pages for all processes. */
static void map_source(wsic_source *source)
{
#if defined(_POSIX_MAPPED_FILES) && _POSIX_MAPPED_FILES > 0
    if (source->size == 0 || source->size > SIZE_MAX)
        return;
    void *const memory =
        mmap(NULL, (size_t)source->size, PROT_READ, MAP_SHARED, source->descriptor, 0);
    if (memory != MAP_FAILED)
        source->memory = memory;
#else
    (void)source;
#endif
}

void wsic_source_map(wsic_source *source)
{
    const int saved = errno;
    map_source(source);
    errno = saved;
}

static void unmap_source(const wsic_source *source)
{
#if defined(_POSIX_MAPPED_FILES) && _POSIX_MAPPED_FILES > 0
    if (source->memory)
        munmap((void *)(uintptr_t)source->memory, (size_t)source->size);
#else
    (void)source;
#endif
}

void wsic_source_close(wsic_source *source)
{
    const int saved = errno;

    if (source->owned) {
        unmap_source(source);
        close(source->descriptor);
    }
    *source = (wsic_source){.descriptor = -1};
    errno = saved;
}
