/* SPDX-License-Identifier: MIT */
/* Names and numbers as the programs draw and join them: what comes from a file can spoil neither a
 * drawing nor a page, and no name is cut. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "common/path.h"
#include "common/plot.h"
#include "common/svg.h"

static char *text;
static size_t text_size;
static FILE *stream;

static void begin(void)
{
    stream = open_memstream(&text, &text_size);
    ck_assert_ptr_nonnull(stream);
}

static void end(void)
{
    fclose(stream);
    free(text);
}

/* --- text ----------------------------------------------------------------------- */

#define GONE "\xef\xbf\xbd"

static const struct {
    const char *given;
    const char *written;
} escapes[] = {
    {"model.layers.0.q", "model.layers.0.q"},
    {"</script><b x=\"1\" y='2'>&amp;",
     "&lt;/script&gt;&lt;b x=&quot;1&quot; y=&#39;2&#39;&gt;&amp;amp;"},
    {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"a\x01\x1b[31m\x7f", "a" GONE GONE "[31m" GONE},
    {"\xff\xfe", GONE GONE},
    {"\xc0\xbc", GONE GONE},                   /* "<" in two bytes */
    {"\xe2\x82", GONE GONE},                   /* the end of a character is missing */
    {"\xc3<b>", GONE "&lt;b&gt;"},             /* and does not swallow what follows */
    {"\xed\xa0\x80", GONE GONE GONE},          /* half of a surrogate pair */
    {"\xf4\x90\x80\x80", GONE GONE GONE GONE}, /* beyond Unicode */
    {"\xef\xbf\xbf", GONE GONE GONE},          /* U+FFFF, which XML forbids */
    {"", ""},
};

START_TEST(names_are_no_markup)
{
    begin();
    svg_escape(stream, escapes[_i].given);
    fflush(stream);
    ck_assert_str_eq(text_size == 0 ? "" : text, escapes[_i].written);
    end();
}
END_TEST

/* --- lines ---------------------------------------------------------------------- */

START_TEST(points_go_in_the_order_of_the_axis)
{
    static const double given[] = {3, 1.5, 2, 1, 4};
    static const double ordered[] = {1, 1.5, 2, 3, 4};
    plot_line line = {.name = "line"};

    for (size_t i = 0; i < 5; i++)
        plot_add(&line, given[i], 10 * given[i]);
    ck_assert_uint_eq(line.count, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_double_eq(line.x[i], ordered[i]);
        ck_assert_double_eq(line.y[i], 10 * ordered[i]);
    }
}
END_TEST

/* The picture is 530 wide from 88 on and 364 high from 436 upwards. */
START_TEST(points_lie_where_axes_say)
{
    static struct plot plot = {.title = "", .subtitle = "", .x_label = "", .y_label = ""};

    plot.linear = _i == 1;
    plot.line_count = 1;
    plot.lines[0] = (plot_line){.name = "a<b"};
    plot_add(&plot.lines[0], 1, plot.linear ? 0 : 1);
    plot_add(&plot.lines[0], 2, plot.linear ? 50 : 10);
    plot_add(&plot.lines[0], 3, 100);
    plot_fit(&plot, 1);
    ck_assert_double_eq(plot.x_first, 0);
    ck_assert_double_eq(plot.x_last, 4);
    begin();
    plot_draw(&plot, stream);
    fflush(stream);
    /* The logarithmic axis goes on to the tick behind the last power of ten, 200. */
    const double ends = 436 - 364 * (2 / 2.301029995664);
    char expected[96];
    snprintf(expected, sizeof expected, "d=\"M220.5 436.0L353.0 %.1fL485.5 %.1f\"",
             plot.linear ? 254.0 : 0.5 * (436 + ends), plot.linear ? 72.0 : ends);
    ck_assert_ptr_nonnull(strstr(text, expected));
    ck_assert_ptr_nonnull(strstr(text, ">a&lt;b</text>"));
    end();
}
END_TEST

START_TEST(a_drawing_appears_complete_or_not_at_all)
{
    static struct plot plot = {.title = "", .subtitle = "", .x_label = "", .y_label = ""};
    struct failure failure;

    plot.line_count = 1;
    ck_assert(plot_is_empty(&plot));
    plot_add(&plot.lines[0], 1, 1);
    ck_assert(!plot_is_empty(&plot));
    plot_fit(&plot, 0.5);
    ck_assert(!plot_write(&plot, 1, "/nowhere/to/be/found.svg", &failure));
    ck_assert_ptr_nonnull(strstr(failure.text, "/nowhere/to/be/found.svg: cannot be written: "));
}
END_TEST

/* --- paths ---------------------------------------------------------------------- */

START_TEST(no_name_is_cut)
{
    char path[PATH_MAX];
    char long_name[PATH_MAX];
    char expected[96];
    struct failure failure;

    ck_assert(path_join(path, "folder", "name", &failure));
    ck_assert_str_eq(path, "folder/name");
    memset(long_name, 'x', sizeof long_name);
    long_name[PATH_MAX - 2] = '\0';
    ck_assert(!path_join(path, "a", long_name, &failure));
    ck_assert_ptr_nonnull(strstr(failure.text, "a/xxx"));
    snprintf(expected, sizeof expected, "the name has %d bytes, at most %d", PATH_MAX,
             PATH_MAX - 1);
    ck_assert_ptr_nonnull(strstr(failure.text, expected));
    long_name[PATH_MAX - 3] = '\0';
    ck_assert(path_join(path, "a", long_name, &failure));
    ck_assert_uint_eq(strlen(path), PATH_MAX - 1);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("drawing");
    TCase *const drawing = tcase_create("drawing");

    tcase_add_loop_test(drawing, names_are_no_markup, 0, sizeof escapes / sizeof *escapes);
    tcase_add_test(drawing, points_go_in_the_order_of_the_axis);
    tcase_add_loop_test(drawing, points_lie_where_axes_say, 0, 2);
    tcase_add_test(drawing, a_drawing_appears_complete_or_not_at_all);
    tcase_add_test(drawing, no_name_is_cut);
    suite_add_tcase(suite, drawing);
    return run_suite(suite);
}
