/* SPDX-License-Identifier: MIT */
/* Models of whole integers, by class and codebook. */
#ifndef TESTS_MODEL_FRAMES_H
#define TESTS_MODEL_FRAMES_H

#include "coding/model.h"

static inline wsic_model_frame frame_of(int32_t class_number, unsigned codebook)
{
    wsic_model_frame frame = wsic_array_frame(class_number);
    frame.codebook = codebook;
    return frame;
}

static inline void make_builtin(wsic_model *model, uint32_t shape, int32_t class_number,
                                unsigned codebook, const wsic_correction *correction)
{
    const wsic_model_frame frame = frame_of(class_number, codebook);
    wsic_model_builtin(model, shape, &frame, correction);
}

#endif
