/* SPDX-License-Identifier: MIT */
/* What a file is that is not what was expected: a download that went wrong, or another format. */
#ifndef EXAMPLES_FILE_KIND_H
#define EXAMPLES_FILE_KIND_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes file_kind() looks at. */
enum { FILE_KIND_BYTES = 512 };

/* Name what begins with these bytes, for a message such as "is not a .npy file but %s": a phrase
 * with its article, "a Git LFS pointer (...)". size counts the bytes that are there, at most
 * FILE_KIND_BYTES of which are looked at; 0 means an empty file. NULL if nothing is known that
 * begins so. To be asked after a file was refused: the answer is a guess, and the beginning of a
 * good file can resemble another kind. */
const char *file_kind(const uint8_t *bytes, size_t size);

/* Two of the answers, to compare with. */
extern const char file_kind_safetensors[];
extern const char file_kind_archive[];
extern const char file_kind_statistics[];

/* The same of a file that can be opened; NULL also where it cannot be read. */
const char *file_kind_of(const char *path);

#endif
