/* SPDX-License-Identifier: MIT */
#include "page/picture.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/plot.h"

/* More columns times codes than this are not counted. */
enum { MOST_COUNTS = 1 << 26 };

/* Points of a line: more would not be seen. */
enum { POINTS = 192 };

/* The codes of a layer and how often each of them is in each column. */
struct counting {
    const wsic_layer *layer;
    wsic_layer_info info;
    int8_t *narrow; /* rows × columns of one of these types */
    int32_t *wide;
    int32_t least;
    size_t span;      /* codes from the least to the greatest */
    uint32_t *counts; /* columns × span */
};

static bool refuse_layer(const wsic_layer *layer, struct failure *failure)
{
    return refuse(failure, "a layer cannot be drawn: %s", wsic_layer_message(layer));
}

/* --- counting ------------------------------------------------------------------------- */

static bool read_codes(struct counting *counting, struct failure *failure)
{
    const size_t rows = (size_t)counting->info.rows, columns = (size_t)counting->info.columns;
    const bool narrow = counting->info.code_dtype == WSIC_I8;
    const size_t size = narrow ? sizeof *counting->narrow : sizeof *counting->wide;
    void *const data = calloc(rows * columns, size);

    if (!data)
        return refuse(failure, "out of memory for %zu x %zu codes", rows, columns);
    if (narrow)
        counting->narrow = data;
    else
        counting->wide = data;
    return wsic_layer_get_codes_flat(counting->layer, 0, data, narrow ? WSIC_I8 : WSIC_I32, rows,
                                     0) >= 0 ||
           refuse_layer(counting->layer, failure);
}

static int32_t code_at(const struct counting *counting, size_t row, size_t column)
{
    const size_t place = row * (size_t)counting->info.columns + column;

    return counting->narrow ? counting->narrow[place] : counting->wide[place];
}

static bool count_codes(struct counting *counting, struct failure *failure)
{
    const size_t columns = (size_t)counting->info.columns;

    counting->counts = calloc(columns * counting->span, sizeof *counting->counts);
    if (!counting->counts || !read_codes(counting, failure))
        return counting->counts ? false : refuse(failure, "out of memory for counts of codes");
    for (size_t i = 0; i < counting->info.rows; i++)
        for (size_t j = 0; j < columns; j++)
            counting->counts[j * counting->span +
                             (size_t)(code_at(counting, i, j) - counting->least)]++;
    return true;
}

/* What a weight of a column takes, and the mean square of its code. */
struct column {
    double power;
    double bits;
};

static struct column measure_column(const struct counting *counting, size_t column)
{
    const uint32_t *const counts = counting->counts + column * counting->span;
    const double rows = (double)counting->info.rows;
    struct column measured = {0, 0};

    for (size_t i = 0; i < counting->span; i++) {
        const double code = counting->least + (double)i;
        const double part = counts[i] / rows;
        measured.power += part * code * code;
        measured.bits -= counts[i] > 0 ? part * log2(part) : 0;
    }
    return measured;
}

static double measure_row(const struct counting *counting, size_t row)
{
    const size_t columns = (size_t)counting->info.columns;
    double bits = 0;

    for (size_t j = 0; j < columns; j++) {
        const size_t code = (size_t)(code_at(counting, row, j) - counting->least);
        bits += log2((double)counting->info.rows / counting->counts[j * counting->span + code]);
    }
    return bits / (double)columns;
}

/* --- measuring ------------------------------------------------------------------------- */

static int stronger_first(const void *one, const void *other)
{
    const struct column *const a = one;
    const struct column *const b = other;

    return (a->power < b->power) - (a->power > b->power);
}

static int greater_first(const void *one, const void *other)
{
    const double a = *(const double *)one, b = *(const double *)other;

    return (a < b) - (a > b);
}

static bool allocate(struct picture *picture, struct failure *failure)
{
    picture->power = calloc(picture->columns, sizeof *picture->power);
    picture->bits = calloc(picture->columns, sizeof *picture->bits);
    picture->row_bits = calloc(picture->rows, sizeof *picture->row_bits);
    return (picture->power && picture->bits && picture->row_bits) ||
           refuse(failure, "out of memory for %zu columns", picture->columns);
}

/* A step that is not known, as after fine-tuning, leaves codes in their own units. */
static double step_of(const wsic_layer_info *info)
{
    return info->step > 0 ? info->step : 1;
}

static bool measure_columns(struct picture *picture, const struct counting *counting,
                            struct failure *failure)
{
    const double unit = pow(step_of(&counting->info), 2);
    struct column *const columns = calloc(picture->columns, sizeof *columns);

    if (!columns)
        return refuse(failure, "out of memory for %zu columns", picture->columns);
    for (size_t j = 0; j < picture->columns; j++)
        columns[j] = measure_column(counting, j);
    qsort(columns, picture->columns, sizeof *columns, stronger_first);
    for (size_t j = 0; j < picture->columns; j++) {
        picture->power[j] = unit * columns[j].power;
        picture->bits[j] = columns[j].bits;
        picture->silent += columns[j].power == 0;
    }
    free(columns);
    return true;
}

/* Errors of codes are spread evenly over a step. */
static double find_level(const struct picture *picture, const wsic_layer_info *info)
{
    double rate, level;

    if (info->step > 0 && info->distortion > 0 &&
        wsic_waterfill_rate(picture->power, picture->columns, 1, info->distortion, &rate, &level) >=
            0)
        return level;
    return pow(step_of(info), 2) / 12;
}

/* Mean square of the weights as decoded. */
static bool measure_weights(const wsic_layer *layer, const wsic_layer_info *info, double *variance,
                            struct failure *failure)
{
    const size_t columns = (size_t)info->columns;
    float *const row = calloc(columns, sizeof *row);
    double sum = 0;
    bool ok = row || refuse(failure, "out of memory for %zu weights", columns);

    for (size_t i = 0; ok && i < info->rows; i++) {
        ok = wsic_layer_dequantize_flat(layer, i, row, WSIC_F32, 1, 0) >= 0 ||
             refuse_layer(layer, failure);
        for (size_t j = 0; ok && j < columns; j++)
            sum += (double)row[j] * row[j];
    }
    free(row);
    *variance = sum / ((double)info->rows * (double)columns);
    return ok;
}

static bool measure_spectrum(struct picture *picture, const struct counting *counting,
                             wsic_stats *stats, struct failure *failure)
{
    double variance;

    if (wsic_stats_columns(stats) != picture->columns)
        return refuse(failure, "the statistics are of %zu inputs, but the layer has %zu",
                      wsic_stats_columns(stats), picture->columns);
    picture->spectrum = calloc(picture->columns, sizeof *picture->spectrum);
    if (!picture->spectrum)
        return refuse(failure, "out of memory for %zu eigenvalues", picture->columns);
    if (wsic_stats_get_spectrum(stats, picture->spectrum) < 0)
        return refuse(failure, "%s", wsic_stats_message(stats));
    if (!measure_weights(counting->layer, &counting->info, &variance, failure))
        return false;
    for (size_t j = 0; j < picture->columns; j++)
        picture->spectrum[j] *= variance;
    return true;
}

static bool fill(struct picture *picture, struct counting *counting, wsic_stats *stats,
                 struct failure *failure)
{
    if (!count_codes(counting, failure) || !allocate(picture, failure) ||
        !measure_columns(picture, counting, failure))
        return false;
    for (size_t i = 0; i < picture->rows; i++)
        picture->row_bits[i] = measure_row(counting, i);
    qsort(picture->row_bits, picture->rows, sizeof *picture->row_bits, greater_first);
    picture->level = find_level(picture, &counting->info);
    return !stats || measure_spectrum(picture, counting, stats, failure);
}

bool picture_make(struct picture *picture, const wsic_layer *layer, wsic_stats *stats,
                  struct failure *failure)
{
    struct counting counting = {.layer = layer, .info = {.size = sizeof counting.info}};

    *picture = (struct picture){.power = NULL};
    if (wsic_layer_get_info(layer, &counting.info) < 0 ||
        wsic_layer_get_code_range(layer, &picture->least, &picture->greatest) < 0)
        return refuse_layer(layer, failure);
    picture->rows = (size_t)counting.info.rows;
    picture->columns = (size_t)counting.info.columns;
    counting.least = picture->least;
    counting.span = (size_t)((int64_t)picture->greatest - picture->least) + 1;
    if (counting.span > MOST_COUNTS / picture->columns)
        return true;
    const bool ok = fill(picture, &counting, stats, failure);
    free(counting.narrow);
    free(counting.wide);
    free(counting.counts);
    return ok;
}

void picture_free(struct picture *picture)
{
    free(picture->power);
    free(picture->bits);
    free(picture->row_bits);
    free(picture->spectrum);
    *picture = (struct picture){.power = NULL};
}

/* --- drawing --------------------------------------------------------------------------- */

/* Of many numbers the means of neighbours. Those that a logarithmic axis does not have end the
 * line: they are the last. */
static void add_numbers(plot_line *line, const double *numbers, size_t count, bool positive)
{
    const size_t points = count < POINTS ? count : POINTS;

    for (size_t point = 0; point < points; point++) {
        const size_t first = point * count / points, end = (point + 1) * count / points;
        double sum = 0;
        for (size_t i = first; i < end; i++)
            sum += numbers[i];
        if (positive && !(sum > 0))
            return;
        plot_add(line, 0.5 * (double)(first + end - 1) + 1, sum / (double)(end - first));
    }
}

static void add_level(plot_line *line, double first, double last, double level)
{
    plot_add(line, first, level);
    plot_add(line, last, level);
}

static struct plot begin_plot(const char *title, const char *subtitle, const char *x_label,
                              const char *y_label, size_t count)
{
    struct plot plot = {.title = title,
                        .subtitle = subtitle,
                        .x_label = x_label,
                        .y_label = y_label,
                        .below = true,
                        .linear = true,
                        .first_style = PLOT_FULL_LINES};

    plot.x_first = 0;
    plot.x_last = (double)count;
    plot.x_tick = plot_tick((double)count);
    return plot;
}

static void draw_power(const struct picture *picture, FILE *file)
{
    struct plot plot = begin_plot(
        "Power and water level", "a column takes bits for what is above the level",
        "columns, the strongest first", "power, in units of the distortion", picture->columns);
    plot_line *const line = plot.lines;

    plot.linear = false;
    line[0] =
        (plot_line){.name = "columns as coded: mean square of codes x step^2", .unmarked = true};
    add_numbers(&line[0], picture->power, picture->columns, true);
    line[1] = (plot_line){.name = "water level", .unmarked = true};
    add_level(&line[1], 0, (double)picture->columns, picture->level);
    plot.line_count = 2;
    if (picture->spectrum) {
        line[2] =
            (plot_line){.name = "spectrum: variance of weights x eigenvalues of the covariance",
                        .unmarked = true};
        add_numbers(&line[2], picture->spectrum, picture->columns, true);
        plot.line_count = 3;
    }
    plot_draw(&plot, file);
}

static void draw_columns(const struct picture *picture, FILE *file)
{
    struct plot plot =
        begin_plot("Bits of the columns", "in the same order", "columns, the strongest first",
                   "bits per weight", picture->columns);
    double *const ideal = calloc(picture->columns, sizeof *ideal);

    plot.lines[0] = (plot_line){.name = "entropy of their codes", .unmarked = true};
    add_numbers(&plot.lines[0], picture->bits, picture->columns, false);
    plot.line_count = 1;
    if (ideal && wsic_waterfill_component_rates(picture->power, picture->columns, 1, picture->level,
                                                ideal) >= 0) {
        plot.lines[1] = (plot_line){.name = "waterfilling: half the logarithm of power / level",
                                    .unmarked = true};
        add_numbers(&plot.lines[1], ideal, picture->columns, false);
        plot.line_count = 2;
    }
    free(ideal);
    plot_draw(&plot, file);
}

static void draw_rows(const struct picture *picture, FILE *file)
{
    struct plot plot = begin_plot("Bits of the rows", "by the statistics of their columns",
                                  "rows, the dearest first", "bits per weight", picture->rows);

    plot.lines[0] = (plot_line){.name = "codes of a row", .unmarked = true};
    add_numbers(&plot.lines[0], picture->row_bits, picture->rows, false);
    plot.line_count = 1;
    plot_draw(&plot, file);
}

void picture_draw(const struct picture *picture, FILE *file)
{
    draw_power(picture, file);
    draw_columns(picture, file);
    draw_rows(picture, file);
}
