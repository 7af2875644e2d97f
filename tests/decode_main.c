/* SPDX-License-Identifier: MIT */
/* The cases of test_decode_kernels for machines that the tests cannot be built for: prints what
 * kernels made, which must be the same everywhere, or what was wrong. */
#include <stdio.h>

#include "decode_cases.h"

int main(void)
{
    decode_kernels kernels[DECODE_KERNELS_MOST];
    const size_t count = decode_kernels_here(kernels);
    int bad = 0;

    for (size_t k = 0; k < count; k++) {
        decode_report report;
        decode_check(&kernels[k], &report);
        if (report.failure[0] != '\0')
            printf("%s: %s\n", kernels[k].name, report.failure);
        else
            printf("%s: %zu numbers, hash %016llx\n", kernels[k].name, report.numbers,
                   (unsigned long long)report.hash);
        bad |= report.failure[0] != '\0';
    }
    return bad;
}
