/* SPDX-License-Identifier: MIT */
/* Runs that are stopped and gone on with: the archive is that of a run without a stop, wherever
 * that was, and what does not fit is refused by name. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "llm/watersic/provenance.h"
#include "llm/run/takeover.h"
#include "llm/watersic/watersic_run.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { text_length = 330, window = 30, layers = 2 * LINEAR_KINDS };

/* Bits per weight: of layers as small as these, most are not for the weights. */
static const double rate = 14;

static struct synthetic_llm plain;
static temporary checkpoint;
static temporary place;
static uint32_t values[text_length];
static struct tokens tokens = {.values = values, .count = text_length};
static struct failure failure;

static void set_up(void)
{
    synthetic_qwen3(&plain);
    temporary_create(&checkpoint);
    temporary_create(&place);
    synthetic_write(&plain, checkpoint.directory);
    synthetic_text(plain.vocabulary, values, text_length);
}

static void tear_down(void)
{
    synthetic_free(&plain);
    temporary_destroy(&checkpoint);
    temporary_destroy(&place);
}

/* --- runs ---------------------------------------------------------------------- */

/* A run as the program makes it, that may be stopped. */
struct job {
    wsic_context *context;
    wsic_encoder *encoder;
    struct model model;
    struct watersic_method method;
    struct takeover takeover;
    struct layer_result results[layers];
    size_t stop_at;  /* layers in the archive; SIZE_MAX: no stop */
    size_t gathered; /* layers that came with statistics */
};

static size_t made_layers(const struct job *job)
{
    size_t count = 0;

    while (count < layers && job->results[count].info.bytes > 0)
        count++;
    return count;
}

static int32_t stop(void *self, double fraction, const char *stage)
{
    const struct job *const job = self;

    (void)stage;
    (void)fraction;
    return made_layers(job) >= job->stop_at;
}

static const char *output(void)
{
    return temporary_path(&place, "x.wsic");
}

static void begin_job(struct job *job, size_t stop_at)
{
    const struct method_settings settings = {.rate = rate, .preset = "fast", .rescalers = true};

    memset(job, 0, sizeof *job);
    job->stop_at = stop_at;
    ck_assert_int_eq(wsic_context_create(NULL, &job->context), WSIC_OK);
    job->encoder = watersic_encoder_create(job->context, &settings, false, &failure);
    ck_assert_msg(job->encoder != NULL, "%s", failure.text);
    ck_assert_msg(model_open(&job->model, checkpoint.directory, &failure), "%s", failure.text);
    ck_assert_int_eq(wsic_context_set_progress(job->context, stop, job), WSIC_OK);
}

static void end_job(struct job *job)
{
    wsic_archive_writer_destroy(job->method.writer);
    takeover_free(&job->takeover);
    wsic_encoder_destroy(job->encoder);
    model_free(&job->model);
    wsic_context_destroy(job->context);
}

static bool run_job(struct job *job, const struct recipe *recipe)
{
    const struct stretch stretch = {
        .meter = &(struct meter){.shown = false}, .label = "", .from = 0, .to = 1};

    job->method = (struct watersic_method){
        .context = job->context, .encoder = job->encoder, .results = job->results};
    job->method.writer = takeover_open(job->context, output(), false, &failure);
    if (!job->method.writer ||
        !takeover_find(&job->takeover, job->method.writer, &job->model.config, output(), &failure))
        return false;
    job->method.taken = job->takeover.taken;
    const struct calibration calibration = {
        .tokens = &tokens, .window = window, .recipe = recipe, .taken = job->takeover.taken};
    return watersic_run(&job->method, &job->model, &calibration, rate, &stretch, &failure);
}

/* Run until stop_at layers are there, of which `before` must have been taken over. */
static void run_until(const struct recipe *recipe, size_t before, size_t stop_at)
{
    struct job job;

    begin_job(&job, stop_at);
    const bool ok = run_job(&job, recipe);
    ck_assert_msg(ok == (stop_at >= layers), "%zu to %zu: %s", before, stop_at, failure.text);
    ck_assert_uint_eq(job.takeover.count, before);
    ck_assert_uint_eq(wsic_archive_writer_count(job.method.writer), ok ? layers : stop_at);
    for (size_t i = 0; ok && i < layers; i++) {
        ck_assert(job.results[i].taken == (i < before));
        ck_assert_str_eq(job.results[i].name, wsic_archive_writer_name(job.method.writer, i));
        ck_assert_uint_gt(job.results[i].info.bytes, 0);
        /* Better than zeros. What outputs are worth makes the plain distortion rise, and in layers
         * of a few hundred weights the head of the codes takes a good part of the bytes. */
        ck_assert_double_lt(job.results[i].info.relative_distortion, 1);
    }
    if (stop_at == SIZE_MAX)
        ck_assert_int_eq(wsic_archive_writer_finish(job.method.writer), WSIC_OK);
    end_job(&job);
}

static void expect_same(const uint8_t *bytes, size_t size)
{
    size_t found_size;
    uint8_t *const found = read_file(output(), &found_size);

    ck_assert_uint_eq(found_size, size);
    ck_assert_mem_eq(found, bytes, size);
    free(found);
    ck_assert_uint_eq(temporary_count(&place), 1);
    ck_assert_int_eq(unlink(output()), 0);
}

static void stop_at_some(const struct recipe *recipe, size_t first, size_t step)
{
    size_t size;

    run_until(recipe, 0, SIZE_MAX);
    uint8_t *const bytes = read_file(output(), &size);
    ck_assert_int_eq(unlink(output()), 0);
    for (size_t k = first; k <= layers; k += step) {
        run_until(recipe, 0, k);
        ck_assert_int_ne(access(output(), F_OK), 0);
        run_until(recipe, k, SIZE_MAX);
        expect_same(bytes, size);
    }
    free(bytes);
}

/* The first recipe everywhere; the others at places that take turns. */
START_TEST(a_stop_anywhere_changes_no_byte)
{
    static const struct recipe recipes[] = {
        {.statistics = true},
        {.statistics = true, .drift = true, .residual = true, .rescalers = true},
        {.statistics = true, .drift = true, .mix = {.clean = 0.2, .attention = 0.3}},
        {.statistics = true,
         .drift = true,
         .residual = true,
         .mixing = true,
         .mixing_steps = 2,
         .rescalers = true},
        {.statistics = true, .drift = true, .rescalers = true, .plan = PLAN_WATERFILL},
        {.statistics = true,
         .drift = true,
         .residual = true,
         .rescalers = true,
         .plan = PLAN_WATERFILL,
         .sensitivity = SENSITIVITY_OUTPUTS,
         .outputs = OUTPUTS_FULL,
         .outputs_rows = 64,
         .outputs_tokens = 100000},
        {.statistics = true,
         .drift = true,
         .mixing = true,
         .mixing_steps = 2,
         .rescalers = true,
         .plan = PLAN_EQUAL},
    };

    stop_at_some(&recipes[_i], (size_t)_i, _i == 0 ? 1 : 4);
}
END_TEST

START_TEST(many_stops_change_no_byte)
{
    static const struct recipe recipe = {.statistics = true, .drift = true, .residual = true};
    size_t size;

    run_until(&recipe, 0, SIZE_MAX);
    uint8_t *const bytes = read_file(output(), &size);
    ck_assert_int_eq(unlink(output()), 0);
    for (size_t k = 1; k < layers; k += 2)
        run_until(&recipe, k == 1 ? 0 : k - 2, k);
    run_until(&recipe, layers - 1, SIZE_MAX);
    expect_same(bytes, size);
    free(bytes);
}
END_TEST

/* --- what is gathered ------------------------------------------------------------ */

static bool count_statistics(void *self, const struct layer_task *task, struct failure *reason)
{
    struct job *const job = self;

    (void)reason;
    job->gathered += task->stats != NULL;
    return true;
}

static size_t gathered_layers(const bool *taken, const struct recipe *recipe)
{
    const struct stretch stretch = {
        .meter = &(struct meter){.shown = false}, .label = "", .from = 0, .to = 1};
    const struct calibration calibration = {
        .tokens = &tokens, .window = window, .recipe = recipe, .taken = taken};
    struct job job;

    begin_job(&job, SIZE_MAX);
    ck_assert_msg(pipeline_run(&job.model, &calibration, &stretch, job.context, count_statistics,
                               &job, &failure),
                  "%s", failure.text);
    end_job(&job);
    return job.gathered;
}

START_TEST(nothing_is_gathered_for_places_that_are_done)
{
    static const struct recipe recipe = {.statistics = true, .drift = true, .residual = true};
    /* Of a block: three layers, one, two, one. */
    static const size_t gathered[layers + 1] = {14, 14, 14, 11, 10, 10, 8, 7, 7, 7, 4, 3, 3, 1, 0};
    bool taken[layers] = {false};

    ck_assert_uint_eq(gathered_layers(NULL, &recipe), layers);
    for (size_t k = 0; k <= layers; k++) {
        ck_assert_uint_eq(gathered_layers(taken, &recipe), gathered[k]);
        if (k < layers)
            taken[k] = true;
    }
}
END_TEST

/* --- what is refused --------------------------------------------------------------- */

static bool fits(const struct provenance *begun, const struct provenance *next)
{
    struct job job;

    begin_job(&job, 1);
    job.method.writer = takeover_open(job.context, output(), false, &failure);
    ck_assert_msg(job.method.writer != NULL, "%s", failure.text);
    json_t *const first = provenance_describe(begun, &failure);
    json_t *const second = provenance_describe(next, &failure);
    ck_assert(provenance_write(first, job.method.writer, output(), &failure));
    const bool ok = provenance_check(second, job.method.writer, output(), &failure);
    json_decref(first);
    json_decref(second);
    end_job(&job);
    return ok;
}

static void expect_named(const struct provenance *begun, const struct provenance *next,
                         const char *text)
{
    ck_assert(!fits(begun, next));
    ck_assert_msg(strstr(failure.text, text) != NULL, "no \"%s\" in: %s", text, failure.text);
    ck_assert_ptr_nonnull(strstr(failure.text, "x.wsic.part: "));
    ck_assert_ptr_nonnull(strstr(failure.text, "--restart"));
    ck_assert_ptr_null(strchr(failure.text, '\n'));
}

START_TEST(what_differs_is_named)
{
    static const struct recipe recipe = {.statistics = true, .drift = true, .mix = {.clean = 0.1}};
    struct recipe other_recipe = recipe;
    uint32_t other_values[text_length];
    const struct tokens other_tokens = {.values = other_values, .count = text_length};
    struct model model, other_model;
    struct provenance next;
    temporary other_checkpoint;

    ck_assert(model_open(&model, checkpoint.directory, &failure));
    const struct provenance begun = {.model = &model,
                                     .tokens = &tokens,
                                     .window = window,
                                     .recipe = &recipe,
                                     .preset = "fast",
                                     .parameters = "rate=2 ridge=1 limit=0"};
    ck_assert_msg(fits(&begun, &begun), "%s", failure.text);

    next = begun;
    next.preset = "paper";
    expect_named(&begun, &next, ": preset is fast, but this run has paper ");
    next = begun;
    next.parameters = "rate=2 ridge=2 limit=0";
    expect_named(&begun, &next, ": parameters is ridge=1, but this run has ridge=2 ");
    next.parameters = "rate=2 ridge=1 limit=0 step=1";
    expect_named(&begun, &next, ": parameters is nothing, but this run has step=1 ");
    expect_named(&next, &begun, ": parameters is step=1, but this run has nothing ");
    next = begun;
    next.window = 31;
    expect_named(&begun, &next, ": calibration.window is 30, but this run has 31 ");
    next = begun;
    next.recipe = &other_recipe;
    ck_assert(fits(&begun, &next));
    other_recipe.drift = false;
    expect_named(&begun, &next, ": calibration.recipe.drift is true, but this run has false ");

    memcpy(other_values, values, sizeof values);
    next = begun;
    next.tokens = &other_tokens;
    ck_assert(fits(&begun, &next));
    other_values[17] ^= 1;
    expect_named(&begun, &next, ": fingerprint.tokens is ");

    plain.tensors[plain.count - 1].bits[0] ^= 1;
    temporary_create(&other_checkpoint);
    synthetic_write(&plain, other_checkpoint.directory);
    ck_assert(model_open(&other_model, other_checkpoint.directory, &failure));
    next = begun;
    next.model = &other_model;
    expect_named(&begun, &next, ": fingerprint.checkpoint is ");
    model_free(&other_model);
    model_free(&model);
    temporary_destroy(&other_checkpoint);
}
END_TEST

/* What only some runs have: it counts on either side, and before the fingerprint of the checkpoint,
 * which it is part of. */
START_TEST(what_only_one_has_is_named)
{
    static const struct recipe recipe = {.statistics = true};
    static const char rows[] = "model.layers.0.mlp.up_proj.weight:1";
    const struct vocabulary_rates vocabulary = {.embedding = 4};
    struct exclusions skipped, zeroed;
    struct model model, other_model;
    struct provenance next;

    ck_assert(model_open(&model, checkpoint.directory, &failure));
    other_model = model;
    const struct provenance begun = {.model = &model,
                                     .tokens = &tokens,
                                     .window = window,
                                     .recipe = &recipe,
                                     .preset = "fast",
                                     .parameters = "rate=2"};

    next = begun;
    next.vocabulary = &vocabulary;
    expect_named(&begun, &next, ": vocabulary is nothing, but this run has {");
    expect_named(&next, &begun, ": vocabulary is {");
    next = begun;
    next.model = &other_model;
    ck_assert(exclusions_create(&skipped, &model.config, "*.0.mlp.up_proj.weight", NULL, &failure));
    other_model.exclusions = &skipped;
    expect_named(&begun, &next, ": skipped is nothing, but this run has [\"model.layers.0.mlp.up");
    expect_named(&next, &begun, ": skipped is [\"model.layers.0.mlp.up");
    ck_assert(exclusions_create(&zeroed, &model.config, NULL, rows, &failure));
    other_model.exclusions = &zeroed;
    next.zero_rows = rows;
    expect_named(&begun, &next, ": zero_rows is nothing, but this run has model.layers.0.mlp.up");
    expect_named(&next, &begun, ": zero_rows is model.layers.0.mlp.up");
    exclusions_free(&skipped);
    exclusions_free(&zeroed);
    model_free(&model);
}
END_TEST

START_TEST(layers_of_another_model_are_refused)
{
    static const struct recipe recipe = {.statistics = true};
    struct job job;

    run_until(&recipe, 0, LINEAR_KINDS + 1);
    begin_job(&job, 1);
    struct config small = job.model.config;
    small.blocks = 1;
    job.method.writer = takeover_open(job.context, output(), false, &failure);
    ck_assert_ptr_nonnull(job.method.writer);
    ck_assert(!takeover_find(&job.takeover, job.method.writer, &small, output(), &failure));
    ck_assert_ptr_nonnull(strstr(failure.text, "x.wsic.part: "));
    end_job(&job);
}
END_TEST

START_TEST(a_restart_begins_anew)
{
    static const struct recipe recipe = {.statistics = true};
    struct job job;

    run_until(&recipe, 0, 3);
    begin_job(&job, 1);
    job.method.writer = takeover_open(job.context, output(), true, &failure);
    ck_assert_ptr_nonnull(job.method.writer);
    ck_assert_uint_eq(wsic_archive_writer_count(job.method.writer), 0);
    end_job(&job);
    ck_assert_uint_eq(temporary_count(&place), 0);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm resume");
    TCase *const tests = tcase_create("resume");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_stop_anywhere_changes_no_byte, 0, 7);
    tcase_add_test(tests, many_stops_change_no_byte);
    tcase_add_test(tests, nothing_is_gathered_for_places_that_are_done);
    tcase_add_test(tests, what_differs_is_named);
    tcase_add_test(tests, what_only_one_has_is_named);
    tcase_add_test(tests, layers_of_another_model_are_refused);
    tcase_add_test(tests, a_restart_begins_anew);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
