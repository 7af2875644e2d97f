/* SPDX-License-Identifier: MIT */
#include "common/interrupt.h"

#include <signal.h>
#include <stdatomic.h>

/* A signal handler reaches nothing but objects of the whole program. */
static volatile sig_atomic_t first_signal;
static wsic_context *_Atomic watched;

/* From here the process dies of the signal as soon as the handler returns. */
static void die_of(int number)
{
    signal(number, SIG_DFL);
    raise(number);
}

/* A terminal that is closed sends SIGHUP twice, itself and through its shell: only somebody who
 * insists sends one of the others after the first. */
static void handle(int number)
{
    wsic_context *const context = atomic_load(&watched);

    if (first_signal != 0 && number != SIGHUP)
        die_of(number);
    if (first_signal == 0)
        first_signal = number;
    if (context)
        wsic_context_stop(context);
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

int interrupt_signal(void)
{
    return first_signal;
}

bool interrupt_pending(void)
{
    return first_signal != 0;
}

bool interrupt_none(struct failure *failure)
{
    return !interrupt_pending() || refuse(failure, "interrupted");
}
