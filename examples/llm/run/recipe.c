/* SPDX-License-Identifier: MIT */
#include "llm/run/recipe.h"

#include <string.h>

static const struct named_recipe {
    const char *name;
    struct recipe recipe;
} recipes[] = {
    {"default",
     {.statistics = true,
      .drift = true,
      .residual = true,
      .rescalers = true,
      .plan = PLAN_WATERFILL,
      .outputs = OUTPUTS_FULL}},
    {"paper",
     {.statistics = true,
      .drift = true,
      .residual = true,
      .mixing = true,
      .rescalers = true,
      .plan = PLAN_EQUAL}},
    {"plain", {.statistics = true}},
};

enum { default_mixing_steps = 6, default_outputs_rows = 8192, default_outputs_tokens = 65536 };

static const char *const plan_names[] = {
    [PLAN_NONE] = "none", [PLAN_EQUAL] = "equal", [PLAN_WATERFILL] = "waterfill"};

static const char *const outputs_names[] = {
    [OUTPUTS_NONE] = "none", [OUTPUTS_DIAGONAL] = "diagonal", [OUTPUTS_FULL] = "full"};

static const char *const source_names[] = {
    [SENSITIVITY_DRAFTS] = "drafts", [SENSITIVITY_OUTPUTS] = "outputs"};

/* count if it is not there */
static size_t find_name(const char *const *names, size_t count, const char *name)
{
    size_t i = 0;

    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

const char *plan_mode_name(enum plan_mode mode)
{
    return plan_names[mode];
}

bool plan_mode_find(enum plan_mode *mode, const char *name)
{
    enum { COUNT = sizeof plan_names / sizeof plan_names[0] };
    const size_t found = find_name(plan_names, COUNT, name);

    if (found < COUNT)
        *mode = (enum plan_mode)found;
    return found < COUNT;
}

const char *outputs_mode_name(enum outputs_mode mode)
{
    return outputs_names[mode];
}

bool outputs_mode_find(enum outputs_mode *mode, const char *name)
{
    enum { COUNT = sizeof outputs_names / sizeof outputs_names[0] };
    const size_t found = find_name(outputs_names, COUNT, name);

    if (found < COUNT)
        *mode = (enum outputs_mode)found;
    return found < COUNT;
}

const char *sensitivity_source_name(enum sensitivity_source source)
{
    return source_names[source];
}

bool sensitivity_source_find(enum sensitivity_source *source, const char *name)
{
    enum { COUNT = sizeof source_names / sizeof source_names[0] };
    const size_t found = find_name(source_names, COUNT, name);

    if (found < COUNT)
        *source = (enum sensitivity_source)found;
    return found < COUNT;
}

bool recipe_find(struct recipe *recipe, const char *name)
{
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++) {
        if (strcmp(recipes[i].name, name) == 0) {
            *recipe = recipes[i].recipe;
            recipe->mixing_steps = default_mixing_steps;
            recipe->sensitivity = SENSITIVITY_OUTPUTS;
            recipe->outputs_rows = default_outputs_rows;
            recipe->outputs_tokens = default_outputs_tokens;
            return true;
        }
    }
    return false;
}

bool recipe_differentiates(const struct recipe *recipe)
{
    return recipe->outputs != OUTPUTS_NONE ||
           (recipe->plan == PLAN_WATERFILL && recipe->sensitivity == SENSITIVITY_OUTPUTS);
}

bool recipe_weights(const struct recipe *recipe)
{
    return recipe->mix.attention > 0 || recipe->mixing;
}

bool recipe_compares(const struct recipe *recipe)
{
    return recipe->drift || recipe->residual || recipe_weights(recipe);
}
