/* SPDX-License-Identifier: MIT */
#include "text/stage.h"

bool stage_push(struct stage *stage, const char *text, size_t size, struct failure *failure)
{
    return size == 0 || stage->push(stage, text, size, failure);
}

bool stage_end(struct stage *stage, struct failure *failure)
{
    return stage->end(stage, failure);
}

bool stage_token(struct stage *stage, uint32_t token, struct failure *failure)
{
    while (!stage->token)
        stage = stage->next;
    return stage->token(stage, token, failure);
}

void chain_add(struct chain *chain, struct stage *stage)
{
    stage->next = NULL;
    if (chain->last)
        chain->last->next = stage;
    else
        chain->first = stage;
    chain->last = stage;
}

void chain_join(struct chain *chain, struct chain *other)
{
    if (!other->first)
        return;
    if (chain->last)
        chain->last->next = other->first;
    else
        chain->first = other->first;
    chain->last = other->last;
    *other = (struct chain){.first = NULL};
}

void chain_reset(struct chain *chain)
{
    for (struct stage *stage = chain->first; stage; stage = stage->next)
        if (stage->reset)
            stage->reset(stage);
}

void chain_free(struct chain *chain)
{
    struct stage *stage = chain->first;

    while (stage) {
        struct stage *const next = stage->next;
        stage->destroy(stage);
        stage = next;
    }
    *chain = (struct chain){.first = NULL};
}
