/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <watersic/decode.h>

double bench_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double bench_shortest(size_t repeats, void (*action)(void *data), void *data)
{
    double least = HUGE_VAL;

    for (size_t k = 0; k < repeats; k++) {
        const double start = bench_seconds();
        action(data);
        least = fmin(least, bench_seconds() - start);
    }
    return least;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bench_summary bench_summarize(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    const double median = 0.5 * (values[(count - 1) / 2] + values[count / 2]);
    return (bench_summary){values[0], median, values[count - 1]};
}

/* --- JSON ------------------------------------------------------------------ */

bench_json bench_json_open(void)
{
    putchar('{');
    return (bench_json){false};
}

static void put_key(bench_json *json, const char *key)
{
    printf("%s\"%s\": ", json->any ? ", " : "", key);
    json->any = true;
}

void bench_json_number(bench_json *json, const char *key, double value)
{
    put_key(json, key);
    if (isfinite(value))
        printf("%.10g", value);
    else
        printf("null");
}

void bench_json_text(bench_json *json, const char *key, const char *value)
{
    put_key(json, key);
    putchar('"');
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            printf("\\%c", *value);
        else if ((unsigned char)*value < 0x20)
            printf("\\u%04x", (unsigned)*value);
        else
            putchar(*value);
    }
    putchar('"');
}

void bench_json_close(void)
{
    printf("}\n");
    fflush(stdout);
}

/* --- checks ----------------------------------------------------------------- */

double bench_number_option(const char *name, const char *text, double least, double most)
{
    char *end;
    const double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= least && value <= most)) {
        fprintf(stderr, "--%s is '%s', not a number within %g to %g\n", name, text, least, most);
        exit(2);
    }
    return value;
}

size_t bench_size_option(const char *name, const char *text, size_t least, size_t most)
{
    const double value = bench_number_option(name, text, (double)least, (double)most);

    if (value != floor(value)) {
        fprintf(stderr, "--%s is '%s', not a whole number\n", name, text);
        exit(2);
    }
    return (size_t)value;
}

void *bench_allocate(size_t count, size_t size)
{
    void *const block = calloc(count, size);

    if (!block) {
        fprintf(stderr, "no memory for %zu elements of %zu bytes\n", count, size);
        exit(1);
    }
    return block;
}

void *bench_workspace(size_t bytes)
{
    void *const workspace = aligned_alloc(WSIC_WORKSPACE_ALIGNMENT, bytes);

    if (!workspace) {
        fprintf(stderr, "no memory for a workspace of %zu bytes\n", bytes);
        exit(1);
    }
    memset(workspace, 0, bytes);
    return workspace;
}

void bench_check(wsic_status status, const char *call, const char *message)
{
    if (status >= 0)
        return;
    fprintf(stderr, "%s: %s: %s\n", call, wsic_status_name(status), message);
    exit(1);
}

void bench_set(wsic_encoder *encoder, const char *setting)
{
    const char *const separator = strchr(setting, '=');
    char name[64];

    if (!separator || (size_t)(separator - setting) >= sizeof name) {
        fprintf(stderr, "--set '%s': not NAME=VALUE\n", setting);
        exit(2);
    }
    snprintf(name, sizeof name, "%.*s", (int)(separator - setting), setting);
    bench_check(wsic_encoder_set_text(encoder, name, separator + 1), setting,
                wsic_encoder_message(encoder));
}
