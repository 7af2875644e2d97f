/* SPDX-License-Identifier: MIT */
/* Training of scales: the optimizer, what it does to an archive, and what it leaves alone. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>

#include "check_main.h"
#include "llm/train/adamw.h"
#include "llm/report/evaluate.h"
#include "common/interrupt.h"
#include "llm/train/train.h"
#include "tuning_fixture.h"

/* On loss = Σ a (x - b)² / 2, whose gradient is a (x - b): after k steps the moments are weighted
 * means of all gradients so far, written out as sums. */
START_TEST(steps_are_those_of_adamw)
{
    enum { parameters = 3, steps = 25 };
    static const double a[parameters] = {1, 100, 0.01};
    static const double b[parameters] = {0.5, -2, 0};
    static const double rate = 0.01, decay = 0.1;
    double x[parameters] = {1, 1, 1};
    double expected[parameters] = {1, 1, 1};
    double history[steps][parameters];
    struct failure failure;
    struct adamw adamw;

    ck_assert(adamw_create(&adamw, parameters, &failure));
    adamw.weight_decay = decay;
    for (int k = 1; k <= steps; k++) {
        for (int i = 0; i < parameters; i++) {
            double mean = 0, square = 0, mean_weights = 0, square_weights = 0;
            history[k - 1][i] = a[i] * (expected[i] - b[i]);
            for (int past = 1; past <= k; past++) {
                const double g = history[past - 1][i];
                mean += pow(0.9, k - past) * g;
                mean_weights += pow(0.9, k - past);
                square += pow(0.999, k - past) * g * g;
                square_weights += pow(0.999, k - past);
            }
            const double direction = mean / mean_weights / (sqrt(square / square_weights) + 1e-8);
            expected[i] = expected[i] * (1 - rate * decay) - rate * direction;
        }
        double gradient[parameters];
        for (int i = 0; i < parameters; i++)
            gradient[i] = a[i] * (x[i] - b[i]);
        adamw_step(&adamw, x, gradient, rate);
        for (int i = 0; i < parameters; i++)
            ck_assert_double_eq_tol(x[i], expected[i], 1e-11);
    }
    adamw_free(&adamw);
}
END_TEST

START_TEST(gradients_are_clipped_to_a_length)
{
    double gradient[] = {3, 0, -4};

    ck_assert_double_eq_tol(clip_gradient(gradient, 3, 6), 5, 1e-12);
    ck_assert_double_eq(gradient[0], 3);
    ck_assert_double_eq_tol(clip_gradient(gradient, 3, 1), 5, 1e-12);
    ck_assert_double_eq_tol(gradient[0], 0.6, 1e-12);
    ck_assert_double_eq(gradient[1], 0);
    ck_assert_double_eq_tol(gradient[2], -0.8, 1e-12);
}
END_TEST

START_TEST(rates_fall_along_half_a_cosine)
{
    ck_assert_double_eq_tol(cosine_rate(0.5, 0.1, 0, 11), 0.5, 1e-12);
    ck_assert_double_eq_tol(cosine_rate(0.5, 0.1, 5, 11), 0.3, 1e-12);
    ck_assert_double_eq_tol(cosine_rate(0.5, 0.1, 10, 11), 0.1, 1e-12);
    for (size_t i = 1; i < 11; i++)
        ck_assert_double_lt(cosine_rate(0.5, 0.1, i, 11), cosine_rate(0.5, 0.1, i - 1, 11));
    ck_assert_double_eq(cosine_rate(0.5, 0.1, 0, 1), 0.5);
}
END_TEST

static struct tuning_fixture fixture;
static struct student student;

static void (*const makers[])(struct synthetic_llm *model) = {synthetic_llama3, synthetic_qwen3};

static const struct train_settings settings = {.window = TUNING_WINDOW,
                                               .epochs = 12,
                                               .batch = 2,
                                               .learning_rate = 0.02,
                                               .last_learning_rate = 0.001};

static bool run_training(struct failure *failure)
{
    struct meter meter = {.shown = false};
    double losses[12];

    return train(&student, &settings, &fixture.tokens, fixture.reference, &meter, losses, failure);
}

static void write_student(const char *path)
{
    wsic_archive_writer *writer;
    struct failure failure;

    ck_assert_int_eq(wsic_archive_writer_create(fixture.context, path, &writer), WSIC_OK);
    ck_assert_msg(student_write(&student, writer, &failure), "%s", failure.text);
    ck_assert_int_eq(wsic_archive_writer_finish(writer), WSIC_OK);
    wsic_archive_writer_destroy(writer);
}

static double divergence_of(const char *archive)
{
    struct evaluation evaluation;
    struct failure failure;

    student_free(&student);
    memcpy(fixture.archive, archive, strlen(archive) + 1);
    tuning_enrol(&fixture, &student);
    ck_assert(evaluate(&evaluation, &student.model, &fixture.tokens, TUNING_WINDOW,
                       fixture.reference, &failure));
    return evaluation.kl_bits;
}

static wsic_layer *read_layer(wsic_archive *archive, size_t index, size_t elements, int32_t *codes)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_matrix view;
    wsic_layer *layer;

    ck_assert_int_eq(wsic_archive_load_layer(archive, index, &layer), WSIC_OK);
    ck_assert_int_eq(wsic_layer_get_info(layer, &info), WSIC_OK);
    ck_assert_uint_le(info.rows * info.columns, elements);
    wsic_matrix_init(&view, sizeof view, codes, WSIC_I32, info.rows, info.columns, 0);
    ck_assert_int_eq(wsic_layer_get_codes(layer, 0, &view), WSIC_OK);
    return layer;
}

/* Returns how many scales differ. */
static size_t compare_scales(const float *before, const float *after, size_t count)
{
    size_t changed = 0;

    for (size_t i = 0; i < count; i++) {
        ck_assert((before[i] == 0) == (after[i] == 0));
        ck_assert(signbit(before[i]) == signbit(after[i]));
        changed += before[i] != after[i];
    }
    return changed;
}

static void compare_layers(wsic_archive *before, wsic_archive *after, size_t index)
{
    enum { most = 50 * 50 };
    static int32_t codes[2][most];
    wsic_layer_info info = {.size = sizeof info};
    wsic_layer *const old = read_layer(before, index, most, codes[0]);
    wsic_layer *const new = read_layer(after, index, most, codes[1]);

    ck_assert_int_eq(wsic_layer_get_info(old, &info), WSIC_OK);
    ck_assert_str_eq(wsic_archive_name(before, index), wsic_archive_name(after, index));
    ck_assert_mem_eq(codes[0], codes[1], info.rows * info.columns * sizeof **codes);
    ck_assert(wsic_layer_row_scales(old)[TUNING_DEAD_ROW] == 0);
    ck_assert(wsic_layer_column_scales(old)[TUNING_DEAD_COLUMN] == 0);
    ck_assert(wsic_layer_column_scales(old)[TUNING_NEGATIVE_COLUMN] < 0);
    ck_assert_uint_gt(
        compare_scales(wsic_layer_row_scales(old), wsic_layer_row_scales(new), (size_t)info.rows) +
            compare_scales(wsic_layer_column_scales(old), wsic_layer_column_scales(new),
                           (size_t)info.columns),
        0);
    wsic_layer_destroy(old);
    wsic_layer_destroy(new);
}

/* The loss falls, and what is stored is what was trained: the divergence of the archive is the one
 * that the student had. Codes, names, metadata, signs and zeros stay. */
START_TEST(training_lowers_the_divergence_and_keeps_the_codes)
{
    struct evaluation evaluation;
    struct failure failure;
    wsic_archive *before, *after;
    char original[100];
    char tuned[100];

    tuning_open(&fixture, makers[_i], "both");
    memcpy(original, fixture.archive, sizeof original);
    snprintf(tuned, sizeof tuned, "%s/tuned.wsic", fixture.place.directory);
    tuning_enrol(&fixture, &student);
    ck_assert_msg(run_training(&failure), "%s", failure.text);
    ck_assert(evaluate(&evaluation, &student.model, &fixture.tokens, TUNING_WINDOW,
                       fixture.reference, &failure));
    write_student(tuned);

    ck_assert_double_lt(evaluation.kl_bits, 0.7 * divergence_of(original));
    ck_assert_double_eq_tol(divergence_of(tuned) / evaluation.kl_bits, 1, 1e-4);
    ck_assert_int_eq(wsic_archive_open(fixture.context, original, &before), WSIC_OK);
    ck_assert_int_eq(wsic_archive_open(fixture.context, tuned, &after), WSIC_OK);
    ck_assert_uint_eq(wsic_archive_count(after), wsic_archive_count(before));
    for (size_t i = 0; i < wsic_archive_count(before); i++)
        compare_layers(before, after, i);
    ck_assert_str_eq(wsic_archive_metadata(after, "origin"), "a test");
    ck_assert_str_eq(wsic_archive_metadata(after, "library"), wsic_version());
    wsic_archive_close(before);
    wsic_archive_close(after);
    student_free(&student);
    tuning_close(&fixture);
}
END_TEST

/* Without scales of the rows in the archive only those of the columns are trained, however far the
 * others are pushed. */
START_TEST(scales_that_are_powers_of_2_stay)
{
    struct failure failure;

    tuning_open(&fixture, makers[_i], "none");
    tuning_enrol(&fixture, &student);
    const size_t trained = student_fix(&student);
    size_t rest = student.scales;
    for (size_t i = 0; i < student.count; i++) {
        ck_assert(scales_fixed(&student.layers[i].rows));
        ck_assert(!scales_fixed(&student.layers[i].columns));
        for (size_t j = 0; j < student.layers[i].rows.count; j++)
            student.logs[&student.gradients[i].rows[j] - student.gradient] = 1;
    }
    ck_assert_msg(run_training(&failure), "%s", failure.text);
    for (size_t i = 0; i < student.count; i++) {
        const struct scales *const rows = &student.layers[i].rows;
        ck_assert_mem_eq(rows->live, rows->stored, rows->count * sizeof *rows->live);
        rest -= rows->count;
    }
    ck_assert_uint_eq(trained, rest);
    student_free(&student);
    tuning_close(&fixture);
}
END_TEST

START_TEST(untrained_students_write_the_same_layers)
{
    char copy[100];
    char original[100];
    size_t sizes[2];

    tuning_open(&fixture, makers[_i], "both");
    memcpy(original, fixture.archive, sizeof original);
    snprintf(copy, sizeof copy, "%s/copy.wsic", fixture.place.directory);
    tuning_enrol(&fixture, &student);
    write_student(copy);
    uint8_t *const first = read_file(original, &sizes[0]);
    uint8_t *const second = read_file(copy, &sizes[1]);
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_mem_eq(first, second, sizes[0]);
    free(first);
    free(second);
    student_free(&student);
    tuning_close(&fixture);
}
END_TEST

START_TEST(interrupts_end_a_run)
{
    struct failure failure;

    tuning_open(&fixture, synthetic_qwen3, "both");
    tuning_enrol(&fixture, &student);
    interrupt_watch(fixture.context);
    ck_assert_int_eq(raise(SIGTERM), 0);
    ck_assert(!run_training(&failure));
    ck_assert_str_eq(failure.text, "interrupted");
    interrupt_watch(NULL);
    student_free(&student);
    tuning_close(&fixture);
}
END_TEST

static void expect_refused(const struct synthetic_llm *plain, const char *archive, const char *text)
{
    struct failure failure;
    struct model model;
    temporary place;

    temporary_create(&place);
    synthetic_write(plain, place.directory);
    ck_assert_msg(model_load(&model, place.directory, &failure), "%s", failure.text);
    ck_assert(!student_create(&student, &model, fixture.context, archive, &failure));
    ck_assert_msg(strstr(failure.text, archive), "%s", failure.text);
    ck_assert_msg(strstr(failure.text, text), "no \"%s\" in: %s", text, failure.text);
    model_free(&model);
    temporary_destroy(&place);
}

START_TEST(archives_of_other_models_are_refused)
{
    struct synthetic_llm other;

    tuning_open(&fixture, synthetic_llama3, "both");
    synthetic_qwen3(&other);
    expect_refused(&other, fixture.archive,
                   "layer \"model.layers.0.self_attn.q_proj.weight\" is 40 x 24, but the "
                   "model's is 24 x 20");
    expect_refused(&other, temporary_path(&fixture.place, "none.wsic"), "No such file");
    expect_refused(&other, temporary_path(&fixture.place, "config.json"), "archive");
    synthetic_free(&other);
    tuning_close(&fixture);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm finetune");
    TCase *const optimizer = tcase_create("optimizer");
    TCase *const training = tcase_create("training");

    tcase_add_test(optimizer, steps_are_those_of_adamw);
    tcase_add_test(optimizer, gradients_are_clipped_to_a_length);
    tcase_add_test(optimizer, rates_fall_along_half_a_cosine);
    suite_add_tcase(suite, optimizer);
    tcase_set_timeout(training, 60);
    tcase_add_loop_test(training, training_lowers_the_divergence_and_keeps_the_codes, 0, 2);
    tcase_add_loop_test(training, scales_that_are_powers_of_2_stay, 0, 2);
    tcase_add_loop_test(training, untrained_students_write_the_same_layers, 0, 2);
    tcase_add_test(training, interrupts_end_a_run);
    tcase_add_test(training, archives_of_other_models_are_refused);
    suite_add_tcase(suite, training);
    return run_suite(suite);
}
