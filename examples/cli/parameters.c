/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "output.h"

static json_t *choices_json(const char *choices)
{
    json_t *const array = json_array();

    while (*choices) {
        const size_t length = strcspn(choices, "|");
        json_array_append_new(array, json_stringn(choices, length));
        choices += length + (choices[length] == '|');
    }
    return array;
}

static json_t *parameter_json(const wsic_parameter_info *info)
{
    json_t *const object = json_pack("{s:i, s:s, s:s}", "id", (int)info->id, "name", info->name,
                                     "summary", info->summary);

    if (info->type == WSIC_PARAMETER_CHOICE)
        json_object_set_new(object, "choices", choices_json(info->choices));
    json_object_set_new(object, "minimum", json_figure(info->minimum));
    json_object_set_new(object, "maximum", json_figure(info->maximum));
    json_object_set_new(object, "default", json_figure(info->preset));
    return object;
}

/* The index-th of names separated by '|'. */
static int print_choice(char *out, size_t size, const char *choices, size_t index)
{
    for (; index > 0 && *choices; index--) {
        choices += strcspn(choices, "|");
        choices += *choices == '|';
    }
    return snprintf(out, size, "%.*s", (int)strcspn(choices, "|"), choices);
}

static void print_parameter(const wsic_parameter_info *info)
{
    char preset[64], range[128];

    if (info->type == WSIC_PARAMETER_CHOICE) {
        print_choice(preset, sizeof preset, info->choices, (size_t)info->preset);
        snprintf(range, sizeof range, "%s", info->choices);
    } else {
        snprintf(preset, sizeof preset, "%g", info->preset);
        snprintf(range, sizeof range, "%.10g to %.10g", info->minimum, info->maximum);
    }
    printf("%-20s %-12s %-28s %s\n", info->name, preset, range, info->summary);
}

int run_parameters(const cli_command *self, int argc, char **argv)
{
    bool json = false;
    const option_spec specs[] = {{"json", 'j', OPTION_FLAG, &json, NULL, "print JSON"}};
    text_list none = {NULL, 0};
    const int result = options_parse(self, specs, 1, &none, 0, argc, argv);

    if (result != OPTIONS_READ)
        return result;
    json_t *const array = json ? json_array() : NULL;
    if (!json)
        printf("%-20s %-12s %-28s %s\n", "name", "default", "values", "meaning");
    for (size_t i = 0; i < wsic_parameter_count(); i++) {
        wsic_parameter_info info = {.size = sizeof info};
        wsic_parameter_get_info(i, &info);
        if (json)
            json_array_append_new(array, parameter_json(&info));
        else
            print_parameter(&info);
    }
    return json ? print_json(array) : finish_output();
}
