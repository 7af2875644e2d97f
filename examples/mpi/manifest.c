/* SPDX-License-Identifier: MIT */
#include "mpi/manifest.h"

#include <stdlib.h>
#include <string.h>

/* A line on its way into the manifest. */
struct line {
    struct manifest *manifest;
    size_t number;
    const char **words;
    size_t count;
    struct failure *failure;
};

/* Room for one element more, doubled when it is used up. */
static void *grown(void *array, size_t count, size_t size)
{
    if (count & (count - 1))
        return array;
    return realloc(array, (count ? 2 * count : 1) * size);
}

static bool out_of_memory(const struct line *line)
{
    return refuse(line->failure, "line %zu: out of memory", line->number);
}

static bool find_input(const struct line *line, const char *name, size_t *index)
{
    for (*index = 0; *index < line->manifest->input_count; ++*index)
        if (strcmp(line->manifest->inputs[*index].name, name) == 0)
            return true;
    return false;
}

static bool has_layer(const struct line *line, const char *name)
{
    for (size_t i = 0; i < line->manifest->layer_count; i++)
        if (strcmp(line->manifest->layers[i].name, name) == 0)
            return true;
    return false;
}

static bool add_input(struct line *line)
{
    struct manifest *const m = line->manifest;
    size_t index;

    if (line->count < 3)
        return refuse(line->failure, "line %zu: an input needs a name and at least one shard",
                      line->number);
    if (find_input(line, line->words[1], &index))
        return refuse(line->failure, "line %zu: there is an input '%s' already", line->number,
                      line->words[1]);
    void *const inputs = grown(m->inputs, m->input_count, sizeof *m->inputs);
    if (!inputs)
        return out_of_memory(line);
    m->inputs = inputs;
    struct manifest_input *const input = &m->inputs[m->input_count];
    *input = (struct manifest_input){.name = line->words[1], .count = line->count - 2};
    input->shards = malloc(input->count * sizeof *input->shards);
    if (!input->shards)
        return out_of_memory(line);
    memcpy(input->shards, line->words + 2, input->count * sizeof *input->shards);
    m->input_count++;
    return true;
}

static bool add_layer(struct line *line)
{
    struct manifest *const m = line->manifest;
    size_t input;

    if (line->count != 4)
        return refuse(line->failure, "line %zu: a layer needs a name, weights and an input",
                      line->number);
    if (has_layer(line, line->words[1]))
        return refuse(line->failure, "line %zu: there is a layer '%s' already", line->number,
                      line->words[1]);
    if (!find_input(line, line->words[3], &input))
        return refuse(line->failure, "line %zu: there is no input '%s' before this layer",
                      line->number, line->words[3]);
    void *const layers = grown(m->layers, m->layer_count, sizeof *m->layers);
    if (!layers)
        return out_of_memory(line);
    m->layers = layers;
    m->layers[m->layer_count++] =
        (struct manifest_layer){.name = line->words[1], .weights = line->words[2], .input = input};
    return true;
}

static bool add_line(struct line *line)
{
    if (line->count == 0 || line->words[0][0] == '#')
        return true;
    if (strcmp(line->words[0], "input") == 0)
        return add_input(line);
    if (strcmp(line->words[0], "layer") == 0)
        return add_layer(line);
    return refuse(line->failure, "line %zu: '%s' is neither input nor layer", line->number,
                  line->words[0]);
}

/* Split a line, which ends in NUL, into words. */
static bool split(struct line *line, char *text)
{
    char *rest;

    line->count = 0;
    for (char *word = strtok_r(text, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
        void *const words = grown(line->words, line->count, sizeof *line->words);
        if (!words)
            return out_of_memory(line);
        line->words = words;
        line->words[line->count++] = word;
    }
    return true;
}

static bool add_lines(struct line *line)
{
    char *next;

    for (char *text = line->manifest->words; text; text = next) {
        next = strchr(text, '\n');
        if (next)
            *next++ = '\0';
        line->number++;
        if (!split(line, text) || !add_line(line))
            return false;
    }
    return line->manifest->layer_count > 0 || refuse(line->failure, "there is no layer");
}

bool manifest_parse(struct manifest *manifest, const char *text, struct failure *failure)
{
    struct line line = {.manifest = manifest, .failure = failure};

    *manifest = (struct manifest){.words = strdup(text)};
    const bool ok = manifest->words ? add_lines(&line) : refuse(failure, "out of memory");
    free(line.words);
    if (!ok)
        manifest_free(manifest);
    return ok;
}

void manifest_free(struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->input_count; i++)
        free(manifest->inputs[i].shards);
    free(manifest->inputs);
    free(manifest->layers);
    free(manifest->words);
    *manifest = (struct manifest){.words = NULL};
}
