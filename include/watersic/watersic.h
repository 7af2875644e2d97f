/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/watersic.h
 * \brief libwatersic: language-model weights at 1 to 4 bits with little loss.
 *
 * Data flow in one direction:
 *
 *     activations ──> wsic_stats ──┐
 *                                  ├─> wsic_plan      distortion at each rate
 *     weights ─────────────────────┤
 *                                  └─> wsic_encoder ──> wsic_layer ──> wsic_archive
 *
 * To quantize one matrix several times, or to mix statistics, make a wsic_problem from statistics
 * and weights. It takes their place.
 *
 * A complete example (examples/01_quantize_matrix.c is the same, with checks):
 *
 * \code
 * wsic_context *context;
 * wsic_stats *stats;
 * wsic_encoder *encoder;
 * wsic_layer *layer;
 * wsic_matrix x, w, restored;
 *
 * wsic_context_create(NULL, &context);
 * wsic_stats_create(context, columns, &stats);
 * wsic_matrix_init(&x, sizeof x, activations, WSIC_F32, tokens, columns, 0);
 * wsic_stats_add_activations(stats, &x, NULL);
 *
 * wsic_encoder_create(context, &encoder);
 * wsic_encoder_set_number(encoder, WSIC_RATE, 2.0);
 * wsic_matrix_init(&w, sizeof w, weights, WSIC_F32, rows, columns, 0);
 * if (wsic_encoder_run(encoder, stats, &w, &layer) < 0)
 *     puts(wsic_encoder_message(encoder));
 *
 * wsic_matrix_init(&restored, sizeof restored, output, WSIC_F32, rows, columns, 0);
 * wsic_layer_dequantize(layer, 0, &restored);
 * \endcode
 *
 * ## Names
 *
 *   - wsic_TYPE_create() makes a handle, and wsic_TYPE_destroy() releases every handle of the type.
 *     An archive that is read is a file: wsic_archive_open() opens it, wsic_archive_close()
 *     closes it. "load" reads something from a file; "view" borrows the caller's bytes.
 *   - wsic_TYPE_get_THING() writes into the caller's memory and returns a status.
 *   - wsic_TYPE_THING() returns the thing itself, a number or a pointer that the handle owns. It
 *     cannot fail.
 *   - wsic_TYPE_set_THING() changes a handle and returns a status.
 *
 * ## Conventions
 *
 * Every function that can fail returns a ::wsic_status. A message on the handle and on the context
 * explains a failure. A created handle comes back through the last argument, and is NULL on
 * failure. Functions that release a handle take NULL, and so do functions that return a message.
 * The first member of a struct is its size. Calls that take a matrix have variants without structs,
 * whose names end in "_flat"; wsic_problem_create() has none, and jobs (decode.h) and moments of
 * pairs are structs throughout. Strings are UTF-8 with a terminating NUL.
 *
 * Rates are in bits per weight, divergences in bits per token, sizes in bytes, times in seconds,
 * and row strides in elements. A matrix with n columns is described by its data, type, rows,
 * columns and row stride, in this order. An array without a length has the length that its
 * documentation names (a rows, n columns). Numbers of threads are int32_t, and 0 is "as many as
 * there are". A number outside its range, negative ones included, is #WSIC_ERROR_ARGUMENT; NaN and
 * infinity are #WSIC_ERROR_NOT_FINITE where the number is data, and #WSIC_ERROR_ARGUMENT where it
 * is a setting.
 *
 * These headers refer to documents as docs/NAME.md; they are installed as
 * share/doc/watersic/NAME.md.
 */
#ifndef WATERSIC_WATERSIC_H
#define WATERSIC_WATERSIC_H

#include <watersic/archive.h>
#include <watersic/attributes.h>
#include <watersic/base.h>
#include <watersic/context.h>
#include <watersic/decode.h>
#include <watersic/encoder.h>
#include <watersic/layer.h>
#include <watersic/plan.h>
#include <watersic/problem.h>
#include <watersic/stats.h>
#include <watersic/version.h>
#include <watersic/waterfill.h>

#endif
