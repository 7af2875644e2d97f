/* SPDX-License-Identifier: MIT */
/* watersic: quantize matrices and look at the results, on the public interface alone. */
#include <stdio.h>
#include <string.h>

#include <watersic/watersic.h>

#include "commands.h"
#include "common/ending.h"
#include "common/interrupt.h"
#include "output.h"

static const char weights_notes[] =
    "WEIGHTS is a .npy file (f2, f4, f8) or FILE.safetensors:TENSOR.\n"
    "STATS is a covariance as .npy, or a file written by watersic stats.";

static const cli_command commands[] = {
    {"quantize", "Quantize a matrix into an archive",
     "--weights WEIGHTS --stats STATS --rate R -o FILE [OPTION]...", weights_notes, run_quantize},
    {"dequantize", "Reconstruct the weights of a layer as .npy",
     "FILE [--layer NAME] [--dtype f2|f4|f8] -o OUT.npy", NULL, run_dequantize},
    {"info", "Describe an archive, its layers and where their bits went", "FILE [--json]", NULL,
     run_info},
    {"report", "Make a page of HTML of an archive or of a quantized directory",
     "FILE|DIR [--layer NAME]... [--stats STATS] [--compare OTHER] -o OUT.html",
     "The page needs nothing but itself. STATS is a covariance as .npy, or a file written by\n"
     "watersic stats.",
     run_report},
    {"verify", "Read and decode everything in an archive", "FILE", NULL, run_verify},
    {"plan", "Tell what rates the columns of a matrix would get",
     "--weights WEIGHTS --stats STATS (--rate R | --distortion D) [--json]", weights_notes,
     run_plan},
    {"limit", "Tell the rate or distortion that no quantizer can pass",
     "--stats STATS --variance V (--rate R | --distortion D) [--json]",
     "The limit of reverse waterfilling for independent Gaussian weights of variance V.\n"
     "STATS is a covariance as .npy, or a file written by watersic stats.",
     run_limit},
    {"stats", "Collect calibration statistics from activations, or merge some",
     "(--activations X.npy... | --merge STATS...) -o FILE", NULL, run_stats},
    {"parameters", "List the parameters of the encoder, for quantize --set", "[--json]", NULL,
     run_parameters},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int print_overview(void)
{
    printf("Usage: watersic COMMAND [OPTION]...\n\n"
           "Quantizes weights of language models at 1 to 4 bits with little loss.\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-12s %s\n", commands[i].name, commands[i].summary);
    printf("\nwatersic COMMAND --help tells more; watersic --version prints the version.\n"
           "Exit codes: 0 done; 1 failed; 2 wrong command line; 3 done, but the rate asked for\n"
           "cannot be reached and the nearest was taken; 130 interrupted.\n");
    return finish_output();
}

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

/* What completion may offer: commands, or the options of one. */
static int print_list(int argc, char **argv)
{
    const cli_command *const found = argc > 2 ? find_command(argv[2]) : NULL;
    char list[] = OPTIONS_LIST;
    char *arguments[] = {argv[0], list, NULL};

    if (found)
        return found->run(found, 2, arguments);
    for (size_t i = 0; argc == 2 && i < COMMANDS; i++)
        printf("%s\tcommand\t%s\n", commands[i].name, commands[i].summary);
    return finish_output();
}

static int run_command(const cli_command *found, int argc, char **argv)
{
    const int result = found->run(found, argc, argv);

    /* What failed because of a signal ends as a shell expects it. */
    return result == EXIT_FAILURE && interrupt_pending() ? EXIT_SIGNAL + interrupt_signal()
                                                         : result;
}

int main(int argc, char **argv)
{
    const char *const name = argc > 1 ? argv[1] : "";

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return print_overview();
    if (strcmp(name, "--version") == 0) {
        printf("watersic %s\n", wsic_version());
        return finish_output();
    }
    if (strcmp(name, OPTIONS_LIST) == 0)
        return print_list(argc, argv);
    const cli_command *const found = find_command(name);
    if (found)
        return ending_bounded(run_command(found, argc - 1, argv + 1));
    complain(NULL,
             argc > 1 ? "'%s' is no command (see watersic --help)"
                      : "no command is given (see watersic --help)",
             name);
    return EXIT_USAGE;
}
