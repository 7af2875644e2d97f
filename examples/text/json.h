/* SPDX-License-Identifier: MIT */
/* How tokenizer.json tells kinds of things. */
#ifndef EXAMPLES_TEXT_JSON_H
#define EXAMPLES_TEXT_JSON_H

#include <jansson.h>
#include <stdbool.h>

/* The member "type"; "(none)" if there is none. */
const char *json_kind(const json_t *object);
bool json_is_kind(const json_t *object, const char *kind);
/* A member that is true or false; otherwise what it is by default. */
bool json_switch(const json_t *object, const char *name, bool usual);
/* The text of a member "pattern" that is no expression; NULL if it is one, or missing. */
const char *json_pattern_text(const json_t *object);

#endif
