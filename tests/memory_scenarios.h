/* SPDX-License-Identifier: MIT */
/* What is played while memory is refused (test_refused_memory.c): every function of the interface
 * that takes memory is called by one of the scenarios. */
#ifndef TESTS_MEMORY_SCENARIOS_H
#define TESTS_MEMORY_SCENARIOS_H

#include "counting_allocator.h"
#include "watersic/watersic.h"

typedef struct run {
    counting_allocator counter;
    wsic_context *context;
    size_t refusals;
    uint64_t digest;
} run;

typedef struct memory_scenario {
    const char *name;
    void (*play)(run *r);
} memory_scenario;

enum { SCENARIOS = 11 };
extern const memory_scenario scenarios[SCENARIOS];

/* Before and after a test: numbers, and a directory for files. */
void scenarios_begin(void);
void scenarios_end(void);

/* Remember that a function was called, from the text of the call; and whether it was. */
void scenario_note(const char *call);
bool scenario_called(const char *function);

#endif
