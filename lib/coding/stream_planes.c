/* SPDX-License-Identifier: MIT */
#include "coding/stream_planes.h"

#include <string.h>

#include "base/checked.h"

enum {
    STRIP = 64,   /* rows that are taken together */
    LOW_BYTES = 4 /* that hold the low bits of a code */
};

/* The low bits of some rows of a group: a byte of them for each lane. */
typedef struct low_bits {
    uint8_t byte[LOW_BYTES][STRIP][WSIC_LANES_MAX];
} low_bits;

static void gather_lane(const wsic_code_plan *plan, size_t k, size_t first, size_t rows,
                        unsigned shift, size_t lane, low_bits *low)
{
    const uint32_t half = (uint32_t)wsic_shift_half(shift);
    int32_t data[STRIP];

    wsic_codes_data_get(&plan->data, plan->place[k], first, rows, data);
    for (size_t i = 0; i < rows; i++) {
        const uint32_t raised =
            (uint32_t)(plan->is_trellis ? wsic_token_index(data[i]) : data[i]) + half;
        for (unsigned part = 0; 8 * part < shift; part++)
            low->byte[part][i][lane] = (uint8_t)(raised >> 8 * part);
    }
}

/* Byte p of the result has bit p of each byte. */
static uint64_t transpose_bits(uint64_t bytes)
{
    uint64_t moved = (bytes ^ bytes >> 7) & 0x00AA00AA00AA00AA;

    bytes ^= moved ^ moved << 7;
    moved = (bytes ^ bytes >> 14) & 0x0000CCCC0000CCCC;
    bytes ^= moved ^ moved << 14;
    moved = (bytes ^ bytes >> 28) & 0x00000000F0F0F0F0;
    return bytes ^ moved ^ moved << 28;
}

/* The planes of one step; lanes without a column have zeros. */
static void put_step(const low_bits *low, size_t row, unsigned shift, size_t columns,
                     wsic_bit_writer *writer)
{
    for (unsigned k = 0; 8 * k < shift; k++) {
        const unsigned end = shift - 8 * k < 8 ? shift - 8 * k : 8;
        uint64_t octets[WSIC_LANES_MAX / 8] = {0};
        for (size_t lane = 0; lane < columns; lane += 8)
            octets[lane / 8] = transpose_bits(wsic_load_octet(&low->byte[k][row][lane]));
        for (unsigned plane = 0; plane < end; plane++) {
            uint64_t bits = 0;
            for (size_t octet = 0; octet < WSIC_LANES_MAX / 8; octet++)
                bits |= (octets[octet] >> 8 * plane & 0xFF) << 8 * octet;
            wsic_put_bits(writer, bits, (unsigned)columns);
        }
    }
}

static void put_group(const wsic_code_plan *plan, size_t first, size_t rows, size_t group,
                      unsigned shift, wsic_bit_writer *writer)
{
    const size_t lanes = wsic_code_plan_lanes(plan);
    const size_t columns = wsic_code_plan_group_columns(plan, group);
    low_bits low;

    memset(&low, 0, sizeof low);
    for (size_t from = 0; from < rows; from += STRIP) {
        const size_t strip = wsic_min_size(STRIP, rows - from);
        for (size_t lane = 0; lane < columns; lane++)
            gather_lane(plan, group * lanes + lane, first + from, strip, shift, lane, &low);
        for (size_t row = 0; row < strip; row++)
            put_step(&low, row, shift, columns, writer);
    }
}

void wsic_stream_put_planes(const wsic_code_plan *plan, size_t first, size_t rows, size_t stream,
                            wsic_bytes *out)
{
    wsic_bit_writer writer = {.bytes = out};

    for (size_t group = stream; group < plan->groups; group += plan->streams) {
        const unsigned shift = wsic_form_make(plan->form[group], plan->is_trellis).shift;
        if (shift != 0)
            put_group(plan, first, rows, group, shift, &writer);
    }
    wsic_finish_bits(&writer);
}
