/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "commands.h"
#include "common/interrupt.h"
#include "inputs.h"
#include "output.h"
#include "progress.h"
#include "session.h"

/* Goes on after a damaged layer, so that all of them are named. */
static int verify_all(wsic_archive *archive, const char *path)
{
    const size_t count = wsic_archive_count(archive);
    wsic_layer *layer;
    int result = EXIT_SUCCESS;

    for (size_t i = 0; i < count; i++) {
        if (interrupt_pending())
            return complain(NULL, "interrupted");
        if (archive_checked_layer(archive, path, i, &layer) != EXIT_SUCCESS)
            result = EXIT_FAILURE;
        wsic_layer_destroy(layer);
        progress_show(NULL, (double)(i + 1) / (double)count, "decode");
    }
    progress_clear();
    if (result != EXIT_SUCCESS)
        return result;
    printf("%s: whole, %zu layer%s in %" PRIu64 " bytes\n", path, count, count == 1 ? "" : "s",
           wsic_archive_size(archive));
    return finish_output();
}

static int verify(const session_options *session, const char *path)
{
    wsic_context *context = NULL;
    wsic_archive *archive = NULL;
    int result = session_open(session, &context);

    if (result == EXIT_SUCCESS)
        result = archive_open(context, path, &archive);
    if (result == EXIT_SUCCESS)
        result = verify_all(archive, path);
    wsic_archive_close(archive);
    session_close(context);
    return result;
}

int run_verify(const cli_command *self, int argc, char **argv)
{
    session_options session = {.threads = 0};
    const option_spec specs[] = {SESSION_OPTIONS(session)};
    text_list names = {NULL, 0};
    int result = options_parse(self, specs, sizeof specs / sizeof *specs, &names, 1, argc, argv);

    if (result == OPTIONS_READ && names.count == 0)
        result = options_fail(self, "no archive is given");
    if (result == OPTIONS_READ)
        result = verify(&session, names.items[0]);
    text_list_release(&names);
    return result;
}
