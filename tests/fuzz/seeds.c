/* SPDX-License-Identifier: MIT */
/* Inputs that fuzzing begins with, of a target that reads what the library or the programs write:
 * what they write today. Usage: fuzz_seeds DIRECTORY TARGET */
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "check_main.h"
#include "code_matrices.h"
#include "common/npy.h"
#include "common/safetensors_writer.h"
#include "layer_fixture.h"
#include "plain_choices.h"

static const char *root;
static char path[1024];

/* A file of the folder. */
static const char *place(const char *name, int number)
{
    snprintf(path, sizeof path, "%s/%s%02d", root, name, number);
    return path;
}

static void put(const char *name, int number, const void *front, size_t front_size,
                const void *bytes, size_t size)
{
    FILE *const file = fopen(place(name, number), "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(front, 1, front_size, file), front_size);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* A file of its own becomes an input that begins with a byte: seal it. */
static void put_sealed(const char *name, int number, const char *from)
{
    static char bytes[1 << 20];
    FILE *const file = fopen(from, "rb");

    ck_assert_ptr_nonnull(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    put(name, number, "\1", 1, bytes, size);
    remove(from);
}

/* --- layers and archives ------------------------------------------------------ */

static const struct {
    size_t rows, columns;
    int covariance;
    double rate;
} shapes[] = {{1, 1, COVARIANCE_IDENTITY, 2},   {3, 70, COVARIANCE_AR, 0.2},
              {70, 3, COVARIANCE_CHANNELS, 4},  {40, 24, COVARIANCE_DEAD, 2},
              {33, 17, COVARIANCE_CHANNELS, 7}, {96, 8, COVARIANCE_SINGULAR, 1}};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static void add_to_archive(wsic_archive_writer *target, int number, const wsic_layer *layer)
{
    char name[16];

    snprintf(name, sizeof name, "layer.%d", number);
    ck_assert_int_eq(wsic_archive_writer_add(target, name, layer), WSIC_OK);
}

/* The layer of a shape by a quantizer, which `use` makes inputs of. */
static void with_layer(size_t number, void (*use)(int number, wsic_context *, const wsic_layer *))
{
    const size_t shape = number / LAYER_VARIANTS;
    wsic_layer *layer;
    layer_fixture f =
        layer_open(shapes[shape].rows, shapes[shape].columns, shapes[shape].covariance, shape + 1);

    layer_choose(&f, number % LAYER_VARIANTS);
    ck_assert_int_eq(wsic_encoder_set_number(f.encoder, WSIC_RATE, shapes[shape].rate), WSIC_OK);
    ck_assert_int_ge(wsic_encoder_run(f.encoder, f.stats, &f.matrix, &layer), 0);
    use((int)number, f.context, layer);
    wsic_layer_destroy(layer);
    layer_close(&f);
}

static void put_layer(int number, wsic_context *context, const wsic_layer *layer)
{
    const void *bytes;
    size_t size;

    (void)context;
    ck_assert_int_eq(wsic_layer_get_bytes(layer, &bytes, &size), WSIC_OK);
    put("layer", number, "\1", 1, bytes, size);
}

static void put_archive(int number, wsic_context *context, const wsic_layer *layer)
{
    char archive[1024];
    wsic_archive_writer *target;

    snprintf(archive, sizeof archive, "%s/scratch.wsic", root);
    ck_assert_int_eq(wsic_archive_writer_create(context, archive, &target), WSIC_OK);
    ck_assert_int_eq(wsic_archive_writer_set_metadata(target, "key", "value"), WSIC_OK);
    for (int k = 0; k < 1 + number % 3; k++)
        add_to_archive(target, k, layer);
    ck_assert_int_eq(wsic_archive_writer_finish(target), WSIC_OK);
    wsic_archive_writer_destroy(target);
    put_sealed("archive", number, archive);
}

/* --- statistics ---------------------------------------------------------------- */

static void make_statistics(int number, size_t columns, size_t outputs)
{
    double tokens[64];
    char file[1024];
    wsic_context *context;
    wsic_stats *stats;
    wsic_matrix x, residual;

    for (size_t k = 0; k < 64; k++)
        tokens[k] = sin((double)k);
    ck_assert_int_eq(wsic_context_create(NULL, &context), WSIC_OK);
    ck_assert_int_eq(wsic_stats_create(context, columns, &stats), WSIC_OK);
    wsic_matrix_init(&x, sizeof x, tokens, WSIC_F64, 4, columns, 0);
    wsic_matrix_init(&residual, sizeof residual, tokens + 1, WSIC_F64, 4, outputs, 0);
    if (number == 0)
        ck_assert_int_eq(wsic_stats_add_activations(stats, &x, NULL), WSIC_OK);
    else
        ck_assert_int_eq(wsic_stats_add_pair(stats, &x, &x, outputs > 0 ? &residual : NULL, NULL),
                         WSIC_OK);
    snprintf(file, sizeof file, "%s/scratch.wstat", root);
    ck_assert_int_eq(wsic_stats_save(stats, file), WSIC_OK);
    put_sealed("stats", number, file);
    wsic_stats_destroy(stats);
    wsic_context_destroy(context);
}

/* --- coded integers -------------------------------------------------------------- */

/* What the target codes.c takes for the front of an input. */
static void make_codes_of(size_t which, unsigned kind, size_t rows, size_t columns)
{
    const uint8_t front[] = {(uint8_t)(rows - 1), (uint8_t)(columns - 1), (uint8_t)(which & 1)};
    const size_t stride = which % 3 == 2 ? 3 : 1;
    const size_t block_rows = which % 4 == 1 ? 7 : rows;
    int32_t *const codes = make_codes(MATRICES[which].make, rows, columns, which + 1);
    int32_t hints[200];
    wsic_env env;
    wsic_bytes bytes;
    wsic_context *const context = open_env(&env);

    if (kind != 0)
        make_levels_in_order(codes, rows, columns, kind, block_rows, stride);
    for (size_t k = 0; k < 200; k++)
        hints[k] = (int32_t)(k * 7 % 13);
    const wsic_code_matrix matrix = {.rows = rows,
                                     .columns = columns,
                                     .codes = codes,
                                     .kind = kind,
                                     .row_stride = kind != 0 ? stride : 1,
                                     .row_hint = front[2] ? hints : NULL,
                                     .column_hint = front[2] ? hints : NULL};
    wsic_bytes_init(&bytes, &env);
    ck_assert_int_eq(wsic_codes_encode(&env, &matrix, block_rows, &bytes), WSIC_OK);
    put(MATRICES[which].name, (int)kind, front, sizeof front, bytes.data, bytes.size);
    wsic_bytes_release(&bytes);
    free(codes);
    close_env(context);
}

/* Small matrices in 32 lanes, as vectors take them; the library's encoder has so many only for
 * large ones. Choices of other lanes are passed over. */
static void make_wide_codes(uint64_t seed)
{
    enum { ROWS = 120, COLUMNS = 40 };
    const uint8_t front[] = {ROWS - 1, COLUMNS - 1, 0};
    const unsigned kind = seed % 2 == 0 ? 0 : 2 + (unsigned)(seed / 2 % 7);
    int32_t *const codes = make_codes(MATRICES[seed % MATRIX_COUNT].make, ROWS, COLUMNS, seed);
    plain_case c = plain_case_make(codes, ROWS, COLUMNS, kind, seed);
    writer out = {0};

    c.choices.row_hints = false;
    if (c.choices.lanes == 32 &&
        plain_encode_codes(c.values, ROWS, COLUMNS, NULL, NULL, &c.choices, &out))
        put("lanes", (int)seed, front, sizeof front, out.data, out.size);
    free(out.data);
    plain_case_free(&c);
    free(codes);
}

/* --- files of others -------------------------------------------------------------- */

static void make_npy(uint32_t dtype)
{
    static const double zeros[12];
    struct failure failure;

    ck_assert(npy_write(place("array", (int)dtype), zeros, dtype, 3, 4, &failure));
}

static void make_safetensors(const char *type, size_t bytes, int number)
{
    static const unsigned char zeros[128];
    const struct safetensors_entry entries[] = {{"a", type, 2, {2, 4}, 8 * bytes},
                                                {"b.\xC3\xA9", "U8", 1, {5}, 5}};
    struct safetensors_writer target;
    struct failure failure;
    json_t *const metadata = json_pack("{s:s}", "format", "pt");

    ck_assert(
        safetensors_writer_open(&target, place("file", number), metadata, entries, 2, &failure));
    ck_assert(safetensors_writer_add(&target, zeros, (size_t)target.promised, &failure));
    ck_assert(safetensors_writer_commit(&target, &failure));
    json_decref(metadata);
}

static void make_all_layers(void)
{
    for (size_t k = 0; k < SHAPES * LAYER_VARIANTS; k++)
        with_layer(k, put_layer);
}

static void make_all_archives(void)
{
    for (size_t k = 0; k < SHAPES * LAYER_VARIANTS; k++)
        with_layer(k, put_archive);
}

static void make_all_statistics(void)
{
    make_statistics(0, 5, 0);
    make_statistics(1, 3, 0);
    make_statistics(2, 4, 2);
}

static void make_all_codes(void)
{
    for (size_t k = 0; k < MATRIX_COUNT; k++) {
        make_codes_of(k, 0, 1 + 13 * k % 96, 12);
        make_codes_of(k, 2 + (unsigned)k % 7, 40 + 9 * k % 57, 9);
    }
    for (uint64_t seed = 1; seed <= 60; seed++)
        make_wide_codes(seed);
}

static void make_all_npy(void)
{
    make_npy(WSIC_F64);
    make_npy(WSIC_F32);
    make_npy(WSIC_F16);
    make_npy(WSIC_I8);
    make_npy(WSIC_I32);
}

static void make_all_safetensors(void)
{
    make_safetensors("F32", 4, 0);
    make_safetensors("BF16", 2, 1);
    make_safetensors("F64", 8, 2);
    make_safetensors("F8_E4M3", 1, 3);
}

static const struct {
    const char *target;
    void (*make)(void);
} makers[] = {{"archive", make_all_archives}, {"codes", make_all_codes},
              {"layer", make_all_layers},     {"npy", make_all_npy},
              {"stats", make_all_statistics}, {"safetensors", make_all_safetensors}};

static const char *target_wanted;

START_TEST(seeds_are_written)
{
    size_t k = 0;

    mkdir(root, 0777);
    while (k < sizeof makers / sizeof *makers && strcmp(makers[k].target, target_wanted) != 0)
        k++;
    ck_assert_uint_lt(k, sizeof makers / sizeof *makers);
    makers[k].make();
}
END_TEST

/* Assertions of the fixtures are those of a test. */
int main(int count, char **arguments)
{
    Suite *const suite = suite_create("seeds");
    TCase *const tests = tcase_create("seeds");

    if (count != 3) {
        fprintf(stderr, "usage: fuzz_seeds DIRECTORY TARGET\n");
        return 2;
    }
    root = arguments[1];
    target_wanted = arguments[2];
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, seeds_are_written);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
