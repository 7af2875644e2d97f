/* SPDX-License-Identifier: MIT */
#include "common/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

size_t terminal_width(FILE *stream)
{
    const char *const columns = getenv("COLUMNS");
    const long told = columns ? strtol(columns, NULL, 10) : 0;
    struct winsize size;

    if (isatty(fileno(stream)) != 1)
        return 0;
    if (told > 0 && told < 100000)
        return (size_t)told;
    return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

const char *terminal_style(FILE *stream, enum terminal_style style)
{
    static const char *const sequences[] = {[TERMINAL_PLAIN] = "\x1b[0m",
                                            [TERMINAL_BOLD] = "\x1b[1m",
                                            [TERMINAL_ERROR] = "\x1b[1;31m",
                                            [TERMINAL_BAR] = "\x1b[36m"};
    const char *const refused = getenv("NO_COLOR");
    const char *const kind = getenv("TERM");

    if (isatty(fileno(stream)) != 1 || (refused && *refused != '\0') || !kind ||
        strcmp(kind, "dumb") == 0)
        return "";
    return sequences[style];
}

size_t terminal_room(FILE *stream, size_t wanted, size_t beside)
{
    enum { LEAST = 8 };
    const size_t width = terminal_width(stream);

    if (width == 0 || wanted + beside <= width)
        return wanted;
    return width > beside + LEAST ? width - beside : LEAST;
}

const char *terminal_fit(const char *name, size_t room, char buffer[TERMINAL_NAME_SIZE])
{
    static const char points[] = "...";
    const size_t length = strlen(name);
    size_t kept;

    if (room == 0 || length <= room || room >= TERMINAL_NAME_SIZE)
        return name;
    kept = room < 8 ? 8 : room;
    if (length <= kept)
        return name;
    kept -= strlen(points);
    snprintf(buffer, TERMINAL_NAME_SIZE, "%s%s", points, name + length - kept);
    return buffer;
}
