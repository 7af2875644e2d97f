/* SPDX-License-Identifier: MIT */
/* One quantization of iid N(0, 1) weights under a known covariance, measured from
 * outside: through the interface alone, with a distortion of its own. */
#ifndef BENCH_TRIAL_H
#define BENCH_TRIAL_H

#include <getopt.h>
#include <stdbool.h>

#include <watersic/watersic.h>

#include "bench.h"
#include "covariances.h"

enum { TRIAL_MAX_SETTINGS = 32 };

typedef struct trial_options {
    const char *covariance;
    size_t rows;
    size_t columns;
    double rate;
    const char *preset;
    const char *settings[TRIAL_MAX_SETTINGS]; /* "name=value" */
    size_t setting_count;
    uint64_t seed;
    int32_t threads;
    bool unchecked; /* distortion and limit are the library's own, which takes less time */
} trial_options;

/* Everything that does not depend on rate and preset. */
typedef struct trial_source {
    size_t rows;
    size_t columns;
    double *covariance;
    double *eigenvalues; /* descending; NULL: unchecked */
    float *weights;
    wsic_context *context;
    wsic_stats *stats;
} trial_source;

typedef struct trial_result {
    bool rate_missed; /* the encoder said so */
    wsic_layer_info info;
    wsic_encoder_report report;
    double distortion; /* from the decoded weights, in double precision; unchecked: as reported */
    double limit_rate; /* reverse waterfilling at that distortion, variance 1; or as reported */
    double gap;        /* rate in bytes above it */
} trial_result;

/* The parts of a command line that describe a trial: lines of the help text, and entries
 * of the list of long options. */
#define TRIAL_HELP                                                                                 \
    "  --covariance NAME   " BENCH_COVARIANCES "\n"                                                \
    "  --rows A\n"                                                                                 \
    "  --columns N         a file of a covariance has its own\n"                                   \
    "  --rate R            bits per weight\n"                                                      \
    "  --preset P          of the encoder\n"                                                       \
    "  --set NAME=VALUE    parameter of the encoder; may be repeated\n"                            \
    "  --seed K\n"                                                                                 \
    "  --threads T         of the library, 0 for all processors\n"                                 \
    "  --unchecked         take distortion and limit from the library, which saves time\n"
/* clang-format off */
#define TRIAL_OPTIONS                                                                              \
    {"covariance", required_argument, NULL, 0}, {"rows", required_argument, NULL, 0},              \
    {"columns", required_argument, NULL, 0}, {"rate", required_argument, NULL, 0},                 \
    {"preset", required_argument, NULL, 0}, {"set", required_argument, NULL, 0},                   \
    {"seed", required_argument, NULL, 0}, {"threads", required_argument, NULL, 0},                 \
    {"unchecked", no_argument, NULL, 0}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}
/* clang-format on */

/* setting is "name=value". */
void trial_add_setting(trial_options *options, const char *setting);

/* Read a command line. The program's own options carry a letter and go to take();
 * the list ends with TRIAL_OPTIONS. */
void trial_parse(int argc, char **argv, const struct option *list, const char *help,
                 trial_options *options, void (*take)(void *data, int letter, const char *value),
                 void *data);

typedef struct trial_stage {
    const char *name;
    double seconds;
} trial_stage;

enum { TRIAL_STAGES = 8 };

/* Where the time went, the whole run last. */
void trial_list_stages(const wsic_encoder_report *report, trial_stage stages[TRIAL_STAGES]);

/* What was tried, and "seconds_<stage>" for every stage. */
void trial_put_json(bench_json *json, const trial_options *options, const trial_result *result);

/* All of these end the program where a call fails. */
/* A covariance from a file sets the number of columns. */
trial_source trial_source_create(trial_options *options);
/* The same source behind a random Hadamard rotation of its inputs. */
void trial_source_rotate(trial_source *source, uint64_t seed);
void trial_source_release(trial_source *source);
wsic_encoder *trial_encoder(wsic_context *context, const trial_options *options);
/* The layer that an encoder makes of the source's weights; destroy it. */
wsic_layer *trial_layer(const trial_source *source, const trial_options *options);

/* tr((W - Ŵ) Σ (W - Ŵ)ᵀ) / (a n) of any reconstruction, and the least rate for it. */
double trial_distortion(const trial_source *source, const float *restored);
double trial_limit(const trial_source *source, double distortion);

trial_result trial_run(const trial_source *source, const trial_options *options);

#endif
