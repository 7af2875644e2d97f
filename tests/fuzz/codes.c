/* SPDX-License-Identifier: MIT */
/* Coded integers: every kernel against the decoder that was written from docs/format.md. The first
 * three bytes are the numbers of rows and columns, and whether there are hints. */
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "coding/codes.h"
#include "fuzz/fuzz.h"
#include "plain_decoder.h"

/* As small as vectors of 32 lanes allow: a run costs what they cost to decode. */
enum { FRONT = 3, MOST_ROWS = 200, MOST_COLUMNS = 48 };

typedef struct coded {
    const uint8_t *bytes;
    size_t size;
    size_t rows, columns;
    const int32_t *row_hint, *column_hint;
} coded;

static wsic_status decode(int32_t kernels, const coded *input, int32_t *out, size_t *used)
{
    const wsic_env env = wsic_context_env(fuzz_context(kernels));
    wsic_cursor cursor = wsic_cursor_make(input->bytes, input->size);
    wsic_code_reader *reader;
    wsic_status status = wsic_code_reader_open(&env, &cursor, input->rows, input->columns,
                                               input->row_hint, input->column_hint, &reader);

    if (status != WSIC_OK)
        return status;
    const size_t rows = wsic_code_reader_block_rows(reader);
    for (size_t k = 0; k * rows < input->rows && status == WSIC_OK; k++)
        status = wsic_code_reader_block(&env, reader, k, out + k * rows * input->columns);
    wsic_code_reader_close(&env, reader);
    *used = cursor.position;
    return status;
}

static void compare(const coded *input, bool good, const int32_t *truth, size_t truth_used)
{
    static int32_t out[MOST_ROWS * MOST_COLUMNS];

    for (int32_t kernels = WSIC_KERNELS_C; kernels <= WSIC_KERNELS_NEON; kernels++) {
        size_t used = 0;

        if (!fuzz_context(kernels))
            continue;
        const wsic_status status = decode(kernels, input, out, &used);
        fuzz_require(status != WSIC_ERROR_MEMORY, "a few bytes ask for too much memory");
        fuzz_require((status == WSIC_OK) == good, "kernels and the text disagree about bytes");
        if (good)
            fuzz_require(used == truth_used &&
                             memcmp(out, truth, input->rows * input->columns * sizeof *out) == 0,
                         "kernels and the text decode different codes");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int32_t truth[MOST_ROWS * MOST_COLUMNS];
    int32_t hints[MOST_ROWS];
    size_t used = 0;

    if (size < FRONT)
        return 0;
    for (size_t k = 0; k < MOST_ROWS; k++)
        hints[k] = (int32_t)(k * 7 % 13);
    uint8_t *const bytes = fuzz_copy(data + FRONT, size - FRONT);
    const int32_t *const hint = data[2] & 1 ? hints : NULL;
    const coded input = {
        bytes, size - FRONT, 1 + data[0] % (size_t)MOST_ROWS, 1 + data[1] % (size_t)MOST_COLUMNS,
        hint,  hint};
    const bool good = plain_decode_codes(input.bytes, input.size, input.rows, input.columns, hint,
                                         hint, truth, &used);
    compare(&input, good, truth, used);
    free(bytes);
    fuzz_check_released();
    return 0;
}
