/* SPDX-License-Identifier: MIT */
#include "llm/command/session.h"

#include "common/blas_memory.h"
#include "common/interrupt.h"
#include "common/workers.h"
#include "llm/command/original.h"
#include "llm/command/output_files.h"
#include "llm/watersic/report.h"

bool session_begin(struct session *session, const struct options *options, struct failure *failure)
{
    *session = (struct session){.window = 0};
    meter_start(&session->meter);
    session->meter.lines = options->progress;
    const enum stage before = stages_enter(&session->meter.stages, STAGE_READING);
    if (wsic_context_create(NULL, &session->context) < 0)
        return refuse(failure, "the library's context cannot be created");
    if (wsic_context_set_threads(session->context, 0) < 0)
        refuse(failure, "%s", wsic_context_message(session->context));
    else if (blas_memory_check(workers_usual(), failure) &&
             model_open(&session->model, options->model, failure) &&
             output_files_check(options, &session->model, failure) &&
             config_window(&session->model.config, options->window, &session->window, failure) &&
             original_check(session, options, failure)) {
        report_unknown_keys(&session->model.config, options->model);
        interrupt_watch(session->context);
        stages_leave(&session->meter.stages, before);
        return true;
    }
    session_end(session);
    return false;
}

void session_end(struct session *session)
{
    interrupt_watch(NULL);
    meter_stop(&session->meter);
    model_free(&session->model);
    wsic_context_destroy(session->context);
}
