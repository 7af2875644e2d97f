/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <signal.h>
#include <stddef.h>

#include "output.h"
#include "progress.h"

/* What a signal handler may touch. */
static wsic_context *volatile running;
static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    wsic_context *const context = running;

    signalled = number;
    if (context)
        wsic_context_cancel(context);
}

static void on_log(void *user, int32_t level, const char *message)
{
    (void)user;
    complain(level == WSIC_LOG_WARNING ? "warning" : "note", "%s", message);
}

/* No SA_RESTART: a read that waits for a pipe ends too. Who started the program may have
 * asked it to ignore the signal, as shells do for jobs in the background. */
static void catch_signal(int number)
{
    struct sigaction action = {.sa_handler = on_signal}, old;

    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

int session_open(const session_options *options, wsic_context **out)
{
    const int32_t level = options->verbose ? WSIC_LOG_INFO : WSIC_LOG_WARNING;
    const wsic_status created = wsic_context_create(NULL, out);

    if (created != WSIC_OK)
        return complain_status(NULL, created, NULL);
    running = *out;
    progress_start();
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
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

void session_close(wsic_context *context)
{
    running = NULL;
    progress_clear();
    wsic_context_destroy(context);
}

int session_signal(void)
{
    return signalled;
}
