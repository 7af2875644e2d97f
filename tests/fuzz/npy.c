/* SPDX-License-Identifier: MIT */
/* NumPy's .npy files: refused with a message, or an array whose every number can be looked at. */
#include "common/npy.h"
#include "fuzz/fuzz.h"

#include <string.h>

static void sum(const npy_array *array)
{
    const size_t size = array->rows * array->columns * wsic_dtype_size(array->dtype);
    volatile unsigned char last = 0;

    if (size > 0)
        last = ((const unsigned char *)array->data)[size - 1];
    (void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct failure failure = {""};
    npy_array array;

    if (!npy_read(fuzz_file(data, size), &array, &failure)) {
        fuzz_require(failure.text[0] != '\0', "a refusal without a message");
        return 0;
    }
    sum(&array);
    if (npy_is_real(&array, &failure))
        fuzz_require(npy_widen(&array, &failure), "numbers that cannot be widened");
    npy_release(&array);
    return 0;
}
