/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <stddef.h>

#include "common/blas_memory.h"
#include "common/interrupt.h"
#include "output.h"
#include "progress.h"

static void on_log(void *user, int32_t level, const char *message)
{
    (void)user;
    complain(level == WSIC_LOG_WARNING ? "warning" : "note", "%s", message);
}

int session_open(const session_options *options, wsic_context **out)
{
    const int32_t level = options->verbose ? WSIC_LOG_INFO : WSIC_LOG_WARNING;
    const wsic_status created = wsic_context_create(NULL, out);

    if (created != WSIC_OK)
        return complain_status(NULL, created, NULL);
    interrupt_watch(*out);
    progress_start();
    wsic_context_set_log(*out, on_log, NULL, level);
    wsic_context_set_progress(*out, progress_show, NULL);
    const wsic_status status = wsic_context_set_threads(*out, options->threads);
    if (status == WSIC_OK)
        return EXIT_SUCCESS;
    complain_status("--threads", status, wsic_context_message(*out));
    session_close(*out);
    *out = NULL;
    return EXIT_FAILURE;
}

int session_open_for_blas(const session_options *options, wsic_context **out)
{
    const int32_t threads = options->threads > 0 ? options->threads : wsic_processors();
    struct failure failure;

    *out = NULL;
    if (!blas_memory_check((size_t)threads, &failure))
        return complain(NULL, "%s", failure.text);
    return session_open(options, out);
}

void session_close(wsic_context *context)
{
    interrupt_watch(NULL);
    progress_clear();
    wsic_context_destroy(context);
}
