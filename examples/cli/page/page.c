/* SPDX-License-Identifier: MIT */
#include "page/page.h"

#include <stdbool.h>
#include <math.h>
#include <string.h>

#include "common/plot.h"
#include "common/svg.h"
#include "page/assets.h"

/* --- what is said of both models alike ----------------------------------------------- */

static const char *last_name(const char *path)
{
    const char *name = path;

    for (const char *c = path; *c != '\0'; c++)
        if (*c == '/' && c[1] != '\0')
            name = c + 1;
    return name;
}

static double rate_of(const struct collection *model)
{
    return 8 * (double)(model->code_bytes + model->side_bytes) / model->weights;
}

/* Mean relative distortion over the weights; NaN if one is not known. */
static double distortion_of(const struct collection *model)
{
    double sum = 0;

    for (size_t i = 0; i < model->count; i++) {
        const wsic_layer_info *const info = &model->infos[i];
        if (!(info->relative_distortion > 0))
            return (double)NAN;
        sum += info->relative_distortion * (double)info->rows * (double)info->columns;
    }
    return sum / model->weights;
}

struct fact {
    const char *name;
    struct page_format format;
    double (*of)(const struct collection *model);
    const char *note;
};

static double layers_of(const struct collection *model)
{
    return (double)model->count;
}

static double weights_of(const struct collection *model)
{
    return model->weights;
}

static double bytes_of(const struct collection *model)
{
    return (double)model->bytes;
}

static const struct fact facts[] = {
    {"bits per weight", {PAGE_FIXED, 4}, rate_of, "all bytes of the layers"},
    {"layers", {PAGE_COUNT, 0}, layers_of, NULL},
    {"weights in them", {PAGE_COUNT, 0}, weights_of, NULL},
    {"bytes", {PAGE_COUNT, 0}, bytes_of, "of the file, or of all tensors"},
    {"relative distortion", {PAGE_FIXED, 5}, distortion_of, "mean over all weights"},
    {"predicted divergence",
     {PAGE_FIXED, 5},
     collection_prediction,
     "bits per token, before the run"},
    {"the same at the limit",
     {PAGE_FIXED, 5},
     collection_prediction_at_limit,
     "no quantizer loses less at these rates"},
};

static void write_facts(const struct page *page, FILE *file)
{
    fputs("<dl class=\"facts\">\n", file);
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        if (!isfinite(facts[i].of(page->model)) &&
            !(page->other && isfinite(facts[i].of(page->other))))
            continue;
        fprintf(file, "<div><dt>%s</dt><dd>", facts[i].name);
        page_write_number(file, facts[i].format, facts[i].of(page->model));
        if (page->other) {
            fputs(" <span class=\"soft\">| ", file);
            page_write_number(file, facts[i].format, facts[i].of(page->other));
            fputs("</span>", file);
        }
        if (facts[i].note)
            fprintf(file, "<small>%s</small>", facts[i].note);
        fputs("</dd></div>\n", file);
    }
    fputs("</dl>\n", file);
}

/* --- size ------------------------------------------------------------------------------ */

enum { PARTS = 4 };

struct part {
    const char *kind;
    const char *name;
    uint64_t bytes;
};

static void find_parts(const struct collection *model, struct part parts[PARTS])
{
    parts[0] = (struct part){"codes", "codes", model->code_bytes};
    parts[1] = (struct part){"sides", "scales, headers and checksums of layers", model->side_bytes};
    parts[2] = (struct part){"rest", "records of the archive, space between layers",
                             collection_rest(model)};
    parts[3] = (struct part){"others", "tensors as in the checkpoint", model->other_bytes};
}

static void write_part(const struct part *part, const struct collection *model, FILE *file)
{
    const double bytes = (double)part->bytes;

    fprintf(file, "<tr><td><span class=\"key %s\"></span>%s</td>", part->kind, part->name);
    page_write_cell(file, (struct page_format){PAGE_COUNT, 0}, bytes);
    fprintf(file, "<td>%.2f %%</td>", 100 * bytes / (double)model->bytes);
    page_write_cell(file, (struct page_format){PAGE_FIXED, 4}, 8 * bytes / model->weights);
    fputs("</tr>\n", file);
}

static void write_size(const struct collection *model, FILE *file)
{
    struct part parts[PARTS];

    find_parts(model, parts);
    fputs("<p class=\"soft\">", file);
    svg_escape(file, model->path);
    fputs("</p>\n<div class=\"bar\">", file);
    for (size_t i = 0; i < PARTS; i++)
        fprintf(file, "<div class=\"%s\" style=\"width:%.3f%%\"></div>", parts[i].kind,
                100 * (double)parts[i].bytes / (double)model->bytes);
    fputs("</div>\n<div class=\"wide\"><table><thead><tr><th>part</th><th>bytes</th><th>share</th>"
          "<th>bits per weight</th></tr></thead><tbody>\n",
          file);
    for (size_t i = 0; i < PARTS; i++)
        if (parts[i].bytes > 0)
            write_part(&parts[i], model, file);
    fputs("</tbody></table></div>\n", file);
}

/* --- parameters ---------------------------------------------------------------------- */

static void write_value(FILE *file, const char *value)
{
    fputs("<td class=\"text\">", file);
    svg_escape(file, value ? value : "\xe2\x80\x93");
    fputs("</td>", file);
}

static void write_parameter(const struct page *page, const char *key, FILE *file)
{
    const char *const value = package_metadata(page->model->package, key);
    const char *const other = page->other ? package_metadata(page->other->package, key) : NULL;
    const bool differs = page->other && (!value || !other || strcmp(value, other) != 0);

    fprintf(file, "<tr%s><td>", differs ? " class=\"differs\"" : "");
    svg_escape(file, key);
    fputs("</td>", file);
    write_value(file, value);
    if (page->other)
        write_value(file, other);
    fputs("</tr>\n", file);
}

static void write_parameters(const struct page *page, FILE *file)
{
    const char *key;

    fputs("<h2>How it was made</h2>\n", file);
    if (page->other)
        fputs("<p>What differs is bold.</p>\n", file);
    fputs("<div class=\"wide\"><table id=\"parameters\"><tbody>\n", file);
    for (size_t i = 0; (key = package_key(page->model->package, i)); i++)
        write_parameter(page, key, file);
    for (size_t i = 0; page->other && (key = package_key(page->other->package, i)); i++)
        if (!package_metadata(page->model->package, key))
            write_parameter(page, key, file);
    fputs("</tbody></table></div>\n", file);
}

/* --- pictures ------------------------------------------------------------------------- */

static void write_picture(const struct page *page, size_t number, FILE *file)
{
    const struct page_picture *const drawn = &page->pictures[number];
    const struct picture *const picture = &drawn->picture;

    fprintf(file, "<details id=\"picture-%zu\"%s><summary>", drawn->layer,
            number == 0 ? " open" : "");
    svg_escape(file, collection_name(page->model, drawn->layer));
    fprintf(file,
            "</summary>\n<p class=\"soft\">%zu &times; %zu, codes from %ld to %ld; %zu columns "
            "have codes of zero alone.</p>\n",
            picture->rows, picture->columns, (long)picture->least, (long)picture->greatest,
            picture->silent);
    if (picture->power) {
        fputs("<div class=\"plots\">\n", file);
        picture_draw(picture, file);
        fputs("</div>\n", file);
    } else {
        fputs("<p>Its codes are too far apart to be counted and drawn.</p>\n", file);
    }
    fputs("</details>\n", file);
}

static void write_pictures(const struct page *page, FILE *file)
{
    if (page->picture_count == 0)
        return;
    fputs("<h2>Waterfilling</h2>\n<p>A column whose power is above the water level takes bits for "
          "the part above it; what is below costs nothing and is lost. Power is measured on the "
          "codes. With the statistics of the input (<code>--stats</code>) the spectrum of the "
          "limit is drawn beside it.</p>\n",
          file);
    for (size_t i = 0; i < page->picture_count; i++)
        write_picture(page, i, file);
}

/* --- all of it -------------------------------------------------------------------------- */

size_t page_find_picture(const struct page *page, size_t layer)
{
    size_t number = 0;

    while (number < page->picture_count && page->pictures[number].layer != layer)
        number++;
    return number;
}

/* A narrow space that does not break between groups of three digits. */
static void write_count(FILE *file, double value)
{
    char digits[32];
    const int length = snprintf(digits, sizeof digits, "%.0f", value);

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            fputs("\xe2\x80\xaf", file);
        fputc(digits[i], file);
    }
}

void page_write_number(FILE *file, struct page_format format, double value)
{
    if (!isfinite(value))
        fputs("\xe2\x80\x93", file);
    else if (format.form == PAGE_COUNT)
        write_count(file, value);
    else
        fprintf(file, format.form == PAGE_FIXED ? "%.*f" : "%.*g", format.digits, value);
}

void page_write_cell(FILE *file, struct page_format format, double value)
{
    fputs("<td data-value=\"", file);
    if (isfinite(value))
        fprintf(file, "%.9g", value);
    fputs("\">", file);
    page_write_number(file, format, value);
    fputs("</td>", file);
}

static void write_head(const struct page *page, FILE *file)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>",
          file);
    svg_escape(file, last_name(page->model->path));
    fputs("</title>\n<style>\n", file);
    fputs(page_style, file);
    plot_style(&(struct plot_colors){"var(--ink)", "var(--soft)", "var(--grid)"}, file);
    fputs("</style>\n</head>\n<body>\n<h1>", file);
    svg_escape(file, last_name(page->model->path));
    if (page->other) {
        fputs(" <span class=\"soft\">| compared with ", file);
        svg_escape(file, last_name(page->other->path));
        fputs("</span>", file);
    }
    fputs("</h1>\n", file);
}

void page_write(const struct page *page, FILE *file)
{
    write_head(page, file);
    write_facts(page, file);
    fputs("<h2>Size</h2>\n", file);
    write_size(page->model, file);
    if (page->other)
        write_size(page->other, file);
    page_write_layers(page, file);
    write_pictures(page, file);
    write_parameters(page, file);
    fprintf(file, "<p class=\"soft\">watersic report, version %s</p>\n<script>\n", wsic_version());
    fputs(page_script, file);
    fputs("</script>\n</body>\n</html>\n", file);
}
