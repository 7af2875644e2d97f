/* SPDX-License-Identifier: MIT */
/* Layers fitted to what their outputs are worth care little how a model is written down: where
 * value heads are made smaller, and output columns larger instead, the model computes the same
 * function, and quantization must not make another one of it. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "common/tokens.h"
#include "llm/report/evaluate.h"
#include "llm/watersic/watersic_run.h"
#include "temporary.h"

enum { window = 128, calibration_tokens = 4096, evaluation_tokens = 2048 };

static const double rate = 3;

static temporary place;

/* A copy of the model that tests can spoil. */
static void copy(const char *name)
{
    char path[300];
    size_t size;

    snprintf(path, sizeof path, "%s/%s", TINYLM, name);
    uint8_t *const bytes = read_file(path, &size);
    write_file(temporary_path(&place, name), bytes, size);
    free(bytes);
}

/* Where the checkpoint's file has a tensor. */
static long offset_of(const struct tensor *tensor, const uint8_t *file, size_t size)
{
    for (size_t i = 0; i + tensor->bytes <= size; i++)
        if (memcmp(file + i, tensor->data, tensor->bytes) == 0)
            return (long)i;
    ck_abort_msg("no tensor %s", tensor->name);
    return 0;
}

/* Add to the exponents (BF16) of rows, or of columns, first to end - 1. */
static void rescale(uint8_t *values, const struct linear *shape, bool columns, size_t first,
                    size_t end, int power)
{
    for (size_t i = 0; i < shape->rows; i++)
        for (size_t j = 0; j < shape->columns; j++) {
            const size_t at = columns ? j : i;
            uint16_t bits;
            memcpy(&bits, values + 2 * (i * shape->columns + j), sizeof bits);
            if (at >= first && at < end && (bits & 0x7F80) != 0)
                bits = (uint16_t)(bits + power * 128);
            memcpy(values + 2 * (i * shape->columns + j), &bits, sizeof bits);
        }
}

static void rescale_layer(const struct model *model, uint8_t *file, size_t size, size_t block,
                          enum linear_kind kind, bool columns, size_t end, int power)
{
    const struct layer_place of_layer = layers_in(&model->config, block, kind);
    const struct linear shape = {.rows = of_layer.rows, .columns = of_layer.columns};
    char name[MODEL_NAME_SIZE];

    layers_name(&model->config, layers_before(&model->config, block) + kind, name);
    const struct tensor *const tensor = checkpoint_find(model->checkpoint, name);
    ck_assert_ptr_nonnull(tensor);
    ck_assert_str_eq(tensor->type, "BF16");
    rescale(file + offset_of(tensor, file, size), &shape, columns, 0, end, power);
}

/* The first value head of every block, and what takes it. */
static void rescale_heads(int power)
{
    struct model model;
    struct failure failure;
    size_t size;

    ck_assert(model_open(&model, TINYLM, &failure));
    uint8_t *const file = read_file(temporary_path(&place, "model.safetensors"), &size);
    const size_t head = model.config.head_dim;
    const size_t shared = model.config.heads / model.config.kv_heads;
    for (size_t i = 0; i < model.config.blocks; i++) {
        rescale_layer(&model, file, size, i, LINEAR_V, false, head, -power);
        rescale_layer(&model, file, size, i, LINEAR_O, true, shared * head, power);
    }
    write_file(temporary_path(&place, "model.safetensors"), file, size);
    free(file);
    model_free(&model);
}

struct trial {
    wsic_context *context;
    struct model model;
    struct tokens calibration;
    struct tokens text;
    float *reference;
    struct watersic_method method;
};

static void load_text(struct tokens *tokens, const char *name, size_t most)
{
    char path[300];
    struct failure failure;

    snprintf(path, sizeof path, "%s/../%s", TINYLM, name);
    ck_assert_msg(tokens_load(tokens, path, 256, &failure), "%s", failure.text);
    tokens_sample(tokens, window, most);
}

static void begin(struct trial *trial)
{
    struct failure failure;

    *trial = (struct trial){.context = NULL};
    ck_assert_int_eq(wsic_context_create(NULL, &trial->context), WSIC_OK);
    ck_assert_msg(model_load(&trial->model, place.directory, &failure), "%s", failure.text);
    load_text(&trial->calibration, "calibration.txt", calibration_tokens);
    load_text(&trial->text, "evaluation.txt", evaluation_tokens);
    trial->reference = evaluate_hidden(&trial->model, &trial->text, window, &failure);
    ck_assert_ptr_nonnull(trial->reference);
    trial->method = (struct watersic_method){
        .context = trial->context,
        .results = calloc(trial->model.config.blocks * LINEAR_KINDS, sizeof(struct layer_result))};
}

static void end(struct trial *trial)
{
    wsic_encoder_destroy(trial->method.encoder);
    free(trial->method.results);
    free(trial->reference);
    tokens_free(&trial->calibration);
    tokens_free(&trial->text);
    model_free(&trial->model);
    wsic_context_destroy(trial->context);
}

/* Of the model in the directory, quantized. */
static double divergence(enum outputs_mode outputs)
{
    static struct meter meter = {.shown = false};
    const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};
    const struct method_settings settings = {
        .rate = rate, .preset = "fast", .rescalers = true, .outputs = outputs};
    struct evaluation evaluation;
    struct failure failure;
    struct recipe recipe;
    struct trial trial;

    ck_assert(recipe_find(&recipe, "default"));
    recipe.plan = PLAN_NONE;
    recipe.outputs = outputs;
    begin(&trial);
    const struct calibration calibration = {
        .tokens = &trial.calibration, .window = window, .recipe = &recipe};
    trial.method.encoder = watersic_encoder_create(trial.context, &settings, false, &failure);
    ck_assert_ptr_nonnull(trial.method.encoder);
    ck_assert_msg(watersic_run(&trial.method, &trial.model, &calibration, rate, &stretch, &failure),
                  "%s", failure.text);
    ck_assert(evaluate(&evaluation, &trial.model, &trial.text, window, trial.reference, &failure));
    end(&trial);
    return evaluation.kl_bits;
}

START_TEST(rescaled_heads_keep_the_divergence)
{
    double before[2], after[2];

    temporary_create(&place);
    copy("config.json");
    copy("model.safetensors");
    before[0] = divergence(OUTPUTS_FULL);
    before[1] = divergence(OUTPUTS_NONE);
    rescale_heads(5);
    after[0] = divergence(OUTPUTS_FULL);
    after[1] = divergence(OUTPUTS_NONE);
    temporary_destroy(&place);
    /* Where all outputs count alike the small heads are lost. */
    ck_assert_double_gt(after[1], 2 * before[1]);
    /* What is left is the damping of the inputs, which goes by the mean of all: behind the small
     * heads there is more of it in proportion. */
    ck_assert_msg(after[0] < 1.7 * before[0], "%g before, %g after", before[0], after[0]);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm both sides");
    TCase *const sides = tcase_create("both sides");

    tcase_set_timeout(sides, 280);
    tcase_add_test(sides, rescaled_heads_keep_the_divergence);
    suite_add_tcase(suite, sides);
    return run_suite(suite);
}
