/* SPDX-License-Identifier: MIT */
/* What a program may do on the terminal that it writes to, if that is one. */
#ifndef EXAMPLES_TERMINAL_H
#define EXAMPLES_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

enum terminal_style { TERMINAL_PLAIN, TERMINAL_BOLD, TERMINAL_ERROR, TERMINAL_BAR };

/* Characters of a line: what COLUMNS says, or the terminal; 0 if the stream is no terminal, where
 * lines are as long as they are. */
size_t terminal_width(FILE *stream);

/* The sequence that begins a style, or ends all (TERMINAL_PLAIN). Empty if the stream is no
 * terminal, if NO_COLOR is set to anything (https://no-color.org), or if TERM is "dumb" or
 * missing. */
const char *terminal_style(FILE *stream, enum terminal_style style);

/* Characters for a column of names that wants some, beside so many others in its line: all on what
 * is no terminal, and at least 8. */
size_t terminal_room(FILE *stream, size_t wanted, size_t beside);

enum { TERMINAL_NAME_SIZE = 256 };

/* A name in at most so many characters, 8 at least (0: any number): of one that is longer the end
 * stays, behind three points, since names of layers differ there. Returns the name or the
 * buffer. */
const char *terminal_fit(const char *name, size_t room, char buffer[TERMINAL_NAME_SIZE]);

#endif
