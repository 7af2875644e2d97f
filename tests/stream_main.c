/* SPDX-License-Identifier: MIT */
/* The cases of test_stream_kernels for machines that the tests cannot be built for: prints what
 * kernels decoded, which must be the same everywhere, or what was wrong. */
#include <stdio.h>

#include "stream_cases.h"

static bool run(const char *name, stream_kernel_choice *choice, size_t least_lanes)
{
    stream_report report = {.hash = 1};

    for (unsigned form = 0; form < STREAM_FORMS; form++) {
        for (unsigned kind = 1; kind <= STREAM_KINDS; kind++) {
            for (size_t lanes = least_lanes; lanes <= WSIC_VECTOR_LANES; lanes *= 2) {
                const stream_case given = {form, kind, lanes, WSIC_OCTET_LOG};
                stream_check(choice, &given, &report);
            }
        }
    }
    if (report.failure[0] != '\0')
        printf("%s: %s\n", name, report.failure);
    else
        printf("%s: %zu steps, hash %016llx\n", name, report.steps,
               (unsigned long long)report.hash);
    return report.failure[0] == '\0';
}

int main(void)
{
    bool good = run("C", wsic_vector_kernel_c, 8);
    good &= run("C of 32 lanes", wsic_vector_kernel_c, WSIC_VECTOR_LANES);
#if defined(WSIC_EMULATED_AVX512)
    good &= run("AVX-512, emulated", wsic_vector_kernel_avx512, WSIC_VECTOR_LANES);
#endif
#if WSIC_NEON
    good &= run("NEON", wsic_vector_kernel_neon, WSIC_VECTOR_LANES);
#endif
#if defined(WITH_AVX2)
    good &= run("AVX2", wsic_vector_kernel_avx2, WSIC_VECTOR_LANES);
#endif
    return good ? 0 : 1;
}
