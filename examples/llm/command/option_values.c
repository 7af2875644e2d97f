/* SPDX-License-Identifier: MIT */
#include "llm/command/option_values.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "llm/command/options.h"

/* No text has a use for nothing: mostly it comes from a variable of a shell that is not set. */
bool option_take_text(void *place, const char *name, const char *value, struct failure *failure)
{
    *(const char **)place = value;
    return *value != '\0' || refuse(failure, "--%s: the value is empty", name);
}

bool option_take_on(void *place, const char *name, const char *value, struct failure *failure)
{
    (void)name;
    (void)value;
    (void)failure;
    *(bool *)place = true;
    return true;
}

bool option_take_off(void *place, const char *name, const char *value, struct failure *failure)
{
    (void)name;
    (void)value;
    (void)failure;
    *(bool *)place = false;
    return true;
}

bool option_take_bos(void *place, const char *name, const char *value, struct failure *failure)
{
    (void)name;
    (void)value;
    (void)failure;
    *(enum text_beginning *)place = TEXT_BEGINNING_SET;
    return true;
}

bool option_take_no_bos(void *place, const char *name, const char *value, struct failure *failure)
{
    (void)name;
    (void)value;
    (void)failure;
    *(enum text_beginning *)place = TEXT_BEGINNING_CUT;
    return true;
}

/* The whole number in decimal digits that a value begins with; end: what follows it. False if there
 * is none, or one too large. */
static bool read_whole(const char *value, unsigned long long *number, char **end)
{
    errno = 0;
    *number = strtoull(value, end, 10);
    return isdigit((unsigned char)*value) && errno == 0;
}

bool option_take_count(void *place, const char *name, const char *value, struct failure *failure)
{
    unsigned long long count;
    char *end;

    if (!read_whole(value, &count, &end) || *end != '\0' || count < 1 || count > SIZE_MAX / 64)
        return refuse(failure, "--%s: '%s' is no positive number", name, value);
    *(size_t *)place = (size_t)count;
    return true;
}

/* A number with a unit of decimal powers, as disks and the hub count: 500MB, 5GB. */
bool option_take_bytes(void *place, const char *name, const char *value, struct failure *failure)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {{"", 1}, {"KB", 1000}, {"MB", 1000000}, {"GB", 1000000000}};
    unsigned long long count;
    char *end;
    const bool whole = read_whole(value, &count, &end);

    for (size_t i = 0; whole && i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].name) != 0 || count < 1 || count > UINT64_MAX / units[i].bytes)
            continue;
        *(uint64_t *)place = count * units[i].bytes;
        return true;
    }
    return refuse(failure, "--%s: '%s' is no size such as 500MB or 5GB", name, value);
}

bool option_take_type(void *place, const char *name, const char *value, struct failure *failure)
{
    static const struct {
        const char *name;
        uint32_t type;
    } types[] = {{"f32", WSIC_F32}, {"f16", WSIC_F16}, {"bf16", WSIC_BF16}};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(value, types[i].name) == 0) {
            *(uint32_t *)place = types[i].type;
            return true;
        }
    }
    return refuse(failure, "--%s: '%s' is neither 'f32' nor 'f16' nor 'bf16'", name, value);
}

/* BLAS counts the tokens of a window with an int. */
bool option_take_window(void *place, const char *name, const char *value, struct failure *failure)
{
    enum { MOST = 1 << 20 };

    if (!option_take_count(place, name, value, failure))
        return false;
    if (*(size_t *)place < 2)
        return refuse(failure, "--%s: in windows of 1 token none predicts another", name);
    return *(size_t *)place <= MOST ||
           refuse(failure, "--%s: '%s' is more than %d tokens", name, value, (int)MOST);
}

static bool take_up_to(double most, double *place, const char *name, const char *value,
                       struct failure *failure)
{
    char *end;
    const double number = strtod(value, &end);

    if (end == value || *end != '\0' || !(number >= 0 && number <= most))
        return refuse(failure, "--%s: '%s' is no number from 0 to %g", name, value, most);
    *place = number;
    return true;
}

bool option_take_part(void *place, const char *name, const char *value, struct failure *failure)
{
    return take_up_to(1, place, name, value, failure);
}

bool option_take_temperature(void *place, const char *name, const char *value,
                             struct failure *failure)
{
    return take_up_to(100, place, name, value, failure);
}

bool option_take_seed(void *place, const char *name, const char *value, struct failure *failure)
{
    unsigned long long seed;
    char *end;

    if (!read_whole(value, &seed, &end) || *end != '\0')
        return refuse(failure, "--%s: '%s' is no number from 0 to 2^64 - 1", name, value);
    *(uint64_t *)place = seed;
    return true;
}

bool option_take_form(void *place, const char *name, const char *value, struct failure *failure)
{
    struct option_generation *const generation = place;

    generation->form_given = resident_form_find(&generation->form, value);
    return generation->form_given ||
           refuse(failure, "--%s: '%s' is neither 'coded' nor 'int8' nor 'f32'", name, value);
}

static bool take_rates_up_to(size_t most, struct option_rates *rates, const char *value,
                             struct failure *failure)
{
    const char *place = value;

    rates->count = 0;
    for (;;) {
        char *end;
        const double rate = strtod(place, &end);
        if (end == place || !(rate > 0 && rate <= 16) || (*end != '\0' && *end != ','))
            return refuse(failure, "'%s' is no rate between 0 and 16 bits", place);
        if (rates->count == most)
            return most == 1 ? refuse(failure, "'%s' is not one rate", value)
                             : refuse(failure, "'%s' is more than %zu rates", value, most);
        rates->values[rates->count++] = rate;
        if (*end == '\0')
            return true;
        place = end + 1;
    }
}

bool option_take_rate(void *place, const char *name, const char *value, struct failure *failure)
{
    (void)name;
    return take_rates_up_to(1, place, value, failure);
}

bool option_take_bits(void *place, const char *name, const char *value, struct failure *failure)
{
    struct option_rates one;

    (void)name;
    if (!take_rates_up_to(1, &one, value, failure))
        return false;
    *(double *)place = one.values[0];
    return true;
}

bool option_take_alike(void *place, const char *name, const char *value, struct failure *failure)
{
    *(bool *)place = strcmp(value, "identity") == 0;
    return *(bool *)place || strcmp(value, "frequency") == 0 ||
           refuse(failure, "--%s: '%s' is neither 'identity' nor 'frequency'", name, value);
}

bool option_take_rates(void *place, const char *name, const char *value, struct failure *failure)
{
    (void)name;
    return take_rates_up_to(OPTIONS_MAX_RATES, place, value, failure);
}

/* A list of names, separated by commas; whether they are presets the encoder will tell. */
static bool take_presets_up_to(size_t most, struct option_presets *presets, const char *value,
                               struct failure *failure)
{
    const char *place = value;

    presets->count = 0;
    for (;;) {
        const size_t length = strcspn(place, ",");
        if (length == 0 || length >= OPTIONS_NAME_SIZE)
            return refuse(failure, "'%s' is no name of a preset", place);
        if (presets->count == most)
            return refuse(failure, "'%s': more than %zu presets", value, most);
        char *const preset = presets->names[presets->count++];
        memcpy(preset, place, length);
        preset[length] = '\0';
        if (place[length] == '\0')
            return true;
        place += length + 1;
    }
}

bool option_take_preset(void *place, const char *name, const char *value, struct failure *failure)
{
    (void)name;
    return take_presets_up_to(1, place, value, failure);
}

bool option_take_presets(void *place, const char *name, const char *value, struct failure *failure)
{
    (void)name;
    return take_presets_up_to(OPTIONS_MAX_PRESETS, place, value, failure);
}

/* Not a matter of how layers are encoded, but of what for: bytes per weight are equal, as the
 * program says they are, only if all parts of it go by the same rate. */
static bool is_target(const char *setting)
{
    static const char *const targets[] = {"rate=", "step=", "distortion=", "container_bytes="};

    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        if (strncmp(setting, targets[i], strlen(targets[i])) == 0)
            return true;
    return false;
}

bool option_take_setting(void *place, const char *name, const char *value, struct failure *failure)
{
    struct option_settings *const settings = place;

    if (settings->count == OPTIONS_MAX_SETTINGS)
        return refuse(failure, "--%s is given more than %d times", name, OPTIONS_MAX_SETTINGS);
    if (is_target(value))
        return refuse(failure, "--%s: '%s': what layers aim at is for the options of rates to say",
                      name, value);
    settings->values[settings->count++] = value;
    return true;
}

bool option_take_plan(void *place, const char *name, const char *value, struct failure *failure)
{
    return plan_mode_find(place, value) ||
           refuse(failure, "--%s: '%s' is neither 'none' nor 'equal' nor 'waterfill'", name, value);
}

bool option_take_outputs(void *place, const char *name, const char *value, struct failure *failure)
{
    return outputs_mode_find(place, value) ||
           refuse(failure, "--%s: '%s' is neither 'none' nor 'diagonal' nor 'full'", name, value);
}

bool option_take_sensitivity(void *place, const char *name, const char *value,
                             struct failure *failure)
{
    return sensitivity_source_find(place, value) ||
           refuse(failure, "--%s: '%s' is neither 'outputs' nor 'drafts'", name, value);
}

bool option_take_recipe(void *place, const char *name, const char *value, struct failure *failure)
{
    if (!recipe_find(place, value))
        return refuse(failure, "--%s: '%s' is neither 'default' nor 'paper' nor 'plain'", name,
                      value);
    return true;
}
