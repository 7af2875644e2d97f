/* SPDX-License-Identifier: MIT */
/* A small model, an archive of its linear layers, and a directory that is packed of both. */
#ifndef TESTS_PACKED_FIXTURE_H
#define TESTS_PACKED_FIXTURE_H

#include <stdbool.h>
#include <watersic/watersic.h>

#include "common/failure.h"
#include "synthetic_llm.h"

struct packed_fixture {
    struct synthetic_llm model;
    wsic_context *context;
    struct failure failure;
    char source[64]; /* the checkpoint */
    char archive[64];
    char packed[64];   /* made by packed_pack() */
    char restored[64]; /* for the tests to make */
};

extern struct packed_fixture packed;

void packed_set_up(void);
void packed_tear_down(void);
void packed_pack(void);

/* Whether a tensor of the model is a layer of the archive. */
bool packed_is_quantized(const struct synthetic_tensor *tensor);

#endif
