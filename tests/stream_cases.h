/* SPDX-License-Identifier: MIT */
/* Kernels of streams against wsic_stream_step(), without anything that a cross compiler may lack.
 * Any words are a stream of some codes: these are random, and so are the models. */
#ifndef TESTS_STREAM_CASES_H
#define TESTS_STREAM_CASES_H

#include "coding/stream_kernels.h"

enum {
    STREAM_FORMS = 2 + WSIC_VECTOR_SHIFT_MOST + 1,
    STREAM_KINDS = WSIC_TRELLIS_KIND_MOST /* 1: no trellis, then those that exist */
};

typedef wsic_vector_steps *stream_kernel_choice(const wsic_form *form, bool trellis);

/* What kernels did in all cases. */
typedef struct stream_report {
    char failure[200]; /* empty: there was none */
    uint64_t hash;     /* of everything that was decoded: the same on every machine */
    size_t steps;
    size_t escapes;
    size_t outside; /* groups with something that did not fit a byte */
} stream_report;

/* What random groups have in common. */
typedef struct stream_case {
    unsigned form;
    unsigned kind; /* of the trellis; 1: none */
    size_t lanes;
    unsigned octet_log; /* 0: each lane has models of its own */
} stream_case;

/* Many groups of a case. */
void stream_check(stream_kernel_choice *choice, const stream_case *given, stream_report *report);

#endif
