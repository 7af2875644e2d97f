/* SPDX-License-Identifier: MIT */
/* Line plots as SVG, in files of their own or within a page. */
#ifndef EXAMPLES_PLOT_H
#define EXAMPLES_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/failure.h"

enum { PLOT_MAX_POINTS = 256, PLOT_MAX_LINES = 13, PLOT_FULL_LINES = 4 };

/* A line and what the legend calls it. */
typedef struct plot_line {
    const char *name;
    bool unmarked; /* without a dot at every point */
    size_t count;
    double x[PLOT_MAX_POINTS]; /* ascending */
    double y[PLOT_MAX_POINTS]; /* positive where the axis is logarithmic */
} plot_line;

/* The horizontal axis is linear. The vertical one is logarithmic and ends at the 1, 2, 3, 5 or 7
 * times a power of ten next to the data; or linear and ends at multiples of its ticks. */
struct plot {
    const char *title;
    const char *subtitle;
    const char *x_label;
    const char *y_label;
    double x_first, x_last, x_tick;
    bool linear;        /* the vertical axis */
    bool below;         /* the legend is below the picture, which so is narrower, not beside it */
    size_t first_style; /* colours and dashes begin here; from PLOT_FULL_LINES on there is colour
                           without dashes */
    plot_line lines[PLOT_MAX_LINES]; /* the legend has them in this order */
    size_t line_count;
};

/* Put a point into a line, in the order of x. */
void plot_add(plot_line *line, double x, double y);

/* Let a plot have those of its first lines that have points. */
void plot_drop_empty(struct plot *plot, size_t lines);

bool plot_is_empty(const struct plot *plot);

/* The least of 1, 2 and 5 times a power of ten that makes at most 8 ticks of a span. */
double plot_tick(double span);

/* The horizontal axis: from half a tick below the first point to half a tick above the last,
 * rounded outwards to ticks. */
void plot_fit(struct plot *plot, double tick);

/* A <svg> element. A plot needs a line with a point. */
void plot_draw(const struct plot *plot, FILE *file);

/* Colours as CSS has them: of text and axes, of what is said beside, and of the grid. */
struct plot_colors {
    const char *ink;
    const char *soft;
    const char *grid;
};

/* The rules of style that all plots of a page need once, within its <style> element. */
void plot_style(const struct plot_colors *colors, FILE *file);

/* A file that has the plots one below the other. It appears when it is complete. */
bool plot_write(const struct plot *plots, size_t count, const char *path, struct failure *failure);

#endif
