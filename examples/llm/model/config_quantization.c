/* SPDX-License-Identifier: MIT */
#include "llm/model/config_quantization.h"

#include <string.h>

static bool read_block(const struct config_reader *reader, const json_t *object, size_t block[2])
{
    const json_t *const pair = json_object_get(object, "weight_block_size");

    if (!pair)
        return true;
    for (size_t i = 0; i < 2; i++) {
        const json_int_t length = json_integer_value(json_array_get(pair, i));
        if (json_array_size(pair) != 2 || length < 1 || length > CONFIG_MAX_SIZE)
            return refuse(reader->failure,
                          "%s: \"weight_block_size\" in \"quantization_config\" is not a pair of "
                          "sizes; FP8 is supported with scales of blocks alone",
                          reader->path);
        block[i] = (size_t)length;
    }
    return true;
}

bool config_read_quantization(const struct config_reader *reader, size_t block[2])
{
    const json_t *const object = config_member(reader, "quantization_config");
    const char *const method = json_string_value(json_object_get(object, "quant_method"));
    const char *const format = json_string_value(json_object_get(object, "fmt"));

    if (!object)
        return true;
    if (!method)
        return refuse(reader->failure,
                      "%s: \"quantization_config\" has no \"quant_method\" that is a name",
                      reader->path);
    /* Of our own method nothing need be known: coded tensors say what they are. */
    if (strcmp(method, "mxfp4") == 0 || strcmp(method, "watersic") == 0)
        return true;
    if (strcmp(method, "fp8") != 0 || (format && strcmp(format, "e4m3") != 0))
        return refuse(reader->failure,
                      "%s: \"quantization_config\" is of method \"%s\"%s%s; only \"fp8\" as e4m3, "
                      "\"mxfp4\" and \"watersic\" are supported",
                      reader->path, method, format ? " as " : "", format ? format : "");
    return read_block(reader, object, block);
}
