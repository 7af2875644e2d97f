/* SPDX-License-Identifier: MIT */
/* Which instructions the kernels may use. A context detects them once, and may be told to use fewer
 * (wsic_context_set_kernels()); stages ask wsic_kernels_chosen(env). All kernels of one purpose
 * give the same bits, so that the choice is one of speed alone. */
#ifndef WSIC_BASE_CPU_H
#define WSIC_BASE_CPU_H

#include "base/env.h"

/* Kernels for x86 are compiled in files of their own, with target attributes or flags. */
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
#define WSIC_X86 1
#else
#define WSIC_X86 0
#endif

/* What every 64-bit Arm has. */
#if defined(__aarch64__) && defined(__ARM_NEON) && defined(__GNUC__) && !defined(__AARCH64EB__)
#define WSIC_NEON 1
#else
#define WSIC_NEON 0
#endif

/* For these functions alone, whatever the rest is compiled for. What they need beyond the
 * name's own set is what every processor with it has. */
#define WSIC_TARGET_AVX2 __attribute__((__target__("avx2,fma,bmi,bmi2,f16c,popcnt")))
#define WSIC_TARGET_AVX512                                                                         \
    __attribute__((__target__("avx2,fma,bmi,bmi2,f16c,popcnt,avx512f,avx512bw,avx512vl,avx512dq,"  \
                              "avx512vbmi,avx512vbmi2,avx512bitalg")))

/* For loops that compilers turn into vectors. Each is inlined into a function for every instruction
 * set, and so gets the vectors of that set. */
#if defined(__GNUC__)
#define WSIC_INTO_CALLER static inline __attribute__((__always_inline__))
#else
#define WSIC_INTO_CALLER static inline
#endif

/* The fastest of WSIC_KERNELS_C ... that this processor and its operating system have. */
int32_t wsic_kernels_detect(void);

/* This processor can run them. WSIC_KERNELS_AUTO is not a choice here. */
bool wsic_kernels_available(int32_t kernels);

/* What a kernel has to look at: one of WSIC_KERNELS_C ..., never WSIC_KERNELS_AUTO. Whoever has
 * no version for it takes the one for less: AVX-512, AVX2, C. */
static inline int32_t wsic_kernels_chosen(const wsic_env *env)
{
    return env->host->kernels;
}

/* AVX2 may be used: it, or AVX-512, was chosen. */
static inline bool wsic_kernels_have_avx2(int32_t kernels)
{
    return kernels == WSIC_KERNELS_AVX2 || kernels == WSIC_KERNELS_AVX512;
}

#endif
