/* SPDX-License-Identifier: MIT */
/* The memory of a quantization, as the system counts it: it does not grow with the number of
 * blocks, and what is said beforehand is what is needed. Every run is in a process of its own. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_main.h"
#include "common/peak_memory.h"
#include "llm/watersic/estimate.h"
#include "llm/watersic/watersic_run.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { window = 64, vocabulary = 256 };

static const double rate = 3;

static struct synthetic_llm plain;
static temporary place;

/* 10.5 MiB of weights a block in single precision where hidden is 512, and 0.66 where it is 128. */
static uint64_t write_model(size_t blocks, size_t hidden)
{
    plain = (struct synthetic_llm){.hidden = hidden,
                                   .intermediate = 3 * hidden,
                                   .blocks = blocks,
                                   .heads = 4,
                                   .kv_heads = 2,
                                   .head_dim = hidden / 8,
                                   .vocabulary = vocabulary,
                                   .theta = 1e4};
    synthetic_fill(&plain);
    synthetic_write(&plain, place.directory);
    synthetic_free(&plain);
    return 0;
}

/* A quantization of the model in the directory. */
struct trial {
    struct tokens tokens;
    struct model model;
    struct recipe recipe;
    struct calibration calibration;
    struct watersic_method method;
};

static void begin(struct trial *trial, size_t tokens, const char *recipe, enum plan_mode plan)
{
    static const char *const settings[] = {"quantizer=scalar"};
    const struct method_settings method = {
        .rate = rate, .preset = "fast", .settings = settings, .setting_count = 1};
    struct failure failure;

    *trial = (struct trial){.tokens = {.count = tokens}};
    trial->tokens.values = malloc(tokens * sizeof *trial->tokens.values);
    ck_assert_ptr_nonnull(trial->tokens.values);
    synthetic_text(vocabulary, trial->tokens.values, tokens);
    ck_assert_msg(model_open(&trial->model, place.directory, &failure), "%s", failure.text);
    ck_assert(recipe_find(&trial->recipe, recipe));
    trial->recipe.plan = plan;
    trial->calibration =
        (struct calibration){.tokens = &trial->tokens, .window = window, .recipe = &trial->recipe};
    ck_assert_int_eq(wsic_context_create(NULL, &trial->method.context), WSIC_OK);
    trial->method.encoder =
        watersic_encoder_create(trial->method.context, &method, false, &failure);
    trial->method.results =
        calloc(trial->model.config.blocks * LINEAR_KINDS, sizeof *trial->method.results);
    ck_assert_ptr_nonnull(trial->method.encoder);
    ck_assert_ptr_nonnull(trial->method.results);
}

static void end(struct trial *trial)
{
    free(trial->method.results);
    wsic_encoder_destroy(trial->method.encoder);
    wsic_context_destroy(trial->method.context);
    model_free(&trial->model);
    free(trial->tokens.values);
}

/* Without the encoder, whose time is not what this is about. */
static bool leave(void *self, const struct layer_task *task, struct failure *failure)
{
    (void)self;
    (void)task;
    (void)failure;
    return true;
}

struct request {
    size_t blocks; /* of the model to be written; 0: nothing is written, but measured */
    size_t hidden; /* of that model */
    size_t tokens;
    const char *recipe;
    enum plan_mode plan;
    bool encodes; /* or only gathers statistics */
};

static uint64_t peak_of_run(const struct request *request)
{
    struct meter meter = {.shown = false};
    const struct stretch stretch = {.meter = &meter, .label = "", .from = 0, .to = 1};
    struct failure failure;
    struct trial trial;

    begin(&trial, request->tokens, request->recipe, request->plan);
    const bool ok = request->encodes ? watersic_run(&trial.method, &trial.model, &trial.calibration,
                                                    rate, &stretch, &failure)
                                     : pipeline_run(&trial.model, &trial.calibration, &stretch,
                                                    trial.method.context, leave, NULL, &failure);
    ck_assert_msg(ok, "%s", failure.text);
    end(&trial);
    return peak_memory();
}

/* In a child, which begins with what this process holds: that is next to nothing, as the models are
 * made in children as well. */
static uint64_t in_child(const struct request *request)
{
    uint64_t result = 0;
    int ends[2];
    int status;

    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        result =
            request->blocks ? write_model(request->blocks, request->hidden) : peak_of_run(request);
        _exit(write(ends[1], &result, sizeof result) == sizeof result ? 0 : 1);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &result, sizeof result), sizeof result);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    return result;
}

static uint64_t peak_with_blocks(size_t blocks)
{
    temporary_create(&place);
    in_child(&(struct request){.blocks = blocks, .hidden = 128});
    const uint64_t peak = in_child(&(struct request){.tokens = 512, .recipe = "default"});
    temporary_destroy(&place);
    return peak;
}

/* 98 blocks more are 64 MiB more in single precision, and half of that in the file. None of it
 * stays but the names and shapes of their tensors. */
START_TEST(memory_does_not_grow_with_the_number_of_blocks)
{
    const uint64_t few = peak_with_blocks(2);
    const uint64_t many = peak_with_blocks(100);

    fprintf(stderr, "peak with 2 blocks %.1f MiB, with 100 %.1f MiB\n", (double)few / 0x1p20,
            (double)many / 0x1p20);
    ck_assert_double_gt((double)few, 0x1p20);
    ck_assert_double_lt((double)many, (double)few + 4 * 0x1p20);
}
END_TEST

static struct memory_estimate estimate(size_t tokens, const char *recipe, enum plan_mode plan)
{
    struct memory_estimate memory;
    struct failure failure;
    struct trial trial;

    begin(&trial, tokens, recipe, plan);
    ck_assert(estimate_memory(&memory, &trial.model.config, &trial.calibration,
                              trial.method.context, trial.method.encoder, &failure));
    end(&trial);
    return memory;
}

START_TEST(estimates_hold)
{
    static const struct {
        const char *recipe;
        enum plan_mode plan;
    } runs[] = {{"plain", PLAN_NONE}, {"default", PLAN_NONE}, {"plain", PLAN_WATERFILL}};

    temporary_create(&place);
    in_child(&(struct request){.blocks = 1, .hidden = 512});
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        const struct memory_estimate said = estimate(512, runs[i].recipe, runs[i].plan);
        const double needed = (double)in_child(&(struct request){
            .tokens = 512, .recipe = runs[i].recipe, .plan = runs[i].plan, .encodes = true});
        fprintf(stderr,
                "%s, plan %s: said %.1f MiB, %.1f of them of the program; needed %.1f MiB\n",
                runs[i].recipe, plan_mode_name(runs[i].plan), (double)said.total / 0x1p20,
                (double)said.program / 0x1p20, needed / 0x1p20);
        ck_assert_double_le(needed, (double)said.total);
        ck_assert_double_ge(needed, 0.7 * (double)(said.total - said.program));
    }
    temporary_destroy(&place);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm memory");
    TCase *const memory = tcase_create("memory");

    tcase_set_timeout(memory, 120);
    tcase_add_test(memory, memory_does_not_grow_with_the_number_of_blocks);
    tcase_add_test(memory, estimates_hold);
    suite_add_tcase(suite, memory);
    run_suite(suite);
    return 0;
}
