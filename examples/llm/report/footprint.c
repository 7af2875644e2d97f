/* SPDX-License-Identifier: MIT */
#include "llm/report/footprint.h"

struct count {
    struct footprint *footprint;
    const struct restored *restored;
};

static void count_tensor(void *data, const struct tensor *tensor)
{
    const struct count *const count = data;
    struct footprint *const footprint = count->footprint;

    footprint->parameters += tensor->count;
    if (count->restored && restored_has(count->restored, tensor->name))
        return;
    footprint->untouched++;
    footprint->untouched_bytes += tensor->bytes;
}

void footprint_measure(struct footprint *footprint, const struct checkpoint *checkpoint,
                       const struct restored *restored)
{
    struct count count = {.footprint = footprint, .restored = restored};

    *footprint = (struct footprint){.archive_bytes = 0};
    if (restored) {
        footprint->archive_bytes = package_bytes(restored->package);
        footprint->layers = package_count(restored->package);
        footprint->weights = restored->weights;
    }
    checkpoint_each_taken(checkpoint, count_tensor, &count);
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
