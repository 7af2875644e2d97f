/* SPDX-License-Identifier: MIT */
/* Statistics that other programs have written: sums computed here, in every form that is read, and
 * importance matrices of llama.cpp, old and new. */
#include <math.h>
#include <string.h>
#include <watersic/watersic.h>

#include "check_main.h"
#include "common/npy.h"
#include "llm/run/external.h"
#include "llm/run/importance.h"
#include "random.h"
#include "temporary.h"

enum { n = 3, tokens = 8 };

static temporary place;
static wsic_context *context;
static float inputs[tokens][n];
static double covariance[n][n];

static void set_up(void)
{
    random_state random = {.counter = 5};

    temporary_create(&place);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    memset(covariance, 0, sizeof covariance);
    for (size_t t = 0; t < tokens; t++) {
        for (size_t i = 0; i < n; i++)
            inputs[t][i] = (float)random_normal(&random);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                covariance[i][j] += (double)inputs[t][i] * (double)inputs[t][j] / tokens;
    }
}

static void tear_down(void)
{
    wsic_context_destroy(context);
    temporary_destroy(&place);
}

static void write_array(const char *name, const void *data, uint32_t dtype, size_t rows)
{
    struct failure failure;

    ck_assert_msg(npy_write(temporary_path(&place, name), data, dtype, rows, n, &failure), "%s",
                  failure.text);
}

static void write_bytes(const char *name, const void *bytes, size_t size)
{
    write_file(temporary_path(&place, name), bytes, size);
}

static void expect_covariance(const char *name)
{
    struct external *external;
    struct failure failure;
    wsic_stats *stats;
    double found[n][n];
    wsic_matrix matrix;

    ck_assert_msg(external_open(&external, place.directory, &failure), "%s", failure.text);
    ck_assert_msg(external_stats(external, context, name, n, &stats, &failure), "%s", failure.text);
    wsic_matrix_init(&matrix, sizeof matrix, found, WSIC_F64, n, n, 0);
    ck_assert_int_eq(wsic_stats_get_covariance(stats, &matrix), WSIC_OK);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            ck_assert_double_eq_tol(found[i][j], covariance[i][j], 1e-6);
    wsic_stats_destroy(stats);
    external_close(external);
}

START_TEST(every_form_gives_the_same_covariance)
{
    wsic_matrix matrix;
    wsic_stats *stats;

    write_array("a.npy", inputs, WSIC_F32, tokens);
    expect_covariance("a");
    expect_covariance("a.weight");
    write_array("b.0.npy", inputs, WSIC_F32, 3);
    write_array("b.1.npy", inputs[3], WSIC_F32, 5);
    expect_covariance("b.weight");
    write_array("c.weight.covariance.npy", covariance, WSIC_F64, n);
    expect_covariance("c.weight");
    wsic_matrix_init(&matrix, sizeof matrix, inputs, WSIC_F32, tokens, n, 0);
    ck_assert_int_eq(wsic_stats_create(context, n, &stats), WSIC_OK);
    ck_assert_int_eq(wsic_stats_add_activations(stats, &matrix, NULL), WSIC_OK);
    ck_assert_int_eq(wsic_stats_save(stats, temporary_path(&place, "d.wstat")), WSIC_OK);
    wsic_stats_destroy(stats);
    expect_covariance("d");
}
END_TEST

START_TEST(tensors_are_statistics_too)
{
    static const char header[] =
        "{\"e.covariance\":{\"dtype\":\"F64\",\"shape\":[3,3],\"data_offsets\":[0,72]},"
        "\"f.inputs\":{\"dtype\":\"F32\",\"shape\":[2,4,3],\"data_offsets\":[72,168]}}";
    unsigned char file[8 + sizeof header - 1 + 168] = {(unsigned char)(sizeof header - 1)};

    memcpy(file + 8, header, sizeof header - 1);
    memcpy(file + 8 + sizeof header - 1, covariance, 72);
    memcpy(file + 8 + sizeof header - 1 + 72, inputs, 96);
    write_bytes("some.safetensors", file, sizeof file);
    expect_covariance("e.weight");
    expect_covariance("f");
}
END_TEST

START_TEST(statistics_that_do_not_fit_are_refused)
{
    static const double negative[n][n] = {{-1}};
    static const float bad[1][n] = {{0, NAN, 0}};
    static const char *const cases[][2] = {
        {"nothing", "no statistics of \"nothing\""},
        {"wrong", "wrong.covariance.npy: statistics of \"wrong\""},
        {"negative", "negative.covariance.npy: statistics of \"negative\""},
        {"bad.weight", "bad.npy: statistics of \"bad.weight\""},
        {"text", "text.npy"},
    };
    struct external *external;
    struct failure failure;
    wsic_stats *stats;

    write_array("wrong.covariance.npy", inputs, WSIC_F32, tokens);
    write_array("negative.covariance.npy", negative, WSIC_F64, n);
    write_array("bad.npy", bad, WSIC_F32, 1);
    write_bytes("text.npy", "1 2 3", 5);
    ck_assert(external_open(&external, place.directory, &failure));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert(!external_stats(external, context, cases[i][0], n, &stats, &failure));
        ck_assert_msg(strstr(failure.text, cases[i][1]), "%s", failure.text);
        ck_assert_ptr_null(stats);
    }
    write_array("a.npy", inputs, WSIC_F32, tokens);
    ck_assert(!external_stats(external, context, "a", n + 1, &stats, &failure));
    ck_assert_msg(strstr(failure.text, "a.npy"), "%s", failure.text);
    external_close(external);
    ck_assert(!external_open(&external, temporary_path(&place, "absent"), &failure));
    ck_assert_ptr_nonnull(strstr(failure.text, "No such file"));
}
END_TEST

/* --- importance matrices ----------------------------------------------------- */

struct bytes {
    unsigned char data[2000];
    size_t size;
};

static void put(struct bytes *bytes, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes->data[bytes->size++] = (unsigned char)(number >> 8 * i);
}

static void put_float(struct bytes *bytes, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    put(bytes, bits, 4);
}

static void put_text(struct bytes *bytes, const char *text, size_t length_size)
{
    put(bytes, strlen(text), length_size);
    memcpy(bytes->data + bytes->size, text, strlen(text));
    bytes->size += strlen(text);
}

static void expect_diagonal(const char *file, const char *name, const double *expected)
{
    struct importance *importance;
    struct failure failure;
    double diagonal[2];
    double calls;

    ck_assert_msg(importance_open(&importance, temporary_path(&place, file), &failure), "%s",
                  failure.text);
    ck_assert_msg(importance_diagonal(importance, name, 2, diagonal, &calls, &failure), "%s",
                  failure.text);
    ck_assert_double_eq(calls, expected[2]);
    ck_assert_double_eq_tol(diagonal[0], expected[0], 1e-12);
    ck_assert_double_eq_tol(diagonal[1], expected[1], 1e-12);
    importance_close(importance);
}

static void expect_no_diagonal(const char *file, const char *name, size_t columns, const char *part)
{
    struct importance *importance;
    struct failure failure;
    double diagonal[8];
    double calls;

    ck_assert_msg(importance_open(&importance, temporary_path(&place, file), &failure), "%s",
                  failure.text);
    ck_assert(!importance_diagonal(importance, name, columns, diagonal, &calls, &failure));
    ck_assert_msg(strstr(failure.text, part), "no \"%s\" in: %s", part, failure.text);
    importance_close(importance);
}

static struct bytes make_old(void)
{
    struct bytes bytes = {.size = 0};

    put(&bytes, 2, 4);
    put_text(&bytes, "blk.3.attn_q.weight", 4);
    put(&bytes, 4, 4); /* calls */
    put(&bytes, 2, 4);
    put_float(&bytes, 6);
    put_float(&bytes, 10);
    put_text(&bytes, "output.weight", 4);
    put(&bytes, 0, 4);
    put(&bytes, 2, 4);
    put_float(&bytes, 1);
    put_float(&bytes, -1);
    put(&bytes, 4, 4); /* last call, name of the text */
    put_text(&bytes, "text", 4);
    return bytes;
}

START_TEST(old_importance_matrices_are_read)
{
    const struct bytes bytes = make_old();

    write_bytes("old.dat", bytes.data, bytes.size);
    expect_diagonal("old.dat", "model.layers.3.self_attn.q_proj.weight", (double[]){1.5, 2.5, 4});
    expect_no_diagonal("old.dat", "model.layers.3.self_attn.q_proj.weight", 3,
                       "2 numbers of \"blk.3.attn_q.weight\" do not fit 3 inputs");
    expect_no_diagonal("old.dat", "model.layers.3.mlp.down_proj.weight", 2,
                       "nothing of \"blk.3.ffn_down.weight\"");
    expect_no_diagonal("old.dat", "model.layers.3.conv.weight", 2, "is not known");
    expect_no_diagonal("old.dat", "lm_head.weight", 2, "no token has reached \"lm_head.weight\"");
}
END_TEST

static struct bytes make_gguf(void)
{
    struct bytes bytes = {.data = "GGUF", .size = 4};

    put(&bytes, 3, 4);
    put(&bytes, 2, 8); /* tensors */
    put(&bytes, 3, 8); /* keys */
    put_text(&bytes, "general.type", 8);
    put(&bytes, 8, 4);
    put_text(&bytes, "imatrix", 8);
    put_text(&bytes, "imatrix.datasets", 8);
    put(&bytes, 9, 4);
    put(&bytes, 8, 4);
    put(&bytes, 1, 8);
    put_text(&bytes, "text", 8);
    put_text(&bytes, "general.alignment", 8);
    put(&bytes, 4, 4);
    put(&bytes, 64, 4);
    put_text(&bytes, "blk.0.ffn_up_exps.weight.in_sum2", 8);
    put(&bytes, 2, 4);
    put(&bytes, 2, 8); /* inputs, experts */
    put(&bytes, 3, 8);
    put(&bytes, 0, 4);
    put(&bytes, 0, 8);
    put_text(&bytes, "blk.0.ffn_up_exps.weight.counts", 8);
    put(&bytes, 2, 4);
    put(&bytes, 1, 8);
    put(&bytes, 3, 8);
    put(&bytes, 0, 4);
    put(&bytes, 64, 8);
    while (bytes.size % 64 != 0)
        put(&bytes, 0, 1);
    for (int i = 0; i < 6; i++)
        put_float(&bytes, (float)(i + 1));
    while (bytes.size % 64 != 0)
        put(&bytes, 0, 1);
    put_float(&bytes, 1);
    put_float(&bytes, 0);
    put_float(&bytes, 2);
    return bytes;
}

START_TEST(importance_matrices_in_gguf_are_read)
{
    const struct bytes bytes = make_gguf();

    write_bytes("new.gguf", bytes.data, bytes.size);
    /* Sums of the experts are 1 2, 3 4 and 5 6, their tokens 1, 0 and 2; a share of 64 tokens of
     * all, 9 / 3 and 12 / 3 each, is added. */
    expect_diagonal("new.gguf", "model.layers.0.mlp.experts.0.up_proj.weight",
                    (double[]){(1 + 64 * 3) / 65.0, (2 + 64 * 4) / 65.0, 1});
    expect_diagonal("new.gguf", "model.layers.0.mlp.experts.2.up_proj.weight",
                    (double[]){(5 + 64 * 3) / 66.0, (6 + 64 * 4) / 66.0, 2});
    expect_diagonal("new.gguf", "model.layers.0.block_sparse_moe.experts.2.w3.weight",
                    (double[]){(5 + 64 * 3) / 66.0, (6 + 64 * 4) / 66.0, 2});
    expect_diagonal("new.gguf", "model.layers.0.mlp.experts.1.up_proj.weight",
                    (double[]){(3 + 64 * 3) / 64.0, (4 + 64 * 4) / 64.0, 0});
    expect_no_diagonal("new.gguf", "model.layers.0.mlp.experts.3.up_proj.weight", 2, "do not fit");
}
END_TEST

/* A file cut anywhere is refused, or its end was about nothing that is read. */
START_TEST(cut_importance_matrices_are_refused)
{
    const struct bytes files[] = {make_old(), make_gguf()};
    const size_t needed[] = {files[0].size - 12, files[1].size};
    struct importance *importance;
    struct failure failure;

    for (size_t i = 0; i < 2; i++)
        for (size_t size = 0; size < files[i].size; size++) {
            write_bytes("cut", files[i].data, size);
            const bool ok = importance_open(&importance, temporary_path(&place, "cut"), &failure);
            ck_assert_msg(ok == (size >= needed[i]), "file %zu, %zu bytes: %s", i, size,
                          ok ? "accepted" : failure.text);
            importance_close(importance);
        }
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("llm statistics");
    TCase *const files = tcase_create("files");

    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files, every_form_gives_the_same_covariance);
    tcase_add_test(files, tensors_are_statistics_too);
    tcase_add_test(files, statistics_that_do_not_fit_are_refused);
    tcase_add_test(files, old_importance_matrices_are_read);
    tcase_add_test(files, importance_matrices_in_gguf_are_read);
    tcase_add_test(files, cut_importance_matrices_are_refused);
    suite_add_tcase(suite, files);
    return run_suite(suite);
}
