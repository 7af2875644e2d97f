/* SPDX-License-Identifier: MIT */
#include "mpi/folder.h"

#include <dirent.h>
#include <errno.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/atomic_file.h"

bool folder_name(struct folder *folder, const char *out, struct failure *failure)
{
    const char *const temporary = getenv("TMPDIR");

    if ((size_t)snprintf(folder->path, sizeof folder->path, "%s.inputs", out) >=
            sizeof folder->path ||
        (size_t)snprintf(folder->scratch, sizeof folder->scratch, "%s/watersic-mpi.%ld.%d",
                         temporary ? temporary : "/tmp", (long)getpid(),
                         folder->rank) >= sizeof folder->scratch)
        return refuse(failure, "the name of the output or of TMPDIR is too long");
    return true;
}

/* Statistics in the folder are those of the run whose settings are beside them. */
static bool same_settings(const struct folder *folder, FILE *file, const char *settings,
                          struct failure *failure)
{
    const size_t length = strlen(settings);
    size_t i = 0;

    while (i < length && fgetc(file) == (unsigned char)settings[i])
        i++;
    return (i == length && fgetc(file) == EOF) ||
           refuse(failure,
                  "%s was left by a run with other settings: remove it, and the output's .part, to "
                  "begin anew",
                  folder->path);
}

bool folder_open(const struct folder *folder, const char *settings, struct failure *failure)
{
    char path[FOLDER_PATH_SIZE];

    if (mkdir(folder->path, 0777) != 0 && errno != EEXIST)
        return refuse(failure, "%s: %s", folder->path, strerror(errno));
    snprintf(path, sizeof path, "%s/run", folder->path);
    FILE *const file = fopen(path, "r");
    if (file) {
        const bool same = same_settings(folder, file, settings, failure);
        fclose(file);
        return same;
    }
    return atomic_file_put(path, settings, strlen(settings), failure);
}

void folder_statistics(const struct folder *folder, size_t number, char path[FOLDER_PATH_SIZE])
{
    snprintf(path, FOLDER_PATH_SIZE, "%s/input%zu.stats", folder->path, number);
}

bool folder_has(const struct folder *folder, size_t number)
{
    char path[FOLDER_PATH_SIZE];
    int there = 0;

    if (folder->rank == 0) {
        folder_statistics(folder, number, path);
        there = access(path, R_OK) == 0;
    }
    MPI_Bcast(&there, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return there;
}

/* Nothing else that somebody may have put there goes. */
static bool is_own(const char *name)
{
    return strcmp(name, "run") == 0 || strncmp(name, "input", strlen("input")) == 0 ||
           strncmp(name, "diagonals", strlen("diagonals")) == 0;
}

void folder_remove(const struct folder *folder)
{
    char path[FOLDER_PATH_SIZE + 256];
    DIR *const files = opendir(folder->path);
    struct dirent *entry;

    while (files && (entry = readdir(files))) {
        snprintf(path, sizeof path, "%s/%s", folder->path, entry->d_name);
        if (is_own(entry->d_name))
            unlink(path);
    }
    if (files)
        closedir(files);
    rmdir(folder->path);
}

bool folder_all_ready(const struct folder *folder, const char *program, bool ready,
                      const struct failure *failure)
{
    int failing = ready ? folder->ranks : folder->rank, first;

    MPI_Allreduce(&failing, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (first == folder->rank)
        fprintf(stderr, "%s: %s\n", program, failure->text);
    return first == folder->ranks;
}
