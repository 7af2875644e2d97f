/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/interrupt.h"
#include "common/peak_memory.h"
#include "common/utf8.h"
#include "llm/command/session.h"
#include "llm/generate/generation.h"
#include "llm/generate/language.h"
#include "llm/watersic/report.h"

struct writing {
    const struct options *options;
    struct session *session;
    struct package *package; /* NULL: nothing is quantized */
    struct language language;
    struct sampler sampler;
    struct generation generation;
    FILE *output; /* of the text */
    char *text;   /* it in memory, for JSON */
    size_t text_size;
    size_t read;    /* tokens of prompts */
    size_t made;    /* tokens generated */
    double reading; /* seconds */
    double making;
    const char *end; /* why the text ends */
    struct failure *failure;
};

/* Of what the layers are taken: the archive, or the model itself if it was packed. */
static bool open_package(struct writing *run)
{
    const char *const path = run->options->archive ? run->options->archive : run->options->model;
    struct failure ordinary;

    if (package_open(&run->package, run->session->context, path,
                     run->options->archive ? run->failure : &ordinary))
        return true;
    return !run->options->archive;
}

static enum resident_form choose_form(const struct writing *run)
{
    if (run->options->generation.form_given)
        return run->options->generation.form;
    return run->package ? RESIDENT_CODED : RESIDENT_F32;
}

static bool check_form(const struct writing *run)
{
    return run->package || choose_form(run) == RESIDENT_F32 ||
           refuse(run->failure, "%s: has no coded layers to keep as %s", run->options->model,
                  resident_form_name(choose_form(run)));
}

static bool prepare(struct writing *run)
{
    struct session *const session = run->session;
    const struct option_generation *const settings = &run->options->generation;

    return open_package(run) && check_form(run) &&
           language_open(&run->language, run->options->model, &session->model.config,
                         run->failure) &&
           sampler_create(&run->sampler, &settings->sampling, settings->seed,
                          session->model.config.vocabulary, run->failure) &&
           model_load_tables(&session->model, run->failure) &&
           generation_create(&run->generation, &session->model, run->package, choose_form(run),
                             session->context, session->window, run->failure);
}

/* In steps, as a long prompt takes its time. What is too long is refused before any of it is
 * read. */
static bool read_tokens(struct writing *run, const struct tokens *tokens)
{
    bool ok = generation_takes(&run->generation, tokens->values, tokens->count, run->failure);

    for (size_t first = 0; ok && first < tokens->count; first += GENERATION_STEP) {
        const size_t left = tokens->count - first;
        meter_update(&run->session->meter, (double)first / (double)tokens->count, "prompt");
        ok = generation_read(&run->generation, tokens->values + first,
                             left < GENERATION_STEP ? left : GENERATION_STEP, run->failure);
    }
    meter_stop(&run->session->meter);
    return ok;
}

static bool read_text(struct writing *run, const char *text)
{
    const double start = meter_seconds(&run->session->meter);
    struct tokens tokens;

    if (!language_encode(&run->language, text, run->read == 0, &tokens, run->failure))
        return false;
    const bool ok = tokens.count == 0
                        ? run->read > 0 || refuse(run->failure, "the prompt has no tokens")
                        : read_tokens(run, &tokens);
    run->read += tokens.count;
    tokens_free(&tokens);
    run->reading += meter_seconds(&run->session->meter) - start;
    return ok;
}

/* One token: false if the text ends, or fails. */
static bool make_token(struct writing *run, bool *ok)
{
    const uint32_t token = sampler_choose(&run->sampler, run->generation.logits);

    if (language_ends(&run->language, token)) {
        run->end = "end of text";
        return false;
    }
    *ok = language_write(&run->language, token, run->output, run->failure);
    if (*ok && run->output == stdout)
        fflush(stdout);
    run->made++;
    if (*ok && run->generation.past == run->generation.capacity) {
        run->end = "window full";
        return false;
    }
    *ok = *ok && generation_read(&run->generation, &token, 1, run->failure);
    return *ok;
}

static bool make_text(struct writing *run)
{
    const double start = meter_seconds(&run->session->meter);
    bool ok = true;

    run->end = "--max-new-tokens";
    for (size_t i = 0; i < run->options->generation.tokens; i++)
        if (!make_token(run, &ok))
            break;
    run->making += meter_seconds(&run->session->meter) - start;
    return ok;
}

static bool talk(struct writing *run)
{
    char *line = NULL;
    size_t size = 0;
    bool ok = true;

    while (ok && interrupt_none(run->failure) && getline(&line, &size, stdin) > 0) {
        ok = read_text(run, line) && make_text(run);
        fputc('\n', run->output);
        fflush(run->output);
        if (run->generation.past == run->generation.capacity)
            break;
    }
    free(line);
    return ok;
}

static bool write_all(struct writing *run)
{
    const struct option_generation *const settings = &run->options->generation;

    if (settings->prompt && (!read_text(run, settings->prompt) || !make_text(run)))
        return false;
    if (settings->interactive)
        return talk(run);
    if (run->output == stdout)
        putchar('\n');
    return true;
}

static double speed(size_t tokens, double seconds)
{
    return seconds > 0 ? (double)tokens / seconds : 0;
}

static void print_figures(const struct writing *run)
{
    const struct generation_memory memory = generation_memory(&run->generation);
    const double mebibyte = 1 << 20;

    fprintf(stderr,
            "watersic-llm: %zu tokens read, %.1f a second; %zu made, %.1f a second; ended by %s\n"
            "watersic-llm: MiB in memory: layers (%s) %.1f, embedding and head %.1f, keys and "
            "values %.1f\n",
            run->read, speed(run->read, run->reading), run->made, speed(run->made, run->making),
            run->end, resident_form_name(choose_form(run)), (double)memory.layers / mebibyte,
            (double)memory.tables / mebibyte, (double)memory.cache / mebibyte);
}

/* JSON is UTF-8, and tokens may be bytes that are none. */
static json_t *describe_text(const struct writing *run)
{
    size_t size;
    char *const text = utf8_repaired(run->text, run->text_size, &size);
    json_t *const value = text ? json_stringn(text, size) : NULL;

    free(text);
    return value;
}

static json_t *describe_json(const struct writing *run)
{
    const struct generation_memory memory = generation_memory(&run->generation);

    return json_pack(
        "{s:o, s:s, s:s, s:I, s:I, s:f, s:f, s:{s:I, s:I, s:I}, s:I}", "text", describe_text(run),
        "resident", resident_form_name(choose_form(run)), "ended_by", run->end, "prompt_tokens",
        (json_int_t)run->read, "tokens", (json_int_t)run->made, "prompt_tokens_per_second",
        speed(run->read, run->reading), "tokens_per_second", speed(run->made, run->making),
        "memory", "layers", (json_int_t)memory.layers, "tables", (json_int_t)memory.tables, "cache",
        (json_int_t)memory.cache, "peak_bytes", (json_int_t)peak_memory());
}

static bool write_out(struct writing *run)
{
    run->output = run->options->json ? open_memstream(&run->text, &run->text_size) : stdout;
    if (!run->output)
        return refuse(run->failure, "out of memory");
    const bool ok = write_all(run);
    if (run->options->json)
        fclose(run->output);
    if (!ok)
        return false;
    if (run->options->json)
        return report_json(describe_json(run), run->failure);
    if (!report_flush(run->failure))
        return false;
    print_figures(run);
    return true;
}

enum outcome command_generate(const struct options *options, struct failure *failure)
{
    struct session session;
    struct writing run = {.options = options, .session = &session, .failure = failure};

    if (!session_begin(&session, options, failure))
        return OUTCOME_FAILED;
    const bool ok = prepare(&run) && write_out(&run);
    generation_free(&run.generation);
    sampler_free(&run.sampler);
    language_close(&run.language);
    package_close(run.package);
    free(run.text);
    session_end(&session);
    return ok ? OUTCOME_OK : OUTCOME_FAILED;
}
