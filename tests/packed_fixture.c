/* SPDX-License-Identifier: MIT */
#include "packed_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "llm/publish/pack.h"

static char directory[] = "test_packed.XXXXXX";

struct packed_fixture packed;

bool packed_is_quantized(const struct synthetic_tensor *tensor)
{
    return strstr(tensor->name, "_proj.weight") != NULL;
}

static void quantize(wsic_encoder *encoder, wsic_archive_writer *writer,
                     const struct synthetic_tensor *tensor)
{
    wsic_matrix weights;
    wsic_stats *stats;
    wsic_layer *layer;
    float *const identity = calloc(tensor->columns * tensor->columns, sizeof *identity);
    wsic_matrix covariance;

    for (size_t i = 0; i < tensor->columns; i++)
        identity[i * (tensor->columns + 1)] = 1;
    wsic_matrix_init(&covariance, sizeof covariance, identity, WSIC_F32, tensor->columns,
                     tensor->columns, 0);
    wsic_matrix_init(&weights, sizeof weights, tensor->bits, WSIC_BF16, tensor->rows,
                     tensor->columns, 0);
    ck_assert_int_eq(wsic_stats_create(packed.context, tensor->columns, &stats), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_covariance(stats, &covariance, 1000), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run(encoder, stats, &weights, &layer), 0);
    ck_assert_int_eq(wsic_archive_writer_add(writer, tensor->name, layer), WSIC_OK);
    wsic_layer_destroy(layer);
    wsic_stats_destroy(stats);
    free(identity);
}

static void write_archive(void)
{
    wsic_archive_writer *writer;
    wsic_encoder *encoder;

    ck_assert_int_eq(wsic_archive_writer_create(packed.context, packed.archive, &writer), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "preset", "fast \"quoted\""),
                     WSIC_OK);
    ck_assert_int_eq(wsic_encoder_create(packed.context, &encoder), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_preset(encoder, "fast"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(encoder, WSIC_RATE, 3), WSIC_OK);
    for (size_t i = 0; i < packed.model.count; i++)
        if (packed_is_quantized(&packed.model.tensors[i]))
            quantize(encoder, writer, &packed.model.tensors[i]);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    wsic_encoder_destroy(encoder);
}

void packed_set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(packed.source, sizeof packed.source, "%s/packed.source", directory);
    snprintf(packed.archive, sizeof packed.archive, "%s/a.wsic", directory);
    snprintf(packed.packed, sizeof packed.packed, "%s/packed", directory);
    snprintf(packed.restored, sizeof packed.restored, "%s/restored", directory);
    ck_assert_int_eq(mkdir(packed.source, 0777), 0);
    synthetic_llama3(&packed.model);
    synthetic_write(&packed.model, packed.source);
    ck_assert_int_eq(wsic_context_create(NULL, &packed.context), WSIC_OK);
    write_archive();
}

void packed_tear_down(void)
{
    char command[128];

    synthetic_free(&packed.model);
    wsic_context_destroy(packed.context);
    snprintf(command, sizeof command, "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
}

void packed_pack(void)
{
    struct packing packing = {.source = packed.source,
                              .archive_path = packed.archive,
                              .output = packed.packed,
                              .shard_bytes = UINT64_C(1) << 40};
    struct checkpoint *checkpoint;
    struct config config;
    struct packed counts;

    ck_assert_msg(config_load(&config, packed.source, &packed.failure), "%s", packed.failure.text);
    packing.config = &config;
    ck_assert_msg(checkpoint_open(&checkpoint, packed.source, &packed.failure), "%s",
                  packed.failure.text);
    packing.checkpoint = checkpoint;
    ck_assert_int_eq(wsic_archive_open(packed.context, packed.archive, &packing.archive), WSIC_OK);
    ck_assert_msg(pack_model(&packing, &counts, &packed.failure), "%s", packed.failure.text);
    wsic_archive_close(packing.archive);
    checkpoint_close(checkpoint);
}
