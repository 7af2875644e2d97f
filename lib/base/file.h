/* SPDX-License-Identifier: MIT */
/* Files that are written: they show under their name only when they are complete. errno's
 * text goes into the message, and its value is put back before returning. */
#ifndef WSIC_BASE_FILE_H
#define WSIC_BASE_FILE_H

#include "base/source.h"

/* A temporary file in the directory of the one that it will become. All zero: nothing
 * is open. */
typedef struct wsic_file_writer {
    char *path;
    char *temporary;
    int descriptor;
    bool lost_data; /* the system has dropped data that it had accepted */
    bool kept;      /* wsic_file_abandon() leaves the temporary file */
} wsic_file_writer;

wsic_status wsic_file_create(const wsic_env *env, const char *path, wsic_file_writer *file);

/* What an unfinished file that outlives its writer is called: the final name and this. */
#define WSIC_FILE_UNFINISHED ".part"

/* Open the unfinished file of that name, or make an empty one; it is kept. Only one writer at
 * a time gets it, in this process and all others, where the file system has locks. *size is that
 * of what is there. */
wsic_status wsic_file_resume(const wsic_env *env, const char *path, wsic_file_writer *file,
                             uint64_t *size);

/* What has been written so far, up to size, for reading: borrowed from the writer. */
wsic_source wsic_file_source(const wsic_file_writer *file, uint64_t size);

/* Drop what stands behind size. */
wsic_status wsic_file_cut(const wsic_env *env, wsic_file_writer *file, uint64_t size);

/* Bring what was written to the disk. After a failure nothing can make sure any more that it is
 * there: every later call fails. */
wsic_status wsic_file_synchronize(const wsic_env *env, wsic_file_writer *file);

/* As wsic_file_cut(), for after another failure, which is the one to be told: this is not. */
void wsic_file_drop(wsic_file_writer *file, uint64_t size);

/* Write at an offset of the caller's choice: after a failure, the same call can be
 * repeated, or the range overwritten by another. */
wsic_status wsic_file_write(const wsic_env *env, wsic_file_writer *file, uint64_t offset,
                            const void *data, size_t size);

/* Cut the file to size, bring it to the disk and give it its name. After a failure
 * the file is still open. After success only wsic_file_abandon() may follow. */
wsic_status wsic_file_commit(const wsic_env *env, wsic_file_writer *file, uint64_t size);

/* Close, and remove the temporary file if it has not become the final one and is not kept. */
void wsic_file_abandon(const wsic_env *env, wsic_file_writer *file);

#endif
