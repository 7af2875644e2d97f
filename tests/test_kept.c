/* SPDX-License-Identifier: MIT */
/* Layers of trellises that were written once and are read for ever: by the library, and by the
 * second decoder from the first byte of the file on.
 * Usage: test_kept FOLDER [make]; with "make" the files are written anew before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "common/npy.h"
#include "layer_fixture.h"
#include "plain_layer.h"
#include "plain_stream.h"

enum { ROWS = 48, COLUMNS = 32, WEIGHTS = ROWS * COLUMNS, LAYERS = 5, BYTES_MOST = 16384 };

/* What each layer is there for. */
static const struct {
    const char *name;
    const char *preset;
    const char *settings; /* beside it */
    double rate;
    int covariance;
    bool signs; /* weights are 1 or -1 */
    unsigned kind;
    size_t block_rows;
    bool dead_columns, corrections, own_models;
} kept[LAYERS] = {
    {"default", "default", "", 2.0, COVARIANCE_AR, false, 5, 48, true, true, false},
    {"max", "max", "", 2.0, COVARIANCE_DEAD, false, 8, 48, true, true, false},
    {"blocks", "default", "trellis_states=4,block_rows=20", 4.0, COVARIANCE_CHANNELS, false, 2, 20,
     false, false, false},
    {"corrections", "default", "trellis_states=8,lambda=2", 3.0, COVARIANCE_DEAD, false, 3, 48,
     true, true, false},
    {"tables", "default", "trellis_states=16", 3.0, COVARIANCE_IDENTITY, true, 4, 48, false, false,
     true},
};

static char archive_path[1000], weights_path[1000];

/* --- how they were made --------------------------------------------------------------- */

static void choose_settings(layer_fixture *f, size_t k)
{
    char settings[100];

    ck_assert_int_eq(wsic_encoder_set_preset(f->encoder, kept[k].preset), WSIC_OK);
    strcpy(settings, kept[k].settings);
    for (char *name = strtok(settings, ","); name; name = strtok(NULL, ",")) {
        char *const value = strchr(name, '=');
        *value = '\0';
        ck_assert_int_eq(wsic_encoder_set_text(f->encoder, name, value + 1), WSIC_OK);
    }
}

static void make_layer(size_t k, wsic_archive_writer *writer, float *weights)
{
    layer_fixture f = layer_open(ROWS, COLUMNS, kept[k].covariance, k + 1);
    wsic_matrix view;

    choose_settings(&f, k);
    for (size_t i = 0; i < WEIGHTS && kept[k].signs; i++)
        f.weights[i] = f.weights[i] < 0.0 ? -1.0 : 1.0;
    wsic_layer *const layer = layer_encode(&f, kept[k].rate);
    wsic_matrix_init(&view, sizeof view, weights, WSIC_F32, ROWS, COLUMNS, 0);
    ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &view), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_add(writer, kept[k].name, layer), WSIC_OK);
    wsic_layer_destroy(layer);
    layer_close(&f);
}

START_TEST(files_are_written_anew)
{
    static float weights[LAYERS * WEIGHTS];
    wsic_context *context;
    wsic_archive_writer *writer;
    struct failure failure;

    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_create(context, archive_path, &writer), WSIC_OK);
    for (size_t k = 0; k < LAYERS; k++)
        make_layer(k, writer, weights + k * WEIGHTS);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
    wsic_context_destroy(context);
    ck_assert(npy_write(weights_path, weights, WSIC_F32, LAYERS * ROWS, COLUMNS, &failure));
}
END_TEST

/* --- how they are read ------------------------------------------------------------------ */

/* Weights of all layers, one below the other. */
static npy_array read_weights(void)
{
    struct failure failure;
    npy_array weights;

    ck_assert_msg(npy_read(weights_path, &weights, &failure), "%s", failure.text);
    ck_assert_uint_eq(weights.dtype, WSIC_F32);
    ck_assert_uint_eq(weights.rows, LAYERS * ROWS);
    ck_assert_uint_eq(weights.columns, COLUMNS);
    return weights;
}

START_TEST(the_library_reads_them)
{
    npy_array expected = read_weights();
    float weights[WEIGHTS];
    wsic_context *context;
    wsic_archive *archive;
    wsic_matrix view;

    wsic_matrix_init(&view, sizeof view, weights, WSIC_F32, ROWS, COLUMNS, 0);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    ck_assert_int_eq(wsic_archive_open(context, archive_path, &archive), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_count(archive), LAYERS);
    for (size_t k = 0; k < LAYERS; k++) {
        wsic_layer *layer;
        ck_assert_str_eq(wsic_archive_name(archive, k), kept[k].name);
        ck_assert_int_eq(wsic_archive_load_layer(archive, k, &layer), WSIC_OK);
        ck_assert_int_eq(wsic_layer_dequantize(layer, 0, &view), WSIC_OK);
        ck_assert_mem_eq(weights, (float *)expected.data + k * WEIGHTS, sizeof weights);
        wsic_layer_destroy(layer);
    }
    wsic_archive_close(archive);
    wsic_context_destroy(context);
    npy_release(&expected);
}
END_TEST

/* Step over a record to its payload, which is aligned if it is a layer, and from there to the next
 * record. */
static unsigned next_record(stream *s, stream *name, stream *payload)
{
    const unsigned type = u8(s);

    name->size = (size_t)varint(s);
    name->bytes = s->bytes + s->at;
    s->at += name->size;
    payload->size = (size_t)varint(s);
    while (type == 1 && s->at % ((size_t)1 << s->bytes[10]) != 0)
        s->at++;
    payload->bytes = s->bytes + s->at;
    s->at += payload->size + 8;
    ck_assert(!s->bad && s->at <= s->size);
    return type;
}

static void check_layer(size_t k, const stream *name, const stream *payload, const float *expected)
{
    plain_layer layer = plain_layer_open(payload->bytes, payload->size);

    ck_assert_uint_eq(name->size, strlen(kept[k].name));
    ck_assert_mem_eq(name->bytes, kept[k].name, name->size);
    ck_assert_uint_eq(layer.rows, ROWS);
    ck_assert_uint_eq(layer.columns, COLUMNS);
    ck_assert_uint_eq(layer.kind, kept[k].kind);
    ck_assert_uint_eq(layer.block_rows, kept[k].block_rows);
    ck_assert_int_eq(layer.dead_columns, kept[k].dead_columns);
    ck_assert_int_eq(layer.corrections, kept[k].corrections);
    ck_assert_int_eq(layer.own_models, kept[k].own_models);
    for (size_t i = 0; i < WEIGHTS; i++) {
        const float weight = plain_layer_weight(&layer, i / COLUMNS, i % COLUMNS);
        ck_assert_mem_eq(&weight, &expected[i], sizeof weight);
    }
    plain_layer_close(&layer);
}

START_TEST(the_second_decoder_reads_them)
{
    npy_array expected = read_weights();
    static uint8_t bytes[BYTES_MOST];
    FILE *const file = fopen(archive_path, "rb");
    ck_assert_ptr_nonnull(file);
    stream s = {.bytes = bytes, .size = fread(bytes, 1, sizeof bytes, file), .at = 12};
    stream name, payload;
    size_t layers = 0;
    unsigned type;

    fclose(file);
    while ((type = next_record(&s, &name, &payload)) != 3) {
        if (type == 1) {
            ck_assert_uint_lt(layers, LAYERS);
            check_layer(layers, &name, &payload, (float *)expected.data + layers * WEIGHTS);
            layers++;
        }
    }
    ck_assert_uint_eq(layers, LAYERS);
    npy_release(&expected);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *const suite = suite_create("kept");
    TCase *const tests = tcase_create("kept");

    if (argc < 2)
        return 2;
    snprintf(archive_path, sizeof archive_path, "%s/trellis.wsic", argv[1]);
    snprintf(weights_path, sizeof weights_path, "%s/trellis.npy", argv[1]);
    if (argc > 2 && strcmp(argv[2], "make") == 0)
        tcase_add_test(tests, files_are_written_anew);
    tcase_add_test(tests, the_library_reads_them);
    tcase_add_test(tests, the_second_decoder_reads_them);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
