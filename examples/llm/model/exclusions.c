/* SPDX-License-Identifier: MIT */
#include "llm/model/exclusions.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "llm/model/model.h"

struct parser {
    struct exclusions *exclusions;
    const struct config *config;
    bool **zero; /* for every layer, its rows; NULL: none */
    struct failure *failure;
};

typedef bool layer_action(struct parser *parser, size_t layer, const char *name, const void *data);

static bool for_matching(struct parser *parser, const char *option, const char *pattern,
                         layer_action *action, const void *data)
{
    char name[MODEL_NAME_SIZE];
    size_t found = 0;

    for (size_t i = 0; i < parser->exclusions->layers; i++) {
        layers_name(parser->config, i, name);
        if (fnmatch(pattern, name, 0) != 0)
            continue;
        found++;
        if (!action(parser, i, name, data))
            return false;
    }
    return found > 0 ||
           refuse(parser->failure, "--%s: '%s' names no linear layer", option, pattern);
}

static bool skip_layer(struct parser *parser, size_t layer, const char *name, const void *data)
{
    (void)name;
    (void)data;
    parser->exclusions->of[layer].skipped = true;
    return true;
}

static bool zero_row(struct parser *parser, size_t layer, const char *name, const void *data)
{
    const size_t row = *(const size_t *)data;
    const size_t rows = layers_at(parser->config, layer).rows;

    if (row >= rows)
        return refuse(parser->failure, "--zero-rows: %s has no row %zu, only 0 to %zu", name, row,
                      rows - 1);
    if (!parser->zero[layer])
        parser->zero[layer] = calloc(rows, sizeof **parser->zero);
    if (!parser->zero[layer])
        return refuse(parser->failure, "--zero-rows: out of memory");
    parser->zero[layer][row] = true;
    return true;
}

static bool parse_rows(struct parser *parser, const char *pattern, char *rows)
{
    char *rest;

    for (char *text = strtok_r(rows, ",", &rest); text; text = strtok_r(NULL, ",", &rest)) {
        char *end;
        errno = 0;
        const size_t row = strtoul(text, &end, 10);
        if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0)
            return refuse(parser->failure, "--zero-rows: '%s' is no number of a row", text);
        if (!for_matching(parser, "zero-rows", pattern, zero_row, &row))
            return false;
    }
    return true;
}

static bool parse_zero_rows(struct parser *parser, char *list)
{
    char *rest;

    for (char *text = strtok_r(list, ";", &rest); text; text = strtok_r(NULL, ";", &rest)) {
        char *const colon = strchr(text, ':');
        if (!colon || colon == text || colon[1] == '\0')
            return refuse(parser->failure, "--zero-rows: '%s' is not of the form NAME:ROW,ROW,...",
                          text);
        *colon = '\0';
        if (!parse_rows(parser, text, colon + 1))
            return false;
    }
    return true;
}

static bool parse_skip(struct parser *parser, char *list)
{
    char *rest;

    for (char *text = strtok_r(list, ",", &rest); text; text = strtok_r(NULL, ",", &rest))
        if (!for_matching(parser, "skip", text, skip_layer, NULL))
            return false;
    return true;
}

static bool parse_copy(struct parser *parser, bool (*parse)(struct parser *parser, char *list),
                       const char *list)
{
    char *const copy = strdup(list ? list : "");
    const bool ok =
        copy ? parse(parser, copy) : refuse(parser->failure, "out of memory for a list of layers");

    free(copy);
    return ok;
}

/* Numbers of what is set in one of two rows of flags (NULL: none). */
static bool list_numbers(const bool *first, const bool *second, size_t length, size_t **numbers,
                         size_t *count)
{
    *count = 0;
    *numbers = NULL;
    if (!first && !second)
        return true;
    *numbers = malloc(length * sizeof **numbers);
    for (size_t i = 0; *numbers && i < length; i++)
        if ((first && first[i]) || (second && second[i]))
            (*numbers)[(*count)++] = i;
    return *numbers != NULL;
}

static bool list_exclusion(struct parser *parser, size_t layer)
{
    struct exclusion *const exclusion = &parser->exclusions->of[layer];
    const struct layer_place place = layers_at(parser->config, layer);
    /* With a bias, an output without weights is not 0. */
    const bool down = place.kind == LINEAR_DOWN && !parser->config->ffn_bias;
    char name[MODEL_NAME_SIZE];

    if (!list_numbers(parser->zero[layer], NULL, place.rows, &exclusion->rows,
                      &exclusion->row_count) ||
        (down && !list_numbers(parser->zero[layer - LINEAR_DOWN + LINEAR_GATE],
                               parser->zero[layer - LINEAR_DOWN + LINEAR_UP], place.columns,
                               &exclusion->columns, &exclusion->column_count)))
        return refuse(parser->failure, "out of memory for what is left out");
    layers_name(parser->config, layer, name);
    if (exclusion->skipped && exclusion->row_count > 0)
        return refuse(parser->failure, "--zero-rows: %s stays as it is by --skip", name);
    if (exclusion->row_count == place.rows || exclusion->column_count == place.columns)
        return refuse(parser->failure, "--zero-rows: nothing is left of %s", name);
    return true;
}

static bool parse(struct parser *parser, const char *skip, const char *zero_rows)
{
    const struct exclusions *const exclusions = parser->exclusions;
    size_t skipped = 0;

    if (!parse_copy(parser, parse_skip, skip) || !parse_copy(parser, parse_zero_rows, zero_rows))
        return false;
    for (size_t i = 0; i < exclusions->layers; i++) {
        skipped += exclusions->of[i].skipped;
        if (!list_exclusion(parser, i))
            return false;
    }
    return skipped < exclusions->layers ||
           refuse(parser->failure, "--skip: no layer is left to be quantized");
}

bool exclusions_create(struct exclusions *exclusions, const struct config *config, const char *skip,
                       const char *zero_rows, struct failure *failure)
{
    struct parser parser = {.exclusions = exclusions, .config = config, .failure = failure};
    const size_t layers = layers_count(config);

    *exclusions = (struct exclusions){.layers = layers};
    exclusions->of = calloc(layers, sizeof *exclusions->of);
    parser.zero = calloc(layers, sizeof *parser.zero);
    const bool ok = exclusions->of && parser.zero
                        ? parse(&parser, skip, zero_rows)
                        : refuse(failure, "out of memory for %zu layers", layers);
    for (size_t i = 0; parser.zero && i < layers; i++)
        free(parser.zero[i]);
    free(parser.zero);
    if (!ok)
        exclusions_free(exclusions);
    return ok;
}

void exclusions_free(struct exclusions *exclusions)
{
    for (size_t i = 0; exclusions->of && i < exclusions->layers; i++) {
        free(exclusions->of[i].rows);
        free(exclusions->of[i].columns);
    }
    free(exclusions->of);
    *exclusions = (struct exclusions){.layers = 0};
}
