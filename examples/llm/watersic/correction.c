/* SPDX-License-Identifier: MIT */
#include "llm/watersic/correction.h"

#include <math.h>

double correction_at(const struct correction *correction, double rate)
{
    const double *const rates = correction->rate;
    const double *const logs = correction->log_ratio;
    size_t k = 0;

    if (correction->count == 0)
        return 1;
    while (k + 1 < correction->count && rates[k + 1] < rate)
        k++;
    if (k + 1 == correction->count || rate <= rates[k])
        return exp(logs[k]);
    return exp(logs[k] + (logs[k + 1] - logs[k]) * (rate - rates[k]) / (rates[k + 1] - rates[k]));
}
