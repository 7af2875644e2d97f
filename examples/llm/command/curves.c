/* SPDX-License-Identifier: MIT */
#include "llm/command/curves.h"

#include <stdio.h>
#include <string.h>

static const double tick = 0.5; /* bits per weight */

void curves_begin(struct curves *curves, const char *model, const char *text)
{
    static const char x_label[] = "rate, bits per weight, everything counted";

    *curves = (struct curves){.divergence = {.title = "What a model loses at every size",
                                             .x_label = x_label,
                                             .y_label = "KL to the original, bits per token"},
                              .perplexity = {.title = "How well it predicts the text",
                                             .x_label = x_label,
                                             .y_label = "perplexity",
                                             .linear = true}};
    snprintf(curves->subtitle, sizeof curves->subtitle, "%.64s, %.80s", model, text);
    curves->divergence.subtitle = curves->perplexity.subtitle = curves->subtitle;
}

/* The number of the method's lines in both plots, or of new ones. */
static size_t find_line(struct curves *curves, const char *method)
{
    size_t line = 0;

    while (line < curves->divergence.line_count && strcmp(curves->names[line], method) != 0)
        line++;
    if (line < curves->divergence.line_count)
        return line;
    snprintf(curves->names[line], CURVES_NAME_SIZE, "%s", method);
    curves->divergence.lines[line].name = curves->perplexity.lines[line].name = curves->names[line];
    curves->divergence.line_count = curves->perplexity.line_count = line + 1;
    return line;
}

void curves_add(struct curves *curves, const char *method, double bits,
                const struct evaluation *evaluation)
{
    const size_t line = find_line(curves, method);

    if (evaluation->kl_bits > 0)
        plot_add(&curves->divergence.lines[line], bits, evaluation->kl_bits);
    plot_add(&curves->perplexity.lines[line], bits, evaluation->perplexity);
}

bool curves_write(struct curves *curves, double original_perplexity, const char *path,
                  struct failure *failure)
{
    struct plot *const perplexity = &curves->perplexity;
    plot_line *const original = &perplexity->lines[perplexity->line_count];

    plot_fit(perplexity, tick);
    plot_fit(&curves->divergence, tick);
    *original = (plot_line){.name = "original", .unmarked = true};
    plot_add(original, perplexity->x_first, original_perplexity);
    plot_add(original, perplexity->x_last, original_perplexity);
    perplexity->line_count++;
    const struct plot plots[2] = {*perplexity, curves->divergence};
    return plot_write(plots, plot_is_empty(&curves->divergence) ? 1 : 2, path, failure);
}
