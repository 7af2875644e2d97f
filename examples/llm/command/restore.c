/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "common/interrupt.h"
#include "llm/command/session.h"
#include "llm/publish/unpack.h"
#include "llm/watersic/report.h"

static bool report_unpacked(const struct options *options, const struct unpacked *unpacked,
                            struct failure *failure)
{
    if (options->json)
        return report_json(json_pack("{s:s, s:I, s:I, s:I, s:I}", "output", options->output,
                                     "coded_tensors", (json_int_t)unpacked->coded, "wide_tensors",
                                     (json_int_t)unpacked->wide, "other_tensors",
                                     (json_int_t)unpacked->others, "bytes",
                                     (json_int_t)unpacked->bytes),
                           failure);
    printf("%s: %zu tensors restored and %zu as they were, %llu bytes\n", options->output,
           unpacked->coded, unpacked->others, (unsigned long long)unpacked->bytes);
    if (unpacked->wide > 0)
        printf("%zu tensors have codes of two bytes, as one does not hold them\n", unpacked->wide);
    return report_flush(failure);
}

static uint32_t codes_type(const struct options *options)
{
    if (options->int4)
        return WSIC_I4;
    return options->int8 ? WSIC_I8 : 0;
}

static bool restore(const struct options *options, wsic_context *context, struct failure *failure)
{
    struct checkpoint *checkpoint;
    struct unpacked unpacked;
    struct meter meter;

    meter_start(&meter);
    if (wsic_context_set_threads(context, 0) < 0)
        return refuse(failure, "%s", wsic_context_message(context));
    if (!checkpoint_open(&checkpoint, options->model, failure))
        return false;
    const struct unpacking unpacking = {.checkpoint = checkpoint,
                                        .source = options->model,
                                        .context = context,
                                        .output = options->output,
                                        .shard_bytes = options->shard_bytes,
                                        .meter = &meter,
                                        .weights = options->weight_type,
                                        .codes = codes_type(options)};
    interrupt_watch(context);
    const bool ok = unpack_model(&unpacking, &unpacked, failure);
    interrupt_watch(NULL);
    meter_stop(&meter);
    checkpoint_close(checkpoint);
    return ok && report_unpacked(options, &unpacked, failure);
}

enum outcome command_restore(const struct options *options, struct failure *failure)
{
    wsic_context *context;

    if (wsic_context_create(NULL, &context) < 0) {
        refuse(failure, "the library's context cannot be created");
        return OUTCOME_FAILED;
    }
    const bool ok = restore(options, context, failure);
    wsic_context_destroy(context);
    return ok ? OUTCOME_OK : OUTCOME_FAILED;
}
