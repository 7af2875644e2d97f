/* SPDX-License-Identifier: MIT */
#include "coding/code_reader.h"

#include "base/checked.h"
#include "coding/int_array.h"

/* Number the blocks with live rows: only they have streams. */
static wsic_status count_blocks(const wsic_env *env, wsic_code_reader *reader, size_t *count)
{
    wsic_status status;

    reader->live_block =
        wsic_code_reader_alloc(env, reader, reader->blocks, sizeof *reader->live_block, &status);
    if (!reader->live_block)
        return status;
    *count = 0;
    for (size_t block = 0; block < reader->blocks; block++) {
        reader->live_block[block] = (uint32_t)*count;
        *count += reader->first_row[block] != reader->first_row[block + 1];
    }
    return WSIC_OK;
}

/* Where each stream begins. */
static wsic_status add_sizes(const wsic_env *env, wsic_cursor *cursor, const int32_t *sizes,
                             size_t count, wsic_code_reader *reader)
{
    const size_t left = wsic_cursor_left(cursor);

    reader->offset[0] = 0;
    for (size_t k = 0; k < count; k++) {
        if (sizes[k] < 0)
            return wsic_fail(env, WSIC_ERROR_FORMAT, "stream %zu of the codes is %d bytes long", k,
                             (int)sizes[k]);
        reader->offset[k + 1] = reader->offset[k] + (size_t)sizes[k];
        if (reader->offset[k + 1] > left)
            return wsic_fail(env, WSIC_ERROR_TRUNCATED,
                             "stream %zu of the codes ends behind the last byte", k);
    }
    reader->bytes = wsic_take(cursor, reader->offset[count]);
    return WSIC_OK;
}

static wsic_status read_sizes(const wsic_env *env, wsic_cursor *cursor, size_t count,
                              wsic_code_reader *reader)
{
    wsic_status status;

    reader->offset =
        wsic_code_reader_alloc(env, reader, count + 1, sizeof *reader->offset, &status);
    if (!reader->offset)
        return status;
    int32_t *const sizes = wsic_alloc(env, count, sizeof *sizes, &status);
    if (!sizes)
        return status;
    const uint64_t last = wsic_get_varint(cursor);
    if (cursor->failed)
        status = wsic_fail(env, WSIC_ERROR_TRUNCATED, "the bytes end within the sizes of streams");
    else if (last > WSIC_INT_ARRAY_LIMIT)
        status = wsic_fail(env, WSIC_ERROR_FORMAT, "the last stream of codes is %llu bytes long",
                           (unsigned long long)last);
    else
        status = wsic_int_array_read(env, cursor, "sizes of streams", count - 1, sizes);
    sizes[count - 1] = (int32_t)last;
    if (status == WSIC_OK)
        status = add_sizes(env, cursor, sizes, count, reader);
    wsic_free(env, sizes);
    return status;
}

wsic_status wsic_code_reader_streams(const wsic_env *env, wsic_cursor *cursor,
                                     const wsic_code_head *head, wsic_code_reader *reader)
{
    size_t blocks = 0, count;

    if (head->streams < 1 || head->streams > reader->groups || head->streams > WSIC_STREAMS_MOST)
        return wsic_fail(env, WSIC_ERROR_FORMAT,
                         "%llu streams to a block where there are %zu groups of columns",
                         (unsigned long long)head->streams, reader->groups);
    reader->streams = (size_t)head->streams;
    const wsic_status status = count_blocks(env, reader, &blocks);
    if (status != WSIC_OK)
        return status;
    /* None is empty. */
    if (!wsic_mul_size(blocks, reader->streams, &count) || count > wsic_cursor_left(cursor))
        return wsic_fail(env, WSIC_ERROR_TRUNCATED, "the bytes end within the streams of codes");
    return read_sizes(env, cursor, count, reader);
}
