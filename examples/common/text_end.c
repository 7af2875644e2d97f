/* SPDX-License-Identifier: MIT */
#include "common/text_end.h"

#include <string.h>

bool text_ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text);
    const size_t end_length = strlen(end);

    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}
