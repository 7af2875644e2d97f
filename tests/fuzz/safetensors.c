/* SPDX-License-Identifier: MIT */
/* A file of safetensors, stamps of coded tensors included: refused with a message, or tensors that
 * lie within the file and are found by their names. */
#include "common/safetensors.h"
#include "fuzz/fuzz.h"

enum { MOST_NUMBERS = 4096 };

static void look_at(const struct safetensors *file, size_t index)
{
    static float numbers[MOST_NUMBERS];
    struct failure failure = {""};
    const struct tensor *const tensor = safetensors_at(file, index);
    volatile unsigned char last = 0;

    fuzz_require(safetensors_find(file, tensor->name) == tensor,
                 "a name does not lead to its tensor");
    if (tensor->bytes > 0)
        last = tensor->data[tensor->bytes - 1];
    (void)last;
    if (!tensor->coded && tensor->count <= MOST_NUMBERS &&
        !tensor_read_f32(tensor, numbers, &failure))
        fuzz_require(failure.text[0] != '\0', "a refusal without a message");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct failure failure = {""};
    struct safetensors *file = NULL;

    if (!safetensors_open(&file, fuzz_file(data, size), &failure)) {
        fuzz_require(failure.text[0] != '\0', "a refusal without a message");
        return 0;
    }
    for (size_t k = 0; k < safetensors_count(file); k++)
        look_at(file, k);
    safetensors_close(file);
    return 0;
}
