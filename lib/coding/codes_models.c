/* SPDX-License-Identifier: MIT */
#include "coding/codes_plan.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "coding/code_symbols.h"
#include "coding/codes_format.h"
#include "coding/corrections_fit.h"

/* --- histograms ----------------------------------------------------------------------- */

enum {
    COPIES = 4, /* of each count: the next code need not wait until the last one is counted */
    PARTS = 8,  /* at most, that are counted at the same time */
    CODES_OF_PART = 1 << 18
};

/* Counts of all symbols: those of a part after the other. A slice alone does not overflow a
 * copy. */
typedef struct count_job {
    const wsic_code_plan *plan;
    size_t slices; /* of a part */
    uint32_t *counts;
} count_job;

/* Slices of whole octets, and others. */
static void count_octets(const uint8_t *symbols, const uint32_t *starts, size_t rows,
                         uint32_t *counts)
{
    for (size_t i = 0; i < rows; i++) {
        uint32_t *const of_row = counts + (size_t)starts[i] * COPIES;
        for (size_t k = 0; k < WSIC_SLICE_COLUMNS; k++)
            of_row[symbols[i * WSIC_SLICE_COLUMNS + k] * COPIES + k % COPIES]++;
    }
}

static void count_column(const uint8_t *symbols, const uint32_t *starts, size_t rows,
                         uint32_t *counts)
{
    for (size_t i = 0; i < rows; i++)
        counts[((size_t)starts[i] + symbols[i * WSIC_SLICE_COLUMNS]) * COPIES + i % COPIES]++;
}

static void count_slice(const wsic_code_plan *plan, size_t slice, uint32_t *counts)
{
    const size_t columns = wsic_code_plan_slice_columns(plan, slice);
    const bool whole = plan->octet_log != 0 && columns == WSIC_SLICE_COLUMNS;
    uint32_t starts[WSIC_SYMBOL_STRIP];

    for (size_t first = 0; first < plan->live_rows; first += WSIC_SYMBOL_STRIP) {
        const size_t rows = wsic_min_size(WSIC_SYMBOL_STRIP, plan->live_rows - first);
        const uint8_t *const symbols = wsic_code_plan_symbols(plan, slice, first);
        for (size_t k = 0; k < (whole ? 1 : columns); k++) {
            wsic_code_plan_starts(plan, slice * WSIC_SLICE_COLUMNS + k, first, rows, starts);
            if (whole)
                count_octets(symbols, starts, rows, counts);
            else
                count_column(symbols + k, starts, rows, counts);
        }
    }
}

static void count_part(void *data, size_t part)
{
    const count_job *const job = data;
    const size_t slices = wsic_div_up(job->plan->live_columns, WSIC_SLICE_COLUMNS);
    const size_t end = wsic_min_size((part + 1) * job->slices, slices);

    for (size_t slice = part * job->slices; slice < end; slice++)
        count_slice(job->plan, slice, job->counts + part * job->plan->symbols * COPIES);
}

/* Of a part, from symbols to high parts. Those of escapes come from the codes themselves. */
static void add_counts(const wsic_code_plan *plan, const uint32_t *counts,
                       wsic_histogram *histograms)
{
    for (size_t index = 0; index < plan->models; index++) {
        const wsic_form form = wsic_form_make(plan->what[index].form, plan->is_trellis);
        const uint32_t symbols = 1U << form.symbols_log;
        uint64_t *const lowest =
            histograms[index].bins + wsic_histogram_bin(-(int32_t)(symbols / 2));
        for (uint32_t symbol = 1; symbol < symbols; symbol++) {
            for (size_t copy = 0; copy < COPIES; copy++)
                lowest[symbol] += counts[COPIES * symbol + copy];
        }
        counts += (size_t)COPIES * symbols;
    }
}

/* Codes of a slice for which their form has no symbol: few. */
static void count_beyond(const wsic_code_plan *plan, size_t slice, wsic_histogram *histograms)
{
    const size_t columns = wsic_code_plan_slice_columns(plan, slice);
    const wsic_form form = wsic_code_plan_form(plan, slice * WSIC_SLICE_COLUMNS >> plan->lanes_log);
    const uint8_t mask = (uint8_t)((1U << form.symbols_log) - 1);
    const uint8_t *const symbols = wsic_code_plan_symbols(plan, slice, 0);
    /* The bytes of columns that the last slice lacks, which nobody has written. */
    const uint64_t lacking = columns < WSIC_SLICE_COLUMNS ? UINT64_MAX << 8 * columns : 0;

    for (size_t row = 0; row < plan->live_rows; row++) {
        const uint64_t all = wsic_load_octet(symbols + row * WSIC_SLICE_COLUMNS);
        if (!wsic_has_zero_byte((all & mask * UINT64_C(0x0101010101010101)) | lacking))
            continue;
        for (size_t k = 0; k < columns; k++) {
            if ((symbols[row * WSIC_SLICE_COLUMNS + k] & mask) != 0)
                continue;
            const wsic_planned_code code =
                wsic_code_plan_code(plan, slice * WSIC_SLICE_COLUMNS + k, row);
            wsic_histogram_add(&histograms[code.model], code.high);
        }
    }
}

static wsic_status count_all(const wsic_env *env, const wsic_code_plan *plan,
                             wsic_histogram *histograms)
{
    const size_t slices = wsic_div_up(plan->live_columns, WSIC_SLICE_COLUMNS);
    const size_t codes = plan->live_rows * plan->live_columns;
    const size_t wanted =
        wsic_div_up(slices, wsic_min_size(wsic_div_up(codes, CODES_OF_PART), PARTS));
    const size_t most = UINT32_MAX / (WSIC_SLICE_COLUMNS / COPIES * plan->live_rows);
    const size_t of_part = wsic_max_size(1, wsic_min_size(wanted, most));
    const size_t parts = wsic_div_up(slices, of_part);
    wsic_status status;
    count_job job = {.plan = plan, .slices = of_part};

    job.counts = wsic_alloc_zero(env, parts * plan->symbols, COPIES * sizeof *job.counts, &status);
    if (!job.counts)
        return status;
    wsic_parallel_for(env, parts, count_part, &job);
    for (size_t part = 0; part < parts; part++)
        add_counts(plan, job.counts + part * plan->symbols * COPIES, histograms);
    wsic_free(env, job.counts);
    for (size_t slice = 0; slice < slices; slice++) {
        if (plan->beyond[slice])
            count_beyond(plan, slice, histograms);
    }
    return WSIC_OK;
}

/* --- what is known about a model --------------------------------------------------------- */

static wsic_form model_form(const wsic_code_plan *plan, size_t index)
{
    return wsic_form_make(plan->what[index].form, plan->is_trellis);
}

static wsic_model_frame model_frame(const wsic_code_plan *plan, size_t index)
{
    const wsic_planned_model *const what = &plan->what[index];
    const wsic_form form = model_form(plan, index);
    return wsic_form_frame(&form, plan->is_trellis, wsic_code_plan_width(plan, what->class_index),
                           what->context);
}

/* Which corrections a model has; false if none. */
static bool correction_context(const wsic_code_plan *plan, size_t index, size_t *context)
{
    const wsic_form form = model_form(plan, index);

    *context = plan->is_trellis ? wsic_form_trellis_context(&form, plan->what[index].context) : 0;
    return wsic_form_corrected(&form);
}

/* A built-in model of a shape, without corrections. */
static void make_plain(const wsic_code_plan *plan, size_t index, uint32_t shape, wsic_model *model)
{
    const wsic_model_frame frame = model_frame(plan, index);
    wsic_model_builtin(model, shape, &frame, NULL);
}

/* What a class has that says nothing. */
static void make_shared(const wsic_code_plan *plan, size_t index, wsic_model *model)
{
    const wsic_model_frame frame = model_frame(plan, index);
    wsic_correction correction = {.count = 0};
    size_t context;

    if (plan->corrected && correction_context(plan, index, &context))
        wsic_corrections_get(&plan->corrections, context, plan->what[index].class_index,
                             &correction);
    wsic_model_builtin(model, plan->shape, &frame, &correction);
}

/* What is known about one model's codes: how many, how few bits any model takes at least,
 * and what the built-in ones take. */
typedef struct evidence {
    uint64_t count;
    double least;
    double plain[WSIC_MODEL_SHAPES];
} evidence;

static evidence gather(const wsic_code_plan *plan, size_t index, const wsic_histogram *histogram)
{
    evidence found = {.count = wsic_histogram_count(histogram)};
    wsic_model model;

    if (found.count == 0)
        return found;
    found.least = wsic_histogram_bits(histogram, found.count) +
                  (double)found.count * model_form(plan, index).shift;
    for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++) {
        make_plain(plan, index, shape, &model);
        found.plain[shape] = wsic_model_cost(&model, histogram);
    }
    return found;
}

/* --- what all classes share ------------------------------------------------------- */

/* One shape for all, uncorrected. */
static double choose_shape(wsic_code_plan *plan, const evidence *known)
{
    double bits[WSIC_MODEL_SHAPES] = {0};

    for (size_t index = 0; index < plan->models; index++) {
        for (uint32_t shape = 0; shape < WSIC_MODEL_SHAPES; shape++)
            bits[shape] += known[index].plain[shape];
    }
    plan->corrected = false;
    plan->correction_bits = 0;
    plan->shape = 0;
    for (uint32_t shape = 1; shape < WSIC_MODEL_SHAPES; shape++)
        plan->shape = bits[shape] < bits[plan->shape] ? shape : plan->shape;
    return bits[plan->shape];
}

/* Histograms by class and context of the corrections. */
static wsic_histogram *gather_corrected(const wsic_env *env, const wsic_code_plan *plan,
                                        const wsic_histogram *histograms, wsic_status *status)
{
    const size_t contexts = plan->is_trellis ? WSIC_TRELLIS_CONTEXTS : 1;
    wsic_histogram *const gathered =
        wsic_alloc_zero(env, contexts * (size_t)plan->classes, sizeof *gathered, status);

    for (size_t index = 0; gathered && index < plan->models; index++) {
        size_t context;
        if (!correction_context(plan, index, &context))
            continue;
        wsic_histogram *const sum = &gathered[plan->what[index].class_index * contexts + context];
        for (uint32_t bin = 0; bin < WSIC_BINS; bin++)
            sum->bins[bin] += histograms[index].bins[bin];
    }
    return gathered;
}

static double correct(wsic_code_plan *plan, const wsic_histogram *histograms,
                      const wsic_histogram *gathered, const evidence *known)
{
    wsic_bit_writer counter = {.bytes = NULL};
    double bits = 0;
    wsic_model model;

    plan->corrected = true;
    wsic_corrections_make(&plan->corrections, plan->is_trellis ? WSIC_TRELLIS_CONTEXTS : 1,
                          plan->base, plan->classes, plan->step);
    wsic_corrections_fit(gathered, plan->shape, plan->base, plan->step, &plan->corrections);
    wsic_corrections_write(&counter, &plan->corrections);
    for (size_t index = 0; index < plan->models; index++) {
        if (known[index].count == 0)
            continue;
        make_shared(plan, index, &model);
        bits += wsic_model_cost(&model, &histograms[index]);
    }
    plan->correction_bits = (double)counter.total;
    return bits + plan->correction_bits;
}

/* The shape that is best uncorrected, corrected; and those next to it, as far as that pays. */
static double choose_shared(wsic_code_plan *plan, const wsic_histogram *histograms,
                            const wsic_histogram *gathered, const evidence *known)
{
    double least = choose_shape(plan, known);
    const uint32_t middle = plan->shape;
    wsic_code_plan best = *plan;

    for (int direction = -1; direction <= 1; direction += 2) {
        for (uint32_t shape = middle; shape < WSIC_MODEL_SHAPES; shape += (uint32_t)direction) {
            plan->shape = shape;
            const double bits = correct(plan, histograms, gathered, known);
            if (bits < least) {
                least = bits;
                best = *plan;
            } else if (shape != middle || !best.corrected) {
                break;
            }
        }
        if (!best.corrected)
            break;
    }
    *plan = best;
    return least;
}

/* --- what a class has for itself ---------------------------------------------------- */

/* The cheaper of the shared model and a table; the bits of the codes with their model's own. */
static double choose_model(wsic_code_plan *plan, size_t index, const wsic_histogram *histogram,
                           const evidence *known)
{
    const wsic_model_frame frame = model_frame(plan, index);
    wsic_model *const model = &plan->model[index];
    wsic_bit_writer counter = {.bytes = NULL};
    wsic_model table;

    make_shared(plan, index, model);
    const double bits = wsic_model_cost(model, histogram) + 1;
    if (bits <= known->least + 1 + WSIC_TABLE_LEAST_BITS ||
        !wsic_model_fit_table(histogram, &frame, &table))
        return bits;
    wsic_model_write(&counter, &table);
    const double own = wsic_model_cost(&table, histogram) + 1 + (double)counter.total;
    if (own >= bits)
        return bits;
    *model = table;
    plan->what[index].has_table = true;
    return own;
}

static void choose_all(wsic_code_plan *plan, const wsic_histogram *histograms,
                       const wsic_histogram *gathered, const evidence *known)
{
    const double shared = choose_shared(plan, histograms, gathered, known);
    double own = plan->correction_bits;

    for (size_t index = 0; index < plan->models; index++) {
        plan->what[index].has_table = false;
        own += known[index].count == 0
                   ? 1
                   : choose_model(plan, index, &histograms[index], &known[index]);
    }
    plan->own_models = own < shared;
    plan->bits = 0;
    for (size_t index = 0; index < plan->models; index++) {
        if (known[index].count == 0)
            continue;
        if (!plan->own_models && plan->what[index].has_table) {
            plan->what[index].has_table = false;
            make_shared(plan, index, &plan->model[index]);
        }
        plan->bits += wsic_model_cost(&plan->model[index], &histograms[index]);
    }
}

static wsic_status make_models(const wsic_env *env, const wsic_histogram *histograms,
                               wsic_code_plan *plan)
{
    wsic_status status;
    evidence *const known = wsic_alloc(env, plan->models, sizeof *known, &status);

    if (!known)
        return status;
    wsic_histogram *const gathered = gather_corrected(env, plan, histograms, &status);
    if (gathered) {
        for (size_t index = 0; index < plan->models; index++)
            known[index] = gather(plan, index, &histograms[index]);
        choose_all(plan, histograms, gathered, known);
        status = WSIC_OK;
    }
    wsic_free(env, gathered);
    wsic_free(env, known);
    return status;
}

wsic_status wsic_code_plan_choose_models(const wsic_env *env, wsic_code_plan *plan)
{
    wsic_status status;
    wsic_histogram *const histograms =
        wsic_alloc_zero(env, plan->models, sizeof *histograms, &status);

    if (!histograms)
        return status;
    status = count_all(env, plan, histograms);
    if (status == WSIC_OK)
        status = make_models(env, histograms, plan);
    wsic_free(env, histograms);
    return status;
}
