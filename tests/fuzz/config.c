/* SPDX-License-Identifier: MIT */
/* A checkpoint's config.json: refused with a message, or sizes that go together. */
#include "fuzz/fuzz.h"
#include "llm/model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config config;
    struct failure failure = {""};

    if (!config_load(&config, fuzz_directory("config.json", data, size), &failure)) {
        fuzz_require(failure.text[0] != '\0', "a refusal without a message");
        return 0;
    }
    fuzz_require(config.blocks > 0 && config.blocks <= CONFIG_MAX_BLOCKS, "too many blocks");
    fuzz_require(config.heads > 0 && config.kv_heads > 0 && config.heads % config.kv_heads == 0,
                 "heads that cannot be shared");
    fuzz_require(config.hidden > 0 && config.head_dim > 0 && config.vocabulary > 0, "empty sizes");
    return 0;
}
