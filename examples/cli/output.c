/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/same_file.h"
#include "common/terminal.h"
#include "progress.h"

int complain(const char *file, const char *format, ...)
{
    va_list arguments;

    progress_clear();
    fprintf(stderr, "%swatersic:%s %s%s", terminal_style(stderr, TERMINAL_ERROR),
            terminal_style(stderr, TERMINAL_PLAIN), file ? file : "", file ? ": " : "");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return EXIT_FAILURE;
}

/* Messages about files end with the path, which stands at the front already. */
static size_t length_without_path(const char *message, const char *file)
{
    const size_t length = strlen(message), tail = file ? strlen(file) + 2 : SIZE_MAX;

    if (tail >= length || strcmp(message + length - tail + 2, file) != 0 ||
        strncmp(message + length - tail, ": ", 2) != 0)
        return length;
    return length - tail;
}

int complain_status(const char *file, wsic_status status, const char *message)
{
    const char *const text = message && *message ? message : wsic_status_text(status);

    if (status == WSIC_ERROR_CANCELLED)
        return complain(NULL, "interrupted");
    return complain(file, "%.*s", (int)length_without_path(text, file), text);
}

bool may_replace(const char *path)
{
    struct stat facts;

    if (stat(path, &facts) != 0 || S_ISREG(facts.st_mode))
        return true;
    complain(path, "is there and not a regular file");
    return false;
}

bool spares_input(const char *output, const char *input)
{
    if (!same_file(output, input))
        return true;
    complain(output, "is the file of the input %s: it would be lost", input);
    return false;
}

int finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_SUCCESS;
    return complain("standard output", "cannot be written: %s", strerror(errno));
}

json_t *json_figure(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

int print_json(json_t *object)
{
    if (!object)
        return complain(NULL, "out of memory");
    const int failed = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(object);
    if (failed == 0)
        fputc('\n', stdout);
    return finish_output();
}

void print_fact(const char *label, const char *format, ...)
{
    va_list arguments;

    printf("%-20s ", label);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}
