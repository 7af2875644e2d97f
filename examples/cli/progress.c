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
    /* The library reports more often than a terminal can follow. */
    static int drawn = -1;
    const int percent = (int)(fraction * 100);

    (void)user;
    if (percent != drawn)
        meter_show(&meter, fraction, stage);
    drawn = percent;
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
