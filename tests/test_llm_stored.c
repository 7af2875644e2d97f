/* SPDX-License-Identifier: MIT */
/* Forms in which checkpoints store matrices, found by the names of tensors: numbers against the
 * formats' definitions, and files that do not fit them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "llm/run/matrices.h"
#include "scratch_files.h"

static struct checkpoint *checkpoint;

/* model.safetensors with this header, whose data are these bytes. */
static void write_checkpoint(const char *header, const void *data, size_t bytes)
{
    const size_t length = strlen(header);
    unsigned char *const file = malloc(8 + length + bytes);

    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < 8; i++)
        file[i] = i < sizeof length ? (unsigned char)(length >> 8 * i) : 0;
    memcpy(file + 8, header, length);
    memcpy(file + 8 + length, data, bytes);
    write_file("model.safetensors", file, 8 + length + bytes);
    free(file);
}

static void open_checkpoint(void)
{
    struct failure failure;

    ck_assert_msg(checkpoint_open(&checkpoint, directory, &failure), "%s", failure.text);
}

static void expect_refused(const char *header, const void *data, size_t bytes, const char *part)
{
    const size_t block[2] = {2, 3};
    struct failure failure = {.text = ""};
    struct stored stored;
    float out[512];

    write_checkpoint(header, data, bytes);
    open_checkpoint();
    ck_assert_msg(!stored_find(&stored, checkpoint, "w", block, &failure) ||
                      !stored_read(&stored, 0, stored.rows, out, &failure),
                  "accepted: %s", header);
    ck_assert_msg(strstr(failure.text, part), "no \"%s\" in: %s", part, failure.text);
    checkpoint_close(checkpoint);
}

/* By the definition: a sign, an exponent with bias 7, a fraction of three bits. */
static double fp8(unsigned byte)
{
    const double sign = byte & 128 ? -1 : 1;
    const unsigned exponent = byte / 8 % 16;
    const double fraction = byte % 8 / 8.0;

    return sign *
           (exponent ? pow(2, (double)exponent - 7) * (1 + fraction) : pow(2, -6) * fraction);
}

/* Two matrices of 5 × 4, in blocks of 2 × 3: the last blocks are smaller. Scales are not aligned.
 */
START_TEST(fp8_is_read_with_the_scales_of_its_blocks)
{
    static const char header[] =
        "{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
        "\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[2,5,4],\"data_offsets\":[1,41]},"
        "\"w_scale_inv\":{\"dtype\":\"F32\",\"shape\":[2,3,2],\"data_offsets\":[41,89]}}";
    const size_t block[2] = {2, 3};
    unsigned char data[89];
    float scales[12], out[40];
    struct failure failure;
    struct stored stored;

    for (unsigned shift = 0; shift < 240; shift += 40) {
        for (unsigned i = 0; i < 40; i++)
            data[1 + i] = (unsigned char)((shift + i) % 127 + (shift + i) / 127 * 128);
        for (unsigned i = 0; i < 12; i++)
            scales[i] = (float)(i + 1) * 0.375F;
        memcpy(data + 41, scales, sizeof scales);
        write_checkpoint(header, data, sizeof data);
        open_checkpoint();
        ck_assert_msg(stored_find(&stored, checkpoint, "w", block, &failure), "%s", failure.text);
        ck_assert_uint_eq(stored.rows, 10);
        ck_assert_double_eq_tol(stored_bits(&stored), 8 * (40 + 48), 1e-9);
        ck_assert_msg(stored_read(&stored, 0, 10, out, &failure), "%s", failure.text);
        for (size_t i = 0; i < 10; i++)
            for (size_t j = 0; j < 4; j++) {
                const float scale = scales[i / 5 * 6 + i % 5 / 2 * 2 + j / 3];
                const double expected = fp8(data[1 + i * 4 + j]) * (double)scale;
                ck_assert_double_eq((double)out[i * 4 + j], expected);
            }
        const struct stored second = stored_part(&stored, 5, 5);
        float part[20];
        ck_assert(stored_read(&second, 0, 5, part, &failure));
        ck_assert_mem_eq(part, out + 20, sizeof part);
        checkpoint_close(checkpoint);
    }
}
END_TEST

START_TEST(mxfp4_is_read)
{
    static const char header[] =
        "{\"w_blocks\":{\"dtype\":\"U8\",\"shape\":[2,1,2,16],\"data_offsets\":[0,64]},"
        "\"w_scales\":{\"dtype\":\"U8\",\"shape\":[2,1,2],\"data_offsets\":[64,68]}}";
    static const double sizes[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    const size_t block[2] = {128, 128};
    unsigned char data[68];
    struct failure failure;
    struct matrices matrices;
    float out[64];

    for (unsigned i = 0; i < 64; i++)
        data[i] = (unsigned char)(i * 37 + 11);
    memcpy(data + 64, "\x7F\x80\x01\x7A", 4);
    write_checkpoint(header, data, sizeof data);
    open_checkpoint();
    ck_assert_msg(matrices_find(&matrices, checkpoint, "w", block, &failure), "%s", failure.text);
    ck_assert_uint_eq(matrices.count, 2);
    ck_assert_str_eq(matrices.of[1].name, "w.1");
    for (size_t m = 0; m < 2; m++) {
        ck_assert_uint_eq(matrices.of[m].stored.columns, 64);
        ck_assert(stored_read(&matrices.of[m].stored, 0, 1, out, &failure));
        for (size_t i = 0; i < 64; i++) {
            const unsigned byte = data[m * 32 + i / 2];
            const unsigned half = i % 2 ? byte / 16 : byte % 16;
            const double scale = pow(2, (double)data[64 + m * 2 + i / 32] - 127);
            ck_assert_double_eq((double)out[i], (half & 8 ? -1 : 1) * sizes[half & 7] * scale);
        }
    }
    matrices_free(&matrices);
    checkpoint_close(checkpoint);
}
END_TEST

START_TEST(forms_that_do_not_fit_are_refused)
{
    unsigned char data[128] = {0};
    const float nan = NAN;

    expect_refused("{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[4,6],\"data_offsets\":[0,24]}}", data,
                   24, "tensor \"w_scale_inv\" is missing");
    expect_refused(
        "{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[4,6],\"data_offsets\":[0,24]},"
        "\"w_scale_inv\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[24,48]}}",
        data, 48,
        "\"w_scale_inv\": shape does not end with [2, 2], one scale for each block of 2 x "
        "3 numbers of \"w\"");
    expect_refused("{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[4,6],\"data_offsets\":[0,24]},"
                   "\"w_scale_inv\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[24,40]}}",
                   data, 40, "\"w_scale_inv\": shape does not end with [2, 2]");
    expect_refused("{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[4,6],\"data_offsets\":[0,24]},"
                   "\"w_scale_inv\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[24,40]}}",
                   data, 40, "\"w_scale_inv\": numbers of type I32 are not floating");
    memcpy(data + 28, &nan, sizeof nan);
    expect_refused("{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[4,6],\"data_offsets\":[0,24]},"
                   "\"w_scale_inv\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[24,40]}}",
                   data, 40, "\"w_scale_inv\": number 1 is not finite");
    memset(data, 0, sizeof data);
    data[7] = 0xFF;
    expect_refused("{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[4,6],\"data_offsets\":[0,24]},"
                   "\"w_scale_inv\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[24,40]}}",
                   data, 40, "\"w\": number 7 is not finite");
    expect_refused("{\"w\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,24]}}", data, 24,
                   "\"w\": 1 dimensions are not those of matrices");
    expect_refused("{\"w_blocks\":{\"dtype\":\"U8\",\"shape\":[2,1,16],\"data_offsets\":[0,32]}}",
                   data, 32, "tensor \"w_scales\" is missing");
    expect_refused("{\"w_blocks\":{\"dtype\":\"U8\",\"shape\":[2,1,16],\"data_offsets\":[0,32]},"
                   "\"w_scales\":{\"dtype\":\"U8\",\"shape\":[1,2],\"data_offsets\":[32,34]}}",
                   data, 34, "\"w_blocks\": not MXFP4");
    data[33] = 0xFF;
    expect_refused("{\"w_blocks\":{\"dtype\":\"U8\",\"shape\":[2,1,16],\"data_offsets\":[0,32]},"
                   "\"w_scales\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[32,34]}}",
                   data, 34, "\"w_blocks\": number 32 is not finite");
}
END_TEST

/* As in a hub's cache: the file lies elsewhere, under another name. */
START_TEST(symbolic_links_are_followed)
{
    static const unsigned char data[8] = {0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0};
    char target[200];
    const size_t block[2] = {128, 128};
    struct failure failure;
    struct matrices matrices;
    float out[2];

    write_checkpoint("{\"w\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}", data, 8);
    snprintf(target, sizeof target, "%s/blob", directory);
    ck_assert_int_eq(rename(path, target), 0);
    ck_assert_int_eq(symlink("blob", path), 0);
    open_checkpoint();
    ck_assert_msg(matrices_find(&matrices, checkpoint, "w", block, &failure), "%s", failure.text);
    ck_assert(stored_read(&matrices.of[0].stored, 0, 1, out, &failure));
    ck_assert_double_eq((double)out[0], 1);
    ck_assert_double_eq((double)out[1], -2);
    matrices_free(&matrices);
    checkpoint_close(checkpoint);
    unlink(target);
}
END_TEST

START_TEST(matrices_are_found_by_patterns)
{
    static const char header[] =
        "{\"a.b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        "\"a.w\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]},"
        "\"c.w\":{\"dtype\":\"I32\",\"shape\":[1,2],\"data_offsets\":[16,24]},"
        "\"d.w\":{\"dtype\":\"F32\",\"shape\":[3,1,2],\"data_offsets\":[24,48]}}";
    static const char *const refused[][2] = {
        {"x*", "'x*' names no matrix"},   {"*.b", "'*.b' names no matrix"},
        {"a.w,y", "'y' names no matrix"}, {"c.*", "\"c.w\": numbers of type I32 are not floating"},
        {",", "no pattern is given"},
    };
    static const unsigned char data[48] = {0};
    const size_t block[2] = {128, 128};
    struct failure failure;
    struct matrices matrices;

    write_checkpoint(header, data, sizeof data);
    open_checkpoint();
    ck_assert_msg(matrices_find(&matrices, checkpoint, "a.*,d.w", block, &failure), "%s",
                  failure.text);
    ck_assert_uint_eq(matrices.count, 4);
    ck_assert_uint_eq(matrices.vectors, 1);
    ck_assert_str_eq(matrices.of[0].name, "a.w");
    ck_assert_str_eq(matrices.of[3].name, "d.w.2");
    ck_assert_uint_eq(matrices.of[3].stored.first, 2);
    matrices_free(&matrices);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        ck_assert(!matrices_find(&matrices, checkpoint, refused[i][0], block, &failure));
        ck_assert_msg(strstr(failure.text, refused[i][1]), "%s", failure.text);
    }
    checkpoint_close(checkpoint);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm stored");
    TCase *const files = tcase_create("files");

    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files, fp8_is_read_with_the_scales_of_its_blocks);
    tcase_add_test(files, mxfp4_is_read);
    tcase_add_test(files, forms_that_do_not_fit_are_refused);
    tcase_add_test(files, symbolic_links_are_followed);
    tcase_add_test(files, matrices_are_found_by_patterns);
    suite_add_tcase(suite, files);
    return run_suite(suite);
}
