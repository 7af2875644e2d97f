/* SPDX-License-Identifier: MIT */
/* A directory for one test, and small files. */
#ifndef TESTS_TEMPORARY_H
#define TESTS_TEMPORARY_H

#include <check.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct temporary {
    char directory[64];
    char path[512]; /* what temporary_path() returned last */
} temporary;

static inline void temporary_create(temporary *place)
{
    strcpy(place->directory, "/tmp/watersic-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place->directory));
}

static inline const char *temporary_path(temporary *place, const char *name)
{
    snprintf(place->path, sizeof place->path, "%s/%s", place->directory, name);
    return place->path;
}

/* Number of entries, those that begin with a dot included. */
static inline size_t temporary_count(const temporary *place)
{
    DIR *const directory = opendir(place->directory);
    size_t count = 0;

    ck_assert_ptr_nonnull(directory);
    for (const struct dirent *entry; (entry = readdir(directory));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return count;
}

static inline void temporary_destroy(temporary *place)
{
    DIR *const directory = opendir(place->directory);

    ck_assert_ptr_nonnull(directory);
    for (const struct dirent *entry; (entry = readdir(directory));)
        unlink(temporary_path(place, entry->d_name));
    closedir(directory);
    ck_assert_int_eq(rmdir(place->directory), 0);
}

static inline void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *const file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* The whole file; release with free(). */
static inline uint8_t *read_file(const char *path, size_t *size)
{
    FILE *const file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *const bytes = malloc(*size + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

#endif
