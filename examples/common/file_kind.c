/* SPDX-License-Identifier: MIT */
#include "common/file_kind.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char file_kind_safetensors[] = "a .safetensors file";
const char file_kind_archive[] = "an archive of watersic";
const char file_kind_statistics[] = "a statistics file of watersic";

/* How files of a kind begin. Bytes behind a zero byte count, so that the length is given. */
#define START(text) text, sizeof(text) - 1

static const struct {
    const char *start;
    size_t length;
    const char *kind;
} beginnings[] = {
    {START("version https://git-lfs."),
     "a Git LFS pointer (\"git lfs pull\" fetches the file that it stands for)"},
    {START("\x93NUMPY"), "a .npy file"},
    {START("WSICARCH"), file_kind_archive},
    {START("WSICSTAT"), file_kind_statistics},
    {START("GGUF"), "a GGUF file"},
    {START("PK\3\4"), "a zip archive (as torch.save and numpy.savez write)"},
    {START("\x89HDF\r\n\x1a\n"), "an HDF5 file"},
    {START("\x1f\x8b"), "a gzip file (to be unpacked first)"},
    {START("\x28\xb5\x2f\xfd"), "a Zstandard file (to be unpacked first)"},
    {START("\xfd"
           "7zXZ"),
     "an xz file (to be unpacked first)"},
};

enum { BEGINNINGS = sizeof beginnings / sizeof *beginnings };

/* The same of texts, whose letters may be large or small, behind white space. */
static const struct {
    const char *start;
    const char *kind;
} texts[] = {
    {"<!doctype html", "an HTML page (the download was answered with a page)"},
    {"<html", "an HTML page (the download was answered with a page)"},
    {"<?xml", "an XML text (as servers answer with an error)"},
    {"{", "a JSON text"},
};

enum { TEXTS = sizeof texts / sizeof *texts };

static const char *text_kind(const uint8_t *bytes, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, which some editors put in front */
    size_t start = size >= 3 && memcmp(bytes, mark, 3) == 0 ? 3 : 0;

    while (start < size && strchr(" \t\r\n", bytes[start]) && bytes[start] != '\0')
        start++;
    for (size_t i = 0; i < TEXTS; i++) {
        const size_t length = strlen(texts[i].start);
        if (size - start >= length &&
            strncasecmp((const char *)bytes + start, texts[i].start, length) == 0)
            return texts[i].kind;
    }
    return NULL;
}

/* A length in 8 bytes, little-endian, and the brace that opens the header. */
static bool is_safetensors(const uint8_t *bytes, size_t size)
{
    return size > 8 && bytes[8] == '{' && bytes[5] == 0 && bytes[6] == 0 && bytes[7] == 0;
}

/* Protocols 2 to 5 begin with their number; an opcode follows, which is not zero. */
static bool is_pickle(const uint8_t *bytes, size_t size)
{
    return size > 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5 && bytes[2] != 0;
}

static bool is_tar(const uint8_t *bytes, size_t size)
{
    enum { AT = 257 };

    return size >= AT + 5 && memcmp(bytes + AT, "ustar", 5) == 0;
}

/* Downloads that reserve the space first and are broken off leave zeros. */
static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return size >= 8;
}

const char *file_kind(const uint8_t *bytes, size_t size)
{
    const size_t seen = size < FILE_KIND_BYTES ? size : FILE_KIND_BYTES;

    if (seen == 0)
        return "an empty file";
    for (size_t i = 0; i < BEGINNINGS; i++)
        if (seen >= beginnings[i].length &&
            memcmp(bytes, beginnings[i].start, beginnings[i].length) == 0)
            return beginnings[i].kind;
    if (is_safetensors(bytes, seen))
        return file_kind_safetensors;
    if (is_pickle(bytes, seen))
        return "a pickle of Python (as torch.save and numpy.save of objects write)";
    if (is_tar(bytes, seen))
        return "a tar archive (to be unpacked first)";
    if (is_zero(bytes, seen))
        return "a file that begins with zeros (a download that was broken off leaves them)";
    return text_kind(bytes, seen);
}

const char *file_kind_of(const char *path)
{
    uint8_t bytes[FILE_KIND_BYTES];
    FILE *const stream = fopen(path, "rb");

    if (!stream)
        return NULL;
    const size_t size = fread(bytes, 1, sizeof bytes, stream);
    const bool failed = ferror(stream) != 0;
    fclose(stream);
    return failed ? NULL : file_kind(bytes, size);
}
