/* SPDX-License-Identifier: MIT */
#include "llm/model/table.h"

#include <stdlib.h>
#include <string.h>

bool table_load(struct table *table, struct failure *failure)
{
    float *const values = malloc(table->rows * table->columns * sizeof *values);

    if (!values)
        return refuse(failure, "%s: tensor \"%s\": out of memory", table->stored->file,
                      table->stored->name);
    if (!table_read(table, 0, table->rows, values, failure)) {
        free(values);
        return false;
    }
    table_release(table);
    table_unload(table);
    table->values = values;
    return true;
}

void table_unload(struct table *table)
{
    free(table->values);
    table->values = NULL;
}

bool table_read(const struct table *table, size_t first, size_t count, float *out,
                struct failure *failure)
{
    const size_t place = first * table->columns;
    const size_t numbers = count * table->columns;

    if (!table->values)
        return tensor_read_part_f32(table->stored, place, numbers, out, failure);
    memcpy(out, table->values + place, numbers * sizeof *out);
    return true;
}

void table_release(const struct table *table)
{
    tensor_release(table->stored);
}
