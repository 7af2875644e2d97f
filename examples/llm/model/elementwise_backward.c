/* SPDX-License-Identifier: MIT */
#include "llm/model/elementwise_backward.h"

#include <math.h>

#include "common/workers.h"

/* What a worker takes at once. */
enum { strip_rows = 64, strip_numbers = 16384 };

struct norm_job {
    const struct norm_pass *pass;
    float addition;
    float *back;
};

static size_t strip_end(size_t strip, size_t length, size_t count)
{
    return (strip + 1) * length < count ? (strip + 1) * length : count;
}

/* With f = 1 / sqrt(mean x² + epsilon) and v = gains ∘ u: f (v - x f² (Σ v x) / n). */
static void norm_row(const struct norm_job *job, size_t row)
{
    const struct norm_pass *const pass = job->pass;
    const size_t n = pass->length;
    const float *const x = pass->x + row * n;
    const float *const u = pass->u + row * n;
    float *const back = job->back + row * n;
    float energy = 0;
    float along = 0;

    for (size_t i = 0; i < n; i++) {
        energy += x[i] * x[i];
        along += pass->gains[i] * u[i] * x[i];
    }
    const float factor = 1 / sqrtf(energy / (float)n + pass->epsilon);
    const float share = factor * factor * along / (float)n;
    for (size_t i = 0; i < n; i++) {
        const float kept = job->addition != 0 ? job->addition * back[i] : 0;
        back[i] = kept + factor * (pass->gains[i] * u[i] - share * x[i]);
    }
}

static void norm_strip(void *data, size_t strip, size_t worker)
{
    const struct norm_job *const job = data;
    const size_t end = strip_end(strip, strip_rows, job->pass->count);

    (void)worker;
    for (size_t row = strip * strip_rows; row < end; row++)
        norm_row(job, row);
}

void norm_backward(const struct norm_pass *pass, size_t workers, float addition, float *back)
{
    struct norm_job job = {.pass = pass, .addition = addition, .back = back};

    workers_run(workers, (pass->count + strip_rows - 1) / strip_rows, norm_strip, &job);
}

/* A value and its derivative. */
struct slope {
    float value;
    float slope;
};

/* silu(x) = x s(x) with the logistic function s, whose derivative is s (1 - s). */
static struct slope silu(float x)
{
    const float logistic = 1 / (1 + expf(-x));

    return (struct slope){x * logistic, logistic * (1 + x * (1 - logistic))};
}

/* gelu(x) = x s(2 z) with z = √(2/π) (x + 0.044715 x³). */
static struct slope gelu_tanh(float x)
{
    const float twice = 1.5957691216F * (x + 0.044715F * x * x * x);
    const float twice_slope = 1.5957691216F * (1 + 3 * 0.044715F * x * x);
    const float logistic = 1 / (1 + expf(-twice));

    return (struct slope){x * logistic, logistic * (1 + x * (1 - logistic) * twice_slope)};
}

static void gate_strip(void *data, size_t strip, size_t worker)
{
    const struct gate_pass *const pass = data;
    const size_t end = strip_end(strip, strip_numbers, pass->count);

    (void)worker;
    for (size_t i = strip * strip_numbers; i < end; i++) {
        const struct slope at = pass->activation == ACTIVATION_GELU_TANH ? gelu_tanh(pass->gate[i])
                                                                         : silu(pass->gate[i]);
        const float u = pass->u[i];
        pass->gate_back[i] = u * pass->up[i] * at.slope;
        pass->u[i] = u * at.value;
    }
}

void gate_backward(const struct gate_pass *pass, size_t workers)
{
    struct gate_pass job = *pass;

    workers_run(workers, (pass->count + strip_numbers - 1) / strip_numbers, gate_strip, &job);
}
