/* SPDX-License-Identifier: MIT */
/* Files tokenizer.json that are not understood: refused, with what it is. */
#include "check_main.h"
#include "temporary.h"
#include "tokenizer_fixture.h"

/* A member of a good file that is replaced. */
struct fault {
    const char *family;
    const char *place; /* "a.b.0.c" */
    const char *json;  /* what is put there; NULL: it is taken away */
    const char *said;  /* part of the message */
};

#define SPLIT(expression)                                                                          \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" expression                                     \
    "\"},\"behavior\":\"Isolated\",\"invert\":false}"

static const struct fault faults[] = {
    {"llama2", "model.type", "\"Unigram\"", "model: the kind 'Unigram' is not understood"},
    {"llama2", "model.type", "\"WordPiece\"", "'WordPiece'"},
    {"llama2", "model", NULL, "model is missing"},
    {"llama2", "model.vocab", NULL, "vocab is missing"},
    {"llama2", "model.vocab", "{}", "vocab is empty"},
    {"llama2", "model.vocab", "{\"a\":-1}", "'a' has no number"},
    {"llama2", "model.vocab", "{\"a\":\"1\"}", "'a' has no number"},
    {"llama2", "model.vocab", "{\"a\":4000000000}", "'a' has no number"},
    {"llama2", "model.vocab", "{\"a\":1,\"b\":1}", "both are token 1"},
    {"llama2", "model.merges", NULL, "merges is missing"},
    {"llama2", "model.merges", "[\"ab\"]", "number 0 is no pair"},
    {"llama2", "model.merges", "[\"a b c\"]", "number 0 is no pair"},
    {"llama2", "model.merges", "[[\"a\",\"\\u2603\"]]", "joins 'a' and '\xe2\x98\x83'"},
    {"llama2", "model.dropout", "0.1", "dropout"},
    {"llama2", "model.continuing_subword_prefix", "\"##\"", "continuing_subword_prefix '##'"},
    {"llama2", "model.end_of_word_suffix", "\"</w>\"", "end_of_word_suffix '</w>'"},
    {"llama2", "model.unk_token", "\"<none>\"", "'<none>' is not in the vocabulary"},
    {"llama3", "model.byte_fallback", "true", "byte_fallback"},
    {"llama2", "normalizer", "{\"type\":\"BertNormalizer\"}",
     "normalizer: the kind 'BertNormalizer'"},
    {"llama2", "normalizer", "{\"type\":\"Lowercase\"}", "normalizer: the kind 'Lowercase'"},
    {"llama2", "normalizer", "{}", "normalizer: the kind '(none)'"},
    {"llama2", "normalizer", "{\"type\":\"Sequence\"}", "normalizer: Sequence"},
    {"llama2", "normalizer.normalizers.0", "{\"type\":\"Prepend\"}", "Prepend"},
    {"llama2", "normalizer.normalizers.1.pattern", "{\"Regex\":\"a+\"}", "Replace"},
    {"llama2", "pre_tokenizer", "{\"type\":\"Whitespace\"}",
     "pre_tokenizer: the kind 'Whitespace'"},
    {"llama2", "pre_tokenizer", "{\"type\":\"Split\"}", "Split has no pattern"},
    {"llama2", "pre_tokenizer", "{\"type\":\"Metaspace\",\"replacement\":\"ab\"}", "one character"},
    {"metaspace", "pre_tokenizer.prepend_scheme", "\"last\"", "'last'"},
    {"llama3", "pre_tokenizer.pretokenizers.0.behavior", "\"Some\"", "'Some'"},
    {"llama3", "pre_tokenizer.pretokenizers.0", "{\"type\":\"ByteLevel\"}", "behind ByteLevel"},
    {"llama2", "pre_tokenizer", SPLIT("("), "pre_tokenizer: the expression '('"},
    {"llama2", "pre_tokenizer", SPLIT(""), "matches an empty text"},
    {"llama2", "pre_tokenizer", SPLIT("a*"), "matches an empty text"},
    {"llama2", "pre_tokenizer", SPLIT("a\\\\b"), "'\\b' at 1"},
    {"llama2", "pre_tokenizer", SPLIT("\\\\w+"), "'\\w' at 0"},
    {"llama2", "pre_tokenizer", SPLIT("^a"), "'^' at 0"},
    {"llama2", "pre_tokenizer", SPLIT("a$"), "'$' at 1"},
    {"llama2", "pre_tokenizer", SPLIT("(?<=a)b"), "'(?<=' at 0"},
    {"llama2", "pre_tokenizer", SPLIT("\\\\p{Greek}"), "'\\p{Greek}' at 0"},
    {"llama2", "pre_tokenizer", SPLIT("\\\\pL"), "'\\pL' at 0"},
    {"llama2", "pre_tokenizer", SPLIT("[a[b]]"), "'[b' at 2"},
    {"llama2", "pre_tokenizer", SPLIT("[a&&b]"), "'&&' at 2"},
    {"llama2", "pre_tokenizer", SPLIT("a{1,3}+"), "'{1,3}+' at 1"},
    {"llama2", "pre_tokenizer", SPLIT("a{,3}"), "'{,' at 1"},
    {"llama2", "pre_tokenizer", SPLIT("a\\\\"), "'\\' at 1"},
    {"llama2", "post_processor", "{\"type\":\"BertProcessing\"}",
     "post_processor: the kind 'BertProcessing'"},
    {"llama2", "post_processor.single", "[]", "no place for a text"},
    {"llama2", "post_processor.single.1", "{\"SpecialToken\":{\"id\":\"<x>\"}}",
     "'<x>' has no ids"},
    {"llama2", "post_processor.special_tokens.<s>.ids", "[-1]", "tokens of '<s>'"},
    {"llama2", "post_processor.special_tokens.<s>.ids", "[797]",
     "post_processor: there is no token with the id 797"},
    {"llama2", "decoder", "{\"type\":\"WordPiece\"}", "decoder: the kind 'WordPiece'"},
    {"llama2", "decoder", "{\"type\":\"ByteLevel\"}", "decoder: one of ByteLevel"},
    {"llama3", "decoder", "{\"type\":\"Fuse\"}", "decoder: one of ByteLevel"},
    {"llama2", "decoder.decoders.0.content", "\"_\"", "Replace"},
    {"llama2", "decoder.decoders.3.stop", "1", "Strip"},
    {"llama2", "added_tokens", "{}", "added_tokens is no list"},
    {"llama2", "added_tokens.0.content", NULL, "number 0 has no content"},
    {"llama2", "added_tokens.0.content", "\"\"", "number 0 has no content"},
    {"llama2", "added_tokens.1.id", NULL, "'<s>' has no id"},
    {"llama2", "added_tokens.1.id", "-5", "'<s>' has no id"},
    {"llama2", "added_tokens.1.id", "700", "'<s>' has the id 700, but 1"},
    {"llama2", "added_tokens.1.single_word", "true", "single_word of '<s>'"},
};

/* Put a value into a place; NULL takes away what is there. */
static void put(json_t *json, const char *place, json_t *value)
{
    char name[64];
    const size_t length = strcspn(place, ".");

    ck_assert_uint_lt(length, sizeof name);
    memcpy(name, place, length);
    name[length] = '\0';
    if (place[length] == '.') {
        put(json_is_array(json) ? json_array_get(json, strtoul(name, NULL, 10))
                                : json_object_get(json, name),
            place + length + 1, value);
    } else if (json_is_array(json)) {
        ck_assert_int_eq(json_array_set_new(json, strtoul(name, NULL, 10), value), 0);
    } else if (value) {
        ck_assert_int_eq(json_object_set_new(json, name, value), 0);
    } else {
        ck_assert_int_eq(json_object_del(json, name), 0);
    }
}

static void expect_refused(const char *path, const char *part)
{
    struct failure failure = {.text = ""};
    struct tokenizer *const tokenizer = tokenizer_open(path, &failure);

    ck_assert_msg(tokenizer == NULL, "not refused: %s", part);
    ck_assert_msg(strstr(failure.text, part) && strncmp(failure.text, path, strlen(path)) == 0,
                  "'%s' does not say '%s'", failure.text, part);
}

START_TEST(what_is_not_understood_is_refused_by_name)
{
    const struct fault *const fault = &faults[_i];
    char name[64];
    temporary place;

    snprintf(name, sizeof name, "%s.json", fault->family);
    json_t *const json = load_json(name);
    put(json, fault->place, fault->json ? json_loads(fault->json, JSON_DECODE_ANY, NULL) : NULL);
    temporary_create(&place);
    temporary_path(&place, "tokenizer.json");
    ck_assert_int_eq(json_dump_file(json, place.path, 0), 0);
    expect_refused(place.path, fault->said);
    json_decref(json);
    temporary_destroy(&place);
}
END_TEST

/* Whatever a damaged file makes of it: it is read, or refused with a message. */
START_TEST(cut_files_are_refused)
{
    char path[1024];
    size_t size;
    temporary place;

    snprintf(path, sizeof path, "%s/llama2.json", GOLDEN);
    uint8_t *const bytes = read_file(path, &size);
    temporary_create(&place);
    temporary_path(&place, "tokenizer.json");
    for (size_t cut = 0; cut + 2 < size; cut += 97) {
        write_file(place.path, bytes, cut);
        expect_refused(place.path, "line");
    }
    write_file(place.path, "[]", 2);
    expect_refused(place.path, "no object");
    unlink(place.path);
    expect_refused(place.path, "No such file");
    free(bytes);
    temporary_destroy(&place);
}
END_TEST

static bool refuse_tokens(void *self, const uint32_t *tokens, size_t count, struct failure *failure)
{
    (void)self;
    (void)tokens;
    (void)count;
    return refuse(failure, "no more");
}

/* After a failure the tokenizer serves the next text as if nothing had been. */
START_TEST(a_text_that_fails_leaves_nothing_behind)
{
    static const char text[] = "All human beings <s> are born \xe2\x82";
    const struct token_sink sink = {refuse_tokens, NULL};
    char path[1024];
    struct failure failure;
    struct text_repairs repairs;

    snprintf(path, sizeof path, "%s/llama2.json", GOLDEN);
    struct tokenizer *const tokenizer = tokenizer_open(path, &failure);
    struct bytes before = encode(tokenizer, text, sizeof text - 1, 5, &repairs);
    ck_assert(tokenizer_begin(tokenizer, &sink, true, &failure));
    ck_assert(tokenizer_feed(tokenizer, text, sizeof text - 1, &failure));
    ck_assert(!tokenizer_finish(tokenizer, &repairs, &failure));
    ck_assert_str_eq(failure.text, "no more");
    /* One that is given up midway. */
    ck_assert(tokenizer_begin(tokenizer, &sink, true, &failure));
    ck_assert(tokenizer_feed(tokenizer, text, 9, &failure));
    struct bytes after = encode(tokenizer, text, sizeof text - 1, 5, &repairs);
    ck_assert_uint_eq(after.size, before.size);
    ck_assert_mem_eq(after.data, before.data, before.size);
    bytes_free(&before);
    bytes_free(&after);
    tokenizer_close(tokenizer);
}
END_TEST

START_TEST(tokens_that_do_not_exist_are_not_decoded)
{
    static const uint32_t tokens[] = {1, 5000};
    struct bytes text = {.size = 0};
    struct decoding decoding = {.tokens = 0};
    const struct text_sink sink = {collect_text, &text};
    char path[1024];
    struct failure failure;
    size_t size;

    snprintf(path, sizeof path, "%s/llama2.json", GOLDEN);
    struct tokenizer *const tokenizer = tokenizer_open(path, &failure);
    ck_assert(!tokenizer_decode(tokenizer, &decoding, tokens, 2, &sink, &failure));
    ck_assert_str_eq(failure.text, "token 5000 does not exist");
    ck_assert_ptr_null(tokenizer_piece(tokenizer, 5000, &size));
    ck_assert_uint_eq(text.size, 0);
    tokenizer_close(tokenizer);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("tokenizer_refused");
    TCase *const tcase = tcase_create("tokenizer_refused");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, what_is_not_understood_is_refused_by_name, 0,
                        sizeof faults / sizeof faults[0]);
    tcase_add_test(tcase, cut_files_are_refused);
    tcase_add_test(tcase, a_text_that_fails_leaves_nothing_behind);
    tcase_add_test(tcase, tokens_that_do_not_exist_are_not_decoded);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
