/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

enum { MAX_OPTIONS = 24, FIRST_CODE = 256 };

void text_list_release(text_list *list)
{
    free(list->items);
    *list = (text_list){NULL, 0};
}

static bool text_list_add(text_list *list, const char *text)
{
    const char **const grown = realloc(list->items, (list->count + 1) * sizeof *grown);

    if (!grown)
        return false;
    list->items = grown;
    list->items[list->count++] = text;
    return true;
}

int options_fail(const cli_command *command, const char *format, ...)
{
    va_list arguments;
    char what[400];

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    complain(NULL, "%s: %s (see watersic %s --help)", command->name, what, command->name);
    return EXIT_USAGE;
}

static void print_help(const cli_command *command, const option_spec *specs, size_t count)
{
    printf("Usage: watersic %s %s\n\n%s.\n\n", command->name, command->usage, command->summary);
    for (size_t i = 0; i < count; i++) {
        char left[64];
        const char letter[5] = {'-', specs[i].letter, ',', ' ', '\0'};
        snprintf(left, sizeof left, "%s--%s %s", specs[i].letter ? letter : "    ", specs[i].name,
                 specs[i].argument ? specs[i].argument : "");
        printf("  %-30s %s\n", left, specs[i].help);
    }
    printf("  %-30s %s\n", "-h, --help", "print this text");
    if (command->notes)
        printf("\n%s\n", command->notes);
}

/* For the completion of shells (examples/completion). */
static int print_list(const option_spec *specs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("--%s\t%s\t%s\n", specs[i].name, specs[i].kind == OPTION_FLAG ? "flag" : "value",
               specs[i].help);
    puts("--help\tflag\tprint this text");
    return finish_output();
}

static bool read_number(const char *text, double *value)
{
    char *end;
    const double number = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(number))
        return false;
    *value = number;
    return true;
}

static bool read_count(const char *text, int32_t *value)
{
    char *end;
    const long number = strtol(text, &end, 10);

    if (end == text || *end != '\0' || number < 0 || number > INT32_MAX)
        return false;
    *value = (int32_t)number;
    return true;
}

static int take_value(const cli_command *command, const option_spec *spec, const char *text)
{
    switch (spec->kind) {
    case OPTION_FLAG:
        *(bool *)spec->value = true;
        break;
    case OPTION_TEXT:
        if (*text == '\0')
            return options_fail(command, "--%s: the value is empty", spec->name);
        *(const char **)spec->value = text;
        break;
    case OPTION_NUMBER:
        if (!read_number(text, spec->value))
            return options_fail(command, "--%s: '%s' is not a number", spec->name, text);
        break;
    case OPTION_COUNT:
        if (!read_count(text, spec->value))
            return options_fail(command, "--%s: '%s' is not a whole number", spec->name, text);
        break;
    case OPTION_EACH:
    case OPTION_LIST:
        if (!text_list_add(spec->value, text))
            return complain(NULL, "out of memory");
        break;
    }
    return OPTIONS_READ;
}

/* What getopt_long() wants. The leading '-' keeps the order of all arguments, so that
 * those behind a list can be added to it; the ':' tells a missing value from an unknown
 * option. */
static void make_tables(const option_spec *specs, size_t count, struct option *longs, char *shorts)
{
    *shorts++ = '-';
    *shorts++ = ':';
    *shorts++ = 'h';
    for (size_t i = 0; i < count; i++) {
        const bool has_value = specs[i].kind != OPTION_FLAG;
        longs[i] = (struct option){specs[i].name, has_value ? required_argument : no_argument, NULL,
                                   FIRST_CODE + (int)i};
        if (specs[i].letter) {
            *shorts++ = specs[i].letter;
            if (has_value)
                *shorts++ = ':';
        }
    }
    *shorts = '\0';
    longs[count] = (struct option){"help", no_argument, NULL, 'h'};
    longs[count + 1] = (struct option){NULL, 0, NULL, 0};
}

static const option_spec *find_spec(const option_spec *specs, size_t count, int code)
{
    for (size_t i = 0; i < count; i++) {
        if (code == FIRST_CODE + (int)i || (specs[i].letter && code == specs[i].letter))
            return &specs[i];
    }
    return NULL;
}

static int add_positional(const cli_command *command, text_list *list, size_t most,
                          const char *text)
{
    if (list->count == most)
        return options_fail(command, "'%s' is one argument too many", text);
    return text_list_add(list, text) ? OPTIONS_READ : complain(NULL, "out of memory");
}

int options_parse(const cli_command *command, const option_spec *specs, size_t count,
                  text_list *positional, size_t most, int argc, char **argv)
{
    struct option longs[MAX_OPTIONS + 2];
    char shorts[2 * MAX_OPTIONS + 4];
    text_list *open_list = NULL;
    int code;
    int result = OPTIONS_READ;

    if (argc == 2 && strcmp(argv[1], OPTIONS_LIST) == 0)
        return print_list(specs, count);
    make_tables(specs, count, longs, shorts);
    opterr = 0;
    optind = 1;
    while (result == OPTIONS_READ && (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const option_spec *const spec = find_spec(specs, count, code);
        if (spec) {
            result = take_value(command, spec, optarg);
            open_list = spec->kind == OPTION_LIST ? spec->value : open_list;
        } else if (code == 1) {
            result = open_list ? add_positional(command, open_list, SIZE_MAX, optarg)
                               : add_positional(command, positional, most, optarg);
        } else if (code == 'h') {
            print_help(command, specs, count);
            return finish_output();
        } else {
            return options_fail(command, code == ':' ? "%s lacks a value" : "%s is no option of it",
                                argv[optind - 1]);
        }
    }
    for (; result == OPTIONS_READ && optind < argc; optind++)
        result = add_positional(command, positional, most, argv[optind]);
    return result;
}
