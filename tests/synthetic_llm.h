/* SPDX-License-Identifier: MIT */
/* Small checkpoints with random weights, and their logits computed as plainly as can be: one token
 * after the other in double precision, every tensor looked up by its name. */
#ifndef TESTS_SYNTHETIC_LLM_H
#define TESTS_SYNTHETIC_LLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SYNTHETIC_MAX_TENSORS = 1024 };

struct synthetic_tensor {
    char name[96];
    size_t rows; /* 0: a vector */
    size_t columns;
    uint16_t *bits;       /* bfloat16 */
    const double *values; /* computed with instead; NULL for none */
};

/* Called for every product of a matrix with a vector, the embedding's rows excepted. */
typedef void synthetic_watch(void *data, const struct synthetic_tensor *matrix,
                             const double *input);

/* Called with every such product before it is used, which it may change; and, with NULL for the
 * matrix, with the state that every token begins with. */
typedef void synthetic_shift(void *data, const struct synthetic_tensor *matrix, double *output);

struct synthetic_llm {
    bool qwen3;
    bool llama3_scaling;
    bool tied;
    size_t hidden;
    size_t intermediate;
    size_t blocks;
    size_t heads;
    size_t kv_heads;
    size_t head_dim;
    size_t vocabulary;
    double theta;
    double factor; /* of the scaling */
    double low;
    double high;
    size_t original;
    struct synthetic_tensor tensors[SYNTHETIC_MAX_TENSORS];
    size_t count;
    synthetic_watch *watch; /* NULL for none */
    synthetic_shift *shift; /* NULL for none */
    void *data;             /* their own */
};

/* A Llama 3 with scaled rotations and its own head; a Qwen3 whose head is the embedding. In both
 * heads · head_dim is not hidden. */
void synthetic_llama3(struct synthetic_llm *model);
void synthetic_qwen3(struct synthetic_llm *model);
void synthetic_free(struct synthetic_llm *model);

/* Give tensors to a model of which all but these is set. */
void synthetic_fill(struct synthetic_llm *model);

/* Write DIRECTORY/config.json. */
void synthetic_write_config(const struct synthetic_llm *model, const char *directory);

/* Write tensors first to end - 1 to DIRECTORY/NAME. */
void synthetic_write_shard(const struct synthetic_llm *model, const char *directory,
                           const char *name, size_t first, size_t end);

/* Write all of a checkpoint, in one shard. */
void synthetic_write(const struct synthetic_llm *model, const char *directory);

/* A text of some variety. */
void synthetic_text(size_t vocabulary, uint32_t *tokens, size_t count);

/* Numbers in a tensor, and one of them. */
size_t synthetic_numbers(const struct synthetic_tensor *tensor);
double synthetic_value(const struct synthetic_tensor *tensor, size_t index);

/* logits: count × vocabulary */
void synthetic_logits(const struct synthetic_llm *model, const uint32_t *tokens, size_t count,
                      double *logits);

/* The share of attention that a token gets in a block from itself and those after it, averaged over
 * them and over the heads. */
void synthetic_importance(const struct synthetic_llm *model, const uint32_t *tokens, size_t count,
                          size_t block, double *importance);

#endif
