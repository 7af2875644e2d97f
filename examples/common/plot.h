/* SPDX-License-Identifier: MIT */
/* Line plots as SVG. */
#ifndef EXAMPLES_PLOT_H
#define EXAMPLES_PLOT_H

#include <stdbool.h>
#include <stddef.h>

enum { PLOT_MAX_POINTS = 32, PLOT_MAX_LINES = 8 };

/* A line and what the legend calls it. */
typedef struct plot_line {
    const char *name;
    size_t count;
    double x[PLOT_MAX_POINTS]; /* ascending */
    double y[PLOT_MAX_POINTS]; /* positive */
} plot_line;

/* The horizontal axis is linear, the vertical one logarithmic: it ends at the 1, 2, 3, 5 or 7
 * times a power of ten next to the data. */
struct plot {
    const char *title;
    const char *subtitle;
    const char *x_label;
    const char *y_label;
    double x_first, x_last, x_tick;
    plot_line lines[PLOT_MAX_LINES]; /* the legend has them in this order */
    size_t line_count;
};

/* Returns false if the file cannot be written; errno tells why. */
bool plot_write(const struct plot *plot, const char *path);

#endif
