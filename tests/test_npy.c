/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <watersic/watersic.h>

#include "check_main.h"
#include "common/npy.h"

static char path[64];

static void make_path(void)
{
    snprintf(path, sizeof path, "test_npy.%ld.npy", (long)getpid());
}

static void remove_path(void)
{
    remove(path);
}

static void write_file(const void *bytes, size_t size)
{
    FILE *const file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* A file of the given version around a header text; data follows. */
static size_t make_file(uint8_t *out, unsigned major, const char *header, const void *data,
                        size_t data_size)
{
    const size_t length = strlen(header);
    const size_t start = major == 1 ? 10 : 12;

    memcpy(out, "\x93NUMPY", 6);
    out[6] = (uint8_t)major;
    out[7] = 0;
    memset(out + 8, 0, start - 8);
    out[8] = (uint8_t)(length & 255);
    out[9] = (uint8_t)(length >> 8);
    memcpy(out + start, header, length);
    memcpy(out + start + length, data, data_size);
    return start + length + data_size;
}

static void read_header(unsigned major, const char *header, const void *data, size_t size,
                        npy_array *array)
{
    uint8_t bytes[1024];
    struct failure failure = {""};

    write_file(bytes, make_file(bytes, major, header, data, size));
    ck_assert_msg(npy_read(path, array, &failure), "%s: %s", header, failure.text);
}

/* The file is refused with a message that names it and holds what is expected. */
static void refuse_bytes(const void *bytes, size_t size, const char *expected)
{
    struct failure failure = {""};
    npy_array array;

    write_file(bytes, size);
    ck_assert_msg(!npy_read(path, &array, &failure), "not refused; expected: %s", expected);
    ck_assert_ptr_null(array.data);
    ck_assert_msg(strncmp(failure.text, path, strlen(path)) == 0, "%s", failure.text);
    ck_assert_msg(strstr(failure.text, expected) != NULL, "%s, expected %s", failure.text,
                  expected);
}

static void refuse_header(const char *header, const char *expected)
{
    static const uint8_t data[64] = {0};
    uint8_t bytes[1024];

    refuse_bytes(bytes, make_file(bytes, 1, header, data, 24), expected);
}

static const uint8_t pattern[48] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};

/* --- what is written can be read ------------------------------------------ */

START_TEST(round_trip)
{
    static const uint32_t types[] = {WSIC_F64, WSIC_F32, WSIC_F16, WSIC_I8, WSIC_I16, WSIC_I32};
    const uint32_t dtype = types[_i];
    struct failure failure;
    npy_array array;

    ck_assert(npy_write(path, pattern, dtype, 2, 3, &failure));
    ck_assert(npy_recognize(path));
    ck_assert(npy_read(path, &array, &failure));
    ck_assert_uint_eq(array.dtype, dtype);
    ck_assert_uint_eq(array.rows, 2);
    ck_assert_uint_eq(array.columns, 3);
    ck_assert_uint_eq(array.dimensions, 2);
    ck_assert_mem_eq(array.data, pattern, 6 * wsic_dtype_size(dtype));
    npy_release(&array);
}
END_TEST

/* NumPy's own bytes of np.save(np.array([[1, 2], [3, 4]], dtype='<f4')). */
START_TEST(bytes_are_numpys)
{
    static const char header[] = "\x93NUMPY\x01\x00\x76\x00"
                                 "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
    static const float numbers[4] = {1, 2, 3, 4};
    struct failure failure;
    uint8_t expected[144], found[145];

    memset(expected, ' ', 128);
    memcpy(expected, header, sizeof header - 1);
    expected[127] = '\n';
    memcpy(expected + 128, numbers, sizeof numbers);
    ck_assert(npy_write(path, numbers, WSIC_F32, 2, 2, &failure));
    FILE *const file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    const size_t size = fread(found, 1, sizeof found, file);
    fclose(file);
    ck_assert_uint_eq(size, sizeof expected);
    ck_assert_mem_eq(found, expected, sizeof expected);
}
END_TEST

START_TEST(large_array)
{
    /* Larger than the first piece that the reader takes, and no multiple of it. */
    enum { COUNT = 700001 };
    float *const numbers = malloc(COUNT * sizeof *numbers);
    struct failure failure;
    npy_array array;

    for (size_t i = 0; i < COUNT; i++)
        numbers[i] = (float)i;
    ck_assert(npy_write(path, numbers, WSIC_F32, 1, COUNT, &failure));
    ck_assert(npy_read(path, &array, &failure));
    ck_assert_uint_eq(array.columns, COUNT);
    ck_assert_mem_eq(array.data, numbers, COUNT * sizeof *numbers);
    npy_release(&array);
    free(numbers);
}
END_TEST

START_TEST(nothing_appears_before_commit)
{
    struct failure failure;
    struct stat facts;
    atomic_file file;

    ck_assert(npy_begin(&file, path, WSIC_F32, 1, 1, &failure));
    ck_assert_int_ne(stat(path, &facts), 0);
    atomic_file_abandon(&file);
    ck_assert_int_ne(stat(path, &facts), 0);
}
END_TEST

START_TEST(failed_write_keeps_the_old_file)
{
    struct failure failure = {""};
    npy_array array;

    ck_assert(npy_write(path, pattern, WSIC_I8, 1, 4, &failure));
    ck_assert(!npy_write(path, pattern, WSIC_BF16, 1, 4, &failure));
    ck_assert(strstr(failure.text, "no type") != NULL);
    ck_assert(!npy_write("no/such/folder/x.npy", pattern, WSIC_I8, 1, 4, &failure));
    ck_assert(strstr(failure.text, "no/such/folder/x.npy: cannot be written") != NULL);
    ck_assert(npy_read(path, &array, &failure));
    ck_assert_uint_eq(array.columns, 4);
    npy_release(&array);
}
END_TEST

/* A process that was killed leaves its temporary file; another one of the same number comes. */
START_TEST(names_that_are_left_do_not_matter)
{
    char name[64];
    struct failure failure = {""};

    for (unsigned k = 0; k < 3; k++) {
        snprintf(name, sizeof name, ".watersic-%ld-%u", (long)getpid(), k);
        FILE *const left = fopen(name, "wb");
        ck_assert_ptr_nonnull(left);
        fclose(left);
    }
    ck_assert_msg(npy_write(path, pattern, WSIC_F32, 2, 3, &failure), "%s", failure.text);
    for (unsigned k = 0; k < 3; k++) {
        snprintf(name, sizeof name, ".watersic-%ld-%u", (long)getpid(), k);
        ck_assert_int_eq(remove(name), 0);
    }
}
END_TEST

START_TEST(longest_name)
{
    char name[256];
    struct failure failure = {""};

    memset(name, 'n', 255);
    name[255] = '\0';
    ck_assert_msg(npy_write(name, pattern, WSIC_F32, 2, 3, &failure), "%s", failure.text);
    ck_assert_int_eq(remove(name), 0);
}
END_TEST

START_TEST(devices_are_written_to_not_replaced)
{
    struct failure failure;
    struct stat facts;

    ck_assert(npy_write("/dev/null", pattern, WSIC_I8, 1, 4, &failure));
    ck_assert_int_eq(stat("/dev/null", &facts), 0);
    ck_assert(!S_ISREG(facts.st_mode));
}
END_TEST

/* --- what others write can be read ----------------------------------------- */

START_TEST(versions_and_layouts)
{
    static const float numbers[6] = {1, 2, 3, 4, 5, 6};
    static const float columns_first[6] = {1, 4, 2, 5, 3, 6};
    static const char c_order[] =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }    \n";
    static const char fortran[] = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n";
    static const char other_order[] =
        "{\"shape\": (2,3,), \"descr\": '<f4', 'fortran_order':False}\n";
    const char *const headers[] = {c_order, fortran, other_order};
    npy_array array;

    for (unsigned major = 1; major <= 3; major++) {
        for (size_t i = 0; i < 3; i++) {
            read_header(major, headers[i], i == 1 ? columns_first : numbers, sizeof numbers,
                        &array);
            ck_assert_uint_eq(array.rows, 2);
            ck_assert_uint_eq(array.columns, 3);
            ck_assert_mem_eq(array.data, numbers, sizeof numbers);
            npy_release(&array);
        }
    }
}
END_TEST

START_TEST(one_dimension)
{
    static const double numbers[3] = {1, 2, 3};
    npy_array array;

    read_header(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n", numbers,
                sizeof numbers, &array);
    ck_assert_uint_eq(array.dimensions, 1);
    ck_assert_uint_eq(array.rows, 1);
    ck_assert_uint_eq(array.columns, 3);
    ck_assert_mem_eq(array.data, numbers, sizeof numbers);
    npy_release(&array);
}
END_TEST

/* Python 2 wrote long integers with an L. */
START_TEST(shapes_of_python_2)
{
    npy_array array;

    read_header(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }\n", pattern, 24,
                &array);
    ck_assert_uint_eq(array.rows, 2);
    ck_assert_uint_eq(array.columns, 3);
    ck_assert_mem_eq(array.data, pattern, 24);
    npy_release(&array);
}
END_TEST

/* Batches of sequences: (batch, tokens, channels) is (batch * tokens, channels), in either order.
 */
START_TEST(three_dimensions_are_flattened)
{
    enum { BATCH = 2, TOKENS = 3, CHANNELS = 4 };
    float c_order[BATCH * TOKENS * CHANNELS], fortran[BATCH * TOKENS * CHANNELS];
    npy_array array;

    for (size_t b = 0; b < BATCH; b++) {
        for (size_t t = 0; t < TOKENS; t++) {
            for (size_t c = 0; c < CHANNELS; c++) {
                const float value = (float)(100 * b + 10 * t + c);
                c_order[(b * TOKENS + t) * CHANNELS + c] = value;
                fortran[b + BATCH * (t + TOKENS * c)] = value;
            }
        }
    }
    for (int order = 0; order < 2; order++) {
        read_header(1,
                    order ? "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 4), }\n"
                          : "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), }\n",
                    order ? fortran : c_order, sizeof c_order, &array);
        ck_assert_uint_eq(array.dimensions, 3);
        ck_assert_uint_eq(array.rows, BATCH * TOKENS);
        ck_assert_uint_eq(array.columns, CHANNELS);
        ck_assert_mem_eq(array.data, c_order, sizeof c_order);
        npy_release(&array);
    }
}
END_TEST

START_TEST(big_endian)
{
    static const uint8_t f4[8] = {0x3f, 0x80, 0, 0, 0xc0, 0x49, 0x0f, 0xdb};
    static const uint8_t f8[8] = {0xbf, 0xf8, 0, 0, 0, 0, 0, 0};
    static const uint8_t i2[4] = {0x01, 0x02, 0xff, 0xfe};
    npy_array array;

    read_header(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2), }\n", f4, 8, &array);
    ck_assert(((float *)array.data)[0] == 1.0F);
    ck_assert(((float *)array.data)[1] == -3.14159274F);
    npy_release(&array);
    read_header(1, "{'descr': '>f8', 'fortran_order': False, 'shape': (1, 1), }\n", f8, 8, &array);
    ck_assert(((double *)array.data)[0] == -1.5);
    npy_release(&array);
    read_header(1, "{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }\n", i2, 4, &array);
    ck_assert_int_eq(((int16_t *)array.data)[0], 0x0102);
    ck_assert_int_eq(((int16_t *)array.data)[1], -2);
    npy_release(&array);
}
END_TEST

START_TEST(widening)
{
    /* 1, -2, the least subnormal, the greatest number, infinity, NaN */
    static const uint16_t halves[6] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x7e00};
    static const double expected[5] = {1, -2, 0x1p-24, 65504, INFINITY};
    static const int8_t integers[2] = {1, 2};
    struct failure failure = {""};
    npy_array array;

    ck_assert(npy_write(path, halves, WSIC_F16, 2, 3, &failure));
    ck_assert(npy_read(path, &array, &failure));
    ck_assert(npy_widen(&array, &failure));
    ck_assert_uint_eq(array.dtype, WSIC_F64);
    ck_assert_mem_eq(array.data, expected, sizeof expected);
    ck_assert(isnan(((double *)array.data)[5]));
    npy_release(&array);

    ck_assert(npy_write(path, integers, WSIC_I8, 1, 2, &failure));
    ck_assert(npy_read(path, &array, &failure));
    ck_assert(!npy_widen(&array, &failure));
    ck_assert_str_eq(failure.text, "holds integers (i1) where floating-point numbers are expected");
    npy_release(&array);
}
END_TEST

/* --- hostile files ---------------------------------------------------------- */

START_TEST(truncated_anywhere)
{
    uint8_t bytes[512];
    struct failure failure = {""};

    for (unsigned major = 1; major <= 3; major++) {
        const size_t size =
            make_file(bytes, major, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
                      pattern, 24);
        npy_array array;
        write_file(bytes, size);
        ck_assert(npy_read(path, &array, &failure));
        npy_release(&array);
        for (size_t kept = 0; kept < size; kept++)
            refuse_bytes(bytes, kept, "ends ");
        refuse_bytes(bytes, size + 1, "goes on behind");
    }
}
END_TEST

/* Whatever one byte of the header becomes, reading stays within the file and either
 * refuses or gives as many numbers as there are. */
START_TEST(one_byte_changed)
{
    static const char header[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
    static const uint8_t changes[] = {0, '\n', ' ', '\'', ')', ',', '1', '9', '}', 255};
    uint8_t bytes[256];
    const size_t size = make_file(bytes, 1, header, pattern, 24);

    for (size_t i = 0; i < size - 24; i++) {
        const uint8_t kept = bytes[i];
        for (size_t c = 0; c < sizeof changes; c++) {
            struct failure failure = {""};
            npy_array array;
            bytes[i] = changes[c];
            write_file(bytes, size);
            if (npy_read(path, &array, &failure)) {
                ck_assert_uint_eq(array.rows * array.columns * wsic_dtype_size(array.dtype), 24);
                npy_release(&array);
            } else {
                ck_assert_str_ne(failure.text, "");
            }
        }
        bytes[i] = kept;
    }
}
END_TEST

START_TEST(bad_magic_and_version)
{
    uint8_t bytes[256];
    const size_t size = make_file(
        bytes, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", pattern, 24);

    bytes[7] = 1;
    refuse_bytes(bytes, size, "version 1.1");
    bytes[7] = 0;
    bytes[6] = 4;
    refuse_bytes(bytes, size, "version 4.0");
    bytes[6] = 0;
    refuse_bytes(bytes, size, "version 0.0");
    bytes[0] = 'x';
    refuse_bytes(bytes, size, "not a .npy file");
    memcpy(bytes, "\x93NUMPY\x02\x00\xff\xff\xff\xff", 12);
    refuse_bytes(bytes, size, "header of 4294967295 bytes");
}
END_TEST

START_TEST(bad_types)
{
    static const char *const types[] = {"'<f16'", "'<c8'", "'<i8'", "'<u4'", "'|f4'", "'=f4'",
                                        "'f4'",   "''",    "'>'",   "'|O'",  "'<V2'"};
    char header[128];

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        snprintf(header, sizeof header,
                 "{'descr': %s, 'fortran_order': False, 'shape': (2, 3), }\n", types[i]);
        refuse_header(header, "its type is");
    }
    refuse_header("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (6,), }\n",
                  "structured");
}
END_TEST

START_TEST(bad_shapes)
{
    static const struct {
        const char *shape, *expected;
    } cases[] = {
        {"()", "single number"},
        {"(6)", "not a tuple"},
        {"6", "not a tuple"},
        {"(1, 1, 1, 1, 1, 1, 1, 2, 3)", "more than 8 dimensions"},
        {"(2, 0, 3)", "empty: 2 x 0 x 3"},
        {"(2LL, 3)", "not a tuple"},
        {"(L, 3)", "other than sizes"},
        {"(2147483648, 2147483648, 2147483648)", "address space"},
        {"(2, 2, 2)", "ends after 24 of its 32 bytes"},
        {"(0, 3)", "empty: 0 x 3"},
        {"(0,)", "empty"},
        {"(-2, 3)", "other than sizes"},
        {"(2, 3.0)", "not a tuple"},
        {"(2 3)", "not a tuple"},
        {"(2, 'x')", "other than sizes"},
        {"(99999999999999999999, 1)", "other than sizes"},
        {"(9223372036854775807, 9223372036854775807)", "address space"},
        {"(4294967296, 4294967296)", "address space"},
        {"(1, 18446744073709551615)", "address space"},
        {"(1000000000, 1000000000)", "ends after 24 of its 4000000000000000000 bytes"},
        {"(2, 4)", "ends after 24 of its 32 bytes"},
        {"(2, 2)", "goes on behind its 16 bytes"},
    };
    char header[160];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n",
                 cases[i].shape);
        refuse_header(header, cases[i].expected);
    }
}
END_TEST

START_TEST(bad_dictionaries)
{
    refuse_header("", "does not end with a line end");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", "line end");
    refuse_header("\n", "not a dictionary");
    refuse_header("{}\n", "lacks 'descr'");
    refuse_header("{'descr': '<f4', 'shape': (2, 3), }\n", "lacks 'fortran_order'");
    refuse_header("{'descr': '<f4', 'fortran_order': False}\n", "lacks 'shape'");
    refuse_header("{'descr': '<f4', 'descr': '<f4', }\n", "'descr' twice");
    refuse_header("{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3), }\n", "neither True");
    refuse_header("{'descr': '<f4', 'order': 'C', }\n", "unknown entry 'order'");
    refuse_header("{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3), }\n",
                  "dictionary of three");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } x\n",
                  "behind the dictionary");
    refuse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), \n",
                  "dictionary of three");
    refuse_header("__import__('os').system('true')\n", "not a dictionary");
}
END_TEST

START_TEST(other_kinds_are_named)
{
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\noid sha256:00\n";

    refuse_bytes((const uint8_t *)pointer, sizeof pointer - 1,
                 "is not a .npy file but a Git LFS pointer");
    refuse_bytes((const uint8_t *)"<!DOCTYPE html><html>", 21,
                 "is not a .npy file but an HTML page");
    refuse_bytes((const uint8_t *)"PK\3\4\x14\0\0\0\0\0", 10,
                 "is not a .npy file but a zip archive");
    refuse_bytes((const uint8_t *)"nothing known", 13, "is not a .npy file");
}
END_TEST

START_TEST(missing_file)
{
    struct failure failure = {""};
    npy_array array;

    ck_assert(!npy_read("no-such-file.npy", &array, &failure));
    ck_assert_str_eq(failure.text, "no-such-file.npy: No such file or directory");
    ck_assert(!npy_recognize("no-such-file.npy"));
    ck_assert(!npy_read(".", &array, &failure));
    ck_assert(strstr(failure.text, ".: ") == failure.text);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *const suite = suite_create("npy");
    TCase *const good = tcase_create("good");
    TCase *const hostile = tcase_create("hostile");

    tcase_add_checked_fixture(good, make_path, remove_path);
    tcase_add_loop_test(good, round_trip, 0, 6);
    tcase_add_test(good, bytes_are_numpys);
    tcase_add_test(good, large_array);
    tcase_add_test(good, nothing_appears_before_commit);
    tcase_add_test(good, failed_write_keeps_the_old_file);
    tcase_add_test(good, devices_are_written_to_not_replaced);
    tcase_add_test(good, versions_and_layouts);
    tcase_add_test(good, one_dimension);
    tcase_add_test(good, shapes_of_python_2);
    tcase_add_test(good, three_dimensions_are_flattened);
    tcase_add_test(good, big_endian);
    tcase_add_test(good, names_that_are_left_do_not_matter);
    tcase_add_test(good, longest_name);
    tcase_add_test(good, widening);
    suite_add_tcase(suite, good);

    /* Thousands of small files, which a busy disk writes slowly. */
    tcase_set_timeout(hostile, 60);
    tcase_add_checked_fixture(hostile, make_path, remove_path);
    tcase_add_test(hostile, truncated_anywhere);
    tcase_add_test(hostile, one_byte_changed);
    tcase_add_test(hostile, bad_magic_and_version);
    tcase_add_test(hostile, bad_types);
    tcase_add_test(hostile, bad_shapes);
    tcase_add_test(hostile, bad_dictionaries);
    tcase_add_test(hostile, other_kinds_are_named);
    tcase_add_test(hostile, missing_file);
    suite_add_tcase(suite, hostile);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
