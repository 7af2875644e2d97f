/* SPDX-License-Identifier: MIT */
/* AVX-512 for machines without it: SIMDe, and what it lacks. Shadows nothing where it is not
 * included. */
#ifndef TESTS_EMULATED_AVX512_H
#define TESTS_EMULATED_AVX512_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>

#include <string.h>

#include "base/half.h"
#include "decode/fused.h"

#undef WSIC_TARGET_AVX2
#undef WSIC_TARGET_AVX512
#define WSIC_TARGET_AVX2
#define WSIC_TARGET_AVX512

/* The instruction set's manual says what each of these does, element by element. */

static inline __mmask16 emulated_cmplt_epu32_mask(__m512i a, __m512i b)
{
    uint32_t x[16], y[16];
    unsigned mask = 0;

    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    for (unsigned i = 0; i < 16; i++)
        mask |= (unsigned)(x[i] < y[i]) << i;
    return (__mmask16)mask;
}

static inline __m256i emulated_maskz_expand_epi16(__mmask16 mask, __m256i a)
{
    uint16_t from[16], to[16];
    unsigned taken = 0;
    __m256i made;

    memcpy(from, &a, sizeof from);
    for (unsigned i = 0; i < 16; i++)
        to[i] = mask >> i & 1 ? from[taken++] : 0;
    memcpy(&made, to, sizeof made);
    return made;
}

/* SIMDe multiplies signed numbers, and their overflow is undefined in C. */
static inline __m512i emulated_mullo_epi32(__m512i a, __m512i b)
{
    uint32_t x[16], y[16];
    __m512i made;

    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    for (unsigned i = 0; i < 16; i++)
        x[i] *= y[i];
    memcpy(&made, x, sizeof made);
    return made;
}

static inline __m512i emulated_cvtepu16_epi32(__m256i a)
{
    uint16_t from[16];
    uint32_t to[16];
    __m512i made;

    memcpy(from, &a, sizeof from);
    for (unsigned i = 0; i < 16; i++)
        to[i] = from[i];
    memcpy(&made, to, sizeof made);
    return made;
}

static inline __m512i emulated_cvtepu8_epi16(__m256i a)
{
    uint8_t from[32];
    uint16_t to[32];
    __m512i made;

    memcpy(from, &a, sizeof from);
    for (unsigned i = 0; i < 32; i++)
        to[i] = from[i];
    memcpy(&made, to, sizeof made);
    return made;
}

static inline __m512 emulated_cvtepi32_ps(__m512i a)
{
    int32_t from[16];
    float to[16];
    __m512 made;

    memcpy(from, &a, sizeof from);
    for (unsigned i = 0; i < 16; i++)
        to[i] = (float)from[i];
    memcpy(&made, to, sizeof made);
    return made;
}

static inline __m512i emulated_cvtepi8_epi32(__m128i a)
{
    int8_t from[16];
    int32_t to[16];
    __m512i made;

    memcpy(from, &a, sizeof from);
    for (unsigned i = 0; i < 16; i++)
        to[i] = from[i];
    memcpy(&made, to, sizeof made);
    return made;
}

/* SIMDe multiplies and adds, rounding twice. */
static inline __m512 emulated_fmadd_ps(__m512 a, __m512 b, __m512 c)
{
    float x[16], y[16], z[16];
    __m512 made;

    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    memcpy(z, &c, sizeof z);
    for (unsigned i = 0; i < 16; i++)
        z[i] = wsic_fused_emulated(x[i], y[i], z[i]);
    memcpy(&made, z, sizeof made);
    return made;
}

static inline __m256i emulated_cvtps_ph(__m512 a)
{
    float from[16];
    uint16_t to[16];
    __m256i made;

    memcpy(from, &a, sizeof from);
    for (unsigned i = 0; i < 16; i++)
        to[i] = wsic_f32_to_f16(from[i]);
    memcpy(&made, to, sizeof made);
    return made;
}

static inline __m256i emulated_cvtepi32_epi16(__m512i a)
{
    uint32_t from[16];
    uint16_t to[16];
    __m256i made;

    memcpy(from, &a, sizeof from);
    for (unsigned i = 0; i < 16; i++)
        to[i] = (uint16_t)from[i];
    memcpy(&made, to, sizeof made);
    return made;
}

#undef _mm512_mullo_epi32
#undef _mm512_cvtepi32_ps
#undef _mm512_cvtepi8_epi32
#undef _mm512_fmadd_ps
#undef _mm512_cvtps_ph
#undef _mm512_cvtepi32_epi16
#define _mm512_fmadd_ps           emulated_fmadd_ps
#define _mm512_cvtps_ph(a, mode)  emulated_cvtps_ph(a)
#define _mm512_cvtepi32_ps        emulated_cvtepi32_ps
#define _mm512_cvtepi8_epi32      emulated_cvtepi8_epi32
#define _mm512_cvtepi32_epi16     emulated_cvtepi32_epi16
#define _mm512_cmplt_epu32_mask   emulated_cmplt_epu32_mask
#define _mm512_mullo_epi32        emulated_mullo_epi32
#define _mm256_maskz_expand_epi16 emulated_maskz_expand_epi16
#define _mm512_cvtepu16_epi32     emulated_cvtepu16_epi32
#define _mm512_cvtepu8_epi16      emulated_cvtepu8_epi16

#endif
