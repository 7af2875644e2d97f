/* SPDX-License-Identifier: MIT */
#include "llm/model/product.h"

#include <cblas.h>

#include "common/blas_threads.h"

/* Large enough that BLAS spends little time on copying its operands, small enough that all workers
 * have some. */
enum { tile_tokens = 512, tile_outputs = 2048 };

/* Starting threads takes longer than so many multiplications. */
static const size_t threads_pay = 1 << 21;

/* A matrix product cut into tiles: some tokens, and some of the columns of the result. */
struct grid {
    const struct product *product;
    size_t outputs;
    size_t across; /* tiles side by side */
    size_t first;  /* tile of all products that are computed at the same time */
};

struct tiles {
    struct grid grids[PRODUCTS];
    size_t number;
    size_t tokens;
    bool back;
};

struct range {
    size_t first;
    size_t count;
};

static size_t parts(size_t count, size_t part)
{
    return (count + part - 1) / part;
}

static struct range range_at(size_t tile, size_t length, size_t count)
{
    const size_t first = tile * length;

    return (struct range){first, count - first < length ? count - first : length};
}

static void multiply(const struct tiles *tiles, const struct grid *grid, struct range tokens,
                     struct range outputs)
{
    const struct product *const product = grid->product;
    const size_t inner = tiles->back ? product->rows : product->columns;
    const size_t stride = product->out_stride ? product->out_stride : grid->outputs;

    cblas_sgemm(CblasRowMajor, CblasNoTrans, tiles->back ? CblasNoTrans : CblasTrans,
                (int)tokens.count, (int)outputs.count, (int)inner, 1,
                product->x + tokens.first * inner, (int)inner,
                product->weights + outputs.first * (tiles->back ? 1 : product->columns),
                (int)product->columns, product->addition,
                product->out + tokens.first * stride + outputs.first, (int)stride);
    if (product->bias && !tiles->back)
        for (size_t i = 0; i < tokens.count; i++)
            cblas_saxpy((int)outputs.count, 1, product->bias + outputs.first, 1,
                        product->out + (tokens.first + i) * stride + outputs.first, 1);
}

static void multiply_tile(void *data, size_t index, size_t worker)
{
    const struct tiles *const tiles = data;
    const struct grid *grid = &tiles->grids[tiles->number - 1];

    (void)worker;
    while (index < grid->first)
        grid--;
    const size_t tile = index - grid->first;
    multiply(tiles, grid, range_at(tile / grid->across, tile_tokens, tiles->tokens),
             range_at(tile % grid->across, tile_outputs, grid->outputs));
}

static void run(struct tiles *tiles, const struct product *products, size_t workers)
{
    size_t count = 0;
    size_t weights = 0;

    for (size_t i = 0; i < tiles->number; i++) {
        const size_t outputs = tiles->back ? products[i].columns : products[i].rows;
        const size_t across = parts(outputs, tile_outputs);
        tiles->grids[i] = (struct grid){&products[i], outputs, across, count};
        count += across * parts(tiles->tokens, tile_tokens);
        weights += products[i].rows * products[i].columns;
    }
    blas_workers_run(weights * tiles->tokens < threads_pay ? 1 : workers, count, multiply_tile,
                     tiles);
}

void products_run(const struct product *products, size_t number, size_t tokens, size_t workers)
{
    struct tiles tiles = {.number = number, .tokens = tokens};

    run(&tiles, products, workers);
}

void product_back(const struct product *product, size_t tokens, size_t workers)
{
    struct tiles tiles = {.number = 1, .tokens = tokens, .back = true};

    run(&tiles, product, workers);
}

struct product product_of(const struct linear *linear, const float *x, float *out)
{
    return (struct product){.weights = linear->weights,
                            .bias = linear->bias,
                            .rows = linear->rows,
                            .columns = linear->columns,
                            .x = x,
                            .out = out};
}
