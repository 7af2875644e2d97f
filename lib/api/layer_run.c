/* SPDX-License-Identifier: MIT */
/* Running jobs. Threads take one block after the other from a common counter; how many work at
 * the same time is fixed beforehand, since each needs a part of the workspace. */
#include <string.h>

#include "api/layer_job.h"
#include "base/checked.h"

static const wsic_job_names plain_names = {"job->input", "job->output", false};

typedef struct job_state {
    const wsic_env *env; /* of the layer */
    wsic_decode_task task;
    size_t blocks;
    size_t groups; /* of tokens */
    atomic_int_least32_t status;
} job_state;

/* What lies where in a workspace: states, factors of all products, a lane for each thread. */
typedef struct run_layout {
    size_t states;  /* bytes */
    size_t factors; /* bytes */
    size_t lane;    /* bytes of the largest */
    size_t lanes;
    size_t blocks;
    size_t total; /* bytes */
} run_layout;

typedef struct run_state {
    job_state *jobs;
    size_t count;
    char *lanes;
    size_t lane_bytes;
    atomic_size_t next; /* unit of work that nobody has taken */
} run_state;

/* --- sizes --------------------------------------------------------------- */

static bool round_up(size_t bytes, size_t *out)
{
    if (!wsic_add_size(bytes, WSIC_WORKSPACE_ALIGNMENT - 1, &bytes))
        return false;
    *out = bytes - bytes % WSIC_WORKSPACE_ALIGNMENT;
    return true;
}

static bool factors_size(const wsic_decode_task *task, size_t *bytes)
{
    size_t elements;

    *bytes = 0;
    return task->store ||
           (wsic_mul_size(task->input.live_columns, task->input.tokens, &elements) &&
            wsic_mul_size(elements, sizeof(float), &elements) && round_up(elements, bytes));
}

static bool add_job(const wsic_decode_task *task, run_layout *layout)
{
    size_t factors, lane;

    if (!factors_size(task, &factors) || !wsic_task_workspace(task, &lane))
        return false;
    layout->lane = wsic_max_size(layout->lane, lane);
    layout->blocks += wsic_task_blocks(task);
    return wsic_add_size(layout->factors, factors, &layout->factors);
}

static bool add_up(run_layout *layout, size_t threads)
{
    size_t lanes;

    layout->lanes = wsic_min_size(threads, layout->blocks);
    return wsic_mul_size(layout->lane, layout->lanes, &lanes) &&
           wsic_add_size(layout->states, layout->factors, &layout->total) &&
           wsic_add_size(layout->total, lanes, &layout->total);
}

/* Check all jobs and find out what they need. *wrong is the first one that is refused. */
static wsic_status measure(const wsic_env *env, const wsic_layer_job *jobs, size_t count,
                           const wsic_job_names *names, size_t threads, run_layout *layout,
                           size_t *wrong)
{
    wsic_decode_task task;
    bool fits;

    *layout = (run_layout){.lanes = 1};
    *wrong = count;
    fits = wsic_mul_size(count, sizeof(job_state), &layout->states) &&
           round_up(layout->states, &layout->states);
    for (size_t k = 0; k < count && fits; k++) {
        const wsic_status status = wsic_layer_job_check(&jobs[k], names, &task);
        if (status != WSIC_OK) {
            *wrong = k;
            return status;
        }
        fits = add_job(&task, layout);
    }
    if (fits && add_up(layout, threads))
        return WSIC_OK;
    return wsic_fail(env, WSIC_ERROR_TOO_LARGE, "the workspace does not fit the address space");
}

/* --- work ---------------------------------------------------------------- */

/* The jobs have been checked; places are those of the layout. */
static void set_up(const wsic_layer_job *jobs, size_t count, const wsic_job_names *names,
                   const run_layout *layout, char *workspace, run_state *run)
{
    char *factors = workspace + layout->states;

    *run = (run_state){.jobs = (job_state *)(void *)workspace,
                       .count = count,
                       .lanes = factors + layout->factors,
                       .lane_bytes = layout->lane};
    for (size_t k = 0; k < count; k++) {
        job_state *const state = &run->jobs[k];
        size_t bytes = 0;
        memset(state, 0, sizeof *state);
        state->env = &jobs[k].layer->handle.env;
        wsic_layer_job_check(&jobs[k], names, &state->task);
        state->blocks = wsic_task_blocks(&state->task);
        state->groups = state->task.store ? 0 : wsic_product_groups(state->task.input.tokens);
        state->task.factors = (float *)(void *)factors;
        atomic_init(&state->status, WSIC_OK);
        factors_size(&state->task, &bytes);
        factors += bytes;
    }
}

static void run_block(run_state *run, size_t lane, job_state *state, size_t block)
{
    if (atomic_load(&state->status) != WSIC_OK)
        return;
    const wsic_status status =
        wsic_task_run_block(state->env, &state->task, block, run->lanes + lane * run->lane_bytes);
    if (status != WSIC_OK)
        atomic_store(&state->status, status);
}

static void run_blocks(void *data, size_t lane)
{
    run_state *const run = data;
    size_t unit = atomic_fetch_add(&run->next, 1);
    size_t before = 0; /* units of the jobs before this one */

    for (size_t k = 0; k < run->count; k++) {
        job_state *const state = &run->jobs[k];
        for (; unit - before < state->blocks; unit = atomic_fetch_add(&run->next, 1))
            run_block(run, lane, state, unit - before);
        before += state->blocks;
    }
}

static void fill_factors(void *data, size_t lane)
{
    run_state *const run = data;
    size_t unit = atomic_fetch_add(&run->next, 1);
    size_t before = 0;

    (void)lane;
    for (size_t k = 0; k < run->count; k++) {
        const job_state *const state = &run->jobs[k];
        for (; unit - before < state->groups; unit = atomic_fetch_add(&run->next, 1))
            wsic_product_fill(&state->task.input, unit - before, state->task.factors);
        before += state->groups;
    }
}

/* A runner is called for several lanes only, so that one job on the calling thread stays there. To
 * start threads for the factors of a few tokens would take longer than the factors. */
static void run_all(const wsic_env *env, run_state *run, size_t lanes)
{
    size_t groups = 0;

    for (size_t k = 0; k < run->count; k++)
        groups += run->jobs[k].groups;
    atomic_store(&run->next, 0);
    wsic_parallel_for(env, wsic_min_size(lanes, groups), fill_factors, run);
    atomic_store(&run->next, 0);
    wsic_parallel_for(env, lanes, run_blocks, run);
}

/* Number of the first job that failed, or count. */
static size_t find_failure(const run_state *run, wsic_status *status)
{
    for (size_t k = 0; k < run->count; k++) {
        *status = atomic_load(&run->jobs[k].status);
        if (*status != WSIC_OK)
            return k;
    }
    return run->count;
}

/* env is where memory, threads and messages about the workspace come from. *wrong is the first
 * job that failed, or count. */
static wsic_status run_jobs(const wsic_env *env, const wsic_layer_job *jobs, size_t count,
                            const wsic_job_names *names, size_t threads, void *workspace,
                            size_t bytes, size_t *wrong)
{
    run_layout layout;
    run_state run;
    void *own = NULL;
    wsic_status status = measure(env, jobs, count, names, threads, &layout, wrong);

    if (status != WSIC_OK)
        return status;
    if (workspace) {
        status = wsic_check_workspace(env, workspace, bytes, layout.total);
        if (status != WSIC_OK)
            return status;
    } else {
        workspace = own = wsic_alloc(env, layout.total, 1, &status);
        if (!own)
            return status;
    }
    set_up(jobs, count, names, &layout, workspace, &run);
    run_all(env, &run, layout.lanes);
    *wrong = find_failure(&run, &status);
    wsic_free(env, own);
    return status;
}

/* --- one job ------------------------------------------------------------- */

wsic_status wsic_layer_run_named(const wsic_layer_job *job, const wsic_job_names *names,
                                 void *workspace, size_t bytes)
{
    size_t wrong;

    if (!job || !job->layer)
        return WSIC_ERROR_ARGUMENT;
    return run_jobs(&job->layer->handle.env, job, 1, names, 1, workspace, bytes, &wrong);
}

wsic_status wsic_layer_run(const wsic_layer_job *job, void *workspace, size_t bytes)
{
    return wsic_layer_run_named(job, &plain_names, workspace, bytes);
}

wsic_status wsic_layer_get_workspace_size(const wsic_layer_job *job, size_t *bytes)
{
    run_layout layout;
    size_t wrong;

    if (!job || !job->layer)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env *const env = &job->layer->handle.env;
    if (!bytes)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "bytes is NULL");
    const wsic_status status = measure(env, job, 1, &plain_names, 1, &layout, &wrong);
    if (status == WSIC_OK)
        *bytes = layout.total;
    return status;
}

/* --- many jobs ----------------------------------------------------------- */

/* The context's message tells which job it was, and repeats what its layer says. */
static wsic_status name_job(const wsic_env *env, const wsic_layer_job *jobs, size_t count,
                            size_t wrong, wsic_status status)
{
    if (status == WSIC_OK || wrong == count)
        return status;
    const wsic_layer *const layer = jobs[wrong].layer;
    return wsic_fail(env, status, "job %zu: %s", wrong,
                     layer ? layer->handle.message.text : "layer is NULL");
}

static wsic_status check_jobs(wsic_context *context, const wsic_layer_job *jobs, size_t count,
                              int32_t threads, size_t *lanes)
{
    enum { THREADS_MAX = 1024 };

    if (!context)
        return WSIC_ERROR_ARGUMENT;
    const wsic_env env = wsic_context_env(context);
    if (!jobs || count == 0)
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, jobs ? "count is 0" : "jobs is NULL");
    if (threads < 0 || threads > THREADS_MAX)
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, "threads is %d, not within 0 to %d",
                         (int)threads, (int)THREADS_MAX);
    *lanes = threads == 0 ? wsic_parallel_threads(&env) : (size_t)threads;
    return WSIC_OK;
}

wsic_status wsic_layers_get_workspace_size(wsic_context *context, const wsic_layer_job *jobs,
                                           size_t count, int32_t threads, size_t *bytes)
{
    run_layout layout;
    size_t wrong, lanes = 0;
    wsic_status status = check_jobs(context, jobs, count, threads, &lanes);

    if (status != WSIC_OK)
        return status;
    const wsic_env env = wsic_context_env(context);
    if (!bytes)
        return wsic_fail(&env, WSIC_ERROR_ARGUMENT, "bytes is NULL");
    status = measure(&env, jobs, count, &plain_names, lanes, &layout, &wrong);
    if (status == WSIC_OK)
        *bytes = layout.total;
    return name_job(&env, jobs, count, wrong, status);
}

wsic_status wsic_layers_run(wsic_context *context, const wsic_layer_job *jobs, size_t count,
                            int32_t threads, void *workspace, size_t bytes)
{
    size_t wrong, lanes = 0;
    wsic_status status = check_jobs(context, jobs, count, threads, &lanes);

    if (status != WSIC_OK)
        return status;
    const wsic_env env = wsic_context_env(context);
    status = run_jobs(&env, jobs, count, &plain_names, lanes, workspace, bytes, &wrong);
    return name_job(&env, jobs, count, wrong, status);
}
