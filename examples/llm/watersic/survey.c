/* SPDX-License-Identifier: MIT */
#include "llm/watersic/survey.h"

#include <stdlib.h>
#include <string.h>

#include "llm/watersic/corrector.h"
#include "llm/watersic/outputs.h"
#include "llm/watersic/sensitivity.h"
#include "llm/watersic/sensitivity_file.h"
#include "llm/watersic/watersic_method.h"

/* Bits per weight. */
static const double probe_rate = 3;

/* Part of the sum of all layers' errors that is left where layers are fitted to what the original
 * does, and to what those before have lost: as measured, docs/algorithm.md, "Prediction". */
static const double left_by_fitting = 0.87;

struct surveyor {
    struct allocation *allocation;
    wsic_context *context;
    struct outputs *outputs;          /* NULL: all outputs of a layer count alike */
    struct sensitivity_probe *probe;  /* NULL: sensitivities are not measured */
    struct drafter drafter;           /* at probe_rate */
    struct corrector corrector;       /* without drafts: corrections are not made */
    double distortions[LINEAR_KINDS]; /* a n D of drafts of the present block */
};

static size_t at_most(const struct calibration *calibration, size_t most)
{
    return calibration->tokens->count < most ? calibration->tokens->count : most;
}

size_t survey_tokens(const struct config *config, const struct calibration *calibration)
{
    enum { LEAST = 16384, PER_INPUT = 16 };
    const size_t wanted = PER_INPUT * layers_widest(config);

    return at_most(calibration, wanted > LEAST ? wanted : LEAST);
}

size_t survey_divergence_tokens(const struct calibration *calibration)
{
    enum { MOST = 4096 };

    return at_most(calibration, MOST);
}

/* Measure blocks until this one is the present one. */
static bool catch_up(struct surveyor *surveyor, size_t block, struct failure *failure)
{
    struct sensitivity_probe *const probe = surveyor->probe;

    while (probe->number < block) {
        double *const values = surveyor->allocation->sensitivities +
                               layers_before(&probe->model->config, probe->number);
        if (!sensitivity_measure(probe, values, failure))
            return false;
        for (size_t kind = 0; kind < LINEAR_KINDS; kind++) {
            if (surveyor->distortions[kind] > 0)
                values[kind] /= surveyor->distortions[kind];
            else
                values[kind] = 0;
            surveyor->distortions[kind] = 0;
        }
    }
    return true;
}

static bool probe_layer(struct surveyor *surveyor, const struct layer_task *task,
                        wsic_problem *problem, float *weights, struct failure *failure)
{
    const struct layer_place place = layers_at(&surveyor->probe->model->config, task->number);
    const size_t count = task->linear->rows * task->linear->columns;

    if (!catch_up(surveyor, place.block, failure) ||
        !draft_copy(&surveyor->drafter, task, problem, weights, 0, failure))
        return false;
    surveyor->distortions[place.kind] = surveyor->drafter.distortion * (double)count;
    return sensitivity_change(surveyor->probe, place.kind, weights, failure);
}

static bool draft_task(struct surveyor *surveyor, const struct layer_task *task,
                       wsic_problem *problem, struct failure *failure)
{
    struct allocation *const allocation = surveyor->allocation;
    const struct corrections corrections = {.slope = &allocation->corrections[task->number],
                                            .level = &allocation->levels[task->number]};

    if (!surveyor->corrector.drafts)
        return true;
    float *const weights = malloc(task->linear->rows * task->linear->columns * sizeof *weights);
    const bool ok =
        weights ? corrector_measure(&surveyor->corrector, task, problem, weights, corrections,
                                    failure) &&
                      (!surveyor->probe || probe_layer(surveyor, task, problem, weights, failure))
                : refuse(failure, "%s: out of memory", task->name);
    free(weights);
    return ok;
}

/* A layer_function that leaves the layer as it is. */
static bool survey_layer(void *self, const struct layer_task *task, struct failure *failure)
{
    struct surveyor *const surveyor = self;
    wsic_problem *problem;

    if (!watersic_problem_create(surveyor->context, surveyor->outputs, task, &problem, failure))
        return false;
    const bool ok =
        allocation_add(surveyor->allocation, task->number, task->name, problem, failure) &&
        draft_task(surveyor, task, problem, failure);
    watersic_problem_destroy(surveyor->outputs, task, problem);
    return ok;
}

/* What a survey is made of. */
struct plan_of_survey {
    struct model *model;
    const struct calibration *calibration; /* on the sample, plain */
    const struct stretch *stretch;
    bool reads; /* sensitivities are known from the outputs */
    struct failure *failure;
};

static bool look(struct surveyor *surveyor, const struct plan_of_survey *plan)
{
    return pipeline_run(plan->model, plan->calibration, plan->stretch, surveyor->context,
                        survey_layer, surveyor, plan->failure);
}

bool survey_create_drafter(struct drafter *drafter, wsic_context *context, struct failure *failure)
{
    return drafter_create(drafter, context, probe_rate, true, failure);
}

static bool look_and_probe(struct surveyor *surveyor, const struct plan_of_survey *plan,
                           const struct tokens *tokens)
{
    struct sensitivity_probe probe;

    if (plan->model->config.mixture.experts > 0)
        return refuse(
            plan->failure,
            "--sensitivity: 'drafts' does not work on a model with experts: 'outputs' does");
    if (!survey_create_drafter(&surveyor->drafter, surveyor->context, plan->failure))
        return false;
    surveyor->probe = &probe;
    const bool ok =
        sensitivity_begin(&probe, plan->model, tokens, plan->calibration->window, plan->failure) &&
        look(surveyor, plan) && catch_up(surveyor, plan->model->config.blocks, plan->failure);
    sensitivity_end(&probe);
    drafter_destroy(&surveyor->drafter);
    return ok;
}

static bool look_with_file(struct surveyor *surveyor, const struct plan_of_survey *plan)
{
    struct allocation *const allocation = surveyor->allocation;
    struct sensitivity_file file;
    struct tokens tokens;

    if (!tokens_copy(&tokens, plan->calibration->tokens, plan->calibration->window,
                     survey_divergence_tokens(plan->calibration), plan->failure))
        return false;
    /* Drafts depend on all of the sample, of which divergences are taken over a part. */
    bool ok = sensitivity_file_name(&file, plan->calibration->directory, plan->model,
                                    plan->calibration->tokens, plan->calibration->window,
                                    probe_rate, plan->failure);
    if (ok && sensitivity_file_read(&file, allocation->sensitivities, allocation->layers))
        ok = look(surveyor, plan);
    else
        ok = ok && look_and_probe(surveyor, plan, &tokens) &&
             sensitivity_file_write(&file, allocation->sensitivities, allocation->layers,
                                    plan->failure);
    tokens_free(&tokens);
    return ok;
}

static bool look_and_remember(struct surveyor *surveyor, const struct plan_of_survey *plan)
{
    struct known_sensitivities *const kept = plan->calibration->sensitivities;
    struct allocation *const allocation = surveyor->allocation;
    const size_t bytes = allocation->layers * sizeof *allocation->sensitivities;

    if (kept && kept->known) {
        memcpy(allocation->sensitivities, kept->values, bytes);
        return look(surveyor, plan);
    }
    if (!look_with_file(surveyor, plan))
        return false;
    if (kept) {
        memcpy(kept->values, allocation->sensitivities, bytes);
        kept->known = true;
    }
    return true;
}

static bool look_and_weigh(struct surveyor *surveyor, const struct plan_of_survey *plan,
                           double rate)
{
    if (!corrector_create(&surveyor->corrector, surveyor->context, rate, plan->failure))
        return false;
    const bool ok = plan->reads ? look(surveyor, plan) : look_and_remember(surveyor, plan);
    corrector_destroy(&surveyor->corrector);
    return ok;
}

bool survey(struct allocation *allocation, struct model *model,
            const struct calibration *calibration, double rate, const struct stretch *stretch,
            wsic_context *context, struct failure *failure)
{
    const struct recipe plain = {.statistics = true};
    struct surveyor surveyor = {
        .allocation = allocation, .context = context, .outputs = calibration->outputs};
    struct model original = *model;
    struct calibration sampled = *calibration;
    struct tokens sample;

    if (!tokens_copy(&sample, calibration->tokens, calibration->window,
                     survey_tokens(&model->config, calibration), failure))
        return false;
    sampled.tokens = &sample;
    sampled.taken = NULL;
    sampled.end = NULL;
    sampled.silent = true;
    sampled.recipe = &plain;
    /* A quantized embedding may be in memory. */
    original.embedding.values = NULL;
    const struct plan_of_survey plan = {.model = &original,
                                        .calibration = &sampled,
                                        .stretch = stretch,
                                        .reads =
                                            calibration->recipe->sensitivity == SENSITIVITY_OUTPUTS,
                                        .failure = failure};
    if (calibration->recipe->drift && calibration->recipe->residual)
        allocation->left = left_by_fitting;
    if (calibration->outputs)
        outputs_sensitivities_in_plan(calibration->outputs, allocation->sensitivities);
    const bool ok = calibration->recipe->plan == PLAN_WATERFILL
                        ? look_and_weigh(&surveyor, &plan, rate)
                        : look(&surveyor, &plan);
    tokens_free(&sample);
    return ok;
}
