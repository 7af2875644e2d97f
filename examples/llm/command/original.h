/* SPDX-License-Identifier: MIT */
/* An archive goes with the checkpoint that it was made from. */
#ifndef EXAMPLES_LLM_COMMAND_ORIGINAL_H
#define EXAMPLES_LLM_COMMAND_ORIGINAL_H

#include "llm/command/session.h"

/* Refuse an archive that was made from another checkpoint than the session's, of whatever shapes;
 * where the options say that this is meant, warn. Nothing without an archive. */
bool original_check(const struct session *session, const struct options *options,
                    struct failure *failure);

#endif
