/* SPDX-License-Identifier: MIT */
#include "llm/text/text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "common/path.h"
#include "llm/text/framing.h"
#include "llm/text/spool.h"

const char *text_name(const struct text_source *source)
{
    return source->tokens ? source->tokens : source->text;
}

static bool load_tokens(struct tokens *tokens, const char *path, const struct config *config,
                        struct failure *failure)
{
    if (!tokens_load(tokens, path, config->vocabulary, failure))
        return false;
    if (tokens_numbers(path) < config->vocabulary)
        fprintf(stderr,
                "watersic-llm: warning: %s: numbers of 16 bits name %zu tokens of a vocabulary of "
                "%zu: are these tokens of this model?\n",
                path, tokens_numbers(path), config->vocabulary);
    return true;
}

/* What is to be kept of a text, in windows that begin alike. */
struct sample {
    struct beginning beginning; /* empty unless they do */
    size_t window;              /* tokens of the text in it */
    size_t most;                /* of the text */
};

static bool plan_sample(struct sample *sample, const struct text_source *source,
                        const struct tokenizer *tokenizer, const struct config *config,
                        size_t window, size_t most, struct failure *failure)
{
    struct beginning *const beginning = &sample->beginning;

    *sample = (struct sample){.window = window, .most = most};
    if (source->beginning == TEXT_BEGINNING_CUT ||
        (source->beginning == TEXT_BEGINNING_MODEL && !tokenizer))
        return true;
    if (!framing_beginning(beginning, tokenizer, source->model, config->vocabulary, failure))
        return false;
    if (beginning->count == 0 && source->beginning == TEXT_BEGINNING_SET)
        fprintf(stderr,
                "watersic-llm: warning: %s: its tokenizer puts nothing before a text; windows do "
                "not begin with BOS\n",
                source->model);
    if (beginning->count >= window)
        return refuse(failure, "windows of %zu tokens have no room for text: they begin with %zu",
                      window, beginning->count);
    sample->window = window - beginning->count;
    sample->most = framing_room(beginning, window, most);
    return sample->most > 0 ||
           refuse(failure, "%zu tokens have no room for text: windows begin with %zu", most,
                  beginning->count);
}

static bool begin_windows(struct tokens *tokens, const struct sample *sample,
                          struct failure *failure)
{
    const struct beginning *const beginning = &sample->beginning;

    return beginning->count == 0 ||
           framing_begin_windows(tokens, beginning, sample->window + beginning->count, failure);
}

struct tokenizer *text_open_tokenizer(const char *model, struct failure *failure)
{
    char path[PATH_MAX];

    if (!path_join(path, model, "tokenizer.json", failure))
        return NULL;
    struct tokenizer *const tokenizer = tokenizer_open(path, failure);
    if (!tokenizer || framing_apply(tokenizer, model, failure))
        return tokenizer;
    tokenizer_close(tokenizer);
    return NULL;
}

/* For tokens, a tokenizer tells what windows begin with, if there is one that can be read. */
static bool open_if_there(struct tokenizer **tokenizer, const struct text_source *source,
                          struct failure *failure)
{
    char path[PATH_MAX];

    *tokenizer = NULL;
    if (!path_join(path, source->model, "tokenizer.json", failure))
        return false;
    if (access(path, F_OK) != 0)
        return true;
    *tokenizer = text_open_tokenizer(source->model, failure);
    if (*tokenizer || source->beginning == TEXT_BEGINNING_SET)
        return *tokenizer != NULL;
    fprintf(stderr, "watersic-llm: warning: %s; windows are cut as the tokens are\n",
            failure->text);
    return true;
}

void text_warn(const char *path, const struct text_repairs *repairs)
{
    if (repairs->count > 0)
        fprintf(stderr,
                "watersic-llm: warning: %s: not UTF-8 at %" PRIu64
                " places, the first of them byte "
                "%" PRIu64 ": U+FFFD is put there\n",
                path, repairs->count, repairs->first);
}

/* Tokens on their way to the spool. */
struct checked {
    struct spool spool;
    const struct tokenizer *tokenizer;
    size_t vocabulary; /* of the model */
};

/* Tokens may have been added that the model has nothing for: those must not occur. */
static bool take_checked(void *self, const uint32_t *tokens, size_t count, struct failure *failure)
{
    struct checked *const checked = self;
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        if (tokens[i] >= checked->vocabulary) {
            const char *const piece = tokenizer_piece(checked->tokenizer, tokens[i], &size);
            return refuse(failure, "'%.*s' is token %lu, but the model's vocabulary has %zu",
                          (int)size, piece ? piece : "", (unsigned long)tokens[i],
                          checked->vocabulary);
        }
    return spool_take(&checked->spool, tokens, count, failure);
}

static bool check_vocabulary(const struct tokenizer *tokenizer, const struct text_source *source,
                             const struct config *config, struct failure *failure)
{
    return tokenizer_vocabulary(tokenizer) <= config->vocabulary ||
           refuse(failure,
                  "%s/tokenizer.json: the vocabulary has %zu tokens, but that of the model %zu: is "
                  "it the tokenizer of this model?",
                  source->model, tokenizer_vocabulary(tokenizer), config->vocabulary);
}

static bool tokenize(struct checked *checked, struct tokenizer *tokenizer,
                     const struct text_source *source, struct failure *failure)
{
    const struct token_sink sink = {take_checked, checked};
    struct text_repairs repairs;

    if (!tokenizer_encode_file(tokenizer, source->text, &sink,
                               source->beginning == TEXT_BEGINNING_CUT, &repairs, failure))
        return false;
    text_warn(source->text, &repairs);
    return true;
}

static bool load_text(struct tokens *tokens, const struct text_source *source,
                      const struct config *config, size_t window, size_t most,
                      struct failure *failure)
{
    struct tokenizer *const tokenizer = text_open_tokenizer(source->model, failure);
    struct checked checked = {.tokenizer = tokenizer, .vocabulary = config->vocabulary};
    struct sample sample;
    const bool ok = tokenizer && check_vocabulary(tokenizer, source, config, failure) &&
                    plan_sample(&sample, source, tokenizer, config, window, most, failure) &&
                    spool_open(&checked.spool, failure) &&
                    tokenize(&checked, tokenizer, source, failure) &&
                    spool_sample(&checked.spool, sample.window, sample.most, tokens, failure);

    spool_close(&checked.spool);
    tokenizer_close(tokenizer);
    return ok && begin_windows(tokens, &sample, failure);
}

static bool load_numbers(struct tokens *tokens, const struct text_source *source,
                         const struct config *config, size_t window, size_t most,
                         struct failure *failure)
{
    struct tokenizer *tokenizer = NULL;
    struct sample sample;
    const bool ok =
        load_tokens(tokens, source->tokens, config, failure) &&
        (source->beginning == TEXT_BEGINNING_CUT || open_if_there(&tokenizer, source, failure)) &&
        plan_sample(&sample, source, tokenizer, config, window, most, failure);

    tokenizer_close(tokenizer);
    if (!ok)
        return false;
    framing_strip(tokens, &sample.beginning);
    tokens_sample(tokens, sample.window, sample.most);
    return begin_windows(tokens, &sample, failure);
}

bool text_load(struct tokens *tokens, const struct text_source *source, const struct config *config,
               size_t window, size_t most, struct failure *failure)
{
    *tokens = (struct tokens){.count = 0};
    const bool ok = source->tokens ? load_numbers(tokens, source, config, window, most, failure)
                                   : load_text(tokens, source, config, window, most, failure);
    if (!ok)
        tokens_free(tokens);
    return ok;
}
