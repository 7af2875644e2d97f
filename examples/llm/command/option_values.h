/* SPDX-License-Identifier: MIT */
/* Values of options: each function reads one and puts it where the option has its place. On failure
 * the text names the option and the value. */
#ifndef EXAMPLES_LLM_COMMAND_OPTION_VALUES_H
#define EXAMPLES_LLM_COMMAND_OPTION_VALUES_H

#include "common/failure.h"

typedef bool option_taker(void *place, const char *name, const char *value,
                          struct failure *failure);

/* What stands at the place: */
option_taker option_take_text; /* const char *: the value itself, which is not empty */
option_taker option_take_bos;  /* enum text_beginning */
option_taker option_take_no_bos;
option_taker option_take_on;          /* bool: true */
option_taker option_take_off;         /* bool: false */
option_taker option_take_count;       /* size_t: a positive number */
option_taker option_take_bytes;       /* uint64_t: a number of bytes, with a unit */
option_taker option_take_type;        /* uint32_t: type of numbers */
option_taker option_take_window;      /* size_t: tokens of a window */
option_taker option_take_part;        /* double: from 0 to 1 */
option_taker option_take_temperature; /* double: from 0 to 100 */
option_taker option_take_seed;        /* uint64_t */
option_taker option_take_form;        /* struct option_generation: its form */
option_taker option_take_rate;        /* struct option_rates: one */
option_taker option_take_bits;        /* double: a rate */
option_taker option_take_alike;       /* bool: whether rows count alike */
option_taker option_take_rates;       /* struct option_rates */
option_taker option_take_preset;      /* struct option_presets: one */
option_taker option_take_presets;     /* struct option_presets */
option_taker option_take_setting;     /* struct option_settings: one more */
option_taker option_take_plan;        /* enum plan_mode */
option_taker option_take_outputs;     /* how outputs count */
option_taker option_take_sensitivity; /* where sensitivities come from */
option_taker option_take_recipe;      /* struct recipe: all of it */

#endif
