/* SPDX-License-Identifier: MIT */
#include "base/env.h"

#include <stdio.h>
#include <string.h>

int wsic_message_init(wsic_message *message)
{
    message->text[0] = '\0';
    return pthread_mutex_init(&message->lock, NULL);
}

void wsic_message_destroy(wsic_message *message)
{
    pthread_mutex_destroy(&message->lock);
}

static void set_text(wsic_message *message, const char *text)
{
    pthread_mutex_lock(&message->lock);
    memcpy(message->text, text, sizeof message->text);
    pthread_mutex_unlock(&message->lock);
}

void wsic_message_pass(wsic_message *from, wsic_message *to)
{
    char text[sizeof from->text];

    pthread_mutex_lock(&from->lock);
    memcpy(text, from->text, sizeof text);
    pthread_mutex_unlock(&from->lock);
    set_text(to, text);
}

wsic_status wsic_fail(const wsic_env *env, wsic_status status, const char *format, ...)
{
    char text[sizeof env->message->text];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    set_text(env->message, text);
    if (env->host->message && env->host->message != env->message)
        set_text(env->host->message, text);
    return status;
}

void wsic_log(const wsic_env *env, int32_t level, const char *format, ...)
{
    const wsic_host *const host = env->host;
    char text[512];
    va_list arguments;

    if (!host->log || level > host->log_level)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    host->log(host->log_user, level, text);
}
