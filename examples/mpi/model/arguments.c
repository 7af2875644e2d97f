/* SPDX-License-Identifier: MIT */
#include "mpi/model/arguments.h"

#include <getopt.h>
#include <string.h>

#include "llm/command/option_values.h"
#include "llm/publish/directory.h"

const char arguments_help[] =
    "usage: mpirun -n RANKS watersic-llm-mpi --model DIR --text FILE --rate R --output FILE\n"
    "\n"
    "Quantize a model on many ranks of MPI, which all see the same files. The archive is the same "
    "at\n"
    "any number of ranks. A run that was stopped goes on when the command is given again.\n"
    "\n"
    "  --model DIR          checkpoint\n"
    "  --text FILE          calibration text; or --tokens FILE, with numbers of tokens\n"
    "  --rate R             bits per weight of all layers together\n"
    "  --output FILE        archive; or --directory DIR, a directory that stands alone\n"
    "  --preset NAME        of the encoder (default: default)\n"
    "  --set NAME=VALUE     a parameter of the encoder; may be repeated\n"
    "  --window N           tokens that see each other (default: as many as the model's\n"
    "                       positions, at most 2048)\n"
    "  --max-tokens N       tokens of the text (default: 262144), spread evenly over it\n"
    "  --outputs-tokens N   of these, tokens that gradients are taken over (default: 65536)\n"
    "  --shards N           parts of the text, which are dealt to the ranks (default: 64, or as "
    "many\n"
    "                       as there are windows); the bytes depend on their number\n";

#define AT(field) offsetof(struct arguments, options.field)

static const struct rule {
    const char *name;
    option_taker *take;
    size_t place;
    bool required;
} rules[] = {
    {"model", option_take_text, AT(model), true},
    {"tokens", option_take_text, AT(tokens), false},
    {"text", option_take_text, AT(text), false},
    {"rate", option_take_rate, AT(rates), true},
    {"output", option_take_text, AT(output), false},
    {"directory", option_take_text, AT(directory), false},
    {"preset", option_take_preset, AT(presets), false},
    {"set", option_take_setting, AT(settings), false},
    {"window", option_take_window, AT(window), false},
    {"max-tokens", option_take_count, AT(max_tokens), false},
    {"outputs-tokens", option_take_count, AT(recipe.outputs_tokens), false},
    {"shards", option_take_count, offsetof(struct arguments, shards), false},
    {"help", option_take_on, AT(help), false},
};

enum { RULES = sizeof rules / sizeof rules[0], FIRST_RULE = 256 };

/* Statistics and gradients of the original model, and one plan over all layers. */
static void set_recipe(struct recipe *recipe)
{
    recipe_find(recipe, "default");
    recipe->drift = false;
    recipe->residual = false;
    recipe->outputs = OUTPUTS_DIAGONAL;
    recipe->outputs_rows = 0;
    recipe->sensitivity = SENSITIVITY_OUTPUTS;
}

static bool take_options(struct arguments *arguments, int count, char **values, bool seen[RULES],
                         struct failure *failure)
{
    struct option known[RULES + 1] = {{NULL, 0, NULL, 0}};
    int key;

    for (int i = 0; i < RULES; i++)
        known[i] = (struct option){
            rules[i].name, rules[i].take == option_take_on ? no_argument : required_argument, NULL,
            FIRST_RULE + i};
    opterr = 0;
    while ((key = getopt_long(count, values, ":", known, NULL)) != -1) {
        if (key < FIRST_RULE)
            return refuse(failure, "%s %s", values[optind - 1],
                          key == ':' ? "needs a value" : "is no option");
        const struct rule *const rule = &rules[key - FIRST_RULE];
        seen[key - FIRST_RULE] = true;
        if (!rule->take((char *)arguments + rule->place, rule->name, optarg, failure))
            return false;
    }
    return optind >= count || refuse(failure, "'%s' is no option", values[optind]);
}

static bool check(const struct options *options, const bool seen[RULES], struct failure *failure)
{
    for (int i = 0; i < RULES; i++)
        if (rules[i].required && !seen[i])
            return refuse(failure, "--%s is missing", rules[i].name);
    if (!options->tokens == !options->text)
        return refuse(failure, "one of --tokens and --text is needed");
    return !options->output != !options->directory ||
           refuse(failure, "one of --output and --directory is needed");
}

bool arguments_parse(struct arguments *arguments, int count, char **values, struct failure *failure)
{
    bool seen[RULES] = {false};

    *arguments = (struct arguments){
        .options = {.presets = {.names = {"default"}, .count = 1},
                    .max_tokens = 262144,
                    .shard_bytes = DIRECTORY_SHARD_BYTES,
                    .beginning = TEXT_BEGINNING_USUAL},
        .shards = 64,
    };
    set_recipe(&arguments->options.recipe);
    return take_options(arguments, count, values, seen, failure) &&
           (arguments->options.help || check(&arguments->options, seen, failure));
}
