/* SPDX-License-Identifier: MIT */
/* The calibration text on its way through a model, block by block: the states of all tokens, and
 * the places where the inputs of linear layers can be seen. */
#ifndef EXAMPLES_LLM_RUN_STREAM_H
#define EXAMPLES_LLM_RUN_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/tokens.h"
#include "llm/model/forward.h"

struct stream {
    struct forward forward;
    float *hidden; /* of all tokens, at the present place */
    float *kept;   /* of all of them, what one place leaves for the next; NULL: not kept */
    size_t kept_length;
};

/* Some tokens, whole windows of them. */
struct stretch_of_text {
    size_t first;
    size_t count;
};

/* A place in a block. A pass over the text goes from one place to the next: with the mix of
 * attention and the product of the feed-forward layers kept, no layer is applied twice. Where they
 * are not kept, all but the output projection and down are. */
struct site {
    /* Compute the input of the layers. May move hidden on: the layers that it applies are quantized
     * already. */
    const float *(*reach)(struct stream *stream, const struct block *block,
                          const struct stretch_of_text *text);
    enum linear_kind first; /* layers that have this input */
    enum linear_kind last;
    bool adds; /* their output is added to hidden, as it is here, unless it is normalised first */
};

/* Whether what layers of a site give is added to hidden as it is. */
bool stream_adds(const struct site *site, const struct config *config);

enum { SITES = 4 };
extern const struct site stream_sites[SITES];

/* Where a block ends; no layer has this input. */
extern const struct site stream_end;

/* What a stream is of. */
struct stream_text {
    const struct tokens *tokens;
    size_t window;
    bool keep; /* what one place leaves for the next; else that is computed twice */
};

/* Begin with the embedding of the text. */
bool stream_create(struct stream *stream, const struct model *model, const struct stream_text *text,
                   struct failure *failure);
void stream_free(struct stream *stream);

/* Bytes that the states of all tokens take. */
uint64_t stream_memory(const struct config *config, const struct stream_text *text);

/* The states of a token. */
const float *stream_hidden(const struct stream *stream, size_t token);

#endif
