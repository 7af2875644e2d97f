/* SPDX-License-Identifier: MIT */
/* Files that a test writes, and the one line that refuses them. */
#ifndef TESTS_SCRATCH_FILES_H
#define TESTS_SCRATCH_FILES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/failure.h"

static char directory[] = "test_llm.XXXXXX";
static char path[200]; /* of the last file */

static inline void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static inline void tear_down(void)
{
    unlink(path);
    rmdir(directory);
}

static inline void write_file(const char *name, const void *bytes, size_t size)
{
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *const file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* A file whose header is text and whose data are finite as any type. */
static inline void write_safetensors(const char *header, size_t data_bytes)
{
    const size_t length = strlen(header);
    unsigned char *const bytes = calloc(1, 8 + length + data_bytes);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < 8; i++)
        bytes[i] = i < sizeof length ? (unsigned char)(length >> 8 * i) : 0;
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_bytes; i++)
        bytes[8 + length + i] = (unsigned char)(i & 0x3F);
    write_file("t.safetensors", bytes, 8 + length + data_bytes);
    free(bytes);
}

static inline void expect_line(const struct failure *failure, const char *part)
{
    ck_assert_msg(strstr(failure->text, path), "no file name in: %s", failure->text);
    ck_assert_msg(strstr(failure->text, part), "no \"%s\" in: %s", part, failure->text);
    ck_assert_ptr_null(strchr(failure->text, '\n'));
}

#endif
