/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_TEXT_END_H
#define EXAMPLES_TEXT_END_H

#include <stdbool.h>

bool text_ends_with(const char *text, const char *end);

#endif
