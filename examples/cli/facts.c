/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include <inttypes.h>
#include <math.h>

#include "output.h"

/* Bits for each weight of a layer. */
static double rate_of(const wsic_layer_info *info, uint64_t bytes)
{
    return 8 * (double)bytes / ((double)info->rows * (double)info->columns);
}

double facts_limit(const wsic_layer_info *info)
{
    return info->limit_rate < 0 ? (double)NAN : info->limit_rate;
}

/* Whatever is not codes, the file's own bytes included, so that both add up to the rate. */
static double side_rate(const wsic_layer_info *info, uint64_t bytes)
{
    return rate_of(info, bytes - info->bytes_codes);
}

static void set_count(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void set_figure(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, json_figure(value));
}

json_t *facts_json(const char *name, const wsic_layer_info *info, uint64_t bytes)
{
    json_t *const object = json_object();
    const double rate = rate_of(info, bytes);

    json_object_set_new(object, "name", json_string(name));
    set_count(object, "rows", info->rows);
    set_count(object, "columns", info->columns);
    set_figure(object, "rate_target", info->rate_target > 0 ? info->rate_target : (double)NAN);
    set_figure(object, "rate", rate);
    set_count(object, "bytes", bytes);
    set_figure(object, "rate_codes", info->rate_codes);
    set_figure(object, "rate_side", side_rate(info, bytes));
    set_figure(object, "entropy_pooled", info->entropy_pooled);
    set_figure(object, "step", info->step);
    set_figure(object, "distortion", info->distortion);
    set_figure(object, "relative_distortion", info->relative_distortion);
    set_figure(object, "limit_rate", facts_limit(info));
    set_figure(object, "gap", rate - facts_limit(info));
    set_figure(object, "damping", info->damping);
    set_count(object, "damping_retries", info->damping_retries);
    set_count(object, "dead_columns", info->dead_columns);
    set_count(object, "dead_rows", info->dead_rows);
    set_count(object, "block_rows", info->block_rows);
    set_count(object, "code_bits", 8 * wsic_dtype_size(info->code_dtype));
    return object;
}

void facts_print(const char *name, const wsic_layer_info *info, uint64_t bytes)
{
    const double rate = rate_of(info, bytes);

    print_fact("layer", "%s, %" PRIu64 " x %" PRIu64, name, info->rows, info->columns);
    print_fact("bytes", "%" PRIu64, bytes);
    print_fact("rate", "%.4f bits per weight: codes %.4f, all else %.4f", rate, info->rate_codes,
               side_rate(info, bytes));
    if (info->rate_target > 0)
        print_fact("rate asked for", "%.4f", info->rate_target);
    print_fact("pooled entropy", "%.4f", info->entropy_pooled);
    print_fact("step", "%.6g", info->step);
    print_fact("distortion", "%.6g, relative %.6g", info->distortion, info->relative_distortion);
    if (info->limit_rate >= 0)
        print_fact("limit", "%.4f bits per weight at this distortion; gap %.4f", info->limit_rate,
                   rate - info->limit_rate);
    print_fact("damping", "%.6g, raised %" PRIu64 " times", info->damping, info->damping_retries);
    print_fact("dead", "%" PRIu64 " columns, %" PRIu64 " rows", info->dead_columns,
               info->dead_rows);
}
