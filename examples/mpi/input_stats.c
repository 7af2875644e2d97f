/* SPDX-License-Identifier: MIT */
#include "mpi/input_stats.h"

bool input_stats_load(struct input_stats *kept, wsic_context *context, const struct folder *folder,
                      size_t input)
{
    char path[FOLDER_PATH_SIZE];

    if (kept->stats && kept->input == input)
        return true;
    input_stats_release(kept);
    kept->input = input;
    folder_statistics(folder, input, path);
    return wsic_stats_load(context, path, &kept->stats) == WSIC_OK;
}

void input_stats_release(struct input_stats *kept)
{
    wsic_stats_destroy(kept->stats);
    kept->stats = NULL;
}
