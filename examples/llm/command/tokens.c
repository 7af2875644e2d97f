/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/same_file.h"
#include "common/token_writer.h"
#include "llm/command/session.h"
#include "llm/text/piece.h"
#include "llm/text/text.h"
#include "llm/watersic/report.h"
#include "text/bytes.h"

struct translation {
    const struct options *options;
    struct tokenizer *tokenizer;
    struct token_writer writer; /* of tokens */
    atomic_file text;           /* or of text */
    struct decoding decoding;
    bool inside;         /* tokens before the text are passed */
    struct bytes behind; /* tokens that may be those behind the text */
    struct failure *failure;
};

static void show(const struct translation *run, const uint32_t *tokens, size_t count)
{
    for (size_t i = 0; run->options->show && i < count; i++)
        piece_print(stdout, run->tokenizer, tokens[i]);
}

static bool take_tokens(void *self, const uint32_t *tokens, size_t count, struct failure *failure)
{
    struct translation *const run = self;

    show(run, tokens, count);
    return !run->options->output || token_writer_take(&run->writer, tokens, count, failure);
}

static bool take_text(void *self, const char *text, size_t size, struct failure *failure)
{
    return atomic_file_write(&((struct translation *)self)->text, text, size, failure);
}

static bool begin_tokens(struct translation *run)
{
    const char *const output = run->options->output;

    if (!output)
        return true;
    if (tokenizer_tokens(run->tokenizer) > tokens_numbers(output))
        return refuse(run->failure,
                      "%s: numbers of 16 bits do not name the tokenizer's %zu tokens: call the "
                      "file .u32",
                      output, tokenizer_tokens(run->tokenizer));
    return token_writer_open(&run->writer, output, run->failure);
}

static bool encode(struct translation *run)
{
    const struct options *const options = run->options;
    const struct token_sink sink = {take_tokens, run};
    struct text_repairs repairs;

    if (!begin_tokens(run))
        return false;
    if (!tokenizer_encode_file(run->tokenizer, options->text, &sink, !options->unframed, &repairs,
                               run->failure)) {
        if (options->output)
            token_writer_abandon(&run->writer);
        return false;
    }
    text_warn(options->text, &repairs);
    if (!options->output)
        return true;
    if (!options->show)
        printf("%" PRIu64 " tokens\n", run->writer.count);
    return token_writer_commit(&run->writer, run->failure);
}

/* Tokens that the tokenizer has put before the text are none of its own. */
static size_t count_before(struct translation *run, const uint32_t *tokens, size_t count)
{
    const uint32_t *before;
    const size_t length = tokenizer_tokens_before(run->tokenizer, &before);

    if (run->inside || run->options->unframed)
        return 0;
    run->inside = true;
    return length <= count && memcmp(tokens, before, length * sizeof *tokens) == 0 ? length : 0;
}

/* Decode what is there, but for so many tokens at its end. */
static bool decode_some(struct translation *run, size_t held, struct failure *failure)
{
    const struct text_sink sink = {take_text, run};
    const size_t count = run->behind.size / sizeof(uint32_t);
    const size_t done = count > held ? count - held : 0;

    if (!tokenizer_decode(run->tokenizer, &run->decoding, (const void *)run->behind.data, done,
                          &sink, failure))
        return false;
    bytes_drop(&run->behind, done * sizeof(uint32_t));
    return true;
}

static bool take_back(void *self, const uint32_t *tokens, size_t count, struct failure *failure)
{
    struct translation *const run = self;
    const uint32_t *behind;

    show(run, tokens, count);
    if (!run->options->output)
        return true;
    const size_t before = count_before(run, tokens, count);
    return bytes_add(&run->behind, tokens + before, (count - before) * sizeof *tokens, failure) &&
           decode_some(run, tokenizer_tokens_behind(run->tokenizer, &behind), failure);
}

/* Those behind the text are none of its own either. */
static bool finish_text(struct translation *run)
{
    const uint32_t *behind;
    const size_t size = tokenizer_tokens_behind(run->tokenizer, &behind) * sizeof *behind;
    const bool framed = !run->options->unframed && run->behind.size == size &&
                        (size == 0 || memcmp(run->behind.data, behind, size) == 0);

    return (framed || decode_some(run, 0, run->failure)) &&
           atomic_file_commit(&run->text, run->failure);
}

static bool decode(struct translation *run)
{
    const struct options *const options = run->options;
    const struct token_sink sink = {take_back, run};

    if (options->output && !atomic_file_open(&run->text, options->output, run->failure))
        return false;
    const bool ok =
        tokens_read(options->tokens, tokenizer_tokens(run->tokenizer), &sink, run->failure) &&
        (!options->output || finish_text(run));
    /* Does nothing behind a commit. */
    if (options->output)
        atomic_file_abandon(&run->text);
    bytes_free(&run->behind);
    return ok;
}

static bool check_files(const struct options *options, struct failure *failure)
{
    const char *const input = options->text ? options->text : options->tokens;

    return !options->output || !same_file(options->output, input) ||
           refuse(failure, "%s: is not written, as it is %s, which is read", options->output,
                  input);
}

enum outcome command_tokens(const struct options *options, struct failure *failure)
{
    struct translation run = {.options = options, .failure = failure};

    if (!options->output && !options->show) {
        refuse(failure, "--output or --show is missing");
        return OUTCOME_USAGE;
    }
    if (!check_files(options, failure))
        return OUTCOME_FAILED;
    run.tokenizer = text_open_tokenizer(options->model, failure);
    const bool ok = run.tokenizer && (options->text ? encode(&run) : decode(&run));
    tokenizer_close(run.tokenizer);
    return ok && report_flush(failure) ? OUTCOME_OK : OUTCOME_FAILED;
}
