/* SPDX-License-Identifier: MIT */
#include "llm/command/options.h"

#include <getopt.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/command/option_values.h"
#include "llm/publish/directory.h"

/* Which commands know an option, one bit each. */
enum {
    FOR_QUANTIZE = 1 << COMMAND_QUANTIZE,
    FOR_PLAN = 1 << COMMAND_PLAN,
    FOR_EVAL = 1 << COMMAND_EVAL,
    FOR_COMPARE = 1 << COMMAND_COMPARE,
    FOR_FINETUNE = 1 << COMMAND_FINETUNE,
    FOR_TOKENS = 1 << COMMAND_TOKENS,
    FOR_MAKING = FOR_QUANTIZE | FOR_COMPARE,
    FOR_PLANNING = FOR_MAKING | FOR_PLAN,
    FOR_PACK = 1 << COMMAND_PACK,
    FOR_RESTORE = 1 << COMMAND_RESTORE,
    FOR_GENERATE = 1 << COMMAND_GENERATE,
    FOR_READING = FOR_QUANTIZE | FOR_PLAN | FOR_EVAL | FOR_COMPARE | FOR_FINETUNE,
    FOR_TEXT = FOR_READING | FOR_TOKENS,
    FOR_ALL = FOR_TEXT | FOR_PACK | FOR_RESTORE | FOR_GENERATE
};

/* An option. What it stands for is put at an offset into struct options. */
struct rule {
    const char *name;
    int commands;
    int required; /* by which commands */
    option_taker *take;
    size_t offset;
    enum { WITH_VALUE, FLAG, RECIPE } kind; /* the recipe is taken before all others */
};

#define AT(field) offsetof(struct options, field)

/* In the order of the help texts. */
static const struct rule rules[] = {
    {"model", FOR_ALL, FOR_ALL, option_take_text, AT(model), WITH_VALUE},
    {"window", FOR_READING | FOR_GENERATE, 0, option_take_window, AT(window), WITH_VALUE},
    {"bos", FOR_READING, 0, option_take_bos, AT(beginning), FLAG},
    {"no-bos", FOR_READING, 0, option_take_no_bos, AT(beginning), FLAG},
    {"tokens", FOR_TEXT, 0, option_take_text, AT(tokens), WITH_VALUE},
    {"text", FOR_TEXT, 0, option_take_text, AT(text), WITH_VALUE},
    {"max-tokens", FOR_READING, 0, option_take_count, AT(max_tokens), WITH_VALUE},
    {"eval", FOR_COMPARE, 0, option_take_text, AT(eval), WITH_VALUE},
    {"eval-text", FOR_COMPARE, 0, option_take_text, AT(eval_text), WITH_VALUE},
    {"eval-tokens", FOR_COMPARE, 0, option_take_count, AT(eval_tokens), WITH_VALUE},
    {"archive", FOR_EVAL | FOR_FINETUNE | FOR_PACK | FOR_GENERATE, FOR_FINETUNE | FOR_PACK,
     option_take_text, AT(archive), WITH_VALUE},
    {"other-checkpoint", FOR_EVAL | FOR_FINETUNE | FOR_PACK | FOR_GENERATE, 0, option_take_on,
     AT(other_checkpoint), FLAG},
    {"tensors", FOR_QUANTIZE, 0, option_take_text, AT(tensors), WITH_VALUE},
    {"statistics", FOR_QUANTIZE, 0, option_take_text, AT(statistics), WITH_VALUE},
    {"data-free", FOR_QUANTIZE, 0, option_take_on, AT(data_free), FLAG},
    {"importance", FOR_QUANTIZE, 0, option_take_text, AT(importance), WITH_VALUE},
    {"rate", FOR_QUANTIZE, FOR_QUANTIZE, option_take_rate, AT(rates), WITH_VALUE},
    {"rates", FOR_COMPARE | FOR_PLAN, FOR_COMPARE | FOR_PLAN, option_take_rates, AT(rates),
     WITH_VALUE},
    {"output", FOR_QUANTIZE | FOR_FINETUNE | FOR_PACK | FOR_RESTORE | FOR_TOKENS,
     FOR_FINETUNE | FOR_PACK | FOR_RESTORE, option_take_text, AT(output), WITH_VALUE},
    {"directory", FOR_QUANTIZE, 0, option_take_text, AT(directory), WITH_VALUE},
    {"shard-size", FOR_QUANTIZE | FOR_PACK | FOR_RESTORE, 0, option_take_bytes, AT(shard_bytes),
     WITH_VALUE},
    {"type", FOR_RESTORE, 0, option_take_type, AT(weight_type), WITH_VALUE},
    {"int8", FOR_RESTORE, 0, option_take_on, AT(int8), FLAG},
    {"int4", FOR_RESTORE, 0, option_take_on, AT(int4), FLAG},
    {"prompt", FOR_GENERATE, 0, option_take_text, AT(generation.prompt), WITH_VALUE},
    {"resident", FOR_GENERATE, 0, option_take_form, AT(generation), WITH_VALUE},
    {"max-new-tokens", FOR_GENERATE, 0, option_take_count, AT(generation.tokens), WITH_VALUE},
    {"temperature", FOR_GENERATE, 0, option_take_temperature, AT(generation.sampling.temperature),
     WITH_VALUE},
    {"top-p", FOR_GENERATE, 0, option_take_part, AT(generation.sampling.top_p), WITH_VALUE},
    {"top-k", FOR_GENERATE, 0, option_take_count, AT(generation.sampling.top_k), WITH_VALUE},
    {"seed", FOR_GENERATE, 0, option_take_seed, AT(generation.seed), WITH_VALUE},
    {"interactive", FOR_GENERATE, 0, option_take_on, AT(generation.interactive), FLAG},
    {"embedding-rate", FOR_QUANTIZE, 0, option_take_bits, AT(vocabulary.embedding), WITH_VALUE},
    {"head-rate", FOR_QUANTIZE, 0, option_take_bits, AT(vocabulary.head), WITH_VALUE},
    {"embedding-statistics", FOR_QUANTIZE, 0, option_take_alike, AT(vocabulary.alike), WITH_VALUE},
    {"preset", FOR_PLANNING, 0, option_take_preset, AT(presets), WITH_VALUE},
    {"presets", FOR_COMPARE, 0, option_take_presets, AT(presets), WITH_VALUE},
    {"set", FOR_PLANNING, 0, option_take_setting, AT(settings), WITH_VALUE},
    {"recipe", FOR_MAKING, 0, option_take_recipe, AT(recipe), RECIPE},
    {"drift", FOR_MAKING, 0, option_take_on, AT(recipe.drift), FLAG},
    {"no-drift", FOR_MAKING, 0, option_take_off, AT(recipe.drift), FLAG},
    {"residual", FOR_MAKING, 0, option_take_on, AT(recipe.residual), FLAG},
    {"no-residual", FOR_MAKING, 0, option_take_off, AT(recipe.residual), FLAG},
    {"drift-mix", FOR_MAKING, 0, option_take_part, AT(recipe.mix.clean), WITH_VALUE},
    {"attention", FOR_MAKING, 0, option_take_part, AT(recipe.mix.attention), WITH_VALUE},
    {"mixing", FOR_MAKING, 0, option_take_on, AT(recipe.mixing), FLAG},
    {"no-mixing", FOR_MAKING, 0, option_take_off, AT(recipe.mixing), FLAG},
    {"mixing-steps", FOR_MAKING, 0, option_take_count, AT(recipe.mixing_steps), WITH_VALUE},
    {"rescalers", FOR_MAKING, 0, option_take_on, AT(recipe.rescalers), FLAG},
    {"no-rescalers", FOR_MAKING, 0, option_take_off, AT(recipe.rescalers), FLAG},
    {"plan", FOR_PLANNING, 0, option_take_plan, AT(recipe.plan), WITH_VALUE},
    {"sensitivity", FOR_PLANNING, 0, option_take_sensitivity, AT(recipe.sensitivity), WITH_VALUE},
    {"outputs", FOR_PLANNING, 0, option_take_outputs, AT(recipe.outputs), WITH_VALUE},
    {"outputs-rows", FOR_PLANNING, 0, option_take_count, AT(recipe.outputs_rows), WITH_VALUE},
    {"outputs-tokens", FOR_PLANNING, 0, option_take_count, AT(recipe.outputs_tokens), WITH_VALUE},
    {"run", FOR_PLANNING, 0, option_take_text, AT(run), WITH_VALUE},
    {"restart", FOR_QUANTIZE, 0, option_take_on, AT(restart), FLAG},
    {"skip", FOR_QUANTIZE | FOR_PLAN, 0, option_take_text, AT(skip), WITH_VALUE},
    {"zero-rows", FOR_QUANTIZE | FOR_PLAN, 0, option_take_text, AT(zero_rows), WITH_VALUE},
    {"limit", FOR_QUANTIZE, 0, option_take_on, AT(limit), FLAG},
    {"epochs", FOR_FINETUNE, 0, option_take_count, AT(epochs), WITH_VALUE},
    {"batch", FOR_FINETUNE, 0, option_take_count, AT(batch), WITH_VALUE},
    {"learning-rate", FOR_FINETUNE, 0, option_take_part, AT(learning_rate), WITH_VALUE},
    {"last-learning-rate", FOR_FINETUNE, 0, option_take_part, AT(last_learning_rate), WITH_VALUE},
    {"plot", FOR_PLAN | FOR_COMPARE, 0, option_take_text, AT(plot), WITH_VALUE},
    {"layers", FOR_EVAL, 0, option_take_on, AT(layers), FLAG},
    {"low-memory", FOR_MAKING, 0, option_take_on, AT(low_memory), FLAG},
    {"progress", FOR_PLANNING, 0, option_take_on, AT(progress), FLAG},
    {"dry-run", FOR_QUANTIZE, 0, option_take_on, AT(dry_run), FLAG},
    {"show", FOR_TOKENS, 0, option_take_on, AT(show), FLAG},
    {"no-special", FOR_TOKENS, 0, option_take_on, AT(unframed), FLAG},
    {"json", FOR_READING | FOR_PACK | FOR_RESTORE | FOR_GENERATE, 0, option_take_on, AT(json),
     FLAG},
    {"help", FOR_ALL, 0, option_take_on, AT(help), FLAG},
};

enum { RULES = sizeof rules / sizeof rules[0] };

void options_list(enum command command)
{
    for (int i = 0; i < RULES; i++)
        if ((rules[i].commands & 1 << command) != 0)
            printf("--%s\t%s\n", rules[i].name, rules[i].kind == FLAG ? "flag" : "value");
}

/* What getopt() calls the first rule: the numbers below are those of characters. */
enum { FIRST_RULE = 256 };

/* The rule that an option stands for. */
static int find_rule(int key)
{
    const char *const name = key == 'o' ? "output" : "help";

    if (key >= FIRST_RULE)
        return key - FIRST_RULE;
    for (int i = 0; i < RULES; i++)
        if (strcmp(rules[i].name, name) == 0)
            return i;
    return -1;
}

/* What one goes over the arguments with. */
struct walk {
    struct options *options;
    enum command command;
    struct option known[RULES + 1];
    bool seen[RULES];
    struct failure *failure;
};

static bool take_option(struct walk *walk, int index, bool recipe)
{
    const struct rule *const rule = &rules[index];

    if ((rule->commands & 1 << walk->command) == 0)
        return refuse(walk->failure, "--%s is no option of this command", rule->name);
    walk->seen[index] = true;
    return (rule->kind == RECIPE) != recipe ||
           rule->take((char *)walk->options + rule->offset, rule->name, optarg, walk->failure);
}

/* Take the recipe, or all others. */
static bool take_options(struct walk *walk, int count, char **arguments, bool recipe)
{
    int key;

    opterr = 0;
    optind = 1;
    while ((key = getopt_long(count, arguments, ":o:h", walk->known, NULL)) != -1) {
        if (key == ':')
            return refuse(walk->failure, "%s needs a value", arguments[optind - 1]);
        if (key == '?')
            return refuse(walk->failure, "%s is no option", arguments[optind - 1]);
        if (!take_option(walk, find_rule(key), recipe))
            return false;
    }
    return true;
}

static bool check_required(const struct walk *walk)
{
    for (int i = 0; i < RULES; i++)
        if ((rules[i].required & 1 << walk->command) != 0 && !walk->seen[i])
            return refuse(walk->failure, "--%s is missing", rules[i].name);
    return true;
}

static bool is_seen(const struct walk *walk, const char *name)
{
    for (int i = 0; i < RULES; i++)
        if (walk->seen[i] && strcmp(rules[i].name, name) == 0)
            return true;
    return false;
}

/* A text comes as tokens or as text. */
static bool check_one(const char *tokens, const char *text, const char *names[2],
                      struct failure *failure)
{
    if (!tokens && !text)
        return refuse(failure, "--%s or --%s is missing", names[0], names[1]);
    return !tokens || !text ||
           refuse(failure, "--%s and --%s exclude each other", names[0], names[1]);
}

static bool check_texts(const struct walk *walk)
{
    const struct options *const options = walk->options;

    if (walk->command == COMMAND_GENERATE)
        return options->generation.prompt || options->generation.interactive ||
               refuse(walk->failure, "--prompt is missing, or --interactive in its place");
    if ((FOR_TEXT & 1 << walk->command) == 0 || options->tensors)
        return true;
    return check_one(options->tokens, options->text, (const char *[2]){"tokens", "text"},
                     walk->failure) &&
           (walk->command != COMMAND_COMPARE ||
            check_one(options->eval, options->eval_text, (const char *[2]){"eval", "eval-text"},
                      walk->failure));
}

static enum text_beginning beginning_or(const struct options *options, enum text_beginning usual)
{
    return options->beginning == TEXT_BEGINNING_USUAL ? usual : options->beginning;
}

struct text_source options_text(const struct options *options)
{
    return (struct text_source){options->tokens, options->text, options->model,
                                beginning_or(options, TEXT_BEGINNING_CUT)};
}

/* What is measured is what a model makes of texts as it knows them. */
struct text_source options_eval_text(const struct options *options)
{
    return (struct text_source){options->eval, options->eval_text, options->model,
                                beginning_or(options, TEXT_BEGINNING_MODEL)};
}

/* Both fill one place: the list would be lost, or the one. */
static bool check_presets(const struct walk *walk)
{
    return !is_seen(walk, "preset") || !is_seen(walk, "presets") ||
           refuse(walk->failure, "--preset and --presets exclude each other");
}

/* quantize writes one thing; restore makes one thing of codes. */
static bool check_outputs(const struct walk *walk)
{
    const bool archive = is_seen(walk, "output");
    const bool directory = is_seen(walk, "directory");
    const int kinds = is_seen(walk, "int8") + is_seen(walk, "int4") + is_seen(walk, "type");

    if (kinds > 1)
        return refuse(walk->failure, "--int8, --int4 and --type exclude each other");
    if (walk->command != COMMAND_QUANTIZE)
        return true;
    if (archive && directory)
        return refuse(walk->failure, "--output and --directory exclude each other");
    if (!archive && !directory)
        return refuse(walk->failure, "--output is missing, or --directory in its place");
    return directory || !is_seen(walk, "shard-size") ||
           refuse(walk->failure, "--shard-size goes with --directory");
}

/* Without a text nothing goes through the model. */
static bool check_tensors(const struct walk *walk)
{
    static const char *const known[] = {"model",      "tensors", "statistics", "data-free",
                                        "importance", "rate",    "output",     "preset",
                                        "set",        "restart", "progress",   "json"};
    const struct options *const options = walk->options;
    const char *const needing = options->statistics   ? "statistics"
                                : options->importance ? "importance"
                                : options->data_free  ? "data-free"
                                                      : NULL;

    if (!options->tensors)
        return !needing || refuse(walk->failure, "--%s goes with --tensors", needing);
    for (int i = 0; i < RULES; i++) {
        bool found = !walk->seen[i];
        for (size_t j = 0; j < sizeof known / sizeof known[0]; j++)
            found = found || strcmp(rules[i].name, known[j]) == 0;
        if (!found)
            return refuse(walk->failure, "--%s does not go with --tensors", rules[i].name);
    }
    if (options->importance && !options->data_free)
        return refuse(walk->failure, "--importance goes with --data-free");
    return options->data_free != (options->statistics != NULL) ||
           refuse(walk->failure, "--tensors needs one of --statistics and --data-free");
}

/* The directory that is restored may be named without an option. */
static bool take_place(struct walk *walk, int count, char **arguments)
{
    for (int i = 0; walk->command == COMMAND_RESTORE && i < RULES; i++) {
        if (strcmp(rules[i].name, "model") == 0 && !walk->seen[i] && optind < count) {
            walk->seen[i] = true;
            walk->options->model = arguments[optind++];
        }
    }
    return optind >= count || refuse(walk->failure, "'%s' is no option", arguments[optind]);
}

/* JSON is text in UTF-8: what cannot be reported is refused before the work. */
static bool check_report(const struct options *options, struct failure *failure)
{
    json_t *const text = options->output ? json_string(options->output) : json_null();
    const bool ok = text != NULL;

    json_decref(text);
    return ok || !options->json ||
           refuse(failure, "--output: the name is not UTF-8, and --json cannot report it");
}

static const size_t default_tokens[COMMANDS] = {
    [COMMAND_QUANTIZE] = 65536, [COMMAND_PLAN] = 65536,      [COMMAND_EVAL] = 16384,
    [COMMAND_COMPARE] = 65536,  [COMMAND_FINETUNE] = 262144,
};

bool options_parse(struct options *options, enum command command, int count, char **arguments,
                   struct failure *failure)
{
    struct walk walk = {.options = options, .command = command, .failure = failure};

    for (int i = 0; i < RULES; i++)
        walk.known[i] =
            (struct option){rules[i].name, rules[i].kind == FLAG ? no_argument : required_argument,
                            NULL, FIRST_RULE + i};
    *options = (struct options){.presets = {.names = {"default"}, .count = 1},
                                .max_tokens = default_tokens[command],
                                .eval_tokens = 32768,
                                .shard_bytes = DIRECTORY_SHARD_BYTES,
                                .generation = {.tokens = 128, .sampling = {.top_p = 1}},
                                .beginning = command == COMMAND_EVAL ? TEXT_BEGINNING_MODEL
                                                                     : TEXT_BEGINNING_USUAL,
                                .epochs = 1,
                                .batch = 2,
                                .learning_rate = 3e-3,
                                .last_learning_rate = 3e-5};
    recipe_find(&options->recipe, "default");
    /* Switches count against what the recipe says, wherever they stand. */
    if (!take_options(&walk, count, arguments, true) ||
        !take_options(&walk, count, arguments, false))
        return false;
    if (options->help)
        return true;
    return take_place(&walk, count, arguments) && check_required(&walk) && check_tensors(&walk) &&
           check_texts(&walk) && check_presets(&walk) && check_outputs(&walk) &&
           check_report(options, failure);
}
