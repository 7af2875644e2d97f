/* SPDX-License-Identifier: MIT */
#include "llm/watersic/forecast.h"

#include "llm/watersic/code_gain.h"
#include "llm/watersic/survey.h"

static bool is_skipped(const struct model *model, size_t layer)
{
    return model->exclusions && model->exclusions->of[layer].skipped;
}

/* Of the layers that the plan has. */
static double count_weights(const struct model *model)
{
    double weights = 0;

    for (size_t i = 0; i < layers_count(&model->config); i++) {
        const struct layer_place place = layers_at(&model->config, i);
        if (!is_skipped(model, i))
            weights += (double)place.rows * (double)place.columns;
    }
    return weights;
}

static bool read_layers(struct forecast *forecast, const struct model *model,
                        const struct allocation *allocation, struct failure *failure)
{
    for (size_t i = 0; i < allocation->layers; i++) {
        struct forecast_layer *const layer = &forecast->layers[i];
        *layer = (struct forecast_layer){.rate = 0};
        if (is_skipped(model, i))
            continue;
        if (!allocation_rate(allocation, i, &layer->rate, failure) ||
            !allocation_divergence(allocation, i, &layer->kl_bits, failure))
            return false;
        forecast->all.kl_bits += layer->kl_bits;
    }
    return true;
}

bool forecast_make(struct forecast *forecast, struct model *model,
                   const struct calibration *calibration, double rate, wsic_encoder *encoder,
                   const struct stretch *stretch, wsic_context *context, struct failure *failure)
{
    struct allocation allocation;

    forecast->all = (struct forecast_layer){.rate = rate};
    forecast->bytes = (uint64_t)(rate * count_weights(model) / 8);
    if (!allocation_create(&allocation, context, model, failure))
        return false;
    const bool ok = survey(&allocation, model, calibration, rate, stretch, context, failure) &&
                    code_gain_measure(context, encoder, rate, &allocation.gain, failure) &&
                    allocation_solve(&allocation, calibration->recipe->plan, rate, NULL, failure) &&
                    read_layers(forecast, model, &allocation, failure);
    allocation_destroy(&allocation);
    return ok;
}
