/* SPDX-License-Identifier: MIT */
/* What the codes of an encoder gain over those of drafts, which are scalar. */
#ifndef EXAMPLES_LLM_WATERSIC_CODE_GAIN_H
#define EXAMPLES_LLM_WATERSIC_CODE_GAIN_H

#include <watersic/watersic.h>

#include "common/failure.h"

/* factor: distortion of the encoder's codes over that of a draft's, at one rate of codes, for a
 * small matrix of independent Gaussian weights behind white inputs. The encoder has the rate for
 * its target, in bits per weight. */
bool code_gain_measure(wsic_context *context, wsic_encoder *encoder, double rate, double *factor,
                       struct failure *failure);

#endif
