/* SPDX-License-Identifier: MIT */
#include "base/cpu.h"

#if WSIC_X86

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("avx512bitalg");
}

#endif

bool wsic_kernels_available(int32_t kernels)
{
    switch (kernels) {
    case WSIC_KERNELS_C:
        return true;
#if WSIC_X86
    case WSIC_KERNELS_AVX2:
        return has_avx2();
    case WSIC_KERNELS_AVX512:
        return has_avx512();
#endif
#if WSIC_NEON
    case WSIC_KERNELS_NEON:
        return true;
#endif
    default:
        return false;
    }
}

int32_t wsic_kernels_detect(void)
{
    static const int32_t fastest_first[] = {WSIC_KERNELS_AVX512, WSIC_KERNELS_AVX2,
                                            WSIC_KERNELS_NEON};

    for (size_t i = 0; i < sizeof fastest_first / sizeof *fastest_first; i++) {
        if (wsic_kernels_available(fastest_first[i]))
            return fastest_first[i];
    }
    return WSIC_KERNELS_C;
}
