/* SPDX-License-Identifier: MIT */
#include "llm/train/student.h"

#include <stdlib.h>
#include <string.h>

#include "common/workers.h"
#include "common/interrupt.h"

static const struct linear *linear_of(const struct student *student, size_t layer)
{
    const struct layer_place place = layers_at(&student->model.config, layer);

    return &student->model.blocks[place.block].linear[place.slot];
}

/* The gains of the norms, and room for weights; those of skipped layers stay as they are. */
static bool load_blocks(struct student *student, struct failure *failure)
{
    const struct model *const original = student->restored.original;
    const size_t blocks = original->config.blocks;

    student->model = student->restored.model;
    student->model.blocks = calloc(blocks, sizeof *student->model.blocks);
    if (!student->model.blocks)
        return refuse(failure, "out of memory for %zu blocks", blocks);
    for (size_t i = 0; i < blocks; i++)
        if (!model_load_block(original, i, &student->model.blocks[i], failure))
            return false;
    return true;
}

/* 0 for a layer that the archive leaves as it is. */
static size_t count_scales(const struct student *student, size_t layer)
{
    char name[MODEL_NAME_SIZE];

    layers_name(&student->model.config, layer, name);
    return restored_skips(&student->restored, name)
               ? 0
               : linear_of(student, layer)->rows + linear_of(student, layer)->columns;
}

static bool allocate(struct student *student, struct failure *failure)
{
    student->count = layers_count(&student->model.config);
    for (size_t i = 0; i < student->count; i++)
        student->scales += count_scales(student, i);
    student->layers = calloc(student->count, sizeof *student->layers);
    student->gradients = calloc(student->count, sizeof *student->gradients);
    student->logs = calloc(student->scales, sizeof *student->logs);
    student->gradient = calloc(student->scales, sizeof *student->gradient);
    return (student->layers && student->gradients && student->logs && student->gradient) ||
           refuse(failure, "out of memory for %zu scales", student->scales);
}

static bool read_layer(struct student *student, size_t number, size_t offset,
                       struct failure *failure)
{
    const struct linear *const linear = linear_of(student, number);
    char name[MODEL_NAME_SIZE];
    struct failure reason;
    wsic_layer_info info;

    layers_name(&student->model.config, number, name);
    wsic_layer *const layer = restored_layer(&student->restored, name, linear, &info, failure);
    if (!layer)
        return false;
    if (!scaled_layer_create(&student->layers[number], layer, student->logs + offset, &reason))
        return refuse(failure, "%s: layer \"%s\": %s", student->restored.path, name, reason.text);
    student->gradients[number] = (struct scale_gradient){
        .rows = student->gradient + offset, .columns = student->gradient + offset + linear->rows};
    return true;
}

static bool read_layers(struct student *student, struct failure *failure)
{
    size_t offset = 0;

    for (size_t i = 0; i < student->count; i++) {
        const size_t scales = count_scales(student, i);
        if (!interrupt_none(failure))
            return false;
        if (scales > 0 && !read_layer(student, i, offset, failure))
            return false;
        offset += scales;
    }
    return true;
}

bool student_create(struct student *student, const struct model *original, wsic_context *context,
                    const char *archive, struct failure *failure)
{
    *student = (struct student){.workers = workers_usual(), .rounded = true};
    if (!restored_open(&student->restored, original, context, archive, failure))
        return false;
    if (load_blocks(student, failure) && allocate(student, failure) &&
        read_layers(student, failure)) {
        student_apply(student);
        return true;
    }
    student_free(student);
    return false;
}

void student_free(struct student *student)
{
    for (size_t i = 0; student->layers && i < student->count; i++)
        scaled_layer_free(&student->layers[i]);
    for (size_t i = 0; student->model.blocks && i < student->model.config.blocks; i++)
        block_free(&student->model.blocks[i]);
    free(student->model.blocks);
    free(student->layers);
    free(student->gradients);
    free(student->logs);
    free(student->gradient);
    restored_close(&student->restored);
    *student = (struct student){.count = 0};
}

static size_t fix_scales(const struct scales *scales, double *gradient)
{
    if (!scales_fixed(scales) || scales->count == 0)
        return scales->count;
    memset(gradient, 0, scales->count * sizeof *gradient);
    return 0;
}

size_t student_fix(struct student *student)
{
    size_t trained = 0;

    for (size_t i = 0; i < student->count; i++)
        trained += fix_scales(&student->layers[i].rows, student->gradients[i].rows) +
                   fix_scales(&student->layers[i].columns, student->gradients[i].columns);
    return trained;
}

static void apply_layer(void *data, size_t layer, size_t worker)
{
    const struct student *const student = data;

    (void)worker;
    if (student->layers[layer].layer)
        scaled_layer_apply(&student->layers[layer], student->rounded, linear_of(student, layer));
}

void student_apply(struct student *student)
{
    workers_run(student->workers, student->count, apply_layer, student);
}

/* NULL: not one of the student's */
static const struct scaled_layer *find_layer(const struct student *student, const char *wanted)
{
    size_t number;

    return layers_find(&student->model.config, wanted, &number) ? &student->layers[number] : NULL;
}

static bool make_layer(const struct student *student, size_t index, wsic_layer **layer,
                       struct failure *failure)
{
    const char *const name = package_name(student->restored.package, index);
    const struct scaled_layer *const scaled = find_layer(student, name);

    if (!scaled) {
        *layer = package_layer(student->restored.package, index, failure);
        return *layer != NULL;
    }
    if (scaled_layer_finish(scaled, layer) < 0)
        return refuse(failure, "layer \"%s\": %s", name, wsic_layer_message(scaled->layer));
    return true;
}

static bool write_layer(const struct student *student, wsic_archive_writer *writer, size_t index,
                        struct failure *failure)
{
    const char *const name = package_name(student->restored.package, index);
    wsic_layer *layer;

    if (!make_layer(student, index, &layer, failure))
        return false;
    const bool ok = wsic_archive_writer_add(writer, name, layer) >= 0;
    wsic_layer_destroy(layer);
    return ok || refuse(failure, "layer \"%s\": %s", name, wsic_archive_writer_message(writer));
}

bool student_write(const struct student *student, wsic_archive_writer *writer,
                   struct failure *failure)
{
    const struct package *const package = student->restored.package;
    const char *key;

    for (size_t i = 0; i < package_count(package); i++)
        if (!write_layer(student, writer, i, failure))
            return false;
    for (size_t i = 0; (key = package_key(package, i)); i++) {
        /* The writer's own: which library wrote the archive. */
        if (strcmp(key, "library") == 0)
            continue;
        if (wsic_archive_writer_set_metadata(writer, key, package_metadata(package, key)) < 0)
            return refuse(failure, "metadata \"%s\": %s", key, wsic_archive_writer_message(writer));
    }
    return true;
}
