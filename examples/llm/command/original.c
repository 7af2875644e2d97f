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
    struct package *package;

    if (!options->archive)
        return true;
    if (!package_open(&package, session->context, options->archive, failure))
        return false;
    const bool ok = provenance_is_of(package, &session->model) || tell(options, failure);
    package_close(package);
    return ok;
}
