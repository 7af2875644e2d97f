/* SPDX-License-Identifier: MIT */
#include "llm/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Which commands know an option, one bit each. */
enum {
    FOR_QUANTIZE = 1 << COMMAND_QUANTIZE,
    FOR_EVAL = 1 << COMMAND_EVAL,
    FOR_COMPARE = 1 << COMMAND_COMPARE,
    FOR_ALL = FOR_QUANTIZE | FOR_EVAL | FOR_COMPARE
};

enum key {
    KEY_MODEL,
    KEY_TOKENS,
    KEY_EVAL,
    KEY_ARCHIVE,
    KEY_OUTPUT,
    KEY_RATE,
    KEY_RATES,
    KEY_PRESET,
    KEY_PRESETS,
    KEY_SET,
    KEY_RECIPE,
    KEY_DRIFT,
    KEY_NO_DRIFT,
    KEY_RESIDUAL,
    KEY_NO_RESIDUAL,
    KEY_ATTENTION,
    KEY_WINDOW,
    KEY_MAX_TOKENS,
    KEY_EVAL_TOKENS,
    KEY_LIMIT,
    KEY_JSON,
    KEY_HELP,
    KEYS
};

struct rule {
    const char *name;
    int commands;
    int required; /* by which commands */
};

static const struct rule rules[KEYS] = {
    [KEY_MODEL] = {"model", FOR_ALL, FOR_ALL},
    [KEY_TOKENS] = {"tokens", FOR_ALL, FOR_ALL},
    [KEY_EVAL] = {"eval", FOR_COMPARE, FOR_COMPARE},
    [KEY_ARCHIVE] = {"archive", FOR_EVAL, 0},
    [KEY_OUTPUT] = {"output", FOR_QUANTIZE, FOR_QUANTIZE},
    [KEY_RATE] = {"rate", FOR_QUANTIZE, FOR_QUANTIZE},
    [KEY_RATES] = {"rates", FOR_COMPARE, FOR_COMPARE},
    [KEY_PRESET] = {"preset", FOR_QUANTIZE | FOR_COMPARE, 0},
    [KEY_PRESETS] = {"presets", FOR_COMPARE, 0},
    [KEY_SET] = {"set", FOR_QUANTIZE | FOR_COMPARE, 0},
    [KEY_RECIPE] = {"recipe", FOR_QUANTIZE | FOR_COMPARE, 0},
    [KEY_DRIFT] = {"drift", FOR_QUANTIZE | FOR_COMPARE, 0},
    [KEY_NO_DRIFT] = {"no-drift", FOR_QUANTIZE | FOR_COMPARE, 0},
    [KEY_RESIDUAL] = {"residual", FOR_QUANTIZE | FOR_COMPARE, 0},
    [KEY_NO_RESIDUAL] = {"no-residual", FOR_QUANTIZE | FOR_COMPARE, 0},
    [KEY_ATTENTION] = {"attention", FOR_QUANTIZE | FOR_COMPARE, 0},
    [KEY_WINDOW] = {"window", FOR_ALL, 0},
    [KEY_MAX_TOKENS] = {"max-tokens", FOR_ALL, 0},
    [KEY_EVAL_TOKENS] = {"eval-tokens", FOR_COMPARE, 0},
    [KEY_LIMIT] = {"limit", FOR_QUANTIZE, 0},
    [KEY_JSON] = {"json", FOR_ALL, 0},
    [KEY_HELP] = {"help", FOR_ALL, 0},
};

static const struct option long_options[] = {
    {"model", required_argument, NULL, KEY_MODEL},
    {"tokens", required_argument, NULL, KEY_TOKENS},
    {"eval", required_argument, NULL, KEY_EVAL},
    {"archive", required_argument, NULL, KEY_ARCHIVE},
    {"output", required_argument, NULL, KEY_OUTPUT},
    {"rate", required_argument, NULL, KEY_RATE},
    {"rates", required_argument, NULL, KEY_RATES},
    {"preset", required_argument, NULL, KEY_PRESET},
    {"presets", required_argument, NULL, KEY_PRESETS},
    {"set", required_argument, NULL, KEY_SET},
    {"recipe", required_argument, NULL, KEY_RECIPE},
    {"drift", no_argument, NULL, KEY_DRIFT},
    {"no-drift", no_argument, NULL, KEY_NO_DRIFT},
    {"residual", no_argument, NULL, KEY_RESIDUAL},
    {"no-residual", no_argument, NULL, KEY_NO_RESIDUAL},
    {"attention", required_argument, NULL, KEY_ATTENTION},
    {"window", required_argument, NULL, KEY_WINDOW},
    {"max-tokens", required_argument, NULL, KEY_MAX_TOKENS},
    {"eval-tokens", required_argument, NULL, KEY_EVAL_TOKENS},
    {"limit", no_argument, NULL, KEY_LIMIT},
    {"json", no_argument, NULL, KEY_JSON},
    {"help", no_argument, NULL, KEY_HELP},
    {NULL, 0, NULL, 0},
};

/* A list of rates, separated by commas. */
static bool parse_rates(struct options *options, const char *text, size_t most,
                        struct failure *failure)
{
    const char *place = text;

    options->rate_count = 0;
    for (;;) {
        char *end;
        const double rate = strtod(place, &end);
        if (end == place || !(rate > 0 && rate <= 16) || (*end != '\0' && *end != ','))
            return refuse(failure, "'%s' is no rate between 0 and 16 bits", place);
        if (options->rate_count == most)
            return most == 1 ? refuse(failure, "'%s' is not one rate", text)
                             : refuse(failure, "'%s' is more than %zu rates", text, most);
        options->rates[options->rate_count++] = rate;
        if (*end == '\0')
            return true;
        place = end + 1;
    }
}

/* A list of names, separated by commas; whether they are presets the encoder will tell. */
static bool parse_presets(struct options *options, const char *text, size_t most,
                          struct failure *failure)
{
    const char *place = text;

    options->preset_count = 0;
    for (;;) {
        const size_t length = strcspn(place, ",");
        if (length == 0 || length >= OPTIONS_NAME_SIZE)
            return refuse(failure, "'%s' is no name of a preset", place);
        if (options->preset_count == most)
            return refuse(failure, "'%s': more than %zu presets", text, most);
        char *const name = options->presets[options->preset_count++];
        memcpy(name, place, length);
        name[length] = '\0';
        if (place[length] == '\0')
            return true;
        place += length + 1;
    }
}

static bool parse_count(size_t *count, const char *name, const char *text, struct failure *failure)
{
    char *end;

    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < 1 ||
        value > SIZE_MAX / 64)
        return refuse(failure, "--%s: '%s' is no positive number", name, text);
    *count = (size_t)value;
    return true;
}

static bool add_setting(struct options *options, const char *text, struct failure *failure)
{
    if (options->setting_count == OPTIONS_MAX_SETTINGS)
        return refuse(failure, "--set is given more than %d times", OPTIONS_MAX_SETTINGS);
    options->settings[options->setting_count++] = text;
    return true;
}

static bool parse_part(double *part, const char *name, const char *text, struct failure *failure)
{
    char *end;
    const double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= 0 && value <= 1))
        return refuse(failure, "--%s: '%s' is no number from 0 to 1", name, text);
    *part = value;
    return true;
}

static bool parse_recipe(struct options *options, const char *name, struct failure *failure)
{
    if (strcmp(name, "plain") == 0)
        options->recipe = RECIPE_PLAIN;
    else if (strcmp(name, "paper") == 0)
        options->recipe = RECIPE_PAPER;
    else
        return refuse(failure, "--recipe: '%s' is neither 'plain' nor 'paper'", name);
    return true;
}

static bool take_option(struct options *options, enum key key, const char *value,
                        struct failure *failure)
{
    switch (key) {
    case KEY_MODEL:
        options->model = value;
        return true;
    case KEY_TOKENS:
        options->tokens = value;
        return true;
    case KEY_EVAL:
        options->eval = value;
        return true;
    case KEY_ARCHIVE:
        options->archive = value;
        return true;
    case KEY_OUTPUT:
        options->output = value;
        return true;
    case KEY_RATE:
        return parse_rates(options, value, 1, failure);
    case KEY_RATES:
        return parse_rates(options, value, OPTIONS_MAX_RATES, failure);
    case KEY_PRESET:
        return parse_presets(options, value, 1, failure);
    case KEY_PRESETS:
        return parse_presets(options, value, OPTIONS_MAX_PRESETS, failure);
    case KEY_SET:
        return add_setting(options, value, failure);
    case KEY_RECIPE:
        return parse_recipe(options, value, failure);
    case KEY_DRIFT:
    case KEY_NO_DRIFT:
        options->drift = key == KEY_DRIFT;
        return true;
    case KEY_RESIDUAL:
    case KEY_NO_RESIDUAL:
        options->residual = key == KEY_RESIDUAL;
        return true;
    case KEY_ATTENTION:
        return parse_part(&options->attention, rules[key].name, value, failure);
    case KEY_WINDOW:
        return parse_count(&options->window, rules[key].name, value, failure);
    case KEY_MAX_TOKENS:
        return parse_count(&options->max_tokens, rules[key].name, value, failure);
    case KEY_EVAL_TOKENS:
        return parse_count(&options->eval_tokens, rules[key].name, value, failure);
    case KEY_LIMIT:
        options->limit = true;
        return true;
    case KEY_JSON:
        options->json = true;
        return true;
    default:
        options->help = true;
        return true;
    }
}

static bool check_required(enum command command, int seen, struct failure *failure)
{
    for (int key = 0; key < KEYS; key++)
        if ((rules[key].required & 1 << command) != 0 && (seen & 1 << key) == 0)
            return refuse(failure, "--%s is missing", rules[key].name);
    return true;
}

bool options_parse(struct options *options, enum command command, int count, char **arguments,
                   struct failure *failure)
{
    int seen = 0;
    int key;

    *options = (struct options){.presets = {"default"},
                                .preset_count = 1,
                                .max_tokens = command == COMMAND_EVAL ? 16384 : 65536,
                                .eval_tokens = 32768};
    opterr = 0;
    optind = 1;
    /* 'o' and 'h' are above all keys. */
    while ((key = getopt_long(count, arguments, ":o:h", long_options, NULL)) != -1) {
        if (key == ':')
            return refuse(failure, "%s needs a value", arguments[optind - 1]);
        if (key == '?')
            return refuse(failure, "%s is no option", arguments[optind - 1]);
        key = key == 'o' ? KEY_OUTPUT : key == 'h' ? KEY_HELP : key;
        if ((rules[key].commands & 1 << command) == 0)
            return refuse(failure, "--%s is no option of this command", rules[key].name);
        if (!take_option(options, (enum key)key, optarg, failure))
            return false;
        seen |= 1 << key;
    }
    /* The switches count, wherever they stand, against what the recipe says. */
    if ((seen & (1 << KEY_DRIFT | 1 << KEY_NO_DRIFT)) == 0)
        options->drift = options->recipe == RECIPE_PAPER;
    if ((seen & (1 << KEY_RESIDUAL | 1 << KEY_NO_RESIDUAL)) == 0)
        options->residual = options->recipe == RECIPE_PAPER;
    if (options->help)
        return true;
    if (optind < count)
        return refuse(failure, "'%s' is no option", arguments[optind]);
    return check_required(command, seen, failure);
}
