/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifndef EXAMPLES_LLM_OPTIONS_H
#define EXAMPLES_LLM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/failure.h"

enum command { COMMAND_QUANTIZE, COMMAND_EVAL, COMMAND_COMPARE, COMMANDS };

/* How a command ended; also the exit code of the program. */
enum outcome { OUTCOME_OK = 0, OUTCOME_FAILED = 1, OUTCOME_USAGE = 2 };

enum {
    OPTIONS_MAX_RATES = 32,
    OPTIONS_MAX_SETTINGS = 64,
    OPTIONS_MAX_PRESETS = 8,
    OPTIONS_NAME_SIZE = 32
};

/* The first is the default. */
enum recipe_name { RECIPE_PAPER, RECIPE_PLAIN };

struct options {
    const char *model;  /* directory */
    const char *tokens; /* text that is calibrated (quantize, compare) or evaluated on (eval) */
    const char *eval;   /* text that compare evaluates on */
    const char *archive;
    const char *output;
    char presets[OPTIONS_MAX_PRESETS][OPTIONS_NAME_SIZE]; /* {"default"} unless given */
    size_t preset_count;
    const char *settings[OPTIONS_MAX_SETTINGS]; /* "name=value" */
    size_t setting_count;
    double rates[OPTIONS_MAX_RATES]; /* quantize has one */
    size_t rate_count;
    size_t window;      /* 0: chosen by the model */
    size_t max_tokens;  /* of the text in tokens */
    size_t eval_tokens; /* of the text in eval */
    enum recipe_name recipe;
    bool drift; /* as the recipe has it, unless it is switched */
    bool residual;
    double attention; /* part of tokens weighted by importance; 0 to 1 */
    bool limit;
    bool json;
    bool help;
};

/* Parse what follows the command's name. On failure the text tells what is wrong. */
bool options_parse(struct options *options, enum command command, int count, char **arguments,
                   struct failure *failure);

#endif
