/* SPDX-License-Identifier: MIT */
/* What the benchmarks share: a clock, statistics of repeated timings, one JSON object a line,
 * checks that end the program. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <watersic/encoder.h>

/* Monotonic clock. */
double bench_seconds(void);

/* Seconds of the shortest of so many runs. */
double bench_shortest(size_t repeats, void (*action)(void *data), void *data);

typedef struct bench_summary {
    double minimum;
    double median;
    double maximum;
} bench_summary;

/* Sorts values; count is at least 1. */
bench_summary bench_summarize(double *values, size_t count);

/* One JSON object on one line of standard output. A number that is not finite is null. */
typedef struct bench_json {
    bool any;
} bench_json;

bench_json bench_json_open(void);
void bench_json_number(bench_json *json, const char *key, double value);
void bench_json_text(bench_json *json, const char *key, const char *value);
void bench_json_close(void);

/* All of these end the program with a message where something is wrong: status 2 for
 * options, 1 for the rest. */
double bench_number_option(const char *name, const char *text, double least, double most);
size_t bench_size_option(const char *name, const char *text, size_t least, size_t most);
void *bench_allocate(size_t count, size_t size);
/* For jobs of layers; zeros, so that its pages are there. */
void *bench_workspace(size_t bytes);
/* setting is "name=value". */
void bench_set(wsic_encoder *encoder, const char *setting);
void bench_check(wsic_status status, const char *call, const char *message);

#endif
