/* SPDX-License-Identifier: MIT */
#include "llm/recipe.h"

#include <string.h>

static const struct named_recipe {
    const char *name;
    struct recipe recipe;
} recipes[] = {
    {"default", {.statistics = true, .drift = true, .residual = true, .rescalers = true}},
    {"paper",
     {.statistics = true,
      .drift = true,
      .residual = true,
      .mixing = true,
      .rescalers = true,
      .plan = PLAN_EQUAL}},
    {"plain", {.statistics = true}},
};

enum { default_mixing_steps = 6 };

static const char *const plan_names[] = {
    [PLAN_NONE] = "none", [PLAN_EQUAL] = "equal", [PLAN_WATERFILL] = "waterfill"};

const char *plan_mode_name(enum plan_mode mode)
{
    return plan_names[mode];
}

bool plan_mode_find(enum plan_mode *mode, const char *name)
{
    for (size_t i = 0; i < sizeof plan_names / sizeof plan_names[0]; i++) {
        if (strcmp(plan_names[i], name) == 0) {
            *mode = (enum plan_mode)i;
            return true;
        }
    }
    return false;
}

bool recipe_find(struct recipe *recipe, const char *name)
{
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++) {
        if (strcmp(recipes[i].name, name) == 0) {
            *recipe = recipes[i].recipe;
            recipe->mixing_steps = default_mixing_steps;
            return true;
        }
    }
    return false;
}

bool recipe_weights(const struct recipe *recipe)
{
    return recipe->mix.attention > 0 || recipe->mixing;
}

bool recipe_compares(const struct recipe *recipe)
{
    return recipe->drift || recipe->residual || recipe_weights(recipe);
}
