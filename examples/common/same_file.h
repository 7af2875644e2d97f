/* SPDX-License-Identifier: MIT */
/* Whether two names mean one file, so that no output destroys an input. */
#ifndef EXAMPLES_SAME_FILE_H
#define EXAMPLES_SAME_FILE_H

#include <stdbool.h>

/* True if both names mean the same file, also through links and other spellings. A name that does
 * not exist yet means the file that would be made, a link whose target does not exist that target.
 * Two hard links to one file are the same file. Devices, pipes and sockets never are: writing to
 * one destroys nothing that could be read from it. */
bool same_file(const char *first, const char *second);

#endif
