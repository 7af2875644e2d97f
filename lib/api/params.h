/* SPDX-License-Identifier: MIT */
/* The table of encoder parameters and a set of their values. */
#ifndef WSIC_API_PARAMS_H
#define WSIC_API_PARAMS_H

#include "base/env.h"
#include "quant/encode.h"
#include "watersic/encoder.h"

enum {
#define PARAMETER(id, name, type, least, greatest, preset, choices, summary) PARAMETER_INDEX_##id,
#include "api/params.def"
#undef PARAMETER
    WSIC_PARAMETERS
};

/* One value for each parameter, integers and choices as doubles, which hold them
 * exactly within their ranges. */
typedef struct wsic_params {
    double value[WSIC_PARAMETERS];
} wsic_params;

void wsic_params_init(wsic_params *params);
wsic_status wsic_params_set_preset(const wsic_env *env, wsic_params *params, const char *name);

/* Set by id; type is what the caller passes (WSIC_PARAMETER_NUMBER ...). */
wsic_status wsic_params_set(const wsic_env *env, wsic_params *params, int32_t id, int32_t type,
                            double value);
wsic_status wsic_params_set_text(const wsic_env *env, wsic_params *params, const char *name,
                                 const char *text);
/* What wsic_params_set_text() takes, into a buffer of size bytes. */
wsic_status wsic_params_get_text(const wsic_env *env, const wsic_params *params, const char *name,
                                 char *text, size_t size);
wsic_status wsic_params_get(const wsic_env *env, const wsic_params *params, int32_t id,
                            double *value);

/* "name=value ..." of all that differ from preset "default", into text; returns the length
 * that was needed, as snprintf(). */
size_t wsic_params_describe(const wsic_params *params, char *text, size_t size);

void wsic_params_to_options(const wsic_params *params, wsic_encode_options *options);

#endif
