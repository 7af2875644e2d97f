/* SPDX-License-Identifier: MIT */
/* What a pass over the outputs leaves for the next run: the diagonal of wide layers, nothing of
 * those that are skipped; one that was stopped goes on to the same bytes; runs on other texts and
 * models keep apart; damage is named. */
#include "llm/watersic/outputs_ends.h"
#include "llm_outputs_fixture.h"

/* --- what is kept ------------------------------------------------------------------------ */

START_TEST(a_layer_with_many_outputs_has_its_diagonal)
{
    struct outputs outputs, whole;
    struct failure failure;
    const wsic_stats *stats;

    begin(0);
    collect(&whole, NULL);
    recipe.outputs_rows = 24; /* of 40, 20, 20, 24, 40, 40, 24 */
    collect(&outputs, NULL);
    for (size_t i = 0; i < outputs.layers; i++) {
        ck_assert(outputs_borrow(&outputs, i, "layer", &stats, &failure));
        ck_assert_int_eq(stats != NULL, rows_of(i) <= 24);
        outputs_give_back(&outputs, i);
        ck_assert_mem_eq(outputs.of[i].diagonal, whole.of[i].diagonal, rows_of(i) * sizeof(double));
    }
    outputs_free(&outputs);
    outputs_free(&whole);
    end();
}
END_TEST

START_TEST(skipped_layers_have_nothing)
{
    struct exclusions exclusions;
    struct outputs outputs, whole;
    struct failure failure;
    const wsic_stats *stats;

    begin(1);
    collect(&whole, NULL);
    ck_assert(
        exclusions_create(&exclusions, &model.config, "*.1.mlp.up_proj.weight", NULL, &failure));
    model.exclusions = &exclusions;
    collect(&outputs, temporary_path(&place, "run"));
    for (size_t i = 0; i < outputs.layers; i++) {
        const bool skipped = i == LINEAR_KINDS + LINEAR_UP;
        ck_assert(outputs_borrow(&outputs, i, "layer", &stats, &failure));
        ck_assert_int_eq(stats == NULL, skipped);
        outputs_give_back(&outputs, i);
        ck_assert_double_eq(outputs_sensitivity(&outputs, i),
                            skipped ? 0 : outputs_sensitivity(&whole, i));
    }
    outputs_free(&outputs);
    outputs_free(&whole);
    exclusions_free(&exclusions);
    end();
}
END_TEST

static void compare_files(const char *one, const char *other)
{
    DIR *const listing = opendir(one);
    size_t count = 0;

    ck_assert_ptr_nonnull(listing);
    for (const struct dirent *entry; (entry = readdir(listing));) {
        char path[PATH_MAX + 300];
        size_t sizes[2];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", one, entry->d_name);
        uint8_t *const here = read_file(path, &sizes[0]);
        snprintf(path, sizeof path, "%s/%s", other, entry->d_name);
        uint8_t *const there = read_file(path, &sizes[1]);
        ck_assert_uint_eq(sizes[0], sizes[1]);
        ck_assert_mem_eq(here, there, sizes[0]);
        free(here);
        free(there);
        count++;
    }
    closedir(listing);
    ck_assert_uint_eq(count, 2 * (LINEAR_KINDS + 1) + 2); /* embedding and head */
}

/* Refuse one allocation of the library: that ends the pass in the midst of a block on its way back.
 * What the passes before have finished is there. */
static bool collect_until(struct outputs *outputs, size_t allocation)
{
    struct failure failure;

    counter.calls = 0;
    counter.fail_at = allocation;
    const bool done = collect_into(outputs, temporary_path(&place, "stopped"), &failure);
    counter.fail_at = 0;
    ck_assert_msg(done || strstr(failure.text, "the allocator refused"), "%s", failure.text);
    return done;
}

static void forget_state(const struct outputs *outputs, const char *name, size_t number)
{
    char path[PATH_MAX];

    ck_assert_int_eq(unlink(outputs_path(outputs, name, number, path)), 0);
}

START_TEST(a_stopped_pass_goes_on_to_the_same_bytes)
{
    struct outputs outputs;
    struct failure failure;
    char whole[PATH_MAX];
    size_t stops = 0;

    begin(_i);
    collect(&outputs, temporary_path(&place, "whole"));
    snprintf(whole, sizeof whole, "%s", outputs.directory);
    outputs_free(&outputs);
    ck_assert(!collect_until(&outputs, 1));
    /* As if it had been stopped before it came to the head, in the last block on its way forward.
     */
    forget_state(&outputs, "stream", plain.blocks);
    forget_state(&outputs, "inputs", plain.blocks);
    outputs_free(&outputs);
    while (!collect_until(&outputs, 2 + 3 * stops)) {
        outputs_free(&outputs);
        stops++;
    }
    ck_assert_uint_gt(stops, 4);
    compare_files(whole, outputs.directory);
    outputs_free(&outputs);
    ck_assert(collect_into(&outputs, NULL, &failure));
    outputs_free(&outputs);
    end();
}
END_TEST

START_TEST(texts_and_models_keep_apart)
{
    char directories[4][PATH_MAX];
    struct outputs outputs;

    begin(1);
    for (size_t i = 0; i < 4; i++) {
        if (i == 1)
            values[7]++;
        if (i == 2)
            recipe.outputs_rows = 20;
        if (i == 3) {
            plain.tensors[0].bits[0] ^= 1;
            model_free(&model);
            open_model();
        }
        collect(&outputs, temporary_path(&place, "run"));
        strcpy(directories[i], outputs.directory);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(directories[i], directories[j]);
        outputs_free(&outputs);
    }
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(access(directories[i], R_OK), 0);
    end();
}
END_TEST

START_TEST(what_was_collected_is_taken_over)
{
    double before[most_rows * most_rows], after[most_rows * most_rows];
    struct outputs outputs, again;

    begin(0);
    collect(&outputs, temporary_path(&place, "run"));
    read_matrix(&outputs, LINEAR_GATE, before);
    /* Statistics would have to be allocated. */
    counter.calls = 0;
    collect(&again, temporary_path(&place, "run"));
    ck_assert_uint_eq(counter.calls, 0);
    read_matrix(&again, LINEAR_GATE, after);
    ck_assert_mem_eq(before, after, rows_of(LINEAR_GATE) * rows_of(LINEAR_GATE) * sizeof(double));
    outputs_free(&outputs);
    outputs_free(&again);
    end();
}
END_TEST

START_TEST(damaged_files_are_named)
{
    struct outputs outputs;
    struct failure failure;
    const wsic_stats *stats;
    char path[PATH_MAX];

    begin(0);
    collect(&outputs, temporary_path(&place, "run"));
    ck_assert_ptr_nonnull(outputs_path(&outputs, "layer", LINEAR_O, path));
    write_file(path, "nothing of use", 14);
    ck_assert(!outputs_borrow(&outputs, LINEAR_O, "the layer", &stats, &failure));
    ck_assert_ptr_nonnull(strstr(failure.text, "the layer: gradients of the outputs: "));
    ck_assert_ptr_nonnull(strstr(failure.text, outputs.directory));
    outputs_free(&outputs);
    end();
}
END_TEST

/* What the head has left is made again with all that follows from it; gradients of the embedding
 * that are damaged are named when they are wanted. */
START_TEST(damaged_ends_are_made_again_or_named)
{
    struct outputs outputs, again;
    struct failure failure;
    double moments[most_rows * most_rows];
    char path[PATH_MAX];

    begin(0);
    collect(&outputs, temporary_path(&place, "run"));
    ck_assert_ptr_nonnull(outputs_path(&outputs, "readout", 0, path));
    write_file(path, "[1, 2]", 6);
    collect(&again, temporary_path(&place, "run"));
    ck_assert_mem_eq(again.readout, outputs.readout, plain.vocabulary * sizeof(double));
    ck_assert_ptr_nonnull(outputs_path(&again, "entry", 0, path));
    write_file(path, "nothing of use", 14);
    ck_assert(!outputs_read_entry(&again, moments, &failure));
    ck_assert_ptr_nonnull(strstr(failure.text, "gradients of the embedding: "));
    ck_assert_ptr_nonnull(strstr(failure.text, again.directory));
    outputs_free(&outputs);
    outputs_free(&again);
    end();
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm outputs kept");
    TCase *const outputs = tcase_create("outputs");

    tcase_set_timeout(outputs, 120);
    tcase_add_test(outputs, a_layer_with_many_outputs_has_its_diagonal);
    tcase_add_test(outputs, skipped_layers_have_nothing);
    tcase_add_loop_test(outputs, a_stopped_pass_goes_on_to_the_same_bytes, 0, 2);
    tcase_add_test(outputs, texts_and_models_keep_apart);
    tcase_add_test(outputs, what_was_collected_is_taken_over);
    tcase_add_test(outputs, damaged_files_are_named);
    tcase_add_test(outputs, damaged_ends_are_made_again_or_named);
    suite_add_tcase(suite, outputs);
    return run_suite(suite);
}
