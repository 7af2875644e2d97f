/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "system_faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

system_fault fault;
long processors_online;

void set_fault(system_call call, unsigned first, unsigned times, int error)
{
    fault = (system_fault){call, first, times, error, 0};
}

static bool is_hit(system_call call)
{
    if (fault.call != call || fault.met++ < fault.first)
        return false;
    if (fault.met > fault.first + fault.times)
        return false;
    errno = fault.error;
    return true;
}

/* The C library's function of that name, into a pointer to a function: C has no conversion. */
static void find_function(void *pointer, const char *name)
{
    void *const symbol = dlsym(RTLD_NEXT, name);

    memcpy(pointer, &symbol, sizeof symbol);
}

int open(const char *path, int flags, ...)
{
    int (*next)(const char *, int, ...);
    mode_t mode = 0;

    if (flags & O_CREAT) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    if (is_hit(CALL_OPEN))
        return -1;
    find_function(&next, "open");
    return next(path, flags, mode);
}

int fstat(int descriptor, struct stat *facts)
{
    int (*next)(int, struct stat *);

    if (is_hit(CALL_FSTAT))
        return -1;
    find_function(&next, "fstat");
    return next(descriptor, facts);
}

int lstat(const char *restrict path, struct stat *restrict facts)
{
    int (*next)(const char *, struct stat *);

    if (is_hit(CALL_LSTAT))
        return -1;
    find_function(&next, "lstat");
    return next(path, facts);
}

int flock(int descriptor, int operation)
{
    int (*next)(int, int);

    if (is_hit(CALL_FLOCK))
        return -1;
    find_function(&next, "flock");
    return next(descriptor, operation);
}

/* The true one takes long, and nobody pulls the plug here. */
int fsync(int descriptor)
{
    (void)descriptor;
    return is_hit(CALL_FSYNC) ? -1 : 0;
}

int ftruncate(int descriptor, off_t size)
{
    int (*next)(int, off_t);

    if (is_hit(CALL_FTRUNCATE))
        return -1;
    find_function(&next, "ftruncate");
    return next(descriptor, size);
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset)
{
    ssize_t (*next)(int, const void *, size_t, off_t);
    const bool hit = is_hit(CALL_PWRITE);

    if (hit && fault.error != 0)
        return -1;
    find_function(&next, "pwrite");
    return next(descriptor, data, hit ? (size + 1) / 2 : size, offset);
}

ssize_t pread(int descriptor, void *data, size_t size, off_t offset)
{
    ssize_t (*next)(int, void *, size_t, off_t);
    const bool hit = is_hit(CALL_PREAD);

    if (hit && fault.error != 0)
        return -1;
    find_function(&next, "pread");
    return next(descriptor, data, hit ? (size + 1) / 2 : size, offset);
}

int rename(const char *from, const char *to)
{
    int (*next)(const char *, const char *);

    if (is_hit(CALL_RENAME))
        return -1;
    find_function(&next, "rename");
    return next(from, to);
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                   void *(*start)(void *), void *restrict argument)
{
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (is_hit(CALL_THREAD))
        return fault.error;
    find_function(&next, "pthread_create");
    return next(thread, attributes, start, argument);
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    int (*next)(pthread_mutex_t *, const pthread_mutexattr_t *);

    if (is_hit(CALL_MUTEX))
        return fault.error;
    find_function(&next, "pthread_mutex_init");
    return next(mutex, attributes);
}

int sched_getaffinity(pid_t process, size_t size, cpu_set_t *set)
{
    int (*next)(pid_t, size_t, cpu_set_t *);

    if (is_hit(CALL_AFFINITY))
        return -1;
    find_function(&next, "sched_getaffinity");
    return next(process, size, set);
}

long sysconf(int name)
{
    long (*next)(int);

    if (name == _SC_NPROCESSORS_ONLN && processors_online != 0)
        return processors_online;
    find_function(&next, "sysconf");
    return next(name);
}
