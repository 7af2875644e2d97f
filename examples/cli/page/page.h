/* SPDX-License-Identifier: MIT */
/* A page of HTML on a quantized model, or on two that are compared. It needs nothing but itself. */
#ifndef CLI_PAGE_PAGE_H
#define CLI_PAGE_PAGE_H

#include <stdio.h>

#include "page/collection.h"
#include "page/picture.h"

/* A layer that is drawn. */
struct page_picture {
    size_t layer;
    struct picture picture;
};

struct page {
    const struct collection *model;
    const struct collection *other; /* that it is compared with; NULL: none */
    const struct page_picture *pictures;
    size_t picture_count;
};

void page_write(const struct page *page, FILE *file);

/* Parts of it, a file each. */
void page_write_layers(const struct page *page, FILE *file);

/* With so many digits behind the point, or so many significant ones; counts have their digits in
 * groups. */
enum page_form { PAGE_COUNT, PAGE_FIXED, PAGE_SIGNIFICANT };

struct page_format {
    enum page_form form;
    int digits;
};

/* A number, or a dash for what is not known (NaN); and the same in a cell of a table. */
void page_write_number(FILE *file, struct page_format format, double value);
void page_write_cell(FILE *file, struct page_format format, double value);

/* The number of a layer's picture; picture_count if it has none. */
size_t page_find_picture(const struct page *page, size_t layer);

#endif
