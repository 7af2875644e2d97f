/* SPDX-License-Identifier: MIT */
#include "common/plot.h"

#include <math.h>
#include <stdio.h>

enum {
    WIDTH = 840,
    HEIGHT = 500,
    LEFT = 76,
    RIGHT = 606, /* the legend is beyond */
    TOP = 72,
    BOTTOM = 436,
    LEGEND_STEP = 26
};

/* Distinct to readers who do not see all colours (Okabe and Ito), and by their dashes. */
static const struct {
    const char *color;
    const char *dashes;
} styles[PLOT_MAX_LINES] = {{"#7f7f7f", "2 4"},  {"#56b4e9", "7 4"},  {"#cc79a7", "9 3 2 3"},
                            {"#000000", "none"}, {"#e69f00", "none"}, {"#0072b2", "none"},
                            {"#d55e00", "none"}, {"#009e73", "none"}};

/* Where numbers lie on the paper. */
typedef struct frame {
    const struct plot *plot;
    FILE *file;
    double low, high; /* ends of the vertical axis */
} frame;

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

static double x_place(const frame *f, double x)
{
    const double part = (x - f->plot->x_first) / (f->plot->x_last - f->plot->x_first);

    return LEFT + part * (RIGHT - LEFT);
}

static double y_place(const frame *f, double y)
{
    return BOTTOM - log(y / f->low) / log(f->high / f->low) * (BOTTOM - TOP);
}

static void find_range(frame *f)
{
    double least = HUGE_VAL, most = 0;

    for (size_t l = 0; l < f->plot->line_count; l++) {
        const plot_line *const line = &f->plot->lines[l];
        for (size_t i = 0; i < line->count; i++) {
            least = fmin(least, line->y[i]);
            most = fmax(most, line->y[i]);
        }
    }
    f->low = neighbour_tick(least, -1);
    f->high = neighbour_tick(most, 1);
}

static void put_text(const frame *f, double x, double y, const char *attributes, const char *text)
{
    fprintf(f->file, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    for (; *text != '\0'; text++) {
        if (*text == '&')
            fputs("&amp;", f->file);
        else if (*text == '<')
            fputs("&lt;", f->file);
        else
            fputc(*text, f->file);
    }
    fputs("</text>\n", f->file);
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
        snprintf(text, sizeof text, "%g", x);
        put_text(f, place, BOTTOM + 20, "text-anchor=\"middle\"", text);
    }
    put_text(f, 0.5 * (LEFT + RIGHT), BOTTOM + 46, "text-anchor=\"middle\"", plot->x_label);
}

static void put_y_ticks(const frame *f)
{
    char text[64];

    for (double y = f->low; y <= f->high * (1 + 1e-9); y = neighbour_tick(y, 1)) {
        const double place = y_place(f, y);
        fprintf(f->file, "<path class=\"grid\" d=\"M%d %.1f H%d\"/>\n", LEFT, place, RIGHT);
        snprintf(text, sizeof text, "%g", y);
        put_text(f, LEFT - 9, place + 5, "text-anchor=\"end\"", text);
    }
    snprintf(text, sizeof text, "text-anchor=\"middle\" transform=\"rotate(-90 24 %.1f)\"",
             0.5 * (TOP + BOTTOM));
    put_text(f, 24, 0.5 * (TOP + BOTTOM), text, f->plot->y_label);
}

static void put_line(const frame *f, size_t index)
{
    const plot_line *const line = &f->plot->lines[index];

    fprintf(f->file,
            "<g stroke=\"%s\" fill=\"%s\">\n<path class=\"line\" stroke-dasharray=\"%s\" d=\"",
            styles[index].color, styles[index].color, styles[index].dashes);
    for (size_t i = 0; i < line->count; i++)
        fprintf(f->file, "%c%.1f %.1f", i == 0 ? 'M' : 'L', x_place(f, line->x[i]),
                y_place(f, line->y[i]));
    fputs("\"/>\n", f->file);
    for (size_t i = 0; i < line->count; i++)
        fprintf(f->file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", x_place(f, line->x[i]),
                y_place(f, line->y[i]));
    fputs("</g>\n", f->file);
}

static void put_legend(const frame *f)
{
    for (size_t i = 0; i < f->plot->line_count; i++) {
        const double y = TOP + 12 + LEGEND_STEP * (double)i;
        fprintf(f->file,
                "<g stroke=\"%s\" fill=\"%s\"><path class=\"line\" stroke-dasharray=\"%s\" "
                "d=\"M%d %.1f h36\"/><circle cx=\"%d\" cy=\"%.1f\" r=\"3\"/></g>\n",
                styles[i].color, styles[i].color, styles[i].dashes, RIGHT + 18, y, RIGHT + 36, y);
        put_text(f, RIGHT + 64, y + 5, "text-anchor=\"start\"", f->plot->lines[i].name);
    }
}

static void put_plot(const frame *f)
{
    fprintf(f->file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" "
            "font-size=\"14\">\n"
            "<style>.grid{stroke:#dddddd;fill:none}.line{stroke-width:2;fill:none}"
            ".frame{stroke:#333333;fill:none}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    put_text(f, LEFT, 30, "font-size=\"18\"", f->plot->title);
    put_text(f, LEFT, 53, "fill=\"#555555\"", f->plot->subtitle);
    put_x_ticks(f);
    put_y_ticks(f);
    fprintf(f->file, "<path class=\"frame\" d=\"M%d %d V%d H%d\"/>\n", LEFT, TOP, BOTTOM, RIGHT);
    for (size_t i = 0; i < f->plot->line_count; i++)
        put_line(f, i);
    put_legend(f);
    fputs("</svg>\n", f->file);
}

bool plot_write(const struct plot *plot, const char *path)
{
    frame f = {.plot = plot, .file = fopen(path, "w")};

    if (!f.file)
        return false;
    find_range(&f);
    put_plot(&f);
    const bool written = !ferror(f.file);
    return fclose(f.file) == 0 && written;
}
