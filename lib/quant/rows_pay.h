/* SPDX-License-Identifier: MIT */
/* Whether scales of rows are worth a fit of all of them, from a few rows. */
#ifndef WSIC_QUANT_ROWS_PAY_H
#define WSIC_QUANT_ROWS_PAY_H

#include "quant/stored_scales.h"

/* For the codes of the present pass and s->g. loss: what is left with those, and what more bits
 * would lower; relative: the same as a part of all. *pay is true where the fit might be worth what
 * its scales cost, which is known for certain after it. */
wsic_status wsic_rows_pay(const wsic_stored_scales *s, double loss, double relative, bool *pay);

#endif
