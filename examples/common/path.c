/* SPDX-License-Identifier: MIT */
#include "common/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool path_format(char path[PATH_MAX], struct failure *failure, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    const int length = vsnprintf(path, PATH_MAX, format, arguments);
    va_end(arguments);
    if (length >= 0 && length < PATH_MAX)
        return true;
    if (length < 0)
        return refuse(failure, "a file name cannot be put together");
    return refuse(failure, "%.100s...: the name has %d bytes, at most %d are possible", path,
                  length, PATH_MAX - 1);
}

bool path_join(char path[PATH_MAX], const char *folder, const char *name, struct failure *failure)
{
    return path_format(path, failure, "%s/%s", folder, name);
}

size_t path_folder_length(const char *path)
{
    const char *const slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) + 1 : 0;
}
