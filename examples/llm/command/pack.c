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

static bool pack_archive(const struct packing *packing, const struct options *options,
                         struct failure *failure)
{
    struct packed packed;
    const bool ok = pack_model(packing, &packed, failure);
    meter_stop(packing->meter);
    return ok && report_packed(options, &packed, failure);
}

/* An archive of quantize --tensors names tensors, of whatever architecture. */
static bool is_of_tensors(const wsic_archive *archive)
{
    const char *const model = wsic_archive_metadata(archive, "model");
    json_t *const root = model ? json_loads(model, 0, NULL) : NULL;
    const bool found = json_object_get(root, "tensors") != NULL;

    json_decref(root);
    return found;
}

static bool pack_tensors(struct packing *packing, const struct options *options,
                         struct failure *failure)
{
    struct checkpoint *checkpoint;

    if (!checkpoint_open(&checkpoint, options->model, failure))
        return false;
    packing->checkpoint = checkpoint;
    const bool ok = pack_archive(packing, options, failure);
    checkpoint_close(checkpoint);
    return ok;
}

static bool pack_layers(struct packing *packing, const struct options *options,
                        struct failure *failure)
{
    struct session session;

    if (!session_begin(&session, options, failure))
        return false;
    packing->checkpoint = session.model.checkpoint;
    packing->config = &session.model.config;
    const bool ok = pack_archive(packing, options, failure);
    session_end(&session);
    return ok;
}

enum outcome command_pack(const struct options *options, struct failure *failure)
{
    struct meter meter;
    struct packing packing = {.source = options->model,
                              .archive_path = options->archive,
                              .output = options->output,
                              .shard_bytes = options->shard_bytes,
                              .meter = &meter};
    wsic_context *context;
    bool ok = false;

    meter_start(&meter);
    if (wsic_context_create(NULL, &context) < 0)
        refuse(failure, "the library's context cannot be created");
    else if (wsic_archive_open(context, options->archive, &packing.archive) < 0)
        refuse(failure, "%s: %s", options->archive, wsic_context_message(context));
    else
        ok = is_of_tensors(packing.archive) ? pack_tensors(&packing, options, failure)
                                            : pack_layers(&packing, options, failure);
    wsic_archive_close(packing.archive);
    wsic_context_destroy(context);
    return ok ? OUTCOME_OK : OUTCOME_FAILED;
}
