/* SPDX-License-Identifier: MIT */
#include "llm/publish/directory_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic_file.h"
#include "common/path.h"
#include "common/text_end.h"
#include "llm/model/json_file.h"
#include "llm/publish/directory.h"

static bool is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static bool is_empty(const char *path)
{
    DIR *const folder = opendir(path);
    const struct dirent *entry;
    bool empty = folder != NULL;

    while (empty && (entry = readdir(folder)))
        empty = !is_entry(entry);
    if (folder)
        closedir(folder);
    return empty;
}

bool directory_is_free(const char *output, struct failure *failure)
{
    struct stat facts;

    if (lstat(output, &facts) != 0)
        return errno == ENOENT ||
               refuse(failure, "%s: cannot be written: %s", output, strerror(errno));
    if (!S_ISDIR(facts.st_mode))
        return refuse(failure, "%s: is there already, and no directory", output);
    return is_empty(output) || refuse(failure, "%s: is there already, and not empty", output);
}

/* Length of what comes before the last name. Slashes at the end belong to it. */
static size_t parent_length(const char *path)
{
    size_t length = strlen(path);

    while (length > 0 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length;
}

bool directory_begin(char temporary[PATH_MAX], const char *output, struct failure *failure)
{
    const size_t parent = parent_length(output);

    if (!path_format(temporary, failure, "%.*s.watersic-XXXXXX", (int)parent, output))
        return false;
    if (!mkdtemp(temporary))
        return refuse(failure, "%s: cannot be written: %s", output, strerror(errno));
    /* As an ordinary directory: mkdtemp() keeps it from all others. */
    const mode_t mask = umask(0);
    umask(mask);
    chmod(temporary, 0777 & ~mask);
    return true;
}

/* Names are on the disk when the folder that has them is. */
static bool sync_folder(const char *path)
{
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool ok = folder >= 0 && fsync(folder) == 0;

    if (folder >= 0)
        close(folder);
    return ok;
}

bool directory_finish(const char *temporary, const char *output, struct failure *failure)
{
    if (sync_folder(temporary) && rename(temporary, output) == 0)
        return true;
    return refuse(failure, "%s: cannot be written: %s", output, strerror(errno));
}

void directory_discard(const char *temporary)
{
    DIR *const folder = opendir(temporary);
    const struct dirent *entry;
    char path[PATH_MAX];
    struct failure ignored;

    while (folder && (entry = readdir(folder)))
        if (is_entry(entry) && path_join(path, temporary, entry->d_name, &ignored))
            unlink(path);
    if (folder)
        closedir(folder);
    rmdir(temporary);
}

/* As the hub's tools write it. NULL if memory is short. */
static char *format_json(const json_t *value)
{
    return json_dumps(value, JSON_INDENT(2));
}

bool directory_put_json(const char *folder, const char *name, const json_t *value,
                        struct failure *failure)
{
    char path[PATH_MAX];
    atomic_file file;

    if (!path_join(path, folder, name, failure))
        return false;
    char *const text = value ? format_json(value) : NULL;
    if (!text)
        return refuse(failure, "%s: out of memory", path);
    bool ok = atomic_file_open(&file, path, failure);
    if (ok) {
        ok = atomic_file_write(&file, text, strlen(text), failure) &&
             atomic_file_write(&file, "\n", 1, failure) && atomic_file_commit(&file, failure);
        atomic_file_abandon(&file);
    }
    free(text);
    return ok;
}

json_t *directory_config(const char *source, struct failure *failure)
{
    char path[PATH_MAX];

    return path_join(path, source, "config.json", failure)
               ? json_file_load(path, JSON_REJECT_DUPLICATES, failure)
               : NULL;
}

/* Files that hold weights in whatever format, and what tells where weights are. */
static bool holds_weights(const char *name)
{
    static const char *const ends[] = {".safetensors", ".safetensors.index.json",
                                       ".bin",         ".bin.index.json",
                                       ".pt",          ".pth",
                                       ".gguf",        ".h5",
                                       ".msgpack",     ".onnx",
                                       ".wsic",        ".part"};

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (text_ends_with(name, ends[i]))
            return true;
    return false;
}

static bool copy_bytes(FILE *from, const char *source, atomic_file *to, struct failure *failure)
{
    char buffer[65536];
    size_t size;

    while ((size = fread(buffer, 1, sizeof buffer, from)) > 0)
        if (!atomic_file_write(to, buffer, size, failure))
            return false;
    return !ferror(from) || refuse(failure, "%s: cannot be read: %s", source, strerror(errno));
}

static bool copy_file(const char *source, const char *output, struct failure *failure)
{
    FILE *const from = fopen(source, "rbe");
    atomic_file to;

    if (!from)
        return refuse(failure, "%s: cannot be read: %s", source, strerror(errno));
    bool ok = atomic_file_open(&to, output, failure);
    if (ok) {
        ok = copy_bytes(from, source, &to, failure) && atomic_file_commit(&to, failure);
        atomic_file_abandon(&to);
    }
    fclose(from);
    return ok;
}

/* Hidden files are those of tools: of git, of a download, of an output that is being written. */
static bool copy_entry(const char *folder, const char *source, const char *name,
                       struct failure *failure)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    struct stat facts;

    if (name[0] == '.' || holds_weights(name) || strcmp(name, "config.json") == 0)
        return true;
    if (!path_join(from, source, name, failure) || !path_join(to, folder, name, failure))
        return false;
    if (stat(from, &facts) != 0)
        return refuse(failure, "%s: cannot be read: %s", from, strerror(errno));
    return !S_ISREG(facts.st_mode) || copy_file(from, to, failure);
}

bool directory_copy_rest(const char *folder, const char *source, struct failure *failure)
{
    DIR *const from = opendir(source);
    const struct dirent *entry;
    bool ok = true;

    if (!from)
        return refuse(failure, "%s: cannot be read: %s", source, strerror(errno));
    while (ok && (entry = readdir(from)))
        ok = copy_entry(folder, source, entry->d_name, failure);
    closedir(from);
    return ok;
}
