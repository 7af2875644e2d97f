/* SPDX-License-Identifier: MIT */
/* The end of a process that may hang in what exit() does. */
#ifndef EXAMPLES_COMMON_ENDING_H
#define EXAMPLES_COMMON_ENDING_H

/* Bound what is left of the process, and return its exit code: main() ends with
 * `return ending_bounded(code)`. Threads of BLAS that found no memory never end, and exit() waits
 * for them; after a few seconds the process ends with the same code in spite of them. */
int ending_bounded(int code);

#endif
