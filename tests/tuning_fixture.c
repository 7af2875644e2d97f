/* SPDX-License-Identifier: MIT */
#include "tuning_fixture.h"

#include <stdlib.h>

#include "llm/report/evaluate.h"
#include "random.h"

enum { samples = 200 };

static wsic_stats *make_stats(wsic_context *context, size_t columns, random_state *random)
{
    double *const inputs = malloc(samples * columns * sizeof *inputs);
    wsic_stats *stats;
    wsic_matrix view;

    ck_assert_ptr_nonnull(inputs);
    random_fill(random, inputs, samples * columns);
    for (size_t i = 0; i < samples; i++)
        inputs[i * columns + TUNING_DEAD_COLUMN] = 0;
    wsic_matrix_init(&view, sizeof view, inputs, WSIC_F64, samples, columns, 0);
    ck_assert_int_eq(wsic_stats_create(context, columns, &stats), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &view, NULL), WSIC_OK);
    free(inputs);
    return stats;
}

/* The same layer with a column turned round. */
static wsic_layer *negate_column(wsic_layer *layer, size_t columns)
{
    float scales[100];
    wsic_layer *negated;

    ck_assert_uint_le(columns, 100);
    memcpy(scales, wsic_layer_column_scales(layer), columns * sizeof *scales);
    scales[TUNING_NEGATIVE_COLUMN] *= -1;
    ck_assert_int_eq(wsic_layer_create_with_scales(layer, NULL, scales, &negated), WSIC_OK);
    wsic_layer_destroy(layer);
    return negated;
}

static void add_layer(struct tuning_fixture *fixture, wsic_archive_writer *writer, const char *name,
                      const struct linear *linear)
{
    random_state random = {linear->rows * 100 + linear->columns};
    const size_t bytes = linear->rows * linear->columns * sizeof(float);
    float *const weights = malloc(bytes);
    wsic_encoder *encoder;
    wsic_layer *layer;
    wsic_matrix view;

    memcpy(weights, linear->weights, bytes);
    for (size_t j = 0; j < linear->columns; j++)
        weights[TUNING_DEAD_ROW * linear->columns + j] = 0;
    wsic_stats *const stats = make_stats(fixture->context, linear->columns, &random);
    wsic_matrix_init(&view, sizeof view, weights, WSIC_F32, linear->rows, linear->columns, 0);
    ck_assert_int_eq(wsic_encoder_create(fixture->context, &encoder), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_text(encoder, "rescale", fixture->rescale), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_set_number(encoder, WSIC_STEP, 0.3), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run(encoder, stats, &view, &layer), WSIC_OK);
    layer = negate_column(layer, linear->columns);
    ck_assert_int_eq(wsic_archive_writer_add(writer, name, layer), WSIC_OK);
    wsic_layer_destroy(layer);
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
    free(weights);
}

static void write_archive(struct tuning_fixture *fixture)
{
    wsic_archive_writer *writer;
    char name[MODEL_NAME_SIZE];

    ck_assert_int_eq(wsic_archive_writer_create(fixture->context, fixture->archive, &writer),
                     WSIC_OK);
    for (size_t i = 0; i < fixture->plain.blocks; i++) {
        for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
            layers_name(&fixture->model.config, i * LINEAR_KINDS + kind, name);
            add_layer(fixture, writer, name, &fixture->model.blocks[i].linear[kind]);
        }
    }
    ck_assert_int_eq(wsic_archive_writer_set_metadata(writer, "origin", "a test"), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
}

void tuning_open(struct tuning_fixture *fixture, void (*make)(struct synthetic_llm *model),
                 const char *rescale)
{
    struct failure failure;

    fixture->rescale = rescale;
    make(&fixture->plain);
    temporary_create(&fixture->place);
    synthetic_write(&fixture->plain, fixture->place.directory);
    snprintf(fixture->archive, sizeof fixture->archive, "%s/archive.wsic",
             fixture->place.directory);
    ck_assert_int_eq(wsic_context_create(NULL, &fixture->context), WSIC_OK);
    ck_assert_msg(model_load(&fixture->model, fixture->place.directory, &failure), "%s",
                  failure.text);
    synthetic_text(fixture->plain.vocabulary, fixture->values, TUNING_TOKENS);
    fixture->tokens = (struct tokens){.values = fixture->values, .count = TUNING_TOKENS};
    fixture->reference =
        evaluate_hidden(&fixture->model, &fixture->tokens, TUNING_WINDOW, &failure);
    ck_assert_ptr_nonnull(fixture->reference);
    write_archive(fixture);
}

void tuning_close(struct tuning_fixture *fixture)
{
    free(fixture->reference);
    model_free(&fixture->model);
    wsic_context_destroy(fixture->context);
    temporary_destroy(&fixture->place);
    synthetic_free(&fixture->plain);
}

void tuning_enrol(struct tuning_fixture *fixture, struct student *student)
{
    struct failure failure;

    ck_assert_msg(
        student_create(student, &fixture->model, fixture->context, fixture->archive, &failure),
        "%s", failure.text);
}
