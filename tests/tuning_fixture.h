/* SPDX-License-Identifier: MIT */
/* A small model and an archive of it, with everything that a scale can be: dead rows and columns,
 * negative scales. */
#ifndef TESTS_TUNING_FIXTURE_H
#define TESTS_TUNING_FIXTURE_H

#include "common/tokens.h"
#include "llm/train/student.h"
#include "synthetic_llm.h"
#include "temporary.h"

enum { TUNING_WINDOW = 40, TUNING_TOKENS = 2 * TUNING_WINDOW };

/* In every layer. */
enum { TUNING_DEAD_ROW = 3, TUNING_DEAD_COLUMN = 5, TUNING_NEGATIVE_COLUMN = 7 };

struct tuning_fixture {
    struct synthetic_llm plain;
    const char *rescale;
    temporary place; /* the checkpoint, and archive.wsic */
    char archive[100];
    wsic_context *context;
    struct model model;
    uint32_t values[TUNING_TOKENS];
    struct tokens tokens;
    float *reference; /* the model's last hidden states of tokens */
};

/* make: synthetic_llama3 or synthetic_qwen3; rescale: the encoder's parameter of that name */
void tuning_open(struct tuning_fixture *fixture, void (*make)(struct synthetic_llm *model),
                 const char *rescale);
void tuning_close(struct tuning_fixture *fixture);

void tuning_enrol(struct tuning_fixture *fixture, struct student *student);

#endif
