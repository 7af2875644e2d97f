/* SPDX-License-Identifier: MIT */
#include "common/same_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/path.h"

/* As many links as Linux follows in a row. */
enum { MOST_LINKS = 40 };

/* Replace the name of a link by what the link holds, seen from the folder of the link. False if it
 * is no link, or too long. */
static bool step_through_link(char path[PATH_MAX])
{
    char target[PATH_MAX];
    const ssize_t read = readlink(path, target, sizeof target);
    const size_t folder = path_folder_length(path);

    if (read <= 0 || (size_t)read >= sizeof target)
        return false;
    const size_t length = (size_t)read;
    const size_t start = target[0] == '/' ? 0 : folder;
    if (start + length >= PATH_MAX)
        return false;
    memcpy(path + start, target, length);
    path[start + length] = '\0';
    return true;
}

/* Where a file that does not exist would be made: the folder, and its name in it. False where there
 * is no such folder. */
static bool find_place(char path[PATH_MAX], struct stat *folder, const char **name)
{
    for (int links = 0; links < MOST_LINKS && step_through_link(path); links++)
        continue;
    const size_t length = path_folder_length(path);
    const char first = path[length];
    path[length] = '\0';
    const bool found = stat(length ? path : ".", folder) == 0;
    path[length] = first;
    *name = path + length;
    return found;
}

static bool same_inode(const struct stat *first, const struct stat *second)
{
    return first->st_dev == second->st_dev && first->st_ino == second->st_ino;
}

static bool same_place(const char *first, const char *second)
{
    char paths[2][PATH_MAX];
    const char *names[2];
    struct stat folders[2];

    if (strlen(first) >= PATH_MAX || strlen(second) >= PATH_MAX)
        return strcmp(first, second) == 0;
    strcpy(paths[0], first);
    strcpy(paths[1], second);
    if (!find_place(paths[0], &folders[0], &names[0]) ||
        !find_place(paths[1], &folders[1], &names[1]))
        return strcmp(first, second) == 0;
    return same_inode(&folders[0], &folders[1]) && strcmp(names[0], names[1]) == 0;
}

bool same_file(const char *first, const char *second)
{
    struct stat facts[2];
    const bool first_exists = stat(first, &facts[0]) == 0;
    const bool second_exists = stat(second, &facts[1]) == 0;

    if (first_exists != second_exists)
        return false;
    if (!first_exists)
        return same_place(first, second);
    const bool has_contents = S_ISREG(facts[0].st_mode) || S_ISDIR(facts[0].st_mode);
    return has_contents && same_inode(&facts[0], &facts[1]);
}
