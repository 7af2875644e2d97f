/* SPDX-License-Identifier: MIT */
#include "llm/command/original.h"

#include <stdio.h>

#include "llm/watersic/provenance.h"

static bool tell(const struct options *options, struct failure *failure)
{
    if (!options->other_checkpoint)
        return refuse(failure,
                      "%s: was made from another checkpoint than %s: its fingerprint differs "
                      "(--other-checkpoint goes on all the same)",
                      options->archive, options->model);
    fprintf(stderr,
            "watersic-llm: warning: %s: was made from another checkpoint than %s: what is called "
            "the original is not the one it was made from\n",
            options->archive, options->model);
    return true;
}

bool original_check(const struct session *session, const struct options *options,
                    struct failure *failure)
{
    wsic_archive *archive;

    if (!options->archive)
        return true;
    if (wsic_archive_open(session->context, options->archive, &archive) < 0)
        return refuse(failure, "%s: %s", options->archive, wsic_context_message(session->context));
    const bool ok = provenance_is_of(archive, &session->model) || tell(options, failure);
    wsic_archive_close(archive);
    return ok;
}
