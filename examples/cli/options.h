/* SPDX-License-Identifier: MIT */
/* Command lines: tables of options, from which parsing and help texts are made. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum option_kind {
    OPTION_FLAG,   /* value is a bool */
    OPTION_TEXT,   /* value is a const char * */
    OPTION_NUMBER, /* value is a double, NAN where the option is not given */
    OPTION_COUNT,  /* value is an int32_t, not negative */
    OPTION_EACH,   /* value is a text_list; the option may be repeated */
    OPTION_LIST    /* the same; arguments that follow are added to it */
} option_kind;

typedef struct option_spec {
    const char *name;
    char letter; /* 0: none */
    option_kind kind;
    void *value;
    const char *argument; /* as shown in the help; NULL for flags */
    const char *help;
} option_spec;

typedef struct text_list {
    const char **items;
    size_t count;
} text_list;

void text_list_release(text_list *list);

typedef struct cli_command {
    const char *name;
    const char *summary; /* one line */
    const char *usage;   /* what follows the name */
    const char *notes;   /* further lines of help, or NULL */
    int (*run)(const struct cli_command *command, int argc, char **argv);
} cli_command;

/* As the only argument of a command: print a line for every option with its name, "flag" or
 * "value", and its help, separated by tabs. */
#define OPTIONS_LIST "--complete"

/* The command line is read to its end and all values are set: go on. */
enum { OPTIONS_READ = -1 };

/* Parse argv[1] and what follows. Arguments that belong to no option become positional;
 * more than most of them are refused. Returns OPTIONS_READ, or the exit code after help was
 * printed or something was wrong. Lists are to be released in any case. */
int options_parse(const cli_command *command, const option_spec *specs, size_t count,
                  text_list *positional, size_t most, int argc, char **argv);

/* Say what is wrong with the command line; returns the exit code. */
#if defined(__GNUC__)
__attribute__((__format__(__printf__, 2, 3)))
#endif
int options_fail(const cli_command *command, const char *format, ...);

#endif
