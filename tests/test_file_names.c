/* SPDX-License-Identifier: MIT */
/* Which names mean one file, and what a file is that was not expected. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_main.h"
#include "common/file_kind.h"
#include "common/same_file.h"

/* --- one file or two -------------------------------------------------------- */

static char folder[] = "/tmp/test_file_names.XXXXXX";
static char before[4096];

static void write_file(const char *name)
{
    FILE *const file = fopen(name, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
}

/* a and b are files, deep a folder with a file a; other is another name of deep, far a link that
 * goes through two more; lost and lost2 are links to a file that does not exist; loop is a link to
 * itself. */
static void enter_folder(void)
{
    strcpy(folder, "/tmp/test_file_names.XXXXXX");
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    write_file("a");
    write_file("b");
    ck_assert_int_eq(mkdir("deep", 0777), 0);
    write_file("deep/a");
    ck_assert_int_eq(link("a", "hard"), 0);
    ck_assert_int_eq(symlink("deep", "other"), 0);
    ck_assert_int_eq(symlink("../a", "deep/up"), 0);
    ck_assert_int_eq(symlink("other/up", "far"), 0);
    ck_assert_int_eq(symlink("deep/new", "lost"), 0);
    ck_assert_int_eq(symlink("../lost", "deep/lost2"), 0);
    ck_assert_int_eq(symlink("loop", "loop"), 0);
}

static void leave_folder(void)
{
    char command[sizeof folder + 8];

    ck_assert_int_eq(chdir(before), 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static const struct {
    const char *first, *second;
    bool same;
} pairs[] = {
    /* files that exist */
    {"a", "a", true},
    {"a", "./a", true},
    {"a", "deep/../a", true},
    {"a", "deep//..///a", true},
    {"a", "hard", true},
    {"a", "deep/up", true},
    {"a", "far", true},
    {"deep/a", "other/a", true},
    {"a", "b", false},
    {"a", "deep/a", false},
    {"far", "deep/a", false},
    /* folders */
    {"deep", "other", true},
    {"deep", "deep/", true},
    {"deep", ".", false},
    /* files that would be made */
    {"new", "new", true},
    {"new", "./new", true},
    {"deep/new", "other/new", true},
    {"new", "deep/new", false},
    {"new", "newer", false},
    {"lost", "deep/new", true},
    {"lost", "other/new", true},
    {"lost", "new", false},
    {"deep/lost2", "other/new", true},
    {"deep/lost2", "lost", true},
    /* one that exists and one that does not */
    {"a", "new", false},
    {"a", "lost", false},
    /* names that cannot be */
    {"no/such/folder/x", "no/such/folder/x", true},
    {"no/such/folder/x", "x", false},
    {"loop", "loop", true},
    {"loop", "a", false},
    {"", "a", false},
    /* nothing is lost by writing to these */
    {"/dev/null", "/dev/null", false},
};

START_TEST(names_of_one_file)
{
    ck_assert_msg(same_file(pairs[_i].first, pairs[_i].second) == pairs[_i].same, "%s, %s",
                  pairs[_i].first, pairs[_i].second);
    ck_assert_msg(same_file(pairs[_i].second, pairs[_i].first) == pairs[_i].same, "%s, %s",
                  pairs[_i].second, pairs[_i].first);
}
END_TEST

START_TEST(full_name_of_a_file)
{
    char full[sizeof folder + 16];

    snprintf(full, sizeof full, "%s/a", folder);
    ck_assert(same_file("a", full));
    snprintf(full, sizeof full, "%s/new", folder);
    ck_assert(same_file("new", full));
    ck_assert_int_eq(symlink(full, "absolute"), 0);
    ck_assert(same_file("new", "absolute"));
}
END_TEST

/* --- what a file is --------------------------------------------------------- */

static const struct {
    const char *bytes;
    size_t size;
    const char *kind; /* how the phrase begins */
} kinds[] = {
#define CASE(text, kind)                                                                           \
    {                                                                                              \
        text, sizeof(text) - 1, kind                                                               \
    }
    CASE("", "an empty file"),
    CASE("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n",
         "a Git LFS pointer"),
    CASE("<!DOCTYPE html>\n<html>", "an HTML page"),
    CASE("\r\n  <HTML lang=\"en\">", "an HTML page"),
    CASE("\xef\xbb\xbf<!doctype HTML>", "an HTML page"),
    CASE("<?xml version=\"1.0\"?><Error>", "an XML text"),
    CASE("{\"error\": \"Repository not found\"}", "a JSON text"),
    CASE("\x80\2}q\0(X\1\0\0\0aq\1", "a pickle"),
    CASE("\x80\4\x95\x0c\0\0\0\0\0\0\0}", "a pickle"),
    CASE("PK\3\4\0\0\x08\x08", "a zip archive"),
    CASE("GGUF\3\0\0\0", "a GGUF file"),
    CASE("\x93NUMPY\1\0", "a .npy file"),
    CASE("\x89HDF\r\n\x1a\n", "an HDF5 file"),
    CASE("\x1f\x8b\x08\0", "a gzip file"),
    CASE("WSICARCH\1\0\0\0", "an archive"),
    CASE("WSICSTAT", "a statistics file"),
    CASE("\0\0\0\0\0\0\0\0\0\0\0\0", "a file that begins with zeros"),
    /* The header of this good file has 640 bytes: 0x80 and 0x02, as a pickle begins. */
    CASE("\x80\2\0\0\0\0\0\0{\"a\":", "a .safetensors file"),
#undef CASE
};

START_TEST(kinds_are_named)
{
    const char *const found = file_kind((const uint8_t *)kinds[_i].bytes, kinds[_i].size);

    ck_assert_ptr_nonnull(found);
    ck_assert_msg(strncmp(found, kinds[_i].kind, strlen(kinds[_i].kind)) == 0,
                  "'%s' instead of '%s'", found, kinds[_i].kind);
}
END_TEST

/* Every beginning of every case: nothing behind the end is looked at (a tool that watches the
 * memory sees it), and what is too short is not named. */
START_TEST(short_files)
{
    static const uint8_t noise[] = {0x17, 0xf3, 0x80, 2, '<', 0, 'P', 'K'};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (size_t size = 1; size <= kinds[i].size; size++) {
            uint8_t *const exact = malloc(size);
            ck_assert_ptr_nonnull(exact);
            memcpy(exact, kinds[i].bytes, size);
            file_kind(exact, size);
            free(exact);
        }
    }
    ck_assert_ptr_null(file_kind((const uint8_t *)"version", 7));
    ck_assert_ptr_null(file_kind((const uint8_t *)"<", 1));
    ck_assert_ptr_null(file_kind(noise, sizeof noise));
}
END_TEST

START_TEST(tar_is_named)
{
    uint8_t bytes[FILE_KIND_BYTES] = {'n', 'a', 'm', 'e'};

    ck_assert_ptr_null(file_kind(bytes, sizeof bytes));
    memcpy(bytes + 257, "ustar", 5);
    ck_assert_ptr_nonnull(strstr(file_kind(bytes, sizeof bytes), "tar archive"));
}
END_TEST

START_TEST(kinds_of_files)
{
    write_file("empty");
    ck_assert_str_eq(file_kind_of("empty"), "an empty file");
    ck_assert_ptr_null(file_kind_of("no-such-file"));
    ck_assert_ptr_null(file_kind_of("."));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *const suite = suite_create("file_names");
    TCase *const names = tcase_create("names");
    TCase *const contents = tcase_create("contents");

    tcase_add_checked_fixture(names, enter_folder, leave_folder);
    tcase_add_loop_test(names, names_of_one_file, 0, sizeof pairs / sizeof *pairs);
    tcase_add_test(names, full_name_of_a_file);
    tcase_add_test(names, kinds_of_files);
    suite_add_tcase(suite, names);

    tcase_add_loop_test(contents, kinds_are_named, 0, sizeof kinds / sizeof *kinds);
    tcase_add_test(contents, short_files);
    tcase_add_test(contents, tar_is_named);
    suite_add_tcase(suite, contents);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
