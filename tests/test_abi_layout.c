/* SPDX-License-Identifier: MIT */
/* What programs have been compiled with: the layout of structs and the numbers of constants. Every
 * figure was written down when it was first published and is never changed; new ones are
 * added at the end of their list (docs/abi.md). */
#include <stdint.h>

#include "check_main.h"
#include "watersic/watersic.h"

/* --- structs ------------------------------------------------------------- */

typedef struct member {
    const char *name;
    size_t offset, size;
    size_t published_offset, published_size;
} member;

#define MEMBER(type, which, at, bytes)                                                             \
    {                                                                                              \
        .name = #type "." #which, .offset = offsetof(type, which),                                 \
        .size = sizeof(((type *)0)->which), .published_offset = (at), .published_size = (bytes)    \
    }

/* On machines of 64 bits, of which all ABIs agree here. */
static const member members[] = {
    MEMBER(wsic_matrix, size, 0, 8),
    MEMBER(wsic_matrix, data, 8, 8),
    MEMBER(wsic_matrix, rows, 16, 8),
    MEMBER(wsic_matrix, columns, 24, 8),
    MEMBER(wsic_matrix, row_stride, 32, 8),
    MEMBER(wsic_matrix, dtype, 40, 4),
    MEMBER(wsic_matrix, reserved, 44, 4),

    MEMBER(wsic_allocator, size, 0, 8),
    MEMBER(wsic_allocator, allocate, 8, 8),
    MEMBER(wsic_allocator, release, 16, 8),
    MEMBER(wsic_allocator, user, 24, 8),

    MEMBER(wsic_pair_moments, size, 0, 8),
    MEMBER(wsic_pair_moments, input, 8, 8),
    MEMBER(wsic_pair_moments, quantized, 16, 8),
    MEMBER(wsic_pair_moments, cross, 24, 8),
    MEMBER(wsic_pair_moments, residual, 32, 8),
    MEMBER(wsic_pair_moments, residual_input, 40, 8),
    MEMBER(wsic_pair_moments, residual_energy, 48, 8),

    MEMBER(wsic_layer_info, size, 0, 8),
    MEMBER(wsic_layer_info, rows, 8, 8),
    MEMBER(wsic_layer_info, columns, 16, 8),
    MEMBER(wsic_layer_info, bytes, 24, 8),
    MEMBER(wsic_layer_info, bytes_codes, 32, 8),
    MEMBER(wsic_layer_info, bytes_side, 40, 8),
    MEMBER(wsic_layer_info, block_rows, 48, 8),
    MEMBER(wsic_layer_info, rate, 56, 8),
    MEMBER(wsic_layer_info, rate_codes, 64, 8),
    MEMBER(wsic_layer_info, rate_side, 72, 8),
    MEMBER(wsic_layer_info, code_dtype, 80, 4),
    MEMBER(wsic_layer_info, reserved, 84, 4),
    MEMBER(wsic_layer_info, rate_target, 88, 8),
    MEMBER(wsic_layer_info, step, 96, 8),
    MEMBER(wsic_layer_info, entropy_pooled, 104, 8),
    MEMBER(wsic_layer_info, distortion, 112, 8),
    MEMBER(wsic_layer_info, relative_distortion, 120, 8),
    MEMBER(wsic_layer_info, limit_rate, 128, 8),
    MEMBER(wsic_layer_info, gap, 136, 8),
    MEMBER(wsic_layer_info, damping, 144, 8),
    MEMBER(wsic_layer_info, damping_retries, 152, 8),
    MEMBER(wsic_layer_info, dead_columns, 160, 8),
    MEMBER(wsic_layer_info, dead_rows, 168, 8),
    MEMBER(wsic_layer_info, live_columns, 176, 8),
    MEMBER(wsic_layer_info, memory, 184, 8),
    MEMBER(wsic_layer_info, codes_fit_i4, 192, 4),
    MEMBER(wsic_layer_info, reserved_2, 196, 4),

    MEMBER(wsic_layer_job, size, 0, 8),
    MEMBER(wsic_layer_job, layer, 8, 8),
    MEMBER(wsic_layer_job, kind, 16, 4),
    MEMBER(wsic_layer_job, reserved, 20, 4),
    MEMBER(wsic_layer_job, first_row, 24, 8),
    MEMBER(wsic_layer_job, first_column, 32, 8),
    MEMBER(wsic_layer_job, input, 40, 8),
    MEMBER(wsic_layer_job, output, 48, 8),

    MEMBER(wsic_tile, size, 0, 8),
    MEMBER(wsic_tile, first_row, 8, 8),
    MEMBER(wsic_tile, rows, 16, 8),
    MEMBER(wsic_tile, columns, 24, 8),
    MEMBER(wsic_tile, row, 32, 8),
    MEMBER(wsic_tile, column, 40, 8),
    MEMBER(wsic_tile, stride, 48, 8),
    MEMBER(wsic_tile, narrow, 56, 8),
    MEMBER(wsic_tile, wide, 64, 8),

    MEMBER(wsic_plan_layer, size, 0, 8),
    MEMBER(wsic_plan_layer, rows, 8, 8),
    MEMBER(wsic_plan_layer, columns, 16, 8),
    MEMBER(wsic_plan_layer, dead_columns, 24, 8),
    MEMBER(wsic_plan_layer, rate, 32, 8),
    MEMBER(wsic_plan_layer, distortion, 40, 8),
    MEMBER(wsic_plan_layer, energy, 48, 8),
    MEMBER(wsic_plan_layer, step, 56, 8),
    MEMBER(wsic_plan_layer, water_level, 64, 8),
    MEMBER(wsic_plan_layer, damping, 72, 8),
    MEMBER(wsic_plan_layer, marginal, 80, 8),
    MEMBER(wsic_plan_layer, sensitivity, 88, 8),
    MEMBER(wsic_plan_layer, target_rate, 96, 8),
    MEMBER(wsic_plan_layer, bytes, 104, 8),
    MEMBER(wsic_plan_layer, committed, 112, 4),
    MEMBER(wsic_plan_layer, outputs, 116, 4),
    MEMBER(wsic_plan_layer, divergence, 120, 8),

    MEMBER(wsic_encoder_report, size, 0, 8),
    MEMBER(wsic_encoder_report, seconds, 8, 8),
    MEMBER(wsic_encoder_report, seconds_prepare, 16, 8),
    MEMBER(wsic_encoder_report, seconds_search, 24, 8),
    MEMBER(wsic_encoder_report, seconds_recursion, 32, 8),
    MEMBER(wsic_encoder_report, seconds_rescale, 40, 8),
    MEMBER(wsic_encoder_report, seconds_coding, 48, 8),
    MEMBER(wsic_encoder_report, seconds_distortion, 56, 8),
    MEMBER(wsic_encoder_report, seconds_limit, 64, 8),
    MEMBER(wsic_encoder_report, search_steps, 72, 8),
    MEMBER(wsic_encoder_report, passes, 80, 8),
    MEMBER(wsic_encoder_report, rescale_rounds, 88, 8),
    MEMBER(wsic_encoder_report, memory_peak, 96, 8),
    MEMBER(wsic_encoder_report, seconds_outputs, 104, 8),
    MEMBER(wsic_encoder_report, output_distortion, 112, 8),
    MEMBER(wsic_encoder_report, output_relative, 120, 8),
    MEMBER(wsic_encoder_report, divergence, 128, 8),
    MEMBER(wsic_encoder_report, output_limit_rate, 136, 8),
    MEMBER(wsic_encoder_report, output_gap, 144, 8),
    MEMBER(wsic_encoder_report, output_damping, 152, 8),
    MEMBER(wsic_encoder_report, output_feedback, 160, 8),
    MEMBER(wsic_encoder_report, output_weights, 168, 4),
    MEMBER(wsic_encoder_report, reserved, 172, 4),

    MEMBER(wsic_parameter_info, size, 0, 8),
    MEMBER(wsic_parameter_info, id, 8, 4),
    MEMBER(wsic_parameter_info, type, 12, 4),
    MEMBER(wsic_parameter_info, name, 16, 8),
    MEMBER(wsic_parameter_info, choices, 24, 8),
    MEMBER(wsic_parameter_info, summary, 32, 8),
    MEMBER(wsic_parameter_info, minimum, 40, 8),
    MEMBER(wsic_parameter_info, maximum, 48, 8),
    MEMBER(wsic_parameter_info, preset, 56, 8),
};

START_TEST(no_member_has_moved)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const member *const m = &members[i];
        ck_assert_msg(m->offset == m->published_offset && m->size == m->published_size,
                      "%s: %zu bytes at %zu, published with %zu at %zu", m->name, m->size,
                      m->offset, m->published_size, m->published_offset);
    }
}
END_TEST

/* A member that is appended, or inserted, has to be added to the list above and the size here. */
START_TEST(no_struct_has_grown_unnoticed)
{
    ck_assert_uint_eq(sizeof(wsic_matrix), 48);
    ck_assert_uint_eq(sizeof(wsic_allocator), 32);
    ck_assert_uint_eq(sizeof(wsic_pair_moments), 56);
    ck_assert_uint_eq(sizeof(wsic_layer_info), 200);
    ck_assert_uint_eq(sizeof(wsic_layer_job), 56);
    ck_assert_uint_eq(sizeof(wsic_tile), 72);
    ck_assert_uint_eq(sizeof(wsic_plan_layer), 128);
    ck_assert_uint_eq(sizeof(wsic_encoder_report), 176);
    ck_assert_uint_eq(sizeof(wsic_parameter_info), 64);
}
END_TEST

/* --- constants ----------------------------------------------------------- */

typedef struct constant {
    const char *name;
    int32_t value, published;
} constant;

#define CONSTANT(which, number)                                                                    \
    {                                                                                              \
        .name = #which, .value = which, .published = (number)                                      \
    }

static const constant constants[] = {
    CONSTANT(WSIC_OK, 0),
    CONSTANT(WSIC_NOTICE_RATE, 1),
    CONSTANT(WSIC_ERROR_ARGUMENT, -1),
    CONSTANT(WSIC_ERROR_STATE, -2),
    CONSTANT(WSIC_ERROR_SHAPE, -3),
    CONSTANT(WSIC_ERROR_DTYPE, -4),
    CONSTANT(WSIC_ERROR_STRUCT_SIZE, -5),
    CONSTANT(WSIC_ERROR_STRUCT_NEWER, -6),
    CONSTANT(WSIC_ERROR_MEMORY, -10),
    CONSTANT(WSIC_ERROR_MEMORY_LIMIT, -11),
    CONSTANT(WSIC_ERROR_TOO_LARGE, -12),
    CONSTANT(WSIC_ERROR_CANCELLED, -13),
    CONSTANT(WSIC_ERROR_IO, -14),
    CONSTANT(WSIC_ERROR_NOT_FINITE, -20),
    CONSTANT(WSIC_ERROR_NOT_POSITIVE_DEFINITE, -21),
    CONSTANT(WSIC_ERROR_RANGE, -22),
    CONSTANT(WSIC_ERROR_NO_SAMPLES, -23),
    CONSTANT(WSIC_ERROR_FORMAT, -30),
    CONSTANT(WSIC_ERROR_CHECKSUM, -31),
    CONSTANT(WSIC_ERROR_TRUNCATED, -32),
    CONSTANT(WSIC_ERROR_VERSION, -33),
    CONSTANT(WSIC_ERROR_NOT_FOUND, -34),
    CONSTANT(WSIC_ERROR_EXISTS, -35),
    CONSTANT(WSIC_ERROR_BUFFER, -36),

    CONSTANT(WSIC_F64, 1),
    CONSTANT(WSIC_F32, 2),
    CONSTANT(WSIC_F16, 3),
    CONSTANT(WSIC_BF16, 4),
    CONSTANT(WSIC_I8, 5),
    CONSTANT(WSIC_I16, 6),
    CONSTANT(WSIC_I32, 7),
    CONSTANT(WSIC_I4, 8),

    CONSTANT(WSIC_WORKSPACE_ALIGNMENT, 64),
    CONSTANT(WSIC_JOB_CODES, 1),
    CONSTANT(WSIC_JOB_CODED_ORDER, 2),
    CONSTANT(WSIC_JOB_WEIGHTS, 3),
    CONSTANT(WSIC_JOB_PRODUCT, 4),

    CONSTANT(WSIC_LOG_NONE, 0),
    CONSTANT(WSIC_LOG_WARNING, 1),
    CONSTANT(WSIC_LOG_INFO, 2),
    CONSTANT(WSIC_LOG_DEBUG, 3),

    CONSTANT(WSIC_KERNELS_AUTO, 0),
    CONSTANT(WSIC_KERNELS_C, 1),
    CONSTANT(WSIC_KERNELS_AVX2, 2),
    CONSTANT(WSIC_KERNELS_AVX512, 3),
    CONSTANT(WSIC_KERNELS_NEON, 4),

    CONSTANT(WSIC_MOMENT_INPUT, 1),
    CONSTANT(WSIC_MOMENT_QUANTIZED, 2),
    CONSTANT(WSIC_MOMENT_CROSS, 3),
    CONSTANT(WSIC_MOMENT_RESIDUAL, 4),
    CONSTANT(WSIC_MOMENT_RESIDUAL_INPUT, 5),
    CONSTANT(WSIC_MOMENT_RESIDUAL_ENERGY, 6),

    CONSTANT(WSIC_PLAN_EQUAL, 1),
    CONSTANT(WSIC_PLAN_WATERFILL, 2),

    CONSTANT(WSIC_PARAMETER_NUMBER, 1),
    CONSTANT(WSIC_PARAMETER_INTEGER, 2),
    CONSTANT(WSIC_PARAMETER_CHOICE, 3),

    CONSTANT(WSIC_RATE, 100),
    CONSTANT(WSIC_STEP, 101),
    CONSTANT(WSIC_DISTORTION, 102),
    CONSTANT(WSIC_ROW_FRACTION, 103),
    CONSTANT(WSIC_CONTAINER_BYTES, 104),
    CONSTANT(WSIC_PASSES, 105),
    CONSTANT(WSIC_DAMPING, 110),
    CONSTANT(WSIC_DAMPING_RETRIES, 111),
    CONSTANT(WSIC_DEAD_THRESHOLD, 112),
    CONSTANT(WSIC_SPACING, 120),
    CONSTANT(WSIC_LMMSE, 121),
    CONSTANT(WSIC_QUANTIZER, 122),
    CONSTANT(WSIC_TRELLIS_STATES, 123),
    CONSTANT(WSIC_LAMBDA, 124),
    CONSTANT(WSIC_RIDGE, 125),
    CONSTANT(WSIC_ORDER, 126),
    CONSTANT(WSIC_SURVIVORS, 127),
    CONSTANT(WSIC_RESCALE, 130),
    CONSTANT(WSIC_RESCALE_ROUNDS, 131),
    CONSTANT(WSIC_RESCALE_TOLERANCE, 132),
    CONSTANT(WSIC_BLOCK_ROWS, 140),
    CONSTANT(WSIC_CODES_FIT_I4, 141),
    CONSTANT(WSIC_LIMIT, 150),
    CONSTANT(WSIC_OUTPUTS, 160),
    CONSTANT(WSIC_OUTPUT_DAMPING, 162),
    CONSTANT(WSIC_PRECISION, 142),
    CONSTANT(WSIC_OUTPUT_WEIGHTS, 163),
    CONSTANT(WSIC_OUTPUT_WEIGHTS_NONE, 0),
    CONSTANT(WSIC_OUTPUT_WEIGHTS_BLOCKS, 1),
    CONSTANT(WSIC_OUTPUT_WEIGHTS_ROWS, 2),
};
enum { CONSTANTS = sizeof constants / sizeof *constants };

START_TEST(no_constant_has_another_number)
{
    for (size_t i = 0; i < CONSTANTS; i++)
        ck_assert_msg(constants[i].value == constants[i].published, "%s is %d, published as %d",
                      constants[i].name, (int)constants[i].value, (int)constants[i].published);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("abi_layout");
    TCase *const tests = tcase_create("abi_layout");

    if (sizeof(void *) == 8) {
        tcase_add_test(tests, no_member_has_moved);
        tcase_add_test(tests, no_struct_has_grown_unnoticed);
    }
    tcase_add_test(tests, no_constant_has_another_number);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
