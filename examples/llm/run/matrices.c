/* SPDX-License-Identifier: MIT */
#include "llm/run/matrices.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text_end.h"

enum { most_patterns = 64 };

struct search {
    struct matrices *matrices;
    struct checkpoint *checkpoint;
    const size_t *block;
    const char *patterns[most_patterns];
    bool found[most_patterns]; /* a matrix that it matches */
    size_t count;              /* of patterns */
    size_t room;
    bool ok;
    struct failure *failure;
};

static bool split(struct search *search, char *list)
{
    char *rest;

    for (char *text = strtok_r(list, ",", &rest); text; text = strtok_r(NULL, ",", &rest)) {
        if (search->count == most_patterns)
            return refuse(search->failure, "--tensors: more than %d patterns", most_patterns);
        search->patterns[search->count++] = text;
    }
    return search->count > 0 || refuse(search->failure, "--tensors: no pattern is given");
}

/* The number of patterns that match; those count as found if the tensor is of matrices. */
static size_t match(struct search *search, const char *name, bool matrix)
{
    size_t matching = 0;

    for (size_t i = 0; i < search->count; i++) {
        if (fnmatch(search->patterns[i], name, 0) != 0)
            continue;
        matching++;
        search->found[i] = search->found[i] || matrix;
    }
    return matching;
}

static bool make_room(struct search *search, size_t more)
{
    struct matrices *const matrices = search->matrices;

    if (matrices->count + more <= search->room)
        return true;
    const size_t room = 2 * search->room + more;
    struct matrix *const of = realloc(matrices->of, room * sizeof *of);
    if (!of)
        return refuse(search->failure, "out of memory for %zu matrices", room);
    matrices->of = of;
    search->room = room;
    return true;
}

static bool add(struct search *search, const char *name, const struct stored *stored)
{
    struct matrices *const matrices = search->matrices;
    const bool stack = stored->rows > stored->matrix_rows;
    const size_t number = stored->matrix_rows > 0 ? stored->rows / stored->matrix_rows : 0;

    if (number == 0 || stored->columns == 0)
        return refuse(search->failure, "%s: tensor \"%s\": nothing is in it", stored->tensor->file,
                      stored->tensor->name);
    if (!make_room(search, number))
        return false;
    for (size_t i = 0; i < number; i++) {
        struct matrix *const matrix = &matrices->of[matrices->count];
        const int length = stack ? snprintf(matrix->name, sizeof matrix->name, "%s.%zu", name, i)
                                 : snprintf(matrix->name, sizeof matrix->name, "%s", name);
        if ((size_t)length >= sizeof matrix->name)
            return refuse(search->failure, "tensor \"%s\": the name is too long", name);
        matrix->stored = stored_part(stored, i * stored->matrix_rows, stored->matrix_rows);
        matrices->count++;
    }
    return true;
}

/* Two tensors that are one matrix have the name of that; scales have none. */
static bool name_of(const struct search *search, const struct tensor *tensor,
                    char name[MATRIX_NAME_SIZE])
{
    char other[MATRIX_NAME_SIZE];
    const size_t length = strlen(tensor->name);

    snprintf(name, MATRIX_NAME_SIZE, "%s", tensor->name);
    if (stored_is_scales(tensor->name, other, sizeof other))
        return checkpoint_find(search->checkpoint, other) == NULL;
    if (text_ends_with(name, "_scales") && length < MATRIX_NAME_SIZE) {
        snprintf(other, sizeof other, "%.*s_blocks", (int)(length - strlen("_scales")), name);
        return checkpoint_find(search->checkpoint, other) == NULL;
    }
    if (text_ends_with(name, "_blocks") && length < MATRIX_NAME_SIZE) {
        snprintf(other, sizeof other, "%.*s_scales", (int)(length - strlen("_blocks")), name);
        if (checkpoint_find(search->checkpoint, other))
            name[length - strlen("_blocks")] = '\0';
    }
    return true;
}

static bool look_at(struct search *search, const struct tensor *tensor)
{
    const bool matrix = tensor->dimensions >= 2;
    char name[MATRIX_NAME_SIZE];
    struct stored stored;

    if (!name_of(search, tensor, name) || match(search, name, matrix) == 0)
        return true;
    if (!matrix) {
        search->matrices->vectors++;
        return true;
    }
    if (!stored_find(&stored, search->checkpoint, name, search->block, search->failure))
        return false;
    if (stored.form == STORED_PLAIN && tensor->dtype == 0)
        return refuse(search->failure, "%s: tensor \"%s\": numbers of type %s are not floating",
                      tensor->file, tensor->name, tensor->type);
    return add(search, name, &stored);
}

/* Nothing more is done after a failure. */
static void visit(void *self, const struct tensor *tensor)
{
    struct search *const search = self;

    search->ok = search->ok && look_at(search, tensor);
}

static bool run(struct search *search, char *list)
{
    search->ok = split(search, list);
    checkpoint_each(search->checkpoint, visit, search);
    if (!search->ok)
        return false;
    for (size_t i = 0; i < search->count; i++)
        if (!search->found[i])
            return refuse(search->failure, "--tensors: '%s' names no matrix", search->patterns[i]);
    return true;
}

bool matrices_find(struct matrices *matrices, struct checkpoint *checkpoint, const char *patterns,
                   const size_t block[2], struct failure *failure)
{
    struct search search = {
        .matrices = matrices, .checkpoint = checkpoint, .block = block, .failure = failure};
    char *const list = strdup(patterns);

    *matrices = (struct matrices){.of = NULL};
    const bool ok = list ? run(&search, list) : refuse(failure, "out of memory");
    free(list);
    if (!ok)
        matrices_free(matrices);
    return ok;
}

void matrices_free(struct matrices *matrices)
{
    free(matrices->of);
    *matrices = (struct matrices){.of = NULL};
}
