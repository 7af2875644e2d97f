/* SPDX-License-Identifier: MIT */
#include "llm/report/footprint.h"

#include <stdlib.h>
#include <string.h>

#include "llm/model/stored.h"

struct count {
    struct footprint *footprint;
    char (*replaced)[MODEL_NAME_SIZE]; /* tensors that layers stand for, sorted; NULL: none */
    size_t layers;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Several layers can stand for one tensor. */
static bool find_replaced(struct count *count, const struct restored *restored,
                          struct failure *failure)
{
    count->layers = package_count(restored->package);
    count->replaced = calloc(count->layers + 1, sizeof *count->replaced);
    if (!count->replaced)
        return refuse(failure, "out of memory for the names of %zu layers", count->layers);
    for (size_t i = 0; i < count->layers; i++)
        tensors_of_layer(&restored->model.config, package_name(restored->package, i),
                         count->replaced[i]);
    qsort(count->replaced, count->layers, sizeof *count->replaced, compare_names);
    return true;
}

static bool is_replaced(const struct count *count, const char *tensor)
{
    return count->replaced &&
           bsearch(tensor, count->replaced, count->layers, sizeof *count->replaced, compare_names);
}

static void count_tensor(void *data, const struct tensor *tensor)
{
    const struct count *const count = data;
    struct footprint *const footprint = count->footprint;
    char numbers[MODEL_NAME_SIZE];
    const bool scales = stored_is_scales(tensor->name, numbers, sizeof numbers);

    footprint->parameters += scales ? 0 : tensor->count;
    /* The scales of a tensor in FP8 go with it. */
    if (is_replaced(count, scales ? numbers : tensor->name))
        return;
    footprint->untouched++;
    footprint->untouched_bytes += tensor->bytes;
}

bool footprint_measure(struct footprint *footprint, const struct checkpoint *checkpoint,
                       const struct restored *restored, struct failure *failure)
{
    struct count count = {.footprint = footprint};

    *footprint = (struct footprint){.archive_bytes = 0};
    if (restored) {
        footprint->archive_bytes = package_bytes(restored->package);
        footprint->layers = package_count(restored->package);
        footprint->weights = restored->weights;
        if (!find_replaced(&count, restored, failure))
            return false;
    }
    checkpoint_each_taken(checkpoint, count_tensor, &count);
    free(count.replaced);
    return true;
}

double footprint_layer_bits(const struct footprint *footprint)
{
    return footprint->weights == 0
               ? 0
               : 8 * (double)footprint->archive_bytes / (double)footprint->weights;
}

double footprint_whole_bits(const struct footprint *footprint)
{
    return 8 * (double)(footprint->archive_bytes + footprint->untouched_bytes) /
           (double)footprint->parameters;
}
