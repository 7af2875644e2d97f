/* SPDX-License-Identifier: MIT */
/* Encoder parameters: the table, the three ways to set them, presets, and the text that
 * repeats a run. */
#include <math.h>
#include <string.h>

#include <watersic/watersic.h>

#include "check_main.h"

static wsic_context *context;
static wsic_encoder *encoder;

static void set_up(void)
{
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_create(context, &encoder), WSIC_OK);
}

static void tear_down(void)
{
    wsic_encoder_destroy(encoder);
    wsic_context_destroy(context);
}

static double get(int32_t id)
{
    double value = nan("");

    ck_assert_int_eq(wsic_encoder_get_number(encoder, id, &value), WSIC_OK);
    return value;
}

START_TEST(table_is_consistent)
{
    ck_assert_uint_gt(wsic_parameter_count(), 10);
    for (size_t i = 0; i < wsic_parameter_count(); i++) {
        wsic_parameter_info info = {.size = sizeof info};
        ck_assert_int_eq(wsic_parameter_get_info(i, &info), WSIC_OK);
        ck_assert_int_eq(wsic_parameter_find(info.name), info.id);
        ck_assert_double_le(info.minimum, info.preset);
        ck_assert_double_le(info.preset, info.maximum);
        ck_assert_str_ne(info.summary, "");
        ck_assert_double_eq(get(info.id), info.preset);
        int names = 1;
        for (const char *c = info.choices; *c; c++)
            names += *c == '|';
        if (info.type == WSIC_PARAMETER_CHOICE)
            ck_assert_double_eq(info.maximum, names - 1);
        else
            ck_assert_str_eq(info.choices, "");
    }
    wsic_parameter_info info = {.size = sizeof info};
    ck_assert_int_eq(wsic_parameter_get_info(wsic_parameter_count(), &info), WSIC_ERROR_ARGUMENT);
    info.size = 4;
    ck_assert_int_eq(wsic_parameter_get_info(0, &info), WSIC_ERROR_STRUCT_SIZE);
    ck_assert_int_eq(wsic_parameter_find("nothing"), 0);
    ck_assert_int_eq(wsic_parameter_find(NULL), 0);
}
END_TEST

/* Files and programs hold these numbers: they never change. */
START_TEST(ids_are_pinned)
{
    static const struct {
        const char *name;
        int32_t id;
    } pinned[] = {
        {"rate", 100},       {"step", 101},         {"distortion", 102},     {"row_fraction", 103},
        {"passes", 105},     {"damping", 110},      {"dead_threshold", 112}, {"spacing", 120},
        {"lmmse", 121},      {"quantizer", 122},    {"trellis_states", 123}, {"lambda", 124},
        {"ridge", 125},      {"order", 126},        {"survivors", 127},      {"rescale", 130},
        {"block_rows", 140}, {"codes_fit_i4", 141}, {"limit", 150},
    };

    for (size_t i = 0; i < sizeof pinned / sizeof *pinned; i++)
        ck_assert_int_eq(wsic_parameter_find(pinned[i].name), pinned[i].id);
}
END_TEST

START_TEST(values_out_of_range_are_refused)
{
    const double before = get(WSIC_DAMPING);

    ck_assert_int_eq(wsic_encoder_set_number(encoder, WSIC_DAMPING, 1.5), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_encoder_message(encoder), "damping is 1.5"));
    ck_assert_int_eq(wsic_encoder_set_number(encoder, WSIC_DAMPING, nan("")), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_set_number(encoder, WSIC_RATE, 0.001), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_set_number(encoder, WSIC_RATE, -1.0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_set_number(encoder, 9999, 1.0), WSIC_ERROR_NOT_FOUND);
    ck_assert_int_eq(wsic_encoder_set_number(encoder, WSIC_PASSES, 3.0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_set_integer(encoder, WSIC_DAMPING, 1), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_set_integer(encoder, WSIC_PASSES, 0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_set_number(NULL, WSIC_RATE, 1.0), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_set_integer(encoder, 9999, 1), WSIC_ERROR_NOT_FOUND);
    ck_assert_double_eq(get(WSIC_DAMPING), before);
    ck_assert_double_eq(get(WSIC_RATE), 0.0);
}
END_TEST

static wsic_status set_any(int32_t id, double value)
{
    return id == WSIC_TRELLIS_STATES ? wsic_encoder_set_integer(encoder, id, (int64_t)value)
                                     : wsic_encoder_set_number(encoder, id, value);
}

/* Ranges with gaps: what lies between the ends and is refused, and what lies beside it and is not. */
START_TEST(values_within_a_range_may_be_refused)
{
    static const struct {
        int32_t id;
        const char *name;
        double refused, taken;
    } cases[] = {{WSIC_TRELLIS_STATES, "trellis_states", 48, 64},
                 {WSIC_TRELLIS_STATES, "trellis_states", 9, 8},
                 {WSIC_OUTPUT_DAMPING, "output_damping", 1e-10, 1e-9},
                 {WSIC_RATE, "rate", 0.009, 0.01}};

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const double before = get(cases[k].id);
        ck_assert_int_eq(set_any(cases[k].id, cases[k].refused), WSIC_ERROR_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(wsic_encoder_message(encoder), cases[k].name));
        ck_assert_double_eq(get(cases[k].id), before);
        ck_assert_int_eq(set_any(cases[k].id, cases[k].taken), WSIC_OK);
        ck_assert_double_eq(get(cases[k].id), cases[k].taken);
    }
}
END_TEST

START_TEST(unknown_parameters_are_not_read)
{
    double value = 0.5;

    ck_assert_int_eq(wsic_encoder_get_number(encoder, 9999, &value), WSIC_ERROR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(wsic_encoder_message(encoder), "9999"));
    ck_assert_double_eq(value, 0.5);
    ck_assert_int_eq(wsic_encoder_get_number(encoder, WSIC_RATE, NULL), WSIC_ERROR_ARGUMENT);
    ck_assert_str_eq(wsic_encoder_message(encoder), "value is NULL");
}
END_TEST

START_TEST(text_is_parsed)
{
    static const struct {
        const char *text;
        double value;
    } numbers[] = {
        {"2", 2.0},     {"2.5", 2.5}, {"+.125", 0.125}, {"1e1", 10.0},
        {"25E-1", 2.5}, {"0", 0.0},   {"0.1", 0.1},     {"3.1415926535897931", 3.1415926535897931}};
    static const char *const wrong[] = {"",     "x",   "2x",  "2,5", "1e", "--2", "nan",
                                        "-0.5", "inf", "1e9", " 2",  "2 ", "."};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ck_assert_int_eq(wsic_encoder_set_text(encoder, "rate", numbers[i].text), WSIC_OK);
        ck_assert_double_le(fabs(get(WSIC_RATE) - numbers[i].value), 1e-15 * numbers[i].value);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(wsic_encoder_set_text(encoder, "rate", wrong[i]), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_set_text(encoder, "spacing", "uniform"), WSIC_OK);
    ck_assert_double_eq(get(WSIC_SPACING), 1.0);
    ck_assert_int_eq(wsic_encoder_set_text(encoder, "spacing", "uni"), WSIC_ERROR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(wsic_encoder_message(encoder), "waterfilling|uniform"));
    ck_assert_int_eq(wsic_encoder_set_text(encoder, "passes", "2.5"), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_set_text(encoder, "spelling", "2"), WSIC_ERROR_NOT_FOUND);
    ck_assert_int_eq(wsic_encoder_set_text(encoder, NULL, "2"), WSIC_ERROR_ARGUMENT);
}
END_TEST

START_TEST(described_parameters_repeat_a_run)
{
    static const char *const settings[][2] = {
        {"rate", "2.1"},        {"damping", "0.0030000000000000001"},
        {"spacing", "uniform"}, {"rescale", "columns"},
        {"passes", "3"},        {"step", "1e-30"},
    };
    char text[1024];

    ck_assert_str_eq(wsic_encoder_parameters(encoder), "");
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        ck_assert_int_eq(wsic_encoder_set_text(encoder, settings[i][0], settings[i][1]), WSIC_OK);
    strcpy(text, wsic_encoder_parameters(encoder));
    ck_assert_ptr_nonnull(strstr(text, "rate=2.1 "));
    ck_assert_ptr_nonnull(strstr(text, "damping=0.003 "));
    ck_assert_ptr_nonnull(strstr(text, "spacing=uniform"));

    wsic_encoder *again = NULL;
    ck_assert_int_eq(wsic_encoder_create(context, &again), WSIC_OK);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        char *const value = strchr(word, '=');
        *value = '\0';
        ck_assert_int_eq(wsic_encoder_set_text(again, word, value + 1), WSIC_OK);
    }
    ck_assert_str_eq(wsic_encoder_parameters(again), wsic_encoder_parameters(encoder));
    wsic_encoder_destroy(again);
}
END_TEST

START_TEST(presets_leave_the_target)
{
    static const char *const presets[] = {"paper", "fast", "max", "default"};

    wsic_encoder_set_number(encoder, WSIC_RATE, 2.5);
    wsic_encoder_set_integer(encoder, WSIC_CONTAINER_BYTES, 77);
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        ck_assert_int_eq(wsic_encoder_set_text(encoder, "damping", "0.5"), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_set_preset(encoder, presets[i]), WSIC_OK);
        ck_assert_double_eq(get(WSIC_RATE), 2.5);
        ck_assert_double_eq(get(WSIC_CONTAINER_BYTES), 77.0);
        ck_assert_double_eq(get(WSIC_DAMPING), 1e-4);
    }
    ck_assert_str_eq(wsic_encoder_parameters(encoder), "rate=2.5 container_bytes=77");
    ck_assert_int_eq(wsic_encoder_set_preset(encoder, "best"), WSIC_ERROR_NOT_FOUND);
    ck_assert_int_eq(wsic_encoder_set_preset(encoder, NULL), WSIC_ERROR_ARGUMENT);

    /* the reference implementation, whatever else changes */
    ck_assert_int_eq(wsic_encoder_set_preset(encoder, "paper"), WSIC_OK);
    ck_assert_double_eq(get(WSIC_LMMSE), 1.0);
    ck_assert_double_eq(get(WSIC_RIDGE), 0.0);
    ck_assert_double_eq(get(WSIC_ORDER), 0.0);
    ck_assert_double_eq(get(WSIC_QUANTIZER), 0.0);
    ck_assert_double_eq(get(WSIC_RESCALE), 2.0);
}
END_TEST

/* Whatever can be set as text is read as the same text. */
START_TEST(values_are_read_as_text)
{
    char text[64];

    for (size_t i = 0; i < wsic_parameter_count(); i++) {
        wsic_parameter_info info = {.size = sizeof info};
        ck_assert_int_eq(wsic_parameter_get_info(i, &info), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_get_text(encoder, info.name, text, sizeof text), WSIC_OK);
        ck_assert_int_eq(wsic_encoder_set_text(encoder, info.name, text), WSIC_OK);
        ck_assert_double_eq(get(info.id), info.preset);
    }
    ck_assert_int_eq(wsic_encoder_set_text(encoder, "rate", "2.25"), WSIC_OK);
    ck_assert_int_eq(wsic_encoder_get_text(encoder, "rate", text, sizeof text), WSIC_OK);
    ck_assert_str_eq(text, "2.25");
    ck_assert_int_eq(wsic_encoder_get_text(encoder, "order", text, 8), WSIC_OK);
    ck_assert_str_eq(text, "pivoted");
    ck_assert_int_eq(wsic_encoder_get_text(encoder, "order", text, 7), WSIC_ERROR_BUFFER);
    ck_assert_str_eq(wsic_encoder_message(encoder), "size is 7, where order takes 8 bytes");
    ck_assert_int_eq(wsic_encoder_get_text(encoder, "nothing", text, 64), WSIC_ERROR_NOT_FOUND);
    ck_assert_int_eq(wsic_encoder_get_text(encoder, NULL, text, 64), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_get_text(encoder, "order", NULL, 64), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_encoder_get_text(NULL, "order", text, 64), WSIC_ERROR_ARGUMENT);
}
END_TEST

/* The names of all choices, put together again, are the list of the table. */
START_TEST(choices_have_names)
{
    for (size_t i = 0; i < wsic_parameter_count(); i++) {
        wsic_parameter_info info = {.size = sizeof info};
        char list[256] = "", name[64];
        ck_assert_int_eq(wsic_parameter_get_info(i, &info), WSIC_OK);
        size_t count = 0;
        while (wsic_parameter_get_choice(info.id, count, name, sizeof name) == WSIC_OK) {
            strcat(strcat(list, count == 0 ? "" : "|"), name);
            ck_assert_int_eq(wsic_encoder_set_text(encoder, info.name, name), WSIC_OK);
            ck_assert_double_eq(get(info.id), (double)count++);
        }
        ck_assert_str_eq(list, info.choices);
    }
    char name[4];
    ck_assert_int_eq(wsic_parameter_get_choice(WSIC_QUANTIZER, 1, name, 4), WSIC_OK);
    ck_assert_str_eq(name, "rdo");
    ck_assert_int_eq(wsic_parameter_get_choice(WSIC_QUANTIZER, 1, name, 3), WSIC_ERROR_BUFFER);
    ck_assert_int_eq(wsic_parameter_get_choice(WSIC_QUANTIZER, 3, name, 4), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_parameter_get_choice(WSIC_RATE, 0, name, 4), WSIC_ERROR_ARGUMENT);
    ck_assert_int_eq(wsic_parameter_get_choice(1, 0, name, 4), WSIC_ERROR_NOT_FOUND);
    ck_assert_int_eq(wsic_parameter_get_choice(WSIC_QUANTIZER, 1, NULL, 4), WSIC_ERROR_ARGUMENT);
}
END_TEST

START_TEST(presets_have_names)
{
    size_t count = 0;

    for (; wsic_preset_name(count); count++)
        ck_assert_int_eq(wsic_encoder_set_preset(encoder, wsic_preset_name(count)), WSIC_OK);
    ck_assert_uint_eq(count, 4);
    ck_assert_ptr_null(wsic_preset_name(SIZE_MAX));
}
END_TEST

/* It takes eigenvalues, for a figure that few look at. */
START_TEST(the_limit_is_not_computed_unless_asked_for)
{
    for (int wanted = 0; wanted < 2; wanted++) {
        ck_assert_double_eq(get(WSIC_LIMIT), wanted);
        for (size_t i = 0; wsic_preset_name(i); i++) {
            ck_assert_int_eq(wsic_encoder_set_preset(encoder, wsic_preset_name(i)), WSIC_OK);
            ck_assert_double_eq(get(WSIC_LIMIT), wanted);
        }
        ck_assert_int_eq(wsic_encoder_set_integer(encoder, WSIC_LIMIT, 1), WSIC_OK);
    }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("params");
    TCase *const tc = tcase_create("parameters");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, table_is_consistent);
    tcase_add_test(tc, ids_are_pinned);
    tcase_add_test(tc, values_out_of_range_are_refused);
    tcase_add_test(tc, values_within_a_range_may_be_refused);
    tcase_add_test(tc, unknown_parameters_are_not_read);
    tcase_add_test(tc, text_is_parsed);
    tcase_add_test(tc, described_parameters_repeat_a_run);
    tcase_add_test(tc, presets_leave_the_target);
    tcase_add_test(tc, values_are_read_as_text);
    tcase_add_test(tc, choices_have_names);
    tcase_add_test(tc, presets_have_names);
    tcase_add_test(tc, the_limit_is_not_computed_unless_asked_for);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
