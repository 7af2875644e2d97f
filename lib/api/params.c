/* SPDX-License-Identifier: MIT */
#include "api/params.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/check.h"
#include "api/context.h"
#include "base/checked.h"
#include "base/decimal.h"

typedef struct parameter {
    int32_t id;
    const char *name;
    int32_t type;
    double least;
    double greatest;
    double preset;
    const char *choices;
    const char *summary;
} parameter;

#define PARAMETER(id, name, type, least, greatest, preset, choices, summary)                       \
    {id, name, WSIC_PARAMETER_##type, least, greatest, preset, choices, summary},
static const parameter table[WSIC_PARAMETERS] = {
#include "api/params.def"
};
#undef PARAMETER

static const parameter *find_id(int32_t id)
{
    for (size_t i = 0; i < WSIC_PARAMETERS; i++) {
        if (table[i].id == id)
            return &table[i];
    }
    return NULL;
}

static const parameter *find_name(const char *name)
{
    for (size_t i = 0; i < WSIC_PARAMETERS; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

/* --- the table, for callers ---------------------------------------------------- */

size_t wsic_parameter_count(void)
{
    return WSIC_PARAMETERS;
}

wsic_status wsic_parameter_get_info(size_t index, wsic_parameter_info *info)
{
    if (index >= WSIC_PARAMETERS || !info)
        return WSIC_ERROR_ARGUMENT;
    const parameter *const p = &table[index];
    const wsic_parameter_info filled = {
        .size = sizeof filled,
        .id = p->id,
        .type = p->type,
        .name = p->name,
        .choices = p->choices,
        .summary = p->summary,
        .minimum = p->least,
        .maximum = p->greatest,
        .preset = p->preset,
    };
    return wsic_give_struct(NULL, "info", info, info->size,
                            WSIC_FIRST_SIZE(wsic_parameter_info, preset), &filled, sizeof filled);
}

int32_t wsic_parameter_find(const char *name)
{
    const parameter *const p = name ? find_name(name) : NULL;
    return p ? p->id : 0;
}

/* --- values ----------------------------------------------------------------------- */

void wsic_params_init(wsic_params *params)
{
    for (size_t i = 0; i < WSIC_PARAMETERS; i++)
        params->value[i] = table[i].preset;
}

/* A preset says how a matrix is quantized. What is aimed at, and what is reported, stays. */
static bool is_kept(int32_t id)
{
    return id == WSIC_RATE || id == WSIC_STEP || id == WSIC_DISTORTION ||
           id == WSIC_CONTAINER_BYTES || id == WSIC_LIMIT;
}

/* What a preset changes beside the table's values, which are preset "default". */
typedef struct preset_value {
    const char *preset;
    int32_t index;
    double value;
} preset_value;

static const preset_value preset_values[] = {
    {"fast", PARAMETER_INDEX_WSIC_QUANTIZER, WSIC_QUANTIZE_SCALAR},
    {"fast", PARAMETER_INDEX_WSIC_LMMSE, 0.0},
    {"max", PARAMETER_INDEX_WSIC_TRELLIS_STATES, 256.0},
    {"paper", PARAMETER_INDEX_WSIC_QUANTIZER, WSIC_QUANTIZE_SCALAR},
    {"paper", PARAMETER_INDEX_WSIC_RIDGE, 0.0},
    {"paper", PARAMETER_INDEX_WSIC_ORDER, 0.0},
    {"paper", PARAMETER_INDEX_WSIC_RESCALE, WSIC_RESCALE_BOTH},
    {"paper", PARAMETER_INDEX_WSIC_OUTPUTS, WSIC_OUTPUTS_NONE},
    {"paper", PARAMETER_INDEX_WSIC_PRECISION, WSIC_PRECISION_CODES},
};

static const char *const preset_names[] = {"paper", "fast", "default", "max"};

const char *wsic_preset_name(size_t index)
{
    return index < sizeof preset_names / sizeof *preset_names ? preset_names[index] : NULL;
}

static bool is_preset(const char *name)
{
    for (size_t i = 0; wsic_preset_name(i); i++) {
        if (strcmp(wsic_preset_name(i), name) == 0)
            return true;
    }
    return false;
}

wsic_status wsic_params_set_preset(const wsic_env *env, wsic_params *params, const char *name)
{
    if (!is_preset(name))
        return wsic_fail(env, WSIC_ERROR_NOT_FOUND,
                         "there is no preset \"%s\"; there are paper, fast, default and max", name);
    for (size_t i = 0; i < WSIC_PARAMETERS; i++) {
        if (!is_kept(table[i].id))
            params->value[i] = table[i].preset;
    }
    for (size_t i = 0; i < sizeof preset_values / sizeof *preset_values; i++) {
        if (strcmp(preset_values[i].preset, name) == 0)
            params->value[preset_values[i].index] = preset_values[i].value;
    }
    return WSIC_OK;
}

static wsic_status set_value(const wsic_env *env, wsic_params *params, const parameter *p,
                             double value)
{
    /* Written so that NaN fails. */
    if (!(value >= p->least && value <= p->greatest))
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is %g, not within %g to %g", p->name, value,
                         p->least, p->greatest);
    if (p->id == WSIC_RATE && value != 0.0 && value < 0.01)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "rate is %g, neither 0 nor at least 0.01",
                         value);
    if (p->id == WSIC_TRELLIS_STATES && exp2(floor(log2(value))) != value)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "trellis_states is %g, not a power of two",
                         value);
    if (p->id == WSIC_OUTPUT_DAMPING && value != 0.0 && value < 1e-9)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT,
                         "output_damping is %g, neither 0 nor at least 1e-9", value);
    params->value[p - table] = value;
    return WSIC_OK;
}

wsic_status wsic_params_set(const wsic_env *env, wsic_params *params, int32_t id, int32_t type,
                            double value)
{
    const parameter *const p = find_id(id);

    if (!p)
        return wsic_fail(env, WSIC_ERROR_NOT_FOUND, "there is no parameter %" PRId32, id);
    if (p->type != type)
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is not a parameter of type %s", p->name,
                         type == WSIC_PARAMETER_NUMBER ? "number" : "integer");
    return set_value(env, params, p, value);
}

wsic_status wsic_params_get(const wsic_env *env, const wsic_params *params, int32_t id,
                            double *value)
{
    const parameter *const p = find_id(id);

    if (!p)
        return wsic_fail(env, WSIC_ERROR_NOT_FOUND, "there is no parameter %" PRId32, id);
    *value = params->value[p - table];
    return WSIC_OK;
}

/* --- text -------------------------------------------------------------------------- */

/* Index of name among "one|two|three". */
static bool parse_choice(const char *choices, const char *name, double *value)
{
    const size_t length = strlen(name);
    int index = 0;

    for (const char *choice = choices;; index++) {
        const size_t width = strcspn(choice, "|");
        if (width == length && memcmp(choice, name, length) == 0) {
            *value = index;
            return true;
        }
        if (choice[width] == '\0')
            return false;
        choice += width + 1;
    }
}

wsic_status wsic_params_set_text(const wsic_env *env, wsic_params *params, const char *name,
                                 const char *text)
{
    const parameter *const p = find_name(name);
    double value = 0.0;

    if (!p)
        return wsic_fail(env, WSIC_ERROR_NOT_FOUND, "there is no parameter \"%s\"", name);
    if (p->type == WSIC_PARAMETER_CHOICE) {
        if (!parse_choice(p->choices, text, &value))
            return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is \"%s\", not one of %s", name, text,
                             p->choices);
    } else if (!wsic_decimal_read(text, &value)) {
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is \"%s\", not a number", name, text);
    } else if (p->type == WSIC_PARAMETER_INTEGER && value != floor(value)) {
        return wsic_fail(env, WSIC_ERROR_ARGUMENT, "%s is %s, not an integer", name, text);
    }
    return set_value(env, params, p, value);
}

/* The index-th of "one|two|three", which has that many. */
static const char *choice_at(const char *choices, size_t index, size_t *length)
{
    for (; index > 0; index--)
        choices += strcspn(choices, "|") + 1;
    *length = strcspn(choices, "|");
    return choices;
}

/* The inverse of wsic_params_set_text(); the number of characters, as snprintf(). */
static int print_value(const parameter *p, double value, char *text, size_t size)
{
    char number[WSIC_DECIMAL_SIZE];
    size_t length;

    if (p->type == WSIC_PARAMETER_CHOICE) {
        const char *const choice = choice_at(p->choices, (size_t)value, &length);
        return snprintf(text, size, "%.*s", (int)length, choice);
    }
    wsic_decimal_print(value, number);
    /* cppcheck-suppress nullPointer ; snprintf() only counts where size is 0 */
    return snprintf(text, size, "%s", number);
}

wsic_status wsic_params_get_text(const wsic_env *env, const wsic_params *params, const char *name,
                                 char *text, size_t size)
{
    const parameter *const p = find_name(name);

    if (!p)
        return wsic_fail(env, WSIC_ERROR_NOT_FOUND, "there is no parameter \"%s\"", name);
    const double value = params->value[p - table];
    const size_t needed = (size_t)print_value(p, value, NULL, 0) + 1;
    if (size < needed)
        return wsic_fail(env, WSIC_ERROR_BUFFER, "size is %zu, where %s takes %zu bytes", size,
                         name, needed);
    print_value(p, value, text, size);
    return WSIC_OK;
}

wsic_status wsic_parameter_get_choice(int32_t id, size_t index, char *name, size_t size)
{
    const parameter *const p = find_id(id);
    size_t length;

    if (!p)
        return WSIC_ERROR_NOT_FOUND;
    if (!name || p->type != WSIC_PARAMETER_CHOICE || (double)index > p->greatest)
        return WSIC_ERROR_ARGUMENT;
    const char *const choice = choice_at(p->choices, index, &length);
    if (size <= length)
        return WSIC_ERROR_BUFFER;
    memcpy(name, choice, length);
    name[length] = '\0';
    return WSIC_OK;
}

static int describe_one(const parameter *p, double value, char *text, size_t size)
{
    const int name = snprintf(text, size, "%s=", p->name);

    return name + print_value(p, value, text + name, size - (size_t)name);
}

size_t wsic_params_describe(const wsic_params *params, char *text, size_t size)
{
    size_t used = 0;

    if (size != 0)
        text[0] = '\0';
    for (size_t i = 0; i < WSIC_PARAMETERS; i++) {
        char one[96];
        if (params->value[i] == table[i].preset)
            continue;
        describe_one(&table[i], params->value[i], one, sizeof one);
        const int length = snprintf(used < size ? text + used : NULL, used < size ? size - used : 0,
                                    "%s%s", used == 0 ? "" : " ", one);
        used += (size_t)length;
    }
    return used;
}

/* --- for the numerics --------------------------------------------------------------- */

void wsic_params_to_options(const wsic_params *params, wsic_encode_options *options)
{
    const double *const value = params->value;

    *options = (wsic_encode_options){
        .rate = value[PARAMETER_INDEX_WSIC_RATE],
        .step = value[PARAMETER_INDEX_WSIC_STEP],
        .distortion = value[PARAMETER_INDEX_WSIC_DISTORTION],
        .row_fraction = value[PARAMETER_INDEX_WSIC_ROW_FRACTION],
        .container_bytes = (uint64_t)value[PARAMETER_INDEX_WSIC_CONTAINER_BYTES],
        .passes = (int64_t)value[PARAMETER_INDEX_WSIC_PASSES],
        .factor =
            {
                .damping = value[PARAMETER_INDEX_WSIC_DAMPING],
                .damping_retries = (int64_t)value[PARAMETER_INDEX_WSIC_DAMPING_RETRIES],
            },
        .dead_threshold = value[PARAMETER_INDEX_WSIC_DEAD_THRESHOLD],
        .survivors = (size_t)value[PARAMETER_INDEX_WSIC_SURVIVORS],
        .ridge = value[PARAMETER_INDEX_WSIC_RIDGE],
        .pivot = value[PARAMETER_INDEX_WSIC_ORDER] != 0.0,
        .spacing = (int)value[PARAMETER_INDEX_WSIC_SPACING],
        .lmmse = value[PARAMETER_INDEX_WSIC_LMMSE] != 0.0,
        .quantizer = (int)value[PARAMETER_INDEX_WSIC_QUANTIZER],
        .trellis_kind = (unsigned)log2(value[PARAMETER_INDEX_WSIC_TRELLIS_STATES]),
        .lambda = value[PARAMETER_INDEX_WSIC_LAMBDA],
        .rescale = (int)value[PARAMETER_INDEX_WSIC_RESCALE],
        .rescale_rounds = (int64_t)value[PARAMETER_INDEX_WSIC_RESCALE_ROUNDS],
        .rescale_tolerance = value[PARAMETER_INDEX_WSIC_RESCALE_TOLERANCE],
        .block_rows = (size_t)value[PARAMETER_INDEX_WSIC_BLOCK_ROWS],
        .codes_fit_i4 = value[PARAMETER_INDEX_WSIC_CODES_FIT_I4] != 0.0,
        .precision = (int)value[PARAMETER_INDEX_WSIC_PRECISION],
        .limit = value[PARAMETER_INDEX_WSIC_LIMIT] != 0.0,
        .outputs =
            {
                .use = (int)value[PARAMETER_INDEX_WSIC_OUTPUTS],
                .damping = value[PARAMETER_INDEX_WSIC_OUTPUT_DAMPING],
                .weights = (int)value[PARAMETER_INDEX_WSIC_OUTPUT_WEIGHTS],
            },
    };
}
