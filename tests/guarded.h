/* SPDX-License-Identifier: MIT */
/* Memory between two pages that nobody may touch: whoever reads or writes beyond it ends the test.
 */
#ifndef TESTS_GUARDED_H
#define TESTS_GUARDED_H

#include <check.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct guarded {
    char *map;
    size_t mapped;
    void *data; /* ends where the second of these pages begins */
    void *low;  /* begins where the first one ends */
} guarded;

static inline guarded guarded_make(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t inner = (bytes + page - 1) / page * page;
    guarded made = {.mapped = inner + 2 * page};

    /* MAP_ANONYMOUS is beyond POSIX of 2008; every file will do. */
    FILE *const file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(ftruncate(fileno(file), (off_t)made.mapped), 0);
    made.map = mmap(NULL, made.mapped, PROT_NONE, MAP_PRIVATE, fileno(file), 0);
    fclose(file);
    ck_assert(made.map != MAP_FAILED);
    if (inner != 0)
        ck_assert_int_eq(mprotect(made.map + page, inner, PROT_READ | PROT_WRITE), 0);
    made.low = made.map + page;
    made.data = made.map + page + inner - bytes;
    memset(made.low, 0x55, inner);
    return made;
}

static inline void guarded_free(guarded *made)
{
    munmap(made->map, made->mapped);
}

#endif
