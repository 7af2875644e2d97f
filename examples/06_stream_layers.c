/* SPDX-License-Identifier: MIT */
/* Layers that an engine streams from the disk: several threads read the extents of an archive
 * themselves and decode them to small integers. While one thread decodes, others read. Beside it
 * the same number of weights as bf16 is read from a file of that size.
 * Usage: 06_stream_layers [ARCHIVE [THREADS]]; without an archive a small one is made. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <watersic/watersic.h>

#include "common/synthetic.h"

enum { LAYERS = 8, ROWS = 256, COLUMNS = 256, TOKENS = 512, MOST_THREADS = 256, SECTOR = 4096 };

/* More of the other file would not change its rate. */
static const uint64_t most_bf16_bytes = (uint64_t)1 << 30;

static const char made_path[] = "06_stream_layers.wsic";
static const char bf16_path[] = "06_stream_layers.bf16";

static int fail(const char *what, const char *message)
{
    fprintf(stderr, "%s: %s\n", what, message);
    return EXIT_FAILURE;
}

/* --- an archive for those who have none ------------------------------------ */

static int add_layers(wsic_archive_writer *writer, wsic_encoder *encoder, const wsic_stats *stats)
{
    static float weights[ROWS * COLUMNS];
    wsic_matrix matrix;
    char name[32];

    wsic_matrix_init(&matrix, sizeof matrix, weights, WSIC_F32, ROWS, COLUMNS, 0);
    for (unsigned k = 0; k < LAYERS; k++) {
        wsic_layer *layer = NULL;
        synthetic_weights(weights, ROWS, COLUMNS, 0.05F, k + 1);
        snprintf(name, sizeof name, "expert.%u", k);
        if (wsic_encoder_run(encoder, stats, &matrix, &layer) < 0)
            return fail(name, wsic_encoder_message(encoder));
        const wsic_status status = wsic_archive_writer_add(writer, name, layer);
        wsic_layer_destroy(layer);
        if (status != WSIC_OK)
            return fail(name, wsic_archive_writer_message(writer));
    }
    return wsic_archive_writer_finish(writer) == WSIC_OK
               ? EXIT_SUCCESS
               : fail(made_path, wsic_archive_writer_message(writer));
}

/* Aligned to sectors, as readers with O_DIRECT want it. */
static int make_archive(wsic_context *context)
{
    static float activations[TOKENS * COLUMNS];
    wsic_archive_writer *writer = NULL;
    wsic_encoder *encoder = NULL;
    wsic_stats *stats = NULL;
    wsic_matrix x;

    synthetic_activations(activations, TOKENS, COLUMNS, 2);
    wsic_matrix_init(&x, sizeof x, activations, WSIC_F32, TOKENS, COLUMNS, 0);
    int result = EXIT_FAILURE;
    if (wsic_stats_create(context, COLUMNS, &stats) == WSIC_OK &&
        wsic_stats_add_activations(stats, &x, NULL) == WSIC_OK &&
        wsic_encoder_create(context, &encoder) == WSIC_OK &&
        wsic_encoder_set_number(encoder, WSIC_RATE, 2.0) == WSIC_OK &&
        wsic_archive_writer_create(context, made_path, &writer) == WSIC_OK &&
        wsic_archive_writer_set_alignment(writer, SECTOR) == WSIC_OK)
        result = add_layers(writer, encoder, stats);
    else
        fail(made_path, wsic_context_message(context));
    wsic_archive_writer_destroy(writer);
    wsic_encoder_destroy(encoder);
    wsic_stats_destroy(stats);
    return result;
}

/* --- streaming --------------------------------------------------------------- */

/* One file that is read by all threads, extent by extent. */
typedef struct stream {
    int descriptor;
    wsic_context *context; /* NULL: the bytes are only read */
    wsic_archive *archive; /* tells the extents; NULL: pieces of equal size */
    size_t pieces;
    uint64_t piece_bytes;
    atomic_size_t next;
    atomic_uint_least64_t weights;
    atomic_int_least64_t sum; /* of all codes, to compare */
    atomic_bool failed;
} stream;

/* Memory of one thread, which grows to its largest layer. */
typedef struct buffer {
    void *data;
    size_t size;
} buffer;

static bool reserve(buffer *memory, size_t size)
{
    if (size <= memory->size)
        return true;
    free(memory->data);
    memory->data = malloc(size);
    memory->size = memory->data ? size : 0;
    return memory->data != NULL;
}

static bool read_extent(int descriptor, uint64_t offset, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t count =
            pread(descriptor, (char *)data + done, size - done, (off_t)(offset + done));
        if (count <= 0)
            return false;
        done += (size_t)count;
    }
    return true;
}

static int64_t sum_of(const wsic_matrix *codes)
{
    const size_t count = codes->rows * codes->columns;
    int64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += codes->dtype == WSIC_I8    ? ((const int8_t *)codes->data)[i]
               : codes->dtype == WSIC_I16 ? ((const int16_t *)codes->data)[i]
                                          : ((const int32_t *)codes->data)[i];
    return sum;
}

/* To the narrowest integers that hold the codes: int8 wherever these fit. An engine has its own
 * place for them; here they are overwritten by those of the next layer. */
static bool decode(stream *s, const wsic_layer *layer, buffer *target)
{
    wsic_layer_info info = {.size = sizeof info};
    wsic_matrix codes;

    if (wsic_layer_get_info(layer, &info) != WSIC_OK ||
        !reserve(target, info.rows * info.columns * wsic_dtype_size(info.code_dtype)))
        return false;
    wsic_matrix_init(&codes, sizeof codes, target->data, info.code_dtype, info.rows, info.columns,
                     0);
    if (wsic_layer_get_codes(layer, 0, &codes) != WSIC_OK)
        return false;
    atomic_fetch_add(&s->weights, info.rows * info.columns);
    atomic_fetch_add(&s->sum, sum_of(&codes));
    return true;
}

/* The layer borrows the bytes that were read: nothing is copied. */
static bool take_piece(stream *s, size_t index, buffer *bytes, buffer *target)
{
    uint64_t offset = index * s->piece_bytes, size = s->piece_bytes;
    wsic_layer *layer;

    if (s->archive && wsic_archive_get_extent(s->archive, index, &offset, &size) != WSIC_OK)
        return false;
    if (!reserve(bytes, (size_t)size) ||
        !read_extent(s->descriptor, offset, bytes->data, (size_t)size))
        return false;
    if (!s->context)
        return true;
    if (wsic_layer_create_view(s->context, bytes->data, (size_t)size, &layer) != WSIC_OK)
        return false;
    const bool done = decode(s, layer, target);
    wsic_layer_destroy(layer);
    return done;
}

static void *take_pieces(void *data)
{
    stream *const s = data;
    buffer bytes = {NULL, 0}, target = {NULL, 0};
    size_t index;

    while (!s->failed && (index = atomic_fetch_add(&s->next, 1)) < s->pieces) {
        if (!take_piece(s, index, &bytes, &target))
            s->failed = true;
    }
    free(bytes.data);
    free(target.data);
    return NULL;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Returns the time that it took, or a negative number. What the system has of the file in its cache
 * is given back before, where it lets go. */
static double run(stream *s, size_t threads)
{
    pthread_t started[MOST_THREADS];
    size_t count = 0;

    posix_fadvise(s->descriptor, 0, 0, POSIX_FADV_DONTNEED);
    const double begin = seconds();
    while (count < threads && pthread_create(&started[count], NULL, take_pieces, s) == 0)
        count++;
    if (count == 0)
        take_pieces(s);
    for (size_t k = 0; k < count; k++)
        pthread_join(started[k], NULL);
    return s->failed ? -1 : seconds() - begin;
}

/* --- both sides ---------------------------------------------------------------- */

/* Each layer as the library reads it, one after the other. */
static bool same_codes(stream *s)
{
    stream plain = {.context = s->context, .archive = s->archive};
    buffer target = {NULL, 0};
    bool done = true;

    for (size_t k = 0; done && k < s->pieces; k++) {
        wsic_layer *layer;
        done = wsic_archive_load_layer(s->archive, k, &layer) == WSIC_OK &&
               decode(&plain, layer, &target);
        wsic_layer_destroy(layer);
    }
    free(target.data);
    return done && plain.weights == s->weights && plain.sum == s->sum;
}

static int stream_archive(wsic_context *context, const char *path, size_t threads, bool compare,
                          uint64_t *weights)
{
    stream s = {.context = context, .descriptor = open(path, O_RDONLY)};
    int result = EXIT_SUCCESS;

    if (s.descriptor < 0 || wsic_archive_open(context, path, &s.archive) != WSIC_OK) {
        close(s.descriptor);
        return fail(path, s.descriptor < 0 ? "cannot be opened" : wsic_context_message(context));
    }
    s.pieces = wsic_archive_count(s.archive);
    const double time = run(&s, threads);
    *weights = s.weights;
    if (time < 0)
        result = fail(path, wsic_context_message(context));
    else if (compare && !same_codes(&s))
        result = fail(path, "streamed layers differ from those that the library reads");
    else
        printf("coded: %zu layers, %.3f bits per weight, %.3f G weights/s\n", s.pieces,
               8.0 * (double)wsic_archive_size(s.archive) / (double)*weights,
               1e-9 * (double)*weights / time);
    wsic_archive_close(s.archive);
    close(s.descriptor);
    return result;
}

static int read_bf16(uint64_t weights, size_t threads)
{
    static const char piece[1 << 16] = {1};
    stream s = {.descriptor = open(bf16_path, O_RDWR | O_CREAT | O_TRUNC, 0666),
                .piece_bytes = sizeof piece};
    const uint64_t bytes = 2 * weights < most_bf16_bytes ? 2 * weights : most_bf16_bytes;

    if (s.descriptor < 0)
        return fail(bf16_path, "cannot be written");
    s.pieces = (size_t)((bytes + sizeof piece - 1) / sizeof piece);
    for (size_t k = 0; k < s.pieces && !s.failed; k++)
        s.failed = write(s.descriptor, piece, sizeof piece) != (ssize_t)sizeof piece;
    fsync(s.descriptor);
    const double time = run(&s, threads);
    close(s.descriptor);
    remove(bf16_path);
    if (time < 0)
        return fail(bf16_path, "cannot be written or read");
    printf("bf16: 16 bits per weight, %.3f G weights/s\n",
           1e-9 * (double)(s.pieces * sizeof piece / 2) / time);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const char *const path = argc > 1 ? argv[1] : made_path;
    const long threads = argc > 2 ? strtol(argv[2], NULL, 10) : 2;
    wsic_context *context = NULL;
    uint64_t weights = 0;

    if (argc > 3 || threads < 1 || threads > MOST_THREADS)
        return fail("usage", "06_stream_layers [ARCHIVE [THREADS]]");
    if (wsic_context_create(NULL, &context) != WSIC_OK)
        return fail("context", "out of memory");
    int result = argc > 1 ? EXIT_SUCCESS : make_archive(context);
    if (result == EXIT_SUCCESS)
        result = stream_archive(context, path, (size_t)threads, argc == 1, &weights);
    if (result == EXIT_SUCCESS)
        result = read_bf16(weights, (size_t)threads);
    wsic_context_destroy(context);
    if (argc == 1)
        remove(made_path);
    return result;
}
