/* SPDX-License-Identifier: MIT */
#include "llm/model/linear_backward.h"

#include "common/workers.h"
#include "llm/model/product.h"

/* Columns that a worker sums up at once. */
enum { strip_columns = 64 };

/* sums[j] += Σ a_ij b_ij over the rows i */
struct column_sums {
    const float *a;
    const float *b;
    size_t rows;
    size_t columns;
    double *sums;
};

static void sum_strip(void *data, size_t strip, size_t worker)
{
    const struct column_sums *const job = data;
    const size_t first = strip * strip_columns;
    const size_t end = first + strip_columns < job->columns ? first + strip_columns : job->columns;

    (void)worker;
    for (size_t i = 0; i < job->rows; i++) {
        const float *const a = job->a + i * job->columns;
        const float *const b = job->b + i * job->columns;
        for (size_t j = first; j < end; j++)
            job->sums[j] += (double)(a[j] * b[j]);
    }
}

static void sum_columns(struct column_sums job, size_t workers)
{
    workers_run(workers, (job.columns + strip_columns - 1) / strip_columns, sum_strip, &job);
}

/* No scale is a factor of the bias, which is a part of y. */
static void take_off_bias(const struct linear_pass *pass, double *sums)
{
    const size_t rows = pass->linear->rows;

    for (size_t i = 0; i < pass->count; i++)
        for (size_t r = 0; r < rows; r++)
            sums[r] -= (double)(pass->linear->bias[r] * pass->u[i * rows + r]);
}

void linear_backward(const struct linear_pass *pass, size_t workers, float *back,
                     const struct scale_gradient *gradient)
{
    const size_t rows = pass->linear->rows;
    const size_t columns = pass->linear->columns;
    const struct product product = product_of(pass->linear, pass->u, back);

    product_back(&product, pass->count, workers);
    if (!gradient->rows)
        return;
    sum_columns((struct column_sums){pass->u, pass->y, pass->count, rows, gradient->rows}, workers);
    if (pass->linear->bias)
        take_off_bias(pass, gradient->rows);
    sum_columns((struct column_sums){pass->x, back, pass->count, columns, gradient->columns},
                workers);
}
