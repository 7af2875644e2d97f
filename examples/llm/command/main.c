/* SPDX-License-Identifier: MIT */
/* watersic-llm: quantize a language model, evaluate it, compare methods, fine-tune. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/ending.h"
#include "common/terminal.h"
#include "llm/watersic/report.h"
#include "llm/command/session.h"

#define COMMON_HELP                                                                                \
    "  --model DIR        config.json and model.safetensors, in one file or several,\n"            \
    "                     of a family that the manual page lists\n"                                \
    "  --window N         tokens that see each other (default: the model's\n"                      \
    "                     positions, at most 2048)\n"                                              \
    "  --bos              begin every window as a text begins (BOS), and predict from\n"           \
    "                     there; for texts that are evaluated the default is what the\n"           \
    "                     tokenizer does, for all others --no-bos\n"                               \
    "  --no-bos           cut the text as it is\n"

#define TOKENS_HELP                                                                                \
    "Tokens are raw little-endian numbers in FILE.u16 or FILE.u32, or the bytes of\n"              \
    "any file if the vocabulary has 256 tokens. --text FILE instead is text, read\n"               \
    "by tokenizer.json.\n"

#define SETTING_HELP                                                                               \
    "  --preset NAME      preset of the encoder (default: default)\n"                              \
    "  --set NAME=VALUE   parameter of the encoder; may be repeated\n"

#define OUTPUT_HELP                                                                                \
    "  --sensitivity NAME where waterfill knows that from: outputs (gradients at the\n"            \
    "                     outputs of all layers, from one pass forward and back;\n"                \
    "                     default) or drafts (every layer quantized on trial)\n"                   \
    "  --outputs MODE     how outputs of a layer count: none (alike), diagonal (by what\n"         \
    "                     their errors are worth) or full (also by what errors of\n"               \
    "                     several are worth together; default with the default recipe)\n"          \
    "  --outputs-rows N   layers with more outputs have a weight for each, and no more\n"          \
    "                     (default: 8192)\n"                                                       \
    "  --outputs-tokens N most tokens for these gradients (default: 65536)\n"                      \
    "  --run DIR          keep gradients and sensitivities here for the next run\n"

#define RECIPE_HELP                                                                                \
    "  --recipe NAME      default: --drift --residual --rescalers --plan waterfill\n"              \
    "                     --outputs full; paper: also --mixing, but --plan equal and\n"            \
    "                     --outputs none; plain: none of them\n"                                   \
    "  --[no-]drift       fit layers to what they do in the original model, not in\n"              \
    "                     the quantized one\n"                                                     \
    "  --[no-]residual    let layers make up for what those before them have lost\n"               \
    "  --drift-mix Q      part (0 to 1) that clean inputs, whose drift is not made\n"              \
    "                     up for, have in what query, key and value are fitted to\n"               \
    "                     (default: 0)\n"                                                          \
    "  --attention A      part (0 to 1) that tokens weighted by their importance to\n"             \
    "                     attention have in what query, key and value are fitted to\n"             \
    "                     (default: 0)\n"                                                          \
    "  --[no-]mixing      search these two parts for every block\n"                                \
    "  --mixing-steps N   of each golden section (default: 6)\n"                                   \
    "  --[no-]rescalers   fit scales of rows and columns to the codes\n"                           \
    "  --plan MODE        none: every layer aims at the rate by itself; equal: one\n"              \
    "                     budget for all, the same for every weight; waterfill: by\n"              \
    "                     what errors of each layer are worth to the whole model\n" OUTPUT_HELP
#define WORK_HELP                                                                                  \
    "  --low-memory       keep the states of the text alone, and compute twice what\n"             \
    "                     else could be kept; the result is the same\n"                            \
    "  --progress         write a line for every layer on standard error\n"

static const char quantize_help[] =
    "Usage: watersic-llm quantize --model DIR --tokens FILE --rate R -o FILE.wsic\n"
    "\n"
    "Quantize every linear layer, each on statistics of the model as quantized so\n"
    "far, and write one archive. Until it is finished it is FILE.wsic.part; the same\n"
    "command goes on with that.\n"
    "\n" COMMON_HELP "  --tokens FILE      text to calibrate on\n"
    "  --text FILE        or the same as text, in UTF-8\n"
    "  --max-tokens N     of it, in windows spread evenly (default 65536)\n"
    "  --rate R           bits per weight in bytes of every layer, all included\n"
    "  -o, --output FILE  the archive\n"
    "  --directory QDIR   instead of it a directory that stands alone (see pack)\n"
    "  --shard-size SIZE  most bytes of tensors in one of its files (default 5GB)\n"
    "  --embedding-rate R quantize the embedding too, and the head if it is the same\n"
    "  --head-rate R      quantize the head of a model that has its own\n"
    "  --embedding-statistics NAME\n"
    "                     how rows of both count: frequency (of their token; default)\n"
    "                     or identity (alike)\n" SETTING_HELP RECIPE_HELP;

/* Behind the others: C bounds the length of a text. */
static const char tokens_more_help[] = "\n" TOKENS_HELP;

static const char quantize_more_help[] =
    "  --restart          throw an unfinished archive away\n"
    "  --skip NAME,...    leave these layers as they are in the checkpoint; patterns\n"
    "                     as of the shell\n"
    "  --zero-rows LIST   NAME:ROW,ROW,...;NAME:...: make these rows zero beforehand\n"
    "  --limit            compute the gap to the limit of every layer (slow)\n" WORK_HELP
    "  --dry-run          tell passes, memory and size of the archive; compute\n"
    "                     nothing\n"
    "  --json             report as JSON\n"
    "  -h, --help         print this\n"
    "\n" TOKENS_HELP "\n"
    "Without a text, of any architecture, one matrix after the other:\n"
    "  --tensors LIST     quantize matrices whose names match these patterns of the shell\n"
    "  --statistics DIR   of their inputs, as another program has written them\n"
    "  --data-free        without any: all inputs count alike, at a larger loss\n"
    "  --importance FILE  beside --data-free: an importance matrix of llama.cpp\n"
    "With these go --model, --rate, --output, --preset, --set, --restart, --progress, --json.\n";

static const char plan_help[] =
    "Usage: watersic-llm plan --model DIR --tokens FILE --rates R,...\n"
    "\n"
    "Tell what divergence quantizing will cause at several rates, and how many bits\n"
    "each layer gets there, without quantizing.\n"
    "\n" COMMON_HELP "  --tokens FILE      text to calibrate on\n"
    "  --text FILE        or the same as text, in UTF-8\n"
    "  --max-tokens N     of it, in windows spread evenly (default 65536)\n"
    "  --rates R,...      bits per weight in bytes, all included\n" SETTING_HELP
    "  --plan MODE        equal: the same for every weight; waterfill: by what errors\n"
    "                     of each layer are worth to the whole model (default)\n" OUTPUT_HELP
    "  --skip NAME,...    layers that will be left as they are; patterns as of the shell\n"
    "  --zero-rows LIST   NAME:ROW,ROW,...;NAME:...: rows that will be zero\n"
    "  --plot FILE.svg    draw the curve of divergence over rate\n"
    "  --progress         write a line for every layer on standard error\n"
    "  --json             report as JSON\n"
    "  -h, --help         print this\n";

static const char eval_help[] =
    "Usage: watersic-llm eval --model DIR [--archive FILE.wsic] --tokens FILE\n"
    "\n"
    "Tell how well a model predicts a text, with the weights of the checkpoint or\n"
    "with those of an archive, and how many bits a weight takes.\n"
    "\n" COMMON_HELP "  --archive FILE     take the layers that it holds from here\n"
    "  --tokens FILE      text to evaluate on\n"
    "  --text FILE        or the same as text, in UTF-8\n"
    "  --max-tokens N     of it, in windows spread evenly (default 16384)\n"
    "  --other-checkpoint go on with an archive of another checkpoint\n"
    "  --layers           a table of what every layer of the archive loses\n"
    "  --json             report as JSON\n"
    "  -h, --help         print this\n";

static const char compare_help[] =
    "Usage: watersic-llm compare --model DIR --tokens FILE --eval FILE --rates R,...\n"
    "\n"
    "Quantize at several rates with several methods at equal bytes; print a table.\n"
    "\n" COMMON_HELP "  --tokens FILE      text to calibrate on\n"
    "  --text FILE        or the same as text, in UTF-8\n"
    "  --max-tokens N     of it, in windows spread evenly (default 65536)\n"
    "  --eval FILE        text to evaluate on, as tokens\n"
    "  --eval-text FILE   or the same as text, in UTF-8\n"
    "  --eval-tokens N    of it, in windows spread evenly (default 32768)\n"
    "  --rates R,...      bits per weight in bytes, all included\n" SETTING_HELP
    "  --presets NAME,... a row for each of these presets\n" RECIPE_HELP WORK_HELP
    "  --plot FILE.svg    draw perplexity and divergence of every method over bits\n"
    "                     per weight\n"
    "  --json             report as JSON\n"
    "  -h, --help         print this\n";

static const char finetune_help[] =
    "Usage: watersic-llm finetune --model DIR --archive A.wsic --tokens FILE\n"
    "                             -o B.wsic\n"
    "\n"
    "Train the scales of rows and columns of linear layers in an archive so that the\n"
    "model predicts as the checkpoint does, and write a new archive. Codes stay what\n"
    "they are, and so does the size, but for a few bytes.\n"
    "\n" COMMON_HELP "  --archive FILE     what is tuned\n"
    "  --other-checkpoint go on with an archive of another checkpoint\n"
    "  --tokens FILE      text to train on\n"
    "  --text FILE        or the same as text, in UTF-8\n"
    "  --max-tokens N     of it, in windows spread evenly (default 262144)\n"
    "  --epochs N         times to go over it (default 1)\n"
    "  --batch N          windows to a step (default 2)\n"
    "  --learning-rate R  part by which a step changes scales, at the beginning\n"
    "                     (default 0.003); it falls along half a cosine\n"
    "  --last-learning-rate R\n"
    "                     at the last step (default 0.00003)\n"
    "  -o, --output FILE  the new archive\n"
    "  --json             report as JSON\n"
    "  -h, --help         print this\n";

#define SHARD_HELP                                                                                 \
    "  --shard-size SIZE  most bytes of tensors in one file, such as 500MB (default 5GB)\n"

static const char pack_help[] =
    "Usage: watersic-llm pack --model DIR --archive FILE.wsic -o QDIR\n"
    "\n"
    "Make a directory that stands alone of an archive and its checkpoint: layers of\n"
    "the archive as tensors of bytes in safetensors files, all other tensors, the\n"
    "tokenizer and the rest as they are in the checkpoint.\n"
    "\n"
    "  --model DIR        the checkpoint that the archive was made from\n"
    "  --archive FILE     from quantize or finetune\n"
    "  --other-checkpoint go on with an archive of another checkpoint\n"
    "  -o, --output DIR   the new directory\n" SHARD_HELP "  --json             report as JSON\n"
    "  -h, --help         print this\n";

static const char restore_help[] =
    "Usage: watersic-llm restore QDIR -o DIR\n"
    "\n"
    "Make an ordinary checkpoint of a directory of pack or quantize --directory, some\n"
    "rows at a time: weights as numbers that every program reads, or codes and scales\n"
    "for kernels of other programs.\n"
    "\n"
    "  --model QDIR       the directory, which may also stand without the option\n"
    "  -o, --output DIR   the new directory\n"
    "  --type TYPE        of restored weights: f32, f16 or bf16 (default: that of the\n"
    "                     checkpoint that was quantized)\n"
    "  --int8             instead of weights three tensors for each: NAME_codes (I8),\n"
    "                     NAME_row_scales and NAME_column_scales (F32)\n"
    "  --int4             the same with two codes in a byte, the even column low (U8)\n" SHARD_HELP
    "  --json             report as JSON\n"
    "  -h, --help         print this\n";

static const char tokens_help[] =
    "Usage: watersic-llm tokens --model DIR --text FILE -o FILE.u32\n"
    "       watersic-llm tokens --model DIR --tokens FILE.u32 -o FILE\n"
    "\n"
    "Turn text into tokens, or tokens back into text, by the tokenizer.json of a\n"
    "checkpoint.\n"
    "\n"
    "  --model DIR        where tokenizer.json is; nothing else is needed\n"
    "  --text FILE        text, in UTF-8\n"
    "  --tokens FILE      tokens, in FILE.u16 or FILE.u32\n"
    "  -o, --output FILE  tokens, if text is read: FILE.u16, or FILE.u32 for more than\n"
    "                     65536 of them; else text\n"
    "  --show             print every token and its piece\n"
    "  --no-special       without the tokens that the tokenizer puts before and behind\n"
    "                     a text (BOS, EOS)\n"
    "  -h, --help         print this\n";

static const char generate_help[] =
    "Usage: watersic-llm generate --model DIR --prompt TEXT\n"
    "\n"
    "Go on with a text. Linear layers stay in memory as coded bytes, which are decoded\n"
    "for every token, as codes of one byte or as floats. The same seed makes the same\n"
    "text on every machine.\n"
    "\n"
    "  --model DIR        a checkpoint, or a directory of pack or quantize --directory\n"
    "  --archive FILE     quantized layers in place of those of the checkpoint\n"
    "  --other-checkpoint go on with an archive of another checkpoint\n"
    "  --prompt TEXT      how the text begins\n"
    "  --interactive      read lines from standard input; each goes on with the text\n"
    "  --resident FORM    coded (default for quantized layers), int8 or f32\n"
    "  --max-new-tokens N most that are generated (default 128; in every turn)\n"
    "  --temperature T    divide logits by it (default 0: always the likeliest token)\n"
    "  --top-p P          choose among the likeliest tokens that have this much\n"
    "                     probability together (default 1)\n"
    "  --top-k N          choose among the N likeliest tokens\n"
    "  --seed N           of the choice (default 0)\n"
    "  --window N         tokens of prompt and text together (default: the model's\n"
    "                     positions, at most 2048)\n"
    "  --json             report as JSON instead of the text\n"
    "  -h, --help         print this\n";

static const char main_help[] =
    "Usage: watersic-llm COMMAND [OPTION]...\n"
    "\n"
    "  quantize   make an archive from a checkpoint\n"
    "  plan       tell what that will lose at several rates, without doing it\n"
    "  eval       tell how well a checkpoint or an archive predicts a text\n"
    "  compare    WaterSIC beside other methods at equal bytes\n"
    "  finetune   train the scales of an archive to predict as the checkpoint does\n"
    "  pack       make a directory that stands alone of an archive and its checkpoint\n"
    "  generate   go on with a text\n"
    "  restore    make an ordinary checkpoint of such a directory\n"
    "  tokens     turn text into tokens, and back\n"
    "\n"
    "watersic-llm COMMAND --help tells more, watersic-llm --version the version.\n"
    "Exit codes: 0 success, 1 failure, 2 wrong usage.\n";

struct command_entry {
    const char *name;
    const char *help;
    enum outcome (*run)(const struct options *options, struct failure *failure);
    const char *more_help; /* behind it; NULL for none */
};

static const struct command_entry commands[COMMANDS] = {
    [COMMAND_QUANTIZE] = {"quantize", quantize_help, command_quantize, quantize_more_help},
    [COMMAND_PLAN] = {"plan", plan_help, command_plan, tokens_more_help},
    [COMMAND_EVAL] = {"eval", eval_help, command_eval, tokens_more_help},
    [COMMAND_COMPARE] = {"compare", compare_help, command_compare, tokens_more_help},
    [COMMAND_FINETUNE] = {"finetune", finetune_help, command_finetune, tokens_more_help},
    [COMMAND_PACK] = {"pack", pack_help, command_pack, NULL},
    [COMMAND_GENERATE] = {"generate", generate_help, command_generate, NULL},
    [COMMAND_RESTORE] = {"restore", restore_help, command_restore, NULL},
    [COMMAND_TOKENS] = {"tokens", tokens_help, command_tokens, NULL},
};

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%swatersic-llm:%s ", terminal_style(stderr, TERMINAL_ERROR),
            terminal_style(stderr, TERMINAL_PLAIN));
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* What a standard output that is full has not taken is a failure too. */
static enum outcome print(const char *text, const char *more)
{
    struct failure failure;

    fputs(text, stdout);
    if (more)
        fputs(more, stdout);
    if (report_flush(&failure))
        return OUTCOME_OK;
    complain("%s", failure.text);
    return OUTCOME_FAILED;
}

static enum outcome run_command(enum command command, int count, char **arguments)
{
    const struct command_entry *const entry = &commands[command];
    struct failure failure = {.text = ""};
    struct options options;
    enum outcome outcome = OUTCOME_USAGE;

    if (options_parse(&options, command, count, arguments, &failure)) {
        if (options.help)
            return print(entry->help, entry->more_help);
        outcome = entry->run(&options, &failure);
    }
    if (outcome == OUTCOME_USAGE)
        complain("%s (see watersic-llm %s --help)", failure.text, entry->name);
    else if (outcome == OUTCOME_FAILED)
        complain("%s", failure.text);
    return outcome;
}

static int find_command(const char *name)
{
    int command = 0;

    while (command < COMMANDS && strcmp(name, commands[command].name) != 0)
        command++;
    return command;
}

/* What completion may offer: commands, or the options of one. */
static enum outcome print_list(int count, char **arguments)
{
    const int found = count > 2 ? find_command(arguments[2]) : COMMANDS;

    if (found < COMMANDS)
        options_list((enum command)found);
    for (int i = 0; count == 2 && i < COMMANDS; i++)
        printf("%s\tcommand\n", commands[i].name);
    return print("", NULL);
}

int main(int count, char **arguments)
{
    if (count < 2) {
        complain("no command is given (see watersic-llm --help)");
        return OUTCOME_USAGE;
    }
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0)
        return print(main_help, NULL);
    if (strcmp(arguments[1], "--version") == 0) {
        printf("watersic-llm %s", wsic_version());
        return print("\n", NULL);
    }
    if (strcmp(arguments[1], "--complete") == 0)
        return print_list(count, arguments);
    const int found = find_command(arguments[1]);
    if (found < COMMANDS)
        return ending_bounded(run_command((enum command)found, count - 1, arguments + 1));
    complain("'%s' is no command (see watersic-llm --help)", arguments[1]);
    return OUTCOME_USAGE;
}
