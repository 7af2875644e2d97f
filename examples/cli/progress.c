/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "common/meter.h"

static struct meter meter;

void progress_start(void)
{
    meter_start(&meter);
}

int32_t progress_show(void *user, double fraction, const char *stage)
{
    /* Per mille last drawn: the library reports more often than a terminal can follow. */
    static int drawn = -1;
    const int permille = (int)(fraction * 1000);

    (void)user;
    if (permille != drawn)
        meter_show(&meter, fraction, stage);
    drawn = permille;
    return 0;
}

void progress_clear(void)
{
    meter_stop(&meter);
}

double progress_seconds(void)
{
    return meter_seconds(&meter);
}
