/* SPDX-License-Identifier: MIT */
#include "llm/interrupt.h"

#include <signal.h>
#include <stdatomic.h>

/* A signal handler reaches nothing but objects of the whole program. */
static volatile sig_atomic_t pending;
static wsic_context *_Atomic watched;

static void handle(int number)
{
    wsic_context *const context = atomic_load(&watched);

    (void)number;
    pending = 1;
    if (context)
        wsic_context_cancel(context);
}

void interrupt_watch(wsic_context *context)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = handle};
    struct sigaction before;

    atomic_store(&watched, context);
    /* A file that may not grow is an error to report, not a reason to die. */
    signal(SIGXFSZ, SIG_IGN);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; context && i < sizeof signals / sizeof signals[0]; i++)
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
}

bool interrupt_pending(void)
{
    return pending != 0;
}

bool interrupt_none(struct failure *failure)
{
    return !interrupt_pending() || refuse(failure, "interrupted");
}
