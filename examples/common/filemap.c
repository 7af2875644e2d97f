/* SPDX-License-Identifier: MIT */
/* madvise() is not of POSIX, whose own posix_madvise() lets nothing go on Linux. */
#define _DEFAULT_SOURCE

#include "common/filemap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool map_descriptor(struct filemap *map, int descriptor, const char *path,
                           struct failure *failure)
{
    struct stat status;

    if (fstat(descriptor, &status) != 0)
        return refuse(failure, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(failure, "%s: not a regular file", path);
    if ((uintmax_t)status.st_size > SIZE_MAX)
        return refuse(failure, "%s: too large to be mapped", path);
    map->size = (size_t)status.st_size;
    map->data = NULL;
    if (map->size == 0)
        return true;

    void *const data = mmap(NULL, map->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED)
        return refuse(failure, "%s: %s", path, strerror(errno));
    map->data = data;
    return true;
}

bool filemap_open(struct filemap *map, const char *path, struct failure *failure)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);

    *map = (struct filemap){.size = 0};
    if (descriptor < 0)
        return refuse(failure, "%s: %s", path, strerror(errno));
    const bool ok = map_descriptor(map, descriptor, path, failure);
    close(descriptor);
    return ok;
}

void filemap_close(struct filemap *map)
{
    if (map->data)
        munmap((void *)(uintptr_t)map->data, map->size);
    *map = (struct filemap){.size = 0};
}

void filemap_release(const struct filemap *map, const unsigned char *data, size_t bytes)
{
    /* Linux maps the pages about one that is looked at as well, 64 KiB at a time. */
    const uintptr_t around = 64 << 10;
    const uintptr_t first = (uintptr_t)map->data;
    const uintptr_t behind = first + map->size;
    uintptr_t begin = (uintptr_t)data / around * around;
    uintptr_t end = ((uintptr_t)data + bytes + around - 1) / around * around;

    if (begin < first)
        begin = first;
    if (end > behind)
        end = behind;
    /* Advice: where it is not taken, the pages merely stay. */
    if (bytes > 0)
        madvise((void *)begin, end - begin, MADV_DONTNEED);
}
