/* SPDX-License-Identifier: MIT */
#include "llm/publish/pack.h"

#include <stdio.h>

#include "llm/command/session.h"
#include "llm/watersic/report.h"

static double coded_bits(const struct packed *packed)
{
    return 8 * (double)packed->coded_bytes / (double)packed->weights;
}

static json_t *describe_json(const struct options *options, const struct packed *packed)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:f, s:I, s:I}", "output", options->output,
                     "coded_tensors", (json_int_t)packed->coded, "weights",
                     (json_int_t)packed->weights, "coded_bytes", (json_int_t)packed->coded_bytes,
                     "bits_per_weight", coded_bits(packed), "other_tensors",
                     (json_int_t)packed->others, "other_bytes", (json_int_t)packed->other_bytes);
}

static bool report_packed(const struct options *options, const struct packed *packed,
                          struct failure *failure)
{
    if (options->json)
        return report_json(describe_json(options, packed), failure);
    printf("%s: %zu coded tensors of %llu bytes, %.4f bits per weight, and %zu of %llu bytes as in "
           "the checkpoint\n",
           options->output, packed->coded, (unsigned long long)packed->coded_bytes,
           coded_bits(packed), packed->others, (unsigned long long)packed->other_bytes);
    return report_flush(failure);
}

static bool pack_archive(const struct options *options, struct session *session,
                         struct failure *failure)
{
    struct packing packing = {.checkpoint = session->model.checkpoint,
                              .source = options->model,
                              .config = &session->model.config,
                              .archive_path = options->archive,
                              .output = options->output,
                              .shard_bytes = options->shard_bytes};
    struct packed packed;

    if (wsic_archive_open(session->context, options->archive, &packing.archive) < 0)
        return refuse(failure, "%s: %s", options->archive, wsic_context_message(session->context));
    const bool ok = pack_model(&packing, &packed, failure);
    wsic_archive_close(packing.archive);
    return ok && report_packed(options, &packed, failure);
}

enum outcome command_pack(const struct options *options, struct failure *failure)
{
    struct session session;

    if (!session_begin(&session, options, failure))
        return OUTCOME_FAILED;
    const bool ok = pack_archive(options, &session, failure);
    session_end(&session);
    return ok ? OUTCOME_OK : OUTCOME_FAILED;
}
