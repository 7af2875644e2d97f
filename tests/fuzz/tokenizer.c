/* SPDX-License-Identifier: MIT */
/* A tokenizer.json: refused with a message, or a tokenizer that takes any text, whose tokens are
 * all below the number that it tells. */
#include "fuzz/fuzz.h"
#include "text/tokenizer.h"

static bool take_tokens(void *self, const uint32_t *tokens, size_t count, struct failure *failure)
{
    (void)failure;
    for (size_t k = 0; k < count; k++)
        fuzz_require(tokens[k] < tokenizer_tokens(self), "a token that the tokenizer has not");
    return true;
}

static void encode(struct tokenizer *tokenizer)
{
    static const char text[] = "<s> Don't  stop\n\n1234 \xC3\xA9\xF0\x9F\x98\x80\xFF</s> x";
    const struct token_sink sink = {take_tokens, tokenizer};
    struct failure failure = {""};
    struct text_repairs repairs;

    if (tokenizer_begin(tokenizer, &sink, true, &failure) &&
        tokenizer_feed(tokenizer, text, 7, &failure) &&
        tokenizer_feed(tokenizer, text + 7, sizeof text - 8, &failure) &&
        tokenizer_finish(tokenizer, &repairs, &failure))
        return;
    fuzz_require(failure.text[0] != '\0', "a refusal without a message");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct failure failure = {""};
    struct tokenizer *const tokenizer = tokenizer_open(fuzz_file(data, size), &failure);

    if (!tokenizer) {
        fuzz_require(failure.text[0] != '\0', "a refusal without a message");
        return 0;
    }
    encode(tokenizer);
    tokenizer_close(tokenizer);
    return 0;
}
