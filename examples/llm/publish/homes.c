/* SPDX-License-Identifier: MIT */
#include "llm/publish/homes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/model/model.h"

struct search {
    const struct checkpoint *checkpoint;
    const wsic_archive *archive;
    const char *archive_path;
    struct failure *failure;
};

/* Length of NAME in NAME.12; 0 if the name does not end in a number. */
static size_t stem_length(const char *name)
{
    const char *const dot = strrchr(name, '.');

    if (!dot || dot[1] == '\0' || dot[1 + strspn(dot + 1, "0123456789")] != '\0')
        return 0;
    return (size_t)(dot - name);
}

static bool has_blocks(const struct search *search, const char *name)
{
    char blocks[HOME_NAME_SIZE + 8];

    snprintf(blocks, sizeof blocks, "%s_blocks", name);
    return checkpoint_find(search->checkpoint, blocks) != NULL;
}

static bool refuse_absent(const struct search *search, const char *layer, const char *tensor)
{
    if (has_blocks(search, tensor))
        return refuse(search->failure,
                      "%s: layer \"%s\" was made of MXFP4, and the tensors \"%s_blocks\" and "
                      "\"%s_scales\" have no form in which it could take their place: an archive "
                      "of such layers cannot be packed",
                      search->archive_path, layer, tensor, tensor);
    return refuse(search->failure, "%s: layer \"%s\" is no tensor of the checkpoint",
                  search->archive_path, layer);
}

/* The matrix of a stack that a layer is, instead of a tensor of its own. */
static bool find_stack(const struct search *search, const char *layer, struct home *home)
{
    const size_t stem = stem_length(home->tensor);

    if (stem == 0)
        return refuse_absent(search, layer, home->tensor);
    home->tensor[stem] = '\0';
    const struct tensor *const stack = checkpoint_find(search->checkpoint, home->tensor);
    return (stack && stack->dimensions == 3) || refuse_absent(search, layer, home->tensor);
}

static bool find_home(const struct search *search, const struct config *config, size_t layer,
                      struct home *home)
{
    const char *const name = wsic_archive_name(search->archive, layer);

    home->layer = layer;
    if (strlen(name) >= HOME_NAME_SIZE)
        return refuse(search->failure, "%s: layer \"%.100s...\": the name is too long",
                      search->archive_path, name);
    strcpy(home->tensor, name);
    if (config && strlen(name) < MODEL_NAME_SIZE)
        tensors_of_layer(config, name, home->tensor);
    return checkpoint_find(search->checkpoint, home->tensor) || find_stack(search, name, home);
}

static int compare_homes(const void *one, const void *other)
{
    const struct home *const a = one;
    const struct home *const b = other;
    const int names = strcmp(a->tensor, b->tensor);

    return names != 0 ? names : (a->layer > b->layer) - (a->layer < b->layer);
}

bool homes_find(struct homes *homes, const struct checkpoint *checkpoint,
                const struct config *config, const wsic_archive *archive, const char *archive_path,
                struct failure *failure)
{
    const struct search search = {checkpoint, archive, archive_path, failure};

    *homes = (struct homes){.count = wsic_archive_count(archive)};
    homes->of = calloc(homes->count + 1, sizeof *homes->of);
    if (!homes->of)
        return refuse(failure, "%s: out of memory", archive_path);
    for (size_t i = 0; i < homes->count; i++)
        if (!find_home(&search, config, i, &homes->of[i]))
            return false;
    qsort(homes->of, homes->count, sizeof *homes->of, compare_homes);
    return true;
}

void homes_free(struct homes *homes)
{
    free(homes->of);
    *homes = (struct homes){.count = 0};
}

const struct home *homes_in(const struct homes *homes, const char *tensor, size_t *count)
{
    size_t low = 0, high = homes->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(homes->of[middle].tensor, tensor) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < homes->count && strcmp(homes->of[low + *count].tensor, tensor) == 0)
        ++*count;
    return *count > 0 ? &homes->of[low] : NULL;
}
