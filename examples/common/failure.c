/* SPDX-License-Identifier: MIT */
#include "common/failure.h"

#include <stdarg.h>
#include <stdio.h>

bool refuse(struct failure *failure, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    for (char *c = failure->text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == '\x7f')
            *c = '?';
    return false;
}
