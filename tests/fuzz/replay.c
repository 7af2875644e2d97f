/* SPDX-License-Identifier: MIT */
/* The main program of a fuzz target where there is no libFuzzer: the inputs of directories, each as
 * it is, cut short, and with bytes changed, the same ones every time. Prints how many there were.
 * Usage: PROGRAM DIRECTORY... */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum { MOST_BYTES = 1 << 20, MOST_VARIANTS = 24 };

static uint8_t input[MOST_BYTES];
static size_t runs;

static void run(const uint8_t *data, size_t size)
{
    uint8_t *const copy = fuzz_copy(data, size);

    LLVMFuzzerTestOneInput(copy, size);
    runs++;
    free(copy);
}

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

static void vary(size_t size)
{
    uint64_t state = size;

    for (size_t k = 0; k < MOST_VARIANTS && size > 0; k++) {
        const size_t at = next(&state) % size;
        const uint8_t kept = input[at];

        run(input, at);
        input[at] ^= (uint8_t)(1U << next(&state) % 8);
        run(input, size);
        input[at] = kept;
    }
}

static void read_input(const char *directory, const char *name)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *const file = fopen(path, "rb");
    fuzz_require(file != NULL, path);
    const size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    run(input, size);
    vary(size);
}

int main(int count, char **directories)
{
    for (int k = 1; k < count; k++) {
        DIR *const directory = opendir(directories[k]);

        fuzz_require(directory != NULL, directories[k]);
        for (const struct dirent *entry; (entry = readdir(directory));) {
            if (entry->d_name[0] != '.')
                read_input(directories[k], entry->d_name);
        }
        closedir(directory);
    }
    printf("%zu inputs\n", runs);
    return runs > 0 ? 0 : 1;
}
