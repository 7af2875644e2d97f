/* SPDX-License-Identifier: MIT */
#include "llm/command/unchanged.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/run/samples.h"

/* The archive's metadata have DIGITS hexadecimal digits for every matrix, half of them of its
 * tensor and half of its statistics. */
enum { HALF = 8, DIGITS = 2 * HALF, KEY_SIZE = 32 };

static bool describe_matrix(const struct ingredients *ingredients, const struct matrix *matrix,
                            uint64_t importance, char *digits, struct failure *failure)
{
    const struct stored *const stored = &matrix->stored;
    uint64_t tensor = samples_of_tensor(0, stored->tensor);
    uint64_t statistics = importance;

    if (stored->scales)
        tensor = samples_of_tensor(tensor, stored->scales);
    if (ingredients->external &&
        !external_fingerprint(ingredients->external, matrix->name, &statistics, failure))
        return false;
    snprintf(digits, DIGITS + 1, "%08" PRIx32 "%08" PRIx32, (uint32_t)tensor, (uint32_t)statistics);
    return true;
}

static bool describe_all(const struct ingredients *ingredients, char *digits,
                         struct failure *failure)
{
    uint64_t importance = 0;

    if (ingredients->importance && !samples_of_file(&importance, ingredients->importance, failure))
        return false;
    for (size_t i = 0; i < ingredients->matrices->count; i++)
        if (!describe_matrix(ingredients, &ingredients->matrices->of[i], importance,
                             digits + i * DIGITS, failure))
            return false;
    return true;
}

/* What is written cannot be changed: every run that finds something else than the runs before has a
 * key of its own. */
static const char *key_of(size_t run, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, run == 0 ? "matrices" : "matrices.%zu", run);
    return key;
}

/* Digits of a run before; NULL beyond the last. */
static const char *digits_of(const wsic_archive_writer *writer, size_t run, size_t length)
{
    char key[KEY_SIZE];
    const char *const digits = wsic_archive_writer_metadata(writer, key_of(run, key));

    return digits && strlen(digits) == length ? digits : NULL;
}

/* Whether a run before has made the matrix of what there is now: parts of its digits. */
static bool is_known(const wsic_archive_writer *writer, size_t length, size_t at, const char *now,
                     size_t digits)
{
    const char *before;

    for (size_t run = 0; (before = digits_of(writer, run, length)); run++)
        if (memcmp(before + at, now + at, digits) == 0)
            return true;
    return false;
}

static bool compare(const struct matrices *matrices, const bool *taken,
                    const wsic_archive_writer *writer, const char *now, const char *output,
                    struct failure *failure)
{
    const size_t length = matrices->count * DIGITS;

    for (size_t i = 0; digits_of(writer, 0, length) && i < matrices->count; i++) {
        if (!taken[i] || is_known(writer, length, i * DIGITS, now, DIGITS))
            continue;
        return refuse(failure,
                      "%s.part: \"%s\" was made of %s than there is now (--restart throws the file "
                      "away)",
                      output, matrices->of[i].name,
                      is_known(writer, length, i * DIGITS, now, HALF) ? "other statistics"
                                                                      : "another tensor");
    }
    return true;
}

static bool note(wsic_archive_writer *writer, const char *now, const char *output,
                 struct failure *failure)
{
    const size_t length = strlen(now);
    char key[KEY_SIZE];
    const char *before;
    size_t run = 0;

    for (; (before = digits_of(writer, run, length)); run++)
        if (strcmp(before, now) == 0)
            return true;
    return wsic_archive_writer_set_metadata(writer, key_of(run, key), now) >= 0 ||
           refuse(failure, "%s: %s", output, wsic_archive_writer_message(writer));
}

bool unchanged_check(const struct ingredients *ingredients, const bool *taken,
                     wsic_archive_writer *writer, const char *output, struct failure *failure)
{
    char *const digits = malloc(ingredients->matrices->count * DIGITS + 1);
    const bool ok =
        digits ? describe_all(ingredients, digits, failure) &&
                     compare(ingredients->matrices, taken, writer, digits, output, failure) &&
                     note(writer, digits, output, failure)
               : refuse(failure, "%s: out of memory", output);

    free(digits);
    return ok;
}
