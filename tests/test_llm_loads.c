/* SPDX-License-Identifier: MIT */
/* How often a quantization loads the blocks of a model: a number of times that does not depend on
 * the depth; and that no layer is decoded that then stays coded. The linker puts __wrap_ functions
 * in the place of those of model.h and stored.h, outside of the files that these are in. */
#include <string.h>

#include "check_main.h"
#include "llm/generate/generation.h"
#include "llm/model/stored.h"
#include "llm/watersic/watersic_run.h"
#include "packed_fixture.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { window = 16, tokens_count = 64, vocabulary = 32 };

static size_t loads;
static size_t reads; /* of weights */

bool __real_model_load_block(const struct model *model, size_t number, struct block *block,
                             struct failure *failure);
bool __wrap_model_load_block(const struct model *model, size_t number, struct block *block,
                             struct failure *failure);
const struct block *__real_model_block(const struct model *model, size_t number,
                                       struct block *loaded, struct failure *failure);
const struct block *__wrap_model_block(const struct model *model, size_t number,
                                       struct block *loaded, struct failure *failure);

bool __real_stored_read(const struct stored *stored, size_t first, size_t count, float *weights,
                        struct failure *failure);
bool __wrap_stored_read(const struct stored *stored, size_t first, size_t count, float *weights,
                        struct failure *failure);

bool __wrap_stored_read(const struct stored *stored, size_t first, size_t count, float *weights,
                        struct failure *failure)
{
    reads++;
    return __real_stored_read(stored, first, count, weights, failure);
}

bool __wrap_model_load_block(const struct model *model, size_t number, struct block *block,
                             struct failure *failure)
{
    loads++;
    return __real_model_load_block(model, number, block, failure);
}

/* No block is in memory, so that each of these loads one. */
const struct block *__wrap_model_block(const struct model *model, size_t number,
                                       struct block *loaded, struct failure *failure)
{
    loads++;
    return __real_model_block(model, number, loaded, failure);
}

static void write_model(size_t blocks, const char *directory)
{
    struct synthetic_llm plain = {.hidden = 16,
                                  .intermediate = 24,
                                  .blocks = blocks,
                                  .heads = 2,
                                  .kv_heads = 1,
                                  .head_dim = 8,
                                  .vocabulary = vocabulary,
                                  .theta = 1e4};

    synthetic_fill(&plain);
    synthetic_write(&plain, directory);
    synthetic_free(&plain);
}

static void quantize(struct model *model, const struct recipe *recipe)
{
    static const char *const settings[] = {"quantizer=scalar"};
    const struct method_settings method = {
        .rate = 3, .preset = "fast", .settings = settings, .setting_count = 1};
    uint32_t values[tokens_count];
    const struct tokens text = {.values = values, .count = tokens_count};
    const struct calibration calibration = {.tokens = &text, .window = window, .recipe = recipe};
    struct meter meter = {.shown = false};
    const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};
    struct watersic_method run = {
        .results = calloc(model->config.blocks * LINEAR_KINDS, sizeof *run.results)};
    struct failure failure;

    synthetic_text(vocabulary, values, tokens_count);
    ck_assert_ptr_nonnull(run.results);
    ck_assert_int_eq(wsic_context_create(NULL, &run.context), WSIC_OK);
    run.encoder = watersic_encoder_create(run.context, &method, false, &failure);
    ck_assert_msg(run.encoder != NULL, "%s", failure.text);
    ck_assert_msg(watersic_run(&run, model, &calibration, 3, &stretch, &failure), "%s",
                  failure.text);
    wsic_encoder_destroy(run.encoder);
    wsic_context_destroy(run.context);
    free(run.results);
}

static size_t loads_at_depth(size_t blocks, const struct recipe *recipe)
{
    struct failure failure;
    struct model model;
    temporary place;

    temporary_create(&place);
    write_model(blocks, place.directory);
    ck_assert_msg(model_open(&model, place.directory, &failure), "%s", failure.text);
    loads = 0;
    quantize(&model, recipe);
    model_free(&model);
    temporary_destroy(&place);
    return loads;
}

START_TEST(loads_grow_with_the_depth_alone)
{
    struct recipe recipe;

    ck_assert(recipe_find(&recipe, "default"));
    const size_t two = loads_at_depth(2, &recipe);
    const size_t four = loads_at_depth(4, &recipe);
    const size_t eight = loads_at_depth(8, &recipe);
    fprintf(stderr, "%zu loads at depth 2, %zu at 4, %zu at 8\n", two, four, eight);
    ck_assert_uint_ge(two, 2);
    ck_assert_uint_eq(eight - four, 2 * (four - two));
    /* Forward and back for the outputs, once for the plan, and the block that is quantized beside
     * its original. */
    ck_assert_uint_le(eight, 6 * 8);
}
END_TEST

/* How often weights are read to get a model with coded layers ready for a text. */
static size_t reads_of(enum resident_form form)
{
    struct generation generation;
    struct package *package;
    struct model model;

    ck_assert(package_open(&package, packed.context, packed.packed, &packed.failure));
    ck_assert_msg(model_open(&model, packed.packed, &packed.failure), "%s", packed.failure.text);
    ck_assert(model_load_tables(&model, &packed.failure));
    reads = 0;
    ck_assert_msg(generation_create(&generation, &model, package, form, packed.context, window,
                                    &packed.failure),
                  "%s", packed.failure.text);
    generation_free(&generation);
    model_free(&model);
    package_close(package);
    return reads;
}

START_TEST(coded_layers_are_not_decoded_in_vain)
{
    packed_set_up();
    packed_pack();
    ck_assert_uint_eq(reads_of(RESIDENT_F32), packed.model.blocks * LINEAR_KINDS);
    ck_assert_uint_eq(reads_of(RESIDENT_INT8), 0);
    ck_assert_uint_eq(reads_of(RESIDENT_CODED), 0);
    packed_tear_down();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm loads");
    TCase *const depth = tcase_create("depth");

    tcase_set_timeout(depth, 120);
    tcase_add_test(depth, loads_grow_with_the_depth_alone);
    tcase_add_test(depth, coded_layers_are_not_decoded_in_vain);
    suite_add_tcase(suite, depth);
    return run_suite(suite);
}
