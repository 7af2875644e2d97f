/* SPDX-License-Identifier: MIT */
#include "base/decimal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* strtod() and snprintf() round correctly, which takes arithmetic of many digits, but follow the
 * locale of the thread. Its radix is whatever stands between two digits. */
typedef struct radix {
    char text[16];
    size_t size;
} radix;

static radix find_radix(void)
{
    char sample[sizeof(radix) + 8];
    radix found = {".", 1};
    const int length = snprintf(sample, sizeof sample, "%.1f", 0.5);

    if (length > 2 && (size_t)length < sizeof sample && (size_t)length - 2 < sizeof found.text) {
        found.size = (size_t)length - 2;
        memcpy(found.text, sample + 1, found.size);
    }
    return found;
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* The length of a number; *point is where its point stands, or its end without one. 0 if it is
 * none. */
static size_t measure(const char *text, size_t *point)
{
    size_t at = *text == '-' || *text == '+';
    size_t count = digits(text + at);

    at += count;
    *point = at;
    if (text[at] == '.') {
        const size_t behind = digits(text + at + 1);
        count += behind;
        at += 1 + behind;
    }
    if (count == 0)
        return 0;
    if (text[at] == 'e' || text[at] == 'E') {
        at += 1;
        at += text[at] == '-' || text[at] == '+';
        const size_t exponent = digits(text + at);
        if (exponent == 0)
            return 0;
        at += exponent;
    }
    return at;
}

bool wsic_decimal_read(const char *text, double *value)
{
    enum { MOST = 400 };
    const int saved = errno;
    const radix local = find_radix();
    char copy[MOST + sizeof local.text];
    size_t point;
    const size_t length = measure(text, &point);

    if (length == 0 || length >= MOST || text[length] != '\0')
        return false;
    memcpy(copy, text, point);
    if (text[point] == '.') {
        memcpy(copy + point, local.text, local.size);
        memcpy(copy + point + local.size, text + point + 1, length - point);
    } else {
        memcpy(copy + point, text + point, length - point + 1);
    }
    const double read = strtod(copy, NULL);
    errno = saved;
    if (!isfinite(read))
        return false;
    *value = read;
    return true;
}

void wsic_decimal_print(double value, char text[WSIC_DECIMAL_SIZE])
{
    enum { FEW = 6, ENOUGH = 17 }; /* 17 digits tell all doubles apart */
    const radix local = find_radix();

    for (int precision = FEW; precision <= ENOUGH; precision++) {
        double back = 0;
        snprintf(text, WSIC_DECIMAL_SIZE, "%.*g", precision, value);
        char *const point = strstr(text, local.text);
        if (point) {
            *point = '.';
            memmove(point + 1, point + local.size, strlen(point + local.size) + 1);
        }
        if (wsic_decimal_read(text, &back) && back == value)
            return;
    }
}
