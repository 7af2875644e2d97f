/* SPDX-License-Identifier: MIT */
#include "llm/run/reached.h"

#include <stdio.h>

/* One more number in a list that may be cut. */
static void add_number(char *list, size_t size, size_t *length, size_t number)
{
    if (*length < size)
        *length += (size_t)snprintf(list + *length, size - *length, "%s%zu",
                                    *length > 0 ? ", " : "", number);
}

void reached_tell(const struct routes *routes, const struct config *config, size_t block)
{
    const size_t experts = config_experts(config, block);
    char list[200] = "";
    size_t length = 0;
    size_t missed = 0;

    for (size_t e = 0; e < experts; e++) {
        if (routes_count(routes, e) > 0)
            continue;
        missed++;
        add_number(list, sizeof list, &length, e);
    }
    if (missed > 0)
        fprintf(stderr,
                "watersic-llm: warning: model.layers.%zu: no token of the text goes to %zu of its "
                "%zu experts (%s%s): they are quantized on the statistics of all tokens\n",
                block, missed, experts, list, length < sizeof list ? "" : " ...");
}
