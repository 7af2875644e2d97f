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

/* Which experts the tokens of a text go to in the present block, and what an expert sees beside its
 * own tokens (routes.h). */
struct routes;

/* What the layers of a site have as input, of a stretch of text. */
struct site_inputs {
    const float *inputs; /* count × columns */
    size_t count;
    const uint32_t *tokens; /* of an expert: which of the stretch they are; NULL: all of it */
    const double *weights;  /* of an expert: what they count; NULL: all alike */
};

/* A place in a block. A pass over the text goes from one place to the next: with the mix of
 * attention and the product of the feed-forward layers kept, no layer is applied twice. Where they
 * are not kept, all but the output projection and down are. Of experts nothing is kept: their gate
 * and up are applied once more at the end of the block. */
struct site {
    /* Compute the input of the layers, of an expert if there are routes. May move hidden on: the
     * layers that it applies are quantized already. */
    struct site_inputs (*reach)(struct stream *stream, const struct block *block,
                                const struct stretch_of_text *text, struct routes *routes);
    enum linear_kind first; /* layers that have this input */
    enum linear_kind last;
    bool adds; /* their output is added to hidden, as it is here, unless it is normalised first */
};

/* Whether what layers of a site give is added to hidden as it is. */
bool stream_adds(const struct site *site, const struct config *config);

/* Whether the states must pass a site, even if nothing is gathered there, before they can go on. */
bool stream_moves(const struct site *site, const struct config *config, size_t block);

enum { SITES = 4, SITE_GATE_UP = 2, SITE_DOWN = 3 };
extern const struct site stream_sites[SITES];
/* In place of the last two, for each expert; the others are empty. */
extern const struct site stream_expert_sites[SITES];

/* In a block with experts, between attention and the experts: tokens are sent to them. No layer has
 * this input. */
extern const struct site stream_router;

/* Where a block ends, without and with experts; no layer has this input. */
extern const struct site stream_end;
extern const struct site stream_mixture_end;

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
