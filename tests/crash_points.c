/* SPDX-License-Identifier: MIT */
/* Loaded before the C library (LD_PRELOAD): ends the process, as SIGKILL does, at call number
 * CRASH_AT of those that change files. CRASH_MODE is before, half (of the bytes of a write) or
 * after. It also holds the rule that makes a file survive a power cut: a file gets its name when
 * its bytes were brought to the disk, and not earlier. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { EXIT_RENAMED_TOO_EARLY = 99 };

static long calls;
static bool dirty; /* written, and not brought to the disk since */

static void die(void)
{
    kill(getpid(), SIGKILL);
}

/* True if this is the call; in mode before it does not come back. */
static bool arrive(void)
{
    const char *const at = getenv("CRASH_AT");
    const char *const mode = getenv("CRASH_MODE");

    if (!at || ++calls != atol(at))
        return false;
    if (mode && strcmp(mode, "before") == 0)
        die();
    return true;
}

static bool half(void)
{
    const char *const mode = getenv("CRASH_MODE");

    return mode && strcmp(mode, "half") == 0;
}

/* The C library's function of that name, into a pointer to a function: C has no conversion. */
static void find(void *pointer, const char *name)
{
    void *const symbol = dlsym(RTLD_NEXT, name);

    memcpy(pointer, &symbol, sizeof symbol);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t offset)
{
    ssize_t (*next)(int, const void *, size_t, off_t);
    const bool here = arrive();

    find(&next, "pwrite");

    dirty = true;
    const ssize_t written = next(file, data, here && half() ? size / 2 : size, offset);
    if (here)
        die();
    return written;
}

int ftruncate(int file, off_t size)
{
    int (*next)(int, off_t);
    const bool here = arrive();

    find(&next, "ftruncate");

    dirty = true;
    const int result = next(file, size);
    if (here)
        die();
    return result;
}

int fsync(int file)
{
    int (*next)(int);
    const bool here = arrive();

    find(&next, "fsync");

    const int result = next(file);
    dirty = false;
    if (here)
        die();
    return result;
}

int rename(const char *from, const char *to)
{
    int (*next)(const char *, const char *);
    const bool here = arrive();

    find(&next, "rename");

    if (dirty) {
        fprintf(stderr, "%s was renamed before it was brought to the disk\n", from);
        _exit(EXIT_RENAMED_TOO_EARLY);
    }
    const int result = next(from, to);
    if (here)
        die();
    return result;
}

int unlink(const char *path)
{
    int (*next)(const char *);
    const bool here = arrive();

    find(&next, "unlink");

    const int result = next(path);
    if (here)
        die();
    return result;
}
