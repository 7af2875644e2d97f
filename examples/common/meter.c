/* SPDX-License-Identifier: MIT */
#include "common/meter.h"

#include <stdio.h>
#include <unistd.h>

#include "common/terminal.h"

static const double update_seconds = 0.2;

enum { METER_BAR = 20 };

static const char wipe[] = "\r\x1b[K";

void meter_start(struct meter *meter)
{
    *meter = (struct meter){.shown = isatty(STDERR_FILENO) == 1};
    clock_gettime(CLOCK_MONOTONIC, &meter->start);
    stages_start(&meter->stages);
}

double meter_seconds(const struct meter *meter)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - meter->start.tv_sec) +
           1e-9 * (double)(now.tv_nsec - meter->start.tv_nsec);
}

static void print_time(double seconds)
{
    const long whole = (long)seconds;

    if (whole < 3600)
        fprintf(stderr, "%ld:%02ld", whole / 60, whole % 60);
    else
        fprintf(stderr, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
}

/* How fast it goes, and how long it will last at that speed. */
static void print_pace(const struct meter *meter, double fraction)
{
    const double seconds = meter_seconds(meter);

    if (!(fraction > 0) || !(seconds > 0))
        return;
    fprintf(stderr, "  %.3g %%/min  ", 6000 * fraction / seconds);
    print_time(seconds * (1 - fraction) / fraction);
    fputs(" left", stderr);
}

static void print_bar(double fraction)
{
    const int done = (int)(METER_BAR * fraction);

    fprintf(stderr, "[%s", terminal_style(stderr, TERMINAL_BAR));
    for (int i = 0; i < METER_BAR; i++)
        fputc(i < done ? '#' : '-', stderr);
    fprintf(stderr, "%s] ", terminal_style(stderr, TERMINAL_PLAIN));
}

/* What the percentage, the bar and the pace leave of a line is for what is done now. A line that is
 * too short for all of them has neither bar nor pace. */
static void show_on_terminal(struct meter *meter, double fraction, const char *what)
{
    enum { PERCENTAGE = 7, BAR = METER_BAR + 3, PACE = 32, CURSOR = 1, LEAST = 16 };
    const size_t width = terminal_width(stderr);
    const bool roomy = width >= PERCENTAGE + BAR + PACE + LEAST;
    const size_t beside = PERCENTAGE + (roomy ? BAR + PACE : CURSOR);
    const size_t room = width > beside + LEAST ? width - beside : LEAST;
    char buffer[TERMINAL_NAME_SIZE];

    fputs(wipe, stderr);
    if (roomy)
        print_bar(fraction);
    fprintf(stderr, "%3.0f %%  %s", 100 * fraction, terminal_fit(what, room, buffer));
    if (roomy)
        print_pace(meter, fraction);
    fflush(stderr);
    meter->pending = true;
    meter->last = meter_seconds(meter);
}

static void print_line(const struct meter *meter, double fraction, const char *what)
{
    fprintf(stderr, "%3.0f %%  %s", 100 * fraction, what);
    print_pace(meter, fraction);
    fputc('\n', stderr);
}

void meter_show(struct meter *meter, double fraction, const char *what)
{
    if (meter->lines) {
        print_line(meter, fraction, what);
    } else if (meter->shown) {
        show_on_terminal(meter, fraction, what);
    }
}

void meter_update(struct meter *meter, double fraction, const char *what)
{
    if (meter->shown && !meter->lines && meter_seconds(meter) - meter->last > update_seconds)
        show_on_terminal(meter, fraction, what);
}

void meter_stop(struct meter *meter)
{
    if (meter->pending)
        fputs(wipe, stderr);
    meter->pending = false;
}
