/* SPDX-License-Identifier: MIT */
#include "page/page.h"

#include <math.h>

#include "common/plot.h"
#include "common/svg.h"
#include "facts.h"

/* Figures of a layer. */
struct figure {
    const char *name;
    struct page_format format;
    double (*of)(const wsic_layer_info *info);
};

static double rows_of(const wsic_layer_info *info)
{
    return (double)info->rows;
}

static double columns_of(const wsic_layer_info *info)
{
    return (double)info->columns;
}

static double bytes_of(const wsic_layer_info *info)
{
    return (double)info->bytes;
}

static double rate_of(const wsic_layer_info *info)
{
    return info->rate;
}

static double codes_of(const wsic_layer_info *info)
{
    return info->rate_codes;
}

static double side_of(const wsic_layer_info *info)
{
    return info->rate_side;
}

static double entropy_of(const wsic_layer_info *info)
{
    return info->entropy_pooled;
}

/* A layer without its distortion has 0 (layer.h of the library). */
static double distortion_of(const wsic_layer_info *info)
{
    return info->relative_distortion > 0 ? info->relative_distortion : (double)NAN;
}

static double gap_of(const wsic_layer_info *info)
{
    return info->limit_rate < 0 ? (double)NAN : info->gap;
}

/* Every bit per weight divides the distortion by four. */
static double limit_distortion_of(const wsic_layer_info *info)
{
    return distortion_of(info) * exp2(-2 * gap_of(info));
}

static const struct figure figures[] = {
    {"rows", {PAGE_COUNT, 0}, rows_of},
    {"columns", {PAGE_COUNT, 0}, columns_of},
    {"bytes", {PAGE_COUNT, 0}, bytes_of},
    {"bits per weight", {PAGE_FIXED, 4}, rate_of},
    {"of codes", {PAGE_FIXED, 4}, codes_of},
    {"of scales etc.", {PAGE_FIXED, 4}, side_of},
    {"pooled entropy", {PAGE_FIXED, 4}, entropy_of},
    {"relative distortion", {PAGE_SIGNIFICANT, 3}, distortion_of},
    {"least rate for it", {PAGE_FIXED, 4}, facts_limit},
    {"gap", {PAGE_FIXED, 4}, gap_of},
    {"least distortion at this rate", {PAGE_SIGNIFICANT, 3}, limit_distortion_of},
};

enum { FIGURES = sizeof figures / sizeof figures[0] };

/* --- the table ---------------------------------------------------------------------------- */

/* The layer of that name in the model that is compared; NULL if it has none. */
static const wsic_layer_info *find_other(const struct page *page, size_t layer)
{
    size_t index;

    if (!page->other ||
        !package_find(page->other->package, collection_name(page->model, layer), &index))
        return NULL;
    return &page->other->infos[index];
}

/* What is known of no layer needs no column. */
static bool is_known(const struct page *page, const struct figure *figure)
{
    for (size_t i = 0; i < page->model->count; i++)
        if (isfinite(figure->of(&page->model->infos[i])))
            return true;
    return false;
}

static void write_heads(const struct page *page, FILE *file)
{
    static const char *const compared[] = {"bits, other", "distortion, other", "distortion, ratio"};

    fputs("<thead><tr><th scope=\"col\"><button>layer</button></th>", file);
    for (size_t i = 0; i < FIGURES; i++)
        if (is_known(page, &figures[i]))
            fprintf(file, "<th scope=\"col\"><button>%s</button></th>", figures[i].name);
    for (size_t i = 0; page->other && i < sizeof compared / sizeof compared[0]; i++)
        fprintf(file, "<th scope=\"col\"><button>%s</button></th>", compared[i]);
    fputs("</tr></thead>\n", file);
}

static void write_name(const struct page *page, size_t layer, FILE *file)
{
    const char *const name = collection_name(page->model, layer);
    const bool drawn = page_find_picture(page, layer) < page->picture_count;

    fputs("<td title=\"", file);
    svg_escape(file, name);
    fputs("\">", file);
    if (drawn)
        fprintf(file, "<a href=\"#picture-%zu\">", layer);
    svg_escape(file, name);
    fputs(drawn ? "</a></td>" : "</td>", file);
}

static void write_comparison(const struct page *page, size_t layer, FILE *file)
{
    const wsic_layer_info *const other = find_other(page, layer);
    const double distortion = other ? distortion_of(other) : (double)NAN;

    page_write_cell(file, (struct page_format){PAGE_FIXED, 4}, other ? other->rate : (double)NAN);
    page_write_cell(file, (struct page_format){PAGE_SIGNIFICANT, 3}, distortion);
    page_write_cell(file, (struct page_format){PAGE_FIXED, 3},
                    distortion_of(&page->model->infos[layer]) / distortion);
}

static void write_table(const struct page *page, FILE *file)
{
    fputs("<div class=\"wide\"><table id=\"layers\">", file);
    write_heads(page, file);
    fputs("<tbody>\n", file);
    for (size_t i = 0; i < page->model->count; i++) {
        fputs("<tr>", file);
        write_name(page, i, file);
        for (size_t k = 0; k < FIGURES; k++)
            if (is_known(page, &figures[k]))
                page_write_cell(file, figures[k].format, figures[k].of(&page->model->infos[i]));
        if (page->other)
            write_comparison(page, i, file);
        fputs("</tr>\n", file);
    }
    fputs("</tbody></table></div>\n", file);
}

/* --- curves along the model ------------------------------------------------------------- */

/* Of more layers than a line has points every so many are drawn. */
static void add_layers(plot_line *line, const struct page *page, bool other,
                       double (*of)(const wsic_layer_info *info))
{
    const size_t count = page->model->count;
    const size_t points = count < PLOT_MAX_POINTS ? count : PLOT_MAX_POINTS;

    for (size_t point = 0; point < points; point++) {
        const size_t layer = point * count / points;
        const wsic_layer_info *const info =
            other ? find_other(page, layer) : &page->model->infos[layer];
        const double value = info ? of(info) : (double)NAN;
        if (value > 0)
            plot_add(line, (double)layer + 1, value);
    }
}

static void draw_along(const struct page *page, const char *title, const char *label, bool linear,
                       double (*of)(const wsic_layer_info *info),
                       double (*limit)(const wsic_layer_info *info), FILE *file)
{
    struct plot plot = {.title = title,
                        .subtitle = "",
                        .x_label = "layers in the order of the file",
                        .y_label = label,
                        .linear = linear,
                        .below = true,
                        .first_style = PLOT_FULL_LINES};

    plot.lines[0] = (plot_line){.name = "this model"};
    add_layers(&plot.lines[0], page, false, of);
    plot.lines[1] = (plot_line){.name = "the limit"};
    add_layers(&plot.lines[1], page, false, limit);
    plot.lines[2] = (plot_line){.name = "the other"};
    add_layers(&plot.lines[2], page, true, of);
    plot_drop_empty(&plot, 3);
    if (plot_is_empty(&plot))
        return;
    plot.x_last = (double)page->model->count + 1;
    plot.x_tick = plot_tick(plot.x_last);
    plot_draw(&plot, file);
}

void page_write_layers(const struct page *page, FILE *file)
{
    fputs("<h2>Layers</h2>\n<div class=\"plots\">\n", file);
    draw_along(page, "Bits along the model", "bits per weight", true, rate_of, facts_limit, file);
    draw_along(page, "Distortion along the model", "relative distortion", false, distortion_of,
               limit_distortion_of, file);
    fputs("</div>\n<p>Relative distortion is what is lost of the energy of a layer's outputs. The "
          "limit is that of reverse waterfilling for Gaussian weights; it is known where the "
          "layer was made with <code>limit=1</code> and without drift. A click on a head sorts."
          "</p>\n",
          file);
    write_table(page, file);
}
