/* SPDX-License-Identifier: MIT */
/* The encoder where numbers end: targets beyond reach, matrices that are nearly all zeros, and
 * magnitudes at the edges of float and double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "layer_fixture.h"

static const char *const presets[] = {"default", "fast", "paper"};

/* Run with nothing but this target. */
static wsic_status encode(layer_fixture *f, int32_t target, double value, wsic_layer **layer)
{
    const int32_t targets[] = {WSIC_RATE, WSIC_STEP, WSIC_DISTORTION};

    for (size_t k = 0; k < 3; k++)
        ck_assert_int_eq(
            wsic_encoder_set_number(f->encoder, targets[k], targets[k] == target ? value : 0.0),
            WSIC_OK);
    *layer = NULL;
    return wsic_encoder_run(f->encoder, f->stats, &f->matrix, layer);
}

static double relative_distortion(const layer_fixture *f, const wsic_layer *layer)
{
    const wsic_layer_info info = layer_info(layer);

    if (info.distortion > 0.0)
        ck_assert_double_eq_tol(info.distortion / layer_distortion(f, layer), 1.0, 1e-4);
    return info.relative_distortion;
}

/* Encode, expect this status, and destroy the layer; returns its relative distortion. */
static double encode_expecting(layer_fixture *f, int32_t target, double value, wsic_status expected)
{
    wsic_layer *layer;
    const wsic_status status = encode(f, target, value, &layer);

    ck_assert_msg(status == expected, "%s: %s", wsic_status_name(status),
                  wsic_encoder_message(f->encoder));
    ck_assert_ptr_nonnull(layer);
    const double relative = relative_distortion(f, layer);
    wsic_layer_destroy(layer);
    return relative;
}

/* --- distortions that rounding hides ---------------------------------------------------- */

/* Scales are stored in 4096 steps to the octave at best: rounding one adds at most
 * (ln 2 / 8192)² = 7e-9 of its energy, rows' and columns' together four times that. */
#define FINEST 3e-8

START_TEST(finer_steps_are_not_worse)
{
    layer_fixture f = layer_open(64, 64, COVARIANCE_AR, 31);
    const double steps[] = {1e-5, 1e-6, 3e-7, 1e-7};

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
        ck_assert_double_le(encode_expecting(&f, WSIC_STEP, steps[k], WSIC_OK), FINEST);
    layer_close(&f);
}
END_TEST

START_TEST(fine_steps_of_thin_matrices)
{
    const size_t shapes[][2] = {{7, 1}, {1, 7}, {1, 1}, {300, 1}};

    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        layer_fixture f = layer_open(shapes[k][0], shapes[k][1], COVARIANCE_AR, 32);
        ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
        ck_assert_double_le(encode_expecting(&f, WSIC_STEP, 1e-4, WSIC_OK), FINEST);
        ck_assert_double_le(encode_expecting(&f, WSIC_STEP, 1e-7, WSIC_OK), FINEST);
        layer_close(&f);
    }
}
END_TEST

/* --- targets beyond reach ------------------------------------------------------------------ */

START_TEST(distortions_beyond_reach_give_the_nearest)
{
    layer_fixture f = layer_open(48, 32, COVARIANCE_AR, 33);

    ck_assert_int_eq(wsic_encoder_set_preset(f.encoder, presets[_i]), WSIC_OK);
    ck_assert_double_le(encode_expecting(&f, WSIC_DISTORTION, 1e-20, WSIC_NOTICE_RATE), FINEST);
    ck_assert_double_le(encode_expecting(&f, WSIC_DISTORTION, 1e-300, WSIC_NOTICE_RATE), FINEST);
    layer_close(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("encoder extremes");
    TCase *const targets = tcase_create("targets");

    tcase_set_timeout(targets, 120);
    tcase_add_loop_test(targets, finer_steps_are_not_worse, 0, 3);
    tcase_add_loop_test(targets, fine_steps_of_thin_matrices, 0, 3);
    tcase_add_loop_test(targets, distortions_beyond_reach_give_the_nearest, 0, 3);
    suite_add_tcase(suite, targets);
    return run_suite(suite);
}
