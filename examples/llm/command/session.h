/* SPDX-License-Identifier: MIT */
/* What every command begins with. */
#ifndef EXAMPLES_LLM_COMMAND_SESSION_H
#define EXAMPLES_LLM_COMMAND_SESSION_H

#include <watersic/watersic.h>

#include "common/meter.h"
#include "llm/model/model.h"
#include "llm/command/options.h"

struct session {
    wsic_context *context;
    struct model model;
    size_t window;
    struct meter meter;
};

/* Create a context that uses all processors and open the model; choose the window. */
bool session_begin(struct session *session, const struct options *options, struct failure *failure);

void session_end(struct session *session);

/* The commands. */
enum outcome command_quantize(const struct options *options, struct failure *failure);
enum outcome command_eval(const struct options *options, struct failure *failure);
enum outcome command_compare(const struct options *options, struct failure *failure);
enum outcome command_plan(const struct options *options, struct failure *failure);
enum outcome command_finetune(const struct options *options, struct failure *failure);
enum outcome command_pack(const struct options *options, struct failure *failure);
enum outcome command_restore(const struct options *options, struct failure *failure);
enum outcome command_tokens(const struct options *options, struct failure *failure);

#endif
