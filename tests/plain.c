/* SPDX-License-Identifier: MIT */
#include "plain.h"

#include <math.h>

bool plain_cholesky(size_t n, double *a)
{
    for (size_t j = 0; j < n; j++) {
        double pivot = a[j * n + j];
        for (size_t k = 0; k < j; k++)
            pivot -= a[k * n + j] * a[k * n + j];
        if (!(pivot > 0.0))
            return false;
        a[j * n + j] = sqrt(pivot);
        for (size_t i = j + 1; i < n; i++) {
            double sum = a[j * n + i];
            for (size_t k = 0; k < j; k++)
                sum -= a[k * n + i] * a[k * n + j];
            a[j * n + i] = sum / a[j * n + j];
        }
        for (size_t i = 0; i < j; i++)
            a[j * n + i] = 0.0;
    }
    return true;
}

void plain_multiply_lower(size_t m, size_t n, const double *w, const double *L, double *y)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < m; i++) {
            double sum = 0.0;
            for (size_t k = j; k < n; k++)
                sum += w[k * m + i] * L[j * n + k];
            y[j * m + i] = sum;
        }
    }
}

void plain_solve_lower_transposed(size_t m, size_t n, const double *L, double *y)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < m; i++) {
            double sum = y[j * m + i];
            for (size_t k = 0; k < j; k++)
                sum -= y[k * m + i] * L[k * n + j];
            y[j * m + i] = sum / L[j * n + j];
        }
    }
}

void plain_recursion(size_t m, size_t n, const double *L, const double *alpha, bool lmmse,
                     double *y, int32_t *codes, double *gamma)
{
    for (size_t j = n; j-- > 0;) {
        const double step = alpha[j] * L[j * n + j];
        double zy = 0.0, zz = 0.0;
        for (size_t i = 0; i < m; i++) {
            const double z = nearbyint(y[j * m + i] / step);
            codes[j * m + i] = (int32_t)z;
            zy += z * y[j * m + i];
            zz += z * z;
        }
        gamma[j] = zz > 0.0 ? (lmmse ? zy / (zz * step) : 1.0) : 0.0;
        for (size_t k = 0; k <= j; k++) {
            for (size_t i = 0; i < m; i++)
                y[k * m + i] -= gamma[j] * alpha[j] * codes[j * m + i] * L[k * n + j];
        }
    }
}

void plain_multiply_symmetric(size_t m, size_t n, const double *w, const double *s, double *c)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < m; i++) {
            double sum = 0.0;
            for (size_t k = 0; k < n; k++)
                sum += w[k * m + i] * (k >= j ? s[j * n + k] : s[k * n + j]);
            c[j * m + i] = sum;
        }
    }
}

double plain_loss(size_t m, size_t n, const int32_t *codes, const double *alpha, const double *t,
                  const double *g, const double *s, const double *c, double k)
{
    double loss = k;

    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            const double w = t[i] * codes[j * m + i] * alpha[j] * g[j];
            loss -= 2.0 * w * c[j * m + i];
            for (size_t l = 0; l < n; l++) {
                const double v = t[i] * codes[l * m + i] * alpha[l] * g[l];
                loss += w * v * (l >= j ? s[j * n + l] : s[l * n + j]);
            }
        }
    }
    return loss;
}

void plain_covariance(size_t n, double *s)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++) {
            const double distance = i > j ? (double)(i - j) : (double)(j - i);
            const double scale_i = 1.0 + (double)(i % 5), scale_j = 1.0 + (double)(j % 5);
            s[j * n + i] = pow(0.9, distance) * scale_i * scale_j;
        }
    }
}
