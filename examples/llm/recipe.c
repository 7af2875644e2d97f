/* SPDX-License-Identifier: MIT */
#include "llm/recipe.h"

#include <string.h>

static const struct named_recipe {
    const char *name;
    struct recipe recipe;
} recipes[] = {
    {"default", {.statistics = true, .drift = true, .residual = true, .rescalers = true}},
    {"paper",
     {.statistics = true, .drift = true, .residual = true, .mixing = true, .rescalers = true}},
    {"plain", {.statistics = true}},
};

enum { default_mixing_steps = 6 };

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
