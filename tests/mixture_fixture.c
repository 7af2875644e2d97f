/* SPDX-License-Identifier: MIT */
#include "mixture_fixture.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HIDDEN = 16, BLOCKS = 3, NAME = 120, PATH = 400 };

struct output {
    json_t *header;
    unsigned char *data;
    size_t size;
};

static void add(struct output *output, const char *name, const json_t *shape,
                const unsigned char *bytes, size_t size)
{
    output->data = realloc(output->data, output->size + size);
    ck_assert_ptr_nonnull(output->data);
    memcpy(output->data + output->size, bytes, size);
    json_object_set_new(output->header, name,
                        json_pack("{s:s, s:O, s:[I, I]}", "dtype", "BF16", "shape", shape,
                                  "data_offsets", (json_int_t)output->size,
                                  (json_int_t)(output->size + size)));
    output->size += size;
}

static uint16_t to_bf16(double value)
{
    const float number = (float)value;
    uint32_t bits;

    memcpy(&bits, &number, sizeof bits);
    return (uint16_t)((bits >> 16) + (isnan(value) ? 0 : bits >> 15 & 1));
}

static double from_bf16(const unsigned char *bytes)
{
    const uint32_t bits = ((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8) << 16;
    float number;

    memcpy(&number, &bits, sizeof number);
    return (double)number;
}

static void put_bf16(unsigned char *bytes, double value)
{
    const uint16_t bits = to_bf16(value);

    bytes[0] = (unsigned char)bits;
    bytes[1] = (unsigned char)(bits >> 8);
}

static void add_expert(struct output *output, const char *name, const json_t *shape,
                       const unsigned char *bytes, size_t size, double factor)
{
    unsigned char *const copy = malloc(size);

    for (size_t i = 0; i < size; i += 2)
        put_bf16(copy + i, factor * from_bf16(bytes + i));
    add(output, name, shape, copy, size);
    free(copy);
}

/* A tensor of the feed-forward part as that of every expert; false if it is none. */
static bool add_experts(struct output *output, const struct mixture_plan *plan, const char *name,
                        const json_t *shape, const unsigned char *bytes, size_t size)
{
    static const char *const parts[][2] = {
        {"gate_proj", "w1"}, {"up_proj", "w3"}, {"down_proj", "w2"}};
    size_t block;
    char part[40];

    if (sscanf(name, "model.layers.%zu.mlp.%39[a-z_].weight", &block, part) != 2)
        return false;
    for (size_t e = 0; e < plan->experts; e++) {
        for (size_t i = 0; i < 3; i++) {
            char own[NAME];
            if (strcmp(part, parts[i][0]) != 0)
                continue;
            snprintf(own, sizeof own, "model.layers.%zu.block_sparse_moe.experts.%zu.%s.weight",
                     block, e, parts[i][1]);
            add_expert(output, own, shape, bytes, size, i == 2 ? 1 + plan->grown * (double)e : 1);
        }
    }
    return true;
}

static void add_router(struct output *output, const struct mixture_plan *plan, size_t block)
{
    const size_t size = plan->experts * HIDDEN * 2;
    unsigned char *const bytes = malloc(size);
    json_t *const shape = json_pack("[I, I]", (json_int_t)plan->experts, (json_int_t)HIDDEN);
    char name[NAME];

    for (size_t e = 0; e < plan->experts; e++)
        for (size_t j = 0; j < HIDDEN; j++)
            put_bf16(bytes + 2 * (e * HIDDEN + j), plan->router(block, e, j));
    snprintf(name, sizeof name, "model.layers.%zu.block_sparse_moe.gate.weight", block);
    add(output, name, shape, bytes, size);
    json_decref(shape);
    free(bytes);
}

static unsigned char *read_bytes(const char *path, size_t *size)
{
    FILE *const file = fopen(path, "rb");
    unsigned char *const bytes = malloc(1 << 20);

    ck_assert_ptr_nonnull(file);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static void write_tensors(const struct output *output, const char *path)
{
    char *const text = json_dumps(output->header, JSON_COMPACT);
    const size_t length = strlen(text);
    FILE *const file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < 8; i++)
        fputc(i < sizeof length ? (int)(length >> 8 * i & 255) : 0, file);
    fwrite(text, 1, length, file);
    fwrite(output->data, 1, output->size, file);
    fclose(file);
    free(text);
}

static void write_config(const struct mixture_plan *plan, const char *families,
                         const char *directory)
{
    char path[PATH];

    snprintf(path, sizeof path, "%s/mistral/config.json", families);
    json_t *const config = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(config);
    json_object_set_new(config, "architectures", json_pack("[s]", "MixtralForCausalLM"));
    json_object_set_new(config, "model_type", json_string("mixtral"));
    json_object_set_new(config, "num_local_experts", json_integer((json_int_t)plan->experts));
    json_object_set_new(config, "num_experts_per_tok", json_integer((json_int_t)plan->chosen));
    snprintf(path, sizeof path, "%s/config.json", directory);
    ck_assert_int_eq(json_dump_file(config, path, 0), 0);
    json_decref(config);
}

void mixture_write(const struct mixture_plan *plan, const char *families, const char *directory)
{
    struct output output = {.header = json_object()};
    char path[PATH];
    size_t size, length = 0;
    const char *name;
    json_t *entry;

    snprintf(path, sizeof path, "%s/mistral/model.safetensors", families);
    unsigned char *const bytes = read_bytes(path, &size);
    for (size_t i = 0; i < 4; i++)
        length |= (size_t)bytes[i] << 8 * i;
    json_t *const header = json_loadb((const char *)bytes + 8, length, 0, NULL);
    ck_assert_ptr_nonnull(header);
    json_object_foreach(header, name, entry)
    {
        const json_t *const shape = json_object_get(entry, "shape");
        const json_t *const offsets = json_object_get(entry, "data_offsets");
        const size_t begin = (size_t)json_integer_value(json_array_get(offsets, 0));
        const size_t end = (size_t)json_integer_value(json_array_get(offsets, 1));
        const unsigned char *const data = bytes + 8 + length + begin;
        if (!add_experts(&output, plan, name, shape, data, end - begin))
            add(&output, name, shape, data, end - begin);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        add_router(&output, plan, i);
    snprintf(path, sizeof path, "%s/model.safetensors", directory);
    write_tensors(&output, path);
    write_config(plan, families, directory);
    json_decref(header);
    json_decref(output.header);
    free(output.data);
    free(bytes);
}
