/* SPDX-License-Identifier: MIT */
#include "entropy_coders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#ifdef HAVE_HTSCODECS
#include <htscodecs/rANS_static4x16.h>

static void decode_htscodecs(const entropy_coded *coded, uint8_t *out)
{
    unsigned int size = (unsigned int)coded->count;

    if (!rans_uncompress_to_4x16(coded->bytes, (unsigned int)coded->size, out, &size)) {
        fputs("htscodecs does not decode what it coded\n", stderr);
        exit(1);
    }
}

static void run_htscodecs(const uint8_t *symbols, size_t count, entropy_coded *coded)
{
    uint8_t *const copy = bench_allocate(count, 1);
    unsigned int size = rans_compress_bound_4x16((unsigned int)count, RANS_ORDER_X32);

    memcpy(copy, symbols, count);
    *coded = (entropy_coded){.name = "htscodecs_x32",
                             .bytes = bench_allocate(size, 1),
                             .count = count,
                             .decode = decode_htscodecs};
    if (!rans_compress_to_4x16(copy, (unsigned int)count, coded->bytes, &size, RANS_ORDER_X32)) {
        fputs("htscodecs does not code the symbols\n", stderr);
        exit(1);
    }
    coded->size = size;
    free(copy);
}
#endif

#ifdef HAVE_ZSTD
#include <zstd.h>

static void decode_zstd(const entropy_coded *coded, uint8_t *out)
{
    if (ZSTD_decompress(out, coded->count, coded->bytes, coded->size) != coded->count) {
        fputs("zstd does not decode what it coded\n", stderr);
        exit(1);
    }
}

static void run_zstd(const uint8_t *symbols, size_t count, entropy_coded *coded)
{
    enum { LEVEL = 3 };
    const size_t bound = ZSTD_compressBound(count);

    *coded = (entropy_coded){
        .name = "zstd", .bytes = bench_allocate(bound, 1), .count = count, .decode = decode_zstd};
    coded->size = ZSTD_compress(coded->bytes, bound, symbols, count, LEVEL);
    if (ZSTD_isError(coded->size)) {
        fputs("zstd does not code the symbols\n", stderr);
        exit(1);
    }
}
#endif

size_t entropy_coders_run(const uint8_t *symbols, size_t count, entropy_coded *coded)
{
    size_t coders = 0;

#ifdef HAVE_HTSCODECS
    run_htscodecs(symbols, count, &coded[coders++]);
#endif
#ifdef HAVE_ZSTD
    run_zstd(symbols, count, &coded[coders++]);
#endif
    (void)symbols;
    (void)count;
    (void)coded;
    return coders;
}
