/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifndef EXAMPLES_LLM_COMMAND_OPTIONS_H
#define EXAMPLES_LLM_COMMAND_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/failure.h"
#include "llm/generate/sample.h"
#include "llm/model/resident.h"
#include "llm/run/recipe.h"
#include "llm/text/text.h"
#include "llm/watersic/vocabulary.h"

enum command {
    COMMAND_QUANTIZE,
    COMMAND_PLAN,
    COMMAND_EVAL,
    COMMAND_COMPARE,
    COMMAND_FINETUNE,
    COMMAND_PACK,
    COMMAND_RESTORE,
    COMMAND_GENERATE,
    COMMAND_TOKENS,
    COMMANDS
};

/* How a command ended; also the exit code of the program. */
enum outcome { OUTCOME_OK = 0, OUTCOME_FAILED = 1, OUTCOME_USAGE = 2 };

enum {
    OPTIONS_MAX_RATES = 32,
    OPTIONS_MAX_SETTINGS = 64,
    OPTIONS_MAX_PRESETS = 8,
    OPTIONS_NAME_SIZE = 32
};

/* Bits per weight. */
struct option_rates {
    double values[OPTIONS_MAX_RATES];
    size_t count;
};

struct option_presets {
    char names[OPTIONS_MAX_PRESETS][OPTIONS_NAME_SIZE];
    size_t count;
};

/* "name=value" */
struct option_settings {
    const char *values[OPTIONS_MAX_SETTINGS];
    size_t count;
};

/* Of generate. */
struct option_generation {
    const char *prompt;
    enum resident_form form;
    bool form_given;
    size_t tokens; /* most that are generated */
    struct sampling sampling;
    uint64_t seed;
    bool interactive;
};

struct options {
    const char *model;  /* directory */
    const char *tokens; /* what is calibrated, evaluated or (finetune) trained on, as tokens */
    const char *text;   /* or as text; one of them is NULL */
    const char *eval;   /* what compare evaluates on, likewise */
    const char *eval_text;
    const char *archive;
    const char *output;
    const char *directory;  /* output of quantize that is a directory, instead of output */
    const char *plot;       /* file for a drawing; NULL for none */
    const char *skip;       /* layers (exclusions.h); NULL for none */
    const char *zero_rows;  /* likewise */
    const char *tensors;    /* patterns of their names (matrices.h); NULL: all linear layers of a
                               family that is known */
    const char *statistics; /* directory (external.h); NULL: none */
    const char *importance; /* file (importance.h); NULL: none */
    const char *run;        /* directory for what serves the next run as well; NULL for none */
    struct option_presets presets; /* {"default"} unless given */
    struct option_settings settings;
    struct option_rates rates; /* quantize has one */
    struct vocabulary_rates vocabulary;
    struct option_generation generation;
    uint64_t shard_bytes; /* of the largest file in a directory that is written */
    uint32_t weight_type; /* of restored weights; 0: as it was */
    bool int8;            /* restore codes and scales instead of weights */
    bool int4;
    size_t window;                 /* 0: chosen by the model */
    size_t max_tokens;             /* of the text in tokens */
    size_t eval_tokens;            /* of the text in eval */
    enum text_beginning beginning; /* of windows */
    size_t epochs;                 /* of fine-tuning */
    size_t batch;                  /* windows to a step */
    double learning_rate;
    double last_learning_rate;
    struct recipe recipe;
    bool data_free; /* tensors are quantized without covariances */
    bool limit;
    bool dry_run;
    bool low_memory;
    bool progress;         /* as lines */
    bool restart;          /* do not go on with an unfinished archive */
    bool layers;           /* eval: what every layer loses */
    bool other_checkpoint; /* the archive need not be made from the model */
    bool show;             /* tokens: their pieces */
    bool unframed;         /* tokens: without those that the tokenizer puts around a text */
    bool json;
    bool help;
};

/* Parse what follows the command's name. On failure the text tells what is wrong. */
bool options_parse(struct options *options, enum command command, int count, char **arguments,
                   struct failure *failure);

/* For the completion of shells (examples/completion): a line for every option of a command with its
 * name and "flag" or "value", separated by a tab. */
void options_list(enum command command);

/* What is calibrated, evaluated or trained on; and what compare evaluates on. */
struct text_source options_text(const struct options *options);
struct text_source options_eval_text(const struct options *options);

#endif
