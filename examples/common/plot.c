/* SPDX-License-Identifier: MIT */
#include "common/plot.h"

#include <math.h>
#include <stdio.h>

#include "common/atomic_file.h"
#include "common/svg.h"

enum {
    LEFT = 88,
    RIGHT = 618,
    TOP = 72,
    BOTTOM = 436,
    LEGEND_STEP = 26,
    LEGEND_WIDTH = 234, /* beside the picture */
    BELOW = 500         /* a legend there begins here; without one the drawing ends */
};

/* Distinct to readers who do not see all colours (Okabe and Ito), and by their dashes. */
static const struct {
    const char *color; /* NULL: that of text */
    const char *dashes;
} styles[PLOT_MAX_LINES] = {{"#7f7f7f", "2 4"},  {"#56b4e9", "7 4"},  {"#cc79a7", "9 3 2 3"},
                            {NULL, "none"},      {"#e69f00", "none"}, {"#0072b2", "none"},
                            {"#d55e00", "none"}, {"#009e73", "none"}, {"#e69f00", "5 3"},
                            {"#0072b2", "5 3"},  {"#d55e00", "5 3"},  {"#009e73", "5 3"},
                            {NULL, "5 3"}};

/* Where numbers lie on the paper. */
typedef struct frame {
    const struct plot *plot;
    FILE *file;
    double low, high; /* ends of the vertical axis */
    double tick;      /* of a linear one */
} frame;

void plot_add(plot_line *line, double x, double y)
{
    size_t place = line->count++;

    for (; place > 0 && line->x[place - 1] > x; place--) {
        line->x[place] = line->x[place - 1];
        line->y[place] = line->y[place - 1];
    }
    line->x[place] = x;
    line->y[place] = y;
}

void plot_drop_empty(struct plot *plot, size_t lines)
{
    plot->line_count = 0;
    for (size_t i = 0; i < lines; i++)
        if (plot->lines[i].count > 0)
            plot->lines[plot->line_count++] = plot->lines[i];
}

bool plot_is_empty(const struct plot *plot)
{
    size_t points = 0;

    for (size_t i = 0; i < plot->line_count; i++)
        points += plot->lines[i].count;
    return points == 0;
}

/* --- axes -------------------------------------------------------------------------- */

/* The tick after or, with a negative direction, before a value: of 1, 2, 3, 5, 7, 10, 20, ... */
static double neighbour_tick(double value, int direction)
{
    static const double steps[] = {1, 2, 3, 5, 7, 10};
    const double decade = pow(10, floor(log10(value)));
    double before = decade;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const double tick = steps[i] * decade;
        if (tick > value * (1 + 1e-9))
            return direction > 0 ? tick : before;
        before = tick;
    }
    return before;
}

/* The least of 1, 2 and 5 times a power of ten that makes at most 8 ticks of a span. */
double plot_tick(double span)
{
    const double least = span / 8;
    const double decade = pow(10, floor(log10(least)));

    for (int step = 1; step <= 5; step += step == 1 ? 1 : 3)
        if (step * decade >= least)
            return step * decade;
    return 10 * decade;
}

static double x_place(const frame *f, double x)
{
    const double part = (x - f->plot->x_first) / (f->plot->x_last - f->plot->x_first);

    return LEFT + part * (RIGHT - LEFT);
}

static double y_place(const frame *f, double y)
{
    const double part = f->plot->linear ? (y - f->low) / (f->high - f->low)
                                        : log(y / f->low) / log(f->high / f->low);

    return BOTTOM - part * (BOTTOM - TOP);
}

static void find_range(const struct plot *plot, double *least, double *most)
{
    *least = HUGE_VAL;
    *most = -HUGE_VAL;
    for (size_t l = 0; l < plot->line_count; l++) {
        for (size_t i = 0; i < plot->lines[l].count; i++) {
            *least = fmin(*least, plot->lines[l].y[i]);
            *most = fmax(*most, plot->lines[l].y[i]);
        }
    }
}

static void set_axis(frame *f)
{
    double least, most;

    find_range(f->plot, &least, &most);
    if (!f->plot->linear) {
        f->low = neighbour_tick(least, -1);
        f->high = neighbour_tick(most, 1);
        return;
    }
    f->tick = plot_tick(most > least ? most - least : fmax(fabs(most), 1));
    f->low = f->tick * floor(least / f->tick);
    f->high = f->tick * ceil(most / f->tick);
    f->high += f->high > f->low ? 0 : f->tick;
}

void plot_fit(struct plot *plot, double tick)
{
    double first = HUGE_VAL, last = -HUGE_VAL;

    for (size_t l = 0; l < plot->line_count; l++) {
        const plot_line *const line = &plot->lines[l];
        if (line->count == 0)
            continue;
        first = fmin(first, line->x[0]);
        last = fmax(last, line->x[line->count - 1]);
    }
    plot->x_tick = tick;
    plot->x_first = tick * floor(first / tick - 0.5);
    plot->x_last = tick * ceil(last / tick + 0.5);
}

static void put_x_ticks(const frame *f)
{
    const struct plot *const plot = f->plot;
    const double slack = 1e-6 * plot->x_tick;
    char text[32];

    for (double x = ceil(plot->x_first / plot->x_tick) * plot->x_tick; x <= plot->x_last + slack;
         x += plot->x_tick) {
        const double place = x_place(f, x);
        fprintf(f->file, "<path class=\"grid\" d=\"M%.1f %d V%d\"/>\n", place, TOP, BOTTOM);
        snprintf(text, sizeof text, "%g", fabs(x) < slack ? 0 : x);
        svg_text(f->file, place, BOTTOM + 20, "text-anchor=\"middle\"", text);
    }
    svg_text(f->file, 0.5 * (LEFT + RIGHT), BOTTOM + 46, "text-anchor=\"middle\"", plot->x_label);
}

static double next_tick(const frame *f, double y)
{
    return f->plot->linear ? y + f->tick : neighbour_tick(y, 1);
}

/* Where more than three powers of ten are seen, a line for each of them is enough. */
static double first_step(const frame *f)
{
    return !f->plot->linear && f->high / f->low > 1e3 ? 10 : 0;
}

static void put_y_ticks(const frame *f)
{
    const double slack = f->plot->linear ? 1e-6 * f->tick : 1e-9 * f->high;
    const double factor = first_step(f);
    char text[64];

    for (double y = factor > 0 ? pow(10, ceil(log10(f->low) - 1e-9)) : f->low; y <= f->high + slack;
         y = factor > 0 ? factor * y : next_tick(f, y)) {
        const double place = y_place(f, y);
        fprintf(f->file, "<path class=\"grid\" d=\"M%d %.1f H%d\"/>\n", LEFT, place, RIGHT);
        snprintf(text, sizeof text, "%.6g", f->plot->linear && fabs(y) < slack ? 0 : y);
        svg_text(f->file, LEFT - 9, place + 5, "text-anchor=\"end\"", text);
    }
    snprintf(text, sizeof text, "text-anchor=\"middle\" transform=\"rotate(-90 20 %.1f)\"",
             0.5 * (TOP + BOTTOM));
    svg_text(f->file, 20, 0.5 * (TOP + BOTTOM), text, f->plot->y_label);
}

/* --- lines --------------------------------------------------------------------------- */

static void begin_line(const frame *f, size_t index)
{
    const size_t style = (f->plot->first_style + index) % PLOT_MAX_LINES;

    fprintf(f->file, "<g class=\"line%zu\">\n<path class=\"line\" stroke-dasharray=\"%s\" d=\"",
            style, styles[style].dashes);
}

static void put_dot(const frame *f, double x, double y)
{
    fprintf(f->file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", x, y);
}

static void put_line(const frame *f, size_t index)
{
    const plot_line *const line = &f->plot->lines[index];

    begin_line(f, index);
    for (size_t i = 0; i < line->count; i++)
        fprintf(f->file, "%c%.1f %.1f", i == 0 ? 'M' : 'L', x_place(f, line->x[i]),
                y_place(f, line->y[i]));
    fputs("\"/>\n", f->file);
    for (size_t i = 0; !line->unmarked && i < line->count; i++)
        put_dot(f, x_place(f, line->x[i]), y_place(f, line->y[i]));
    fputs("</g>\n", f->file);
}

static void put_legend(const frame *f)
{
    const double left = f->plot->below ? LEFT : RIGHT + 18;
    const double top = f->plot->below ? BELOW : TOP + 12;

    for (size_t i = 0; i < f->plot->line_count; i++) {
        const double y = top + LEGEND_STEP * (double)i;
        begin_line(f, i);
        fprintf(f->file, "M%.1f %.1f h36\"/>\n", left, y);
        if (!f->plot->lines[i].unmarked)
            put_dot(f, left + 18, y);
        fputs("</g>\n", f->file);
        svg_text(f->file, left + 46, y + 5, "text-anchor=\"start\"", f->plot->lines[i].name);
    }
}

/* --- drawings -------------------------------------------------------------------------- */

static int width_of(const struct plot *plot)
{
    return plot->below ? RIGHT + 20 : RIGHT + LEGEND_WIDTH;
}

static int height_of(const struct plot *plot)
{
    return plot->below ? BELOW + LEGEND_STEP * (int)plot->line_count : BELOW;
}

/* At a place within the drawing around it. */
static void draw_at(const struct plot *plot, int y, FILE *file)
{
    frame f = {.plot = plot, .file = file};

    set_axis(&f);
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" role=\"img\" y=\"%d\" "
            "viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" font-family=\"Helvetica, Arial, "
            "'DejaVu Sans', sans-serif\" font-size=\"14\">\n",
            y, width_of(plot), height_of(plot), width_of(plot), height_of(plot));
    svg_text(file, LEFT, 30, "font-size=\"18\"", plot->title);
    svg_text(file, LEFT, 53, "class=\"soft\"", plot->subtitle);
    put_x_ticks(&f);
    put_y_ticks(&f);
    fprintf(file, "<path class=\"frame\" d=\"M%d %d V%d H%d\"/>\n", LEFT, TOP, BOTTOM, RIGHT);
    for (size_t i = 0; i < plot->line_count; i++)
        put_line(&f, i);
    put_legend(&f);
    fputs("</svg>\n", file);
}

void plot_draw(const struct plot *plot, FILE *file)
{
    draw_at(plot, 0, file);
}

void plot_style(const struct plot_colors *colors, FILE *file)
{
    fprintf(file,
            ".plot text{fill:%s}.plot text.soft{fill:%s}.plot .grid{stroke:%s;fill:none}"
            ".plot .frame{stroke:%s;fill:none}\n",
            colors->ink, colors->soft, colors->grid, colors->ink);
    for (size_t i = 0; i < PLOT_MAX_LINES; i++) {
        const char *const color = styles[i].color ? styles[i].color : colors->ink;
        fprintf(file, ".plot .line%zu{stroke:%s;fill:%s}\n", i, color, color);
    }
    fputs(".plot .line{stroke-width:2;fill:none}\n", file);
}

static void put_file(const struct plot *plots, size_t count, FILE *file)
{
    int width = 0, height = 0;

    for (size_t i = 0; i < count; i++) {
        width = width_of(&plots[i]) > width ? width_of(&plots[i]) : width;
        height += height_of(&plots[i]);
    }
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\">\n<style>",
            width, height, width, height);
    plot_style(&(struct plot_colors){"#000000", "#555555", "#dddddd"}, file);
    fputs("</style>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n", file);
    height = 0;
    for (size_t i = 0; i < count; i++) {
        draw_at(&plots[i], height, file);
        height += height_of(&plots[i]);
    }
    fputs("</svg>\n", file);
}

bool plot_write(const struct plot *plots, size_t count, const char *path, struct failure *failure)
{
    atomic_file file;

    if (!atomic_file_open(&file, path, failure))
        return false;
    put_file(plots, count, file.stream);
    return atomic_file_commit(&file, failure);
}
