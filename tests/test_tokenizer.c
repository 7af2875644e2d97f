/* SPDX-License-Identifier: MIT */
/* Text to tokens: what the reference implementation makes of texts (tests/tokenizer). */
#include "check_main.h"
#include "tokenizer_fixture.h"

static const char *const families[] = {
    "llama2",          "llama3", "qwen",    "gptoss",  "gemma",  "metaspace",
    "metaspace_split", "gpt2",   "several", "removed", "merged", "bytes"};

enum { FAMILIES = sizeof families / sizeof families[0] };

static struct tokenizer *open_family(int family)
{
    char path[1024];
    struct failure failure;

    snprintf(path, sizeof path, "%s/%s.json", GOLDEN, families[family]);
    struct tokenizer *const tokenizer = tokenizer_open(path, &failure);
    ck_assert_msg(tokenizer != NULL, "%s", failure.text);
    return tokenizer;
}

static json_t *open_cases(int family)
{
    char name[64];

    snprintf(name, sizeof name, "%s.cases.json", families[family]);
    return load_json(name);
}

static void expect_tokens(const struct bytes *tokens, const json_t *expected, const char *family,
                          const json_t *name, size_t part)
{
    const char *const title = json_string_value(name);
    const uint32_t *const values = (const uint32_t *)(void *)tokens->data;
    const size_t count = tokens->size / sizeof *values;

    for (size_t i = 0; i < count && i < json_array_size(expected); i++)
        ck_assert_msg(values[i] == json_integer_value(json_array_get(expected, i)),
                      "%s, %s in parts of %zu: token %zu is %lu, not %ld", family, title, part, i,
                      (unsigned long)values[i],
                      (long)json_integer_value(json_array_get(expected, i)));
    ck_assert_msg(count == json_array_size(expected), "%s, %s in parts of %zu: %zu tokens, not %zu",
                  family, title, part, count, json_array_size(expected));
}

static void compare_case(struct tokenizer *tokenizer, const char *family, const json_t *golden)
{
    static const size_t parts[] = {SIZE_MAX / 2, 1, 2, 7, 64};
    const json_t *const name = json_object_get(golden, "name");
    struct bytes text = from_hex(json_string_value(json_object_get(golden, "text")));
    struct bytes back = from_hex(json_string_value(json_object_get(golden, "decoded")));
    struct text_repairs repairs;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct bytes tokens = encode(tokenizer, text.data, text.size, parts[i], &repairs);
        expect_tokens(&tokens, json_object_get(golden, "ids"), family, name, parts[i]);
        struct bytes decoded = decode(tokenizer, &tokens);
        ck_assert_msg(decoded.size == back.size &&
                          (back.size == 0 || memcmp(decoded.data, back.data, back.size) == 0),
                      "%s, %s: decoded to '%.*s'", family, json_string_value(name),
                      (int)decoded.size, decoded.data);
        bytes_free(&decoded);
        bytes_free(&tokens);
    }
    bytes_free(&text);
    bytes_free(&back);
}

START_TEST(tokens_and_text_are_those_of_the_reference)
{
    struct tokenizer *const tokenizer = open_family(_i);
    json_t *const cases = open_cases(_i);

    ck_assert_uint_gt(json_array_size(cases), 60);
    for (size_t i = 0; i < json_array_size(cases); i++)
        compare_case(tokenizer, families[_i], json_array_get(cases, i));
    json_decref(cases);
    tokenizer_close(tokenizer);
}
END_TEST

/* All texts of a family one behind another, a few times, with long stretches of one kind. */
static struct bytes long_text(int family)
{
    static const char *const fillers[] = {"a", " ", "\n", "\xe4\xb8\xad", "7", "\xcc\x81", "ab "};
    json_t *const cases = open_cases(family);
    struct bytes all = {.size = 0};
    struct failure failure;

    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *const golden = json_array_get(cases, i);
        struct bytes text = from_hex(json_string_value(json_object_get(golden, "text")));
        ck_assert(bytes_add(&all, text.data, text.size, &failure));
        bytes_free(&text);
    }
    for (size_t i = 0; i < 7; i++)
        for (size_t k = 0; k < 4000; k++)
            ck_assert(bytes_add(&all, fillers[i], strlen(fillers[i]), &failure));
    ck_assert(bytes_add(&all, "end", 3, &failure));
    json_decref(cases);
    return all;
}

START_TEST(long_texts_may_come_in_any_parts)
{
    static const size_t parts[] = {3, 61, 4096, 65537};
    struct tokenizer *const tokenizer = open_family(_i);
    struct bytes text = long_text(_i);
    struct text_repairs repairs;
    struct bytes whole = encode(tokenizer, text.data, text.size, text.size, &repairs);

    ck_assert_uint_gt(whole.size, 4096);
    for (size_t i = 0; i < 4; i++) {
        struct bytes tokens = encode(tokenizer, text.data, text.size, parts[i], &repairs);
        ck_assert_uint_eq(tokens.size, whole.size);
        ck_assert_mem_eq(tokens.data, whole.data, whole.size);
        bytes_free(&tokens);
    }
    bytes_free(&whole);
    bytes_free(&text);
    tokenizer_close(tokenizer);
}
END_TEST

/* The vocabulary "bytes" has the bytes of text as its tokens. */
static void expect_repaired(const char *text, size_t size, const char *expected, uint64_t count,
                            uint64_t first)
{
    struct tokenizer *const tokenizer = open_family(FAMILIES - 1);
    struct text_repairs repairs;
    struct bytes tokens = encode(tokenizer, text, size, 1, &repairs);
    struct bytes decoded = decode(tokenizer, &tokens);

    ck_assert_uint_eq(decoded.size, strlen(expected));
    ck_assert_mem_eq(decoded.data, expected, decoded.size);
    ck_assert_uint_eq(repairs.count, count);
    if (count > 0)
        ck_assert_uint_eq(repairs.first, first);
    bytes_free(&decoded);
    bytes_free(&tokens);
    tokenizer_close(tokenizer);
}

/* The table of the Unicode Standard, section 3.9, and the ends of its ranges. */
START_TEST(what_is_not_utf8_is_replaced_as_unicode_says)
{
    expect_repaired("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10,
                    "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 0, 0);
    expect_repaired("\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80", 10,
                    "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80", 0, 0);
    expect_repaired("a\xf1\x80\x80\xe1\x80\xc2"
                    "b\x80"
                    "c\x80\xbf"
                    "d",
                    13,
                    "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                    "b\xef\xbf\xbd"
                    "c\xef\xbf\xbd\xef\xbf\xbd"
                    "d",
                    6, 1);
    expect_repaired("ab\xe2\x82", 4, "ab\xef\xbf\xbd", 1, 2);
    expect_repaired("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3, 0);
}
END_TEST

START_TEST(what_surrounds_a_text_can_be_left_out)
{
    struct tokenizer *const tokenizer = open_family(5);
    struct bytes tokens = {.size = 0};
    const struct token_sink sink = {collect_tokens, &tokens};
    struct text_repairs repairs;
    struct failure failure;
    const uint32_t *list;

    ck_assert_uint_eq(tokenizer_tokens_before(tokenizer, &list), 1);
    ck_assert_uint_eq(list[0], 1);
    struct bytes framed = encode(tokenizer, "all are", 7, 7, &repairs);
    ck_assert(tokenizer_begin(tokenizer, &sink, false, &failure));
    ck_assert(tokenizer_feed(tokenizer, "all are", 7, &failure));
    ck_assert(tokenizer_finish(tokenizer, &repairs, &failure));
    ck_assert_uint_gt(tokens.size, 0);
    ck_assert_uint_eq(framed.size, tokens.size + 2 * sizeof(uint32_t));
    ck_assert_mem_eq(framed.data + sizeof(uint32_t), tokens.data, tokens.size);
    bytes_free(&framed);
    bytes_free(&tokens);
    tokenizer_close(tokenizer);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("tokenizer");
    TCase *const tcase = tcase_create("tokenizer");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, tokens_and_text_are_those_of_the_reference, 0, FAMILIES);
    tcase_add_loop_test(tcase, long_texts_may_come_in_any_parts, 0, FAMILIES);
    tcase_add_test(tcase, what_is_not_utf8_is_replaced_as_unicode_says);
    tcase_add_test(tcase, what_surrounds_a_text_can_be_left_out);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
