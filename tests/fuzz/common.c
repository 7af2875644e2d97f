/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create() */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static wsic_context *contexts[WSIC_KERNELS_NEON + 1];

void fuzz_require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

wsic_context *fuzz_context(int32_t kernels)
{
    wsic_context **const context = &contexts[kernels];

    if (*context)
        return *context;
    fuzz_require(wsic_context_create(NULL, context) == WSIC_OK, "no context");
    if (wsic_context_set_kernels(*context, kernels) != WSIC_OK) {
        wsic_context_destroy(*context);
        *context = NULL;
        return NULL;
    }
    fuzz_require(wsic_context_set_memory_limit(*context, FUZZ_MEMORY) == WSIC_OK, "no limit");
    return *context;
}

void fuzz_check_released(void)
{
    for (size_t k = 0; k < sizeof contexts / sizeof *contexts; k++)
        fuzz_require(!contexts[k] || wsic_context_memory(contexts[k], NULL) == 0,
                     "memory is held after everything was released");
}

void fuzz_check_refusal(wsic_status status, const char *message, const void *handle)
{
    fuzz_require(status != WSIC_ERROR_ARGUMENT, "the bytes of a file are no wrong argument");
    fuzz_require(!handle, "a call that failed has given a handle");
    fuzz_require(message && message[0] != '\0', "a call that failed has no message");
}

static int memory_file(void)
{
    static int file = -1;

    if (file < 0)
        file = memfd_create("fuzz", 0);
    fuzz_require(file >= 0, "no file in memory");
    return file;
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static char path[64];
    const int file = memory_file();

    fuzz_require(ftruncate(file, 0) == 0, "the file cannot be emptied");
    fuzz_require(pwrite(file, data, size, 0) == (ssize_t)size, "the file cannot be written");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return path;
}

static char directory[64];
static char entry[128];

static void remove_directory(void)
{
    unlink(entry);
    rmdir(directory);
}

const char *fuzz_directory(const char *name, const uint8_t *data, size_t size)
{
    const char *const path = fuzz_file(data, size);

    if (directory[0] == '\0') {
        strcpy(directory, "/tmp/watersic-fuzz-XXXXXX");
        fuzz_require(mkdtemp(directory) != NULL, "no directory");
        snprintf(entry, sizeof entry, "%s/%s", directory, name);
        fuzz_require(symlink(path, entry) == 0, "no link to the file");
        atexit(remove_directory);
    }
    return directory;
}

uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
    uint8_t *const copy = malloc(size > 0 ? size : 1);

    fuzz_require(copy != NULL, "memory is short");
    memcpy(copy, data, size);
    return copy;
}

uint8_t *fuzz_sealed_copy(const uint8_t *data, size_t size, void (*seal)(uint8_t *, size_t))
{
    if (size == 0)
        return NULL;
    uint8_t *const bytes = fuzz_copy(data + 1, size - 1);
    if (data[0] & 1)
        seal(bytes, size - 1);
    return bytes;
}
