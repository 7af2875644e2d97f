# SPDX-License-Identifier: MIT
"""Structs and functions of the C headers, as ctypes sees them.

test_declarations.py compares everything in this file with the headers and with their compiler.
"""

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_double,
    c_float,
    c_int8,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)


def _opaque(name):
    return type(name, (Structure,), {})


def _struct(name, *fields):
    return type(name, (Structure,), {"_fields_": list(fields)})


wsic_context = _opaque("wsic_context")
wsic_stats = _opaque("wsic_stats")
wsic_problem = _opaque("wsic_problem")
wsic_plan = _opaque("wsic_plan")
wsic_encoder = _opaque("wsic_encoder")
wsic_layer = _opaque("wsic_layer")
wsic_archive = _opaque("wsic_archive")
wsic_archive_writer = _opaque("wsic_archive_writer")

wsic_log_function = CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
wsic_progress_function = CFUNCTYPE(c_int32, c_void_p, c_double, c_char_p)
_task = CFUNCTYPE(None, c_void_p, c_size_t)
wsic_runner_function = CFUNCTYPE(None, c_void_p, c_size_t, _task, c_void_p)
_allocate = CFUNCTYPE(c_void_p, c_void_p, c_size_t)
_release = CFUNCTYPE(None, c_void_p, c_void_p)

wsic_matrix = _struct(
    "wsic_matrix",
    ("size", c_size_t),
    ("data", c_void_p),
    ("rows", c_size_t),
    ("columns", c_size_t),
    ("row_stride", c_size_t),
    ("dtype", c_uint32),
    ("reserved", c_uint32),
)
wsic_allocator = _struct(
    "wsic_allocator",
    ("size", c_size_t),
    ("allocate", _allocate),
    ("release", _release),
    ("user", c_void_p),
)
wsic_layer_info = _struct(
    "wsic_layer_info",
    ("size", c_size_t),
    ("rows", c_uint64),
    ("columns", c_uint64),
    ("bytes", c_uint64),
    ("bytes_codes", c_uint64),
    ("bytes_side", c_uint64),
    ("block_rows", c_uint64),
    ("rate", c_double),
    ("rate_codes", c_double),
    ("rate_side", c_double),
    ("code_dtype", c_uint32),
    ("reserved", c_uint32),
    ("rate_target", c_double),
    ("step", c_double),
    ("entropy_pooled", c_double),
    ("distortion", c_double),
    ("relative_distortion", c_double),
    ("limit_rate", c_double),
    ("gap", c_double),
    ("damping", c_double),
    ("damping_retries", c_uint64),
    ("dead_columns", c_uint64),
    ("dead_rows", c_uint64),
    ("live_columns", c_uint64),
    ("memory", c_uint64),
    ("codes_fit_i4", c_uint32),
    ("reserved_2", c_uint32),
)
wsic_layer_job = _struct(
    "wsic_layer_job",
    ("size", c_size_t),
    ("layer", POINTER(wsic_layer)),
    ("kind", c_uint32),
    ("reserved", c_uint32),
    ("first_row", c_size_t),
    ("first_column", c_size_t),
    ("input", POINTER(wsic_matrix)),
    ("output", POINTER(wsic_matrix)),
)
wsic_tile = _struct(
    "wsic_tile",
    ("size", c_size_t),
    ("first_row", c_size_t),
    ("rows", c_size_t),
    ("columns", c_size_t),
    ("row", POINTER(c_uint32)),
    ("column", POINTER(c_uint32)),
    ("stride", c_size_t),
    ("narrow", POINTER(c_int8)),
    ("wide", POINTER(c_int32)),
)
wsic_tile_function = CFUNCTYPE(c_int32, c_void_p, POINTER(wsic_tile))
wsic_pair_moments = _struct(
    "wsic_pair_moments",
    ("size", c_size_t),
    ("input", POINTER(wsic_matrix)),
    ("quantized", POINTER(wsic_matrix)),
    ("cross", POINTER(wsic_matrix)),
    ("residual", POINTER(wsic_matrix)),
    ("residual_input", POINTER(wsic_matrix)),
    ("residual_energy", POINTER(wsic_matrix)),
)
wsic_parameter_info = _struct(
    "wsic_parameter_info",
    ("size", c_size_t),
    ("id", c_int32),
    ("type", c_int32),
    ("name", c_char_p),
    ("choices", c_char_p),
    ("summary", c_char_p),
    ("minimum", c_double),
    ("maximum", c_double),
    ("preset", c_double),
)
wsic_encoder_report = _struct(
    "wsic_encoder_report",
    ("size", c_size_t),
    ("seconds", c_double),
    ("seconds_prepare", c_double),
    ("seconds_search", c_double),
    ("seconds_recursion", c_double),
    ("seconds_rescale", c_double),
    ("seconds_coding", c_double),
    ("seconds_distortion", c_double),
    ("seconds_limit", c_double),
    ("search_steps", c_uint64),
    ("passes", c_uint64),
    ("rescale_rounds", c_uint64),
    ("memory_peak", c_uint64),
    ("seconds_outputs", c_double),
    ("output_distortion", c_double),
    ("output_relative", c_double),
    ("divergence", c_double),
    ("output_limit_rate", c_double),
    ("output_gap", c_double),
    ("output_damping", c_double),
    ("output_feedback", c_uint64),
    ("output_weights", c_uint32),
    ("reserved", c_uint32),
)
wsic_plan_layer = _struct(
    "wsic_plan_layer",
    ("size", c_size_t),
    ("rows", c_uint64),
    ("columns", c_uint64),
    ("dead_columns", c_uint64),
    ("rate", c_double),
    ("distortion", c_double),
    ("energy", c_double),
    ("step", c_double),
    ("water_level", c_double),
    ("damping", c_double),
    ("marginal", c_double),
    ("sensitivity", c_double),
    ("target_rate", c_double),
    ("bytes", c_uint64),
    ("committed", c_uint32),
    ("outputs", c_uint32),
    ("divergence", c_double),
)

_context = POINTER(wsic_context)
_stats = POINTER(wsic_stats)
_problem = POINTER(wsic_problem)
_plan = POINTER(wsic_plan)
_encoder = POINTER(wsic_encoder)
_layer = POINTER(wsic_layer)
_archive = POINTER(wsic_archive)
_writer = POINTER(wsic_archive_writer)
_matrix = POINTER(wsic_matrix)
_job = POINTER(wsic_layer_job)
_double = POINTER(c_double)
_float = POINTER(c_float)
_size = POINTER(c_size_t)
_status = c_int32

#: Name: type of the result, types of the arguments
FUNCTIONS = {
    # archive.h
    "wsic_archive_writer_create": (_status, _context, c_char_p, POINTER(_writer)),
    "wsic_archive_writer_resume": (_status, _context, c_char_p, POINTER(_writer)),
    "wsic_archive_writer_set_alignment": (_status, _writer, c_uint64),
    "wsic_archive_writer_alignment": (c_uint64, _writer),
    "wsic_archive_writer_destroy": (None, _writer),
    "wsic_archive_writer_message": (c_char_p, _writer),
    "wsic_archive_writer_set_metadata": (_status, _writer, c_char_p, c_char_p),
    "wsic_archive_writer_add": (_status, _writer, c_char_p, _layer),
    "wsic_archive_writer_size": (c_uint64, _writer, c_char_p, c_uint64),
    "wsic_archive_writer_count": (c_size_t, _writer),
    "wsic_archive_writer_name": (c_char_p, _writer, c_size_t),
    "wsic_archive_writer_load_layer": (_status, _writer, c_size_t, POINTER(_layer)),
    "wsic_archive_writer_metadata": (c_char_p, _writer, c_char_p),
    "wsic_archive_writer_finish": (_status, _writer),
    "wsic_archive_open": (_status, _context, c_char_p, POINTER(_archive)),
    "wsic_archive_open_memory": (_status, _context, c_void_p, c_size_t, POINTER(_archive)),
    "wsic_archive_close": (None, _archive),
    "wsic_archive_message": (c_char_p, _archive),
    "wsic_archive_size": (c_uint64, _archive),
    "wsic_archive_count": (c_size_t, _archive),
    "wsic_archive_name": (c_char_p, _archive, c_size_t),
    "wsic_archive_find": (_status, _archive, c_char_p, _size),
    "wsic_archive_load_layer": (_status, _archive, c_size_t, POINTER(_layer)),
    "wsic_archive_view_layer": (_status, _archive, c_size_t, POINTER(_layer)),
    "wsic_archive_get_extent": (
        _status, _archive, c_size_t, POINTER(c_uint64), POINTER(c_uint64)),
    "wsic_archive_alignment": (c_uint64, _archive),
    "wsic_archive_metadata_count": (c_size_t, _archive),
    "wsic_archive_metadata_key": (c_char_p, _archive, c_size_t),
    "wsic_archive_metadata": (c_char_p, _archive, c_char_p),
    # base.h
    "wsic_status_name": (c_char_p, _status),
    "wsic_status_text": (c_char_p, _status),
    "wsic_dtype_size": (c_size_t, c_uint32),
    "wsic_dtype_name": (c_char_p, c_uint32),
    "wsic_matrix_init": (
        None, _matrix, c_size_t, c_void_p, c_uint32, c_size_t, c_size_t, c_size_t),
    # context.h
    "wsic_context_create": (_status, POINTER(wsic_allocator), POINTER(_context)),
    "wsic_context_destroy": (None, _context),
    "wsic_context_message": (c_char_p, _context),
    "wsic_context_set_threads": (_status, _context, c_int32),
    "wsic_processors": (c_int32,),
    "wsic_context_set_runner": (_status, _context, wsic_runner_function, c_void_p),
    "wsic_context_set_kernels": (_status, _context, c_int32),
    "wsic_context_kernels": (c_int32, _context),
    "wsic_kernels_name": (c_char_p, c_int32),
    "wsic_context_set_log": (_status, _context, wsic_log_function, c_void_p, c_int32),
    "wsic_context_set_progress": (_status, _context, wsic_progress_function, c_void_p),
    "wsic_context_cancel": (None, _context),
    "wsic_context_stop": (None, _context),
    "wsic_context_resume": (None, _context),
    "wsic_context_set_memory_limit": (_status, _context, c_uint64),
    "wsic_context_memory": (c_uint64, _context, POINTER(c_uint64)),
    "wsic_context_reset_peak": (None, _context),
    # decode.h
    "wsic_layer_get_workspace_size": (_status, _job, _size),
    "wsic_layer_run": (_status, _job, c_void_p, c_size_t),
    "wsic_layers_get_workspace_size": (_status, _context, _job, c_size_t, c_int32, _size),
    "wsic_layers_run": (_status, _context, _job, c_size_t, c_int32, c_void_p, c_size_t),
    "wsic_layer_visit": (
        _status, _layer, c_size_t, wsic_tile_function, c_void_p, c_void_p, c_size_t),
    "wsic_layer_visit_workspace_size": (c_size_t, _layer),
    # encoder.h
    "wsic_parameter_count": (c_size_t,),
    "wsic_parameter_get_info": (_status, c_size_t, POINTER(wsic_parameter_info)),
    "wsic_parameter_find": (c_int32, c_char_p),
    "wsic_parameter_get_choice": (_status, c_int32, c_size_t, c_char_p, c_size_t),
    "wsic_preset_name": (c_char_p, c_size_t),
    "wsic_encoder_create": (_status, _context, POINTER(_encoder)),
    "wsic_encoder_destroy": (None, _encoder),
    "wsic_encoder_message": (c_char_p, _encoder),
    "wsic_encoder_set_preset": (_status, _encoder, c_char_p),
    "wsic_encoder_set_number": (_status, _encoder, c_int32, c_double),
    "wsic_encoder_set_integer": (_status, _encoder, c_int32, c_int64),
    "wsic_encoder_set_text": (_status, _encoder, c_char_p, c_char_p),
    "wsic_encoder_get_number": (_status, _encoder, c_int32, _double),
    "wsic_encoder_get_text": (_status, _encoder, c_char_p, c_char_p, c_size_t),
    "wsic_encoder_parameters": (c_char_p, _encoder),
    "wsic_encoder_set_plan": (_status, _encoder, _plan, c_size_t),
    "wsic_encoder_estimate_memory": (_status, _encoder, c_size_t, c_size_t, POINTER(c_uint64)),
    "wsic_encoder_estimate_memory_problem": (_status, _encoder, _problem, POINTER(c_uint64)),
    "wsic_encoder_run": (_status, _encoder, _stats, _matrix, POINTER(_layer)),
    "wsic_encoder_run_flat": (
        _status, _encoder, _stats, c_void_p, c_uint32, c_size_t, c_size_t, POINTER(_layer)),
    "wsic_encoder_run_problem": (_status, _encoder, _problem, POINTER(_layer)),
    "wsic_encoder_get_report": (_status, _encoder, POINTER(wsic_encoder_report)),
    # layer.h
    "wsic_layer_destroy": (None, _layer),
    "wsic_layer_message": (c_char_p, _layer),
    "wsic_layer_get_info": (_status, _layer, POINTER(wsic_layer_info)),
    "wsic_layer_get_codes": (_status, _layer, c_size_t, _matrix),
    "wsic_layer_get_codes_flat": (
        _status, _layer, c_size_t, c_void_p, c_uint32, c_size_t, c_size_t),
    "wsic_layer_get_code_range": (_status, _layer, POINTER(c_int32), POINTER(c_int32)),
    "wsic_layer_row_scales": (_float, _layer),
    "wsic_layer_column_scales": (_float, _layer),
    "wsic_layer_dequantize": (_status, _layer, c_size_t, _matrix),
    "wsic_layer_dequantize_flat": (
        _status, _layer, c_size_t, c_void_p, c_uint32, c_size_t, c_size_t),
    "wsic_layer_matmul": (_status, _layer, c_size_t, _matrix, _matrix),
    "wsic_layer_matmul_flat": (
        _status, _layer, c_size_t, c_size_t, c_size_t, c_void_p, c_uint32, c_size_t, _float,
        c_size_t),
    "wsic_layer_matvec": (_status, _layer, _float, _float),
    "wsic_layer_column_order": (POINTER(c_uint32), _layer),
    "wsic_layer_create_with_scales": (_status, _layer, _float, _float, POINTER(_layer)),
    "wsic_layer_get_bytes": (_status, _layer, POINTER(c_void_p), _size),
    "wsic_layer_create": (_status, _context, c_void_p, c_size_t, POINTER(_layer)),
    "wsic_layer_create_view": (_status, _context, c_void_p, c_size_t, POINTER(_layer)),
    # plan.h
    "wsic_plan_create": (_status, _context, POINTER(_plan)),
    "wsic_plan_destroy": (None, _plan),
    "wsic_plan_message": (c_char_p, _plan),
    "wsic_plan_add": (_status, _plan, _stats, _matrix, _size),
    "wsic_plan_add_flat": (
        _status, _plan, _stats, c_void_p, c_uint32, c_size_t, c_size_t, _size),
    "wsic_plan_add_problem": (_status, _plan, _problem, _size),
    "wsic_plan_count": (c_size_t, _plan),
    "wsic_plan_solve_rate": (_status, _plan, c_double),
    "wsic_plan_solve_distortion": (_status, _plan, c_double),
    "wsic_plan_set_sensitivity": (_status, _plan, c_size_t, c_double),
    "wsic_plan_solve_budget": (_status, _plan, c_int32, c_uint64),
    "wsic_plan_commit": (_status, _plan, c_size_t, c_uint64),
    "wsic_plan_get_layer": (_status, _plan, c_size_t, POINTER(wsic_plan_layer)),
    "wsic_plan_get_divergence": (_status, _plan, _double),
    "wsic_plan_get_column_rates": (_status, _plan, c_size_t, _double, c_size_t),
    # problem.h
    "wsic_problem_create": (_status, _context, _stats, _stats, _matrix, POINTER(_problem)),
    "wsic_problem_destroy": (None, _problem),
    "wsic_problem_message": (c_char_p, _problem),
    "wsic_problem_set_mix": (_status, _problem, c_double, c_double),
    "wsic_problem_set_dead_rows": (_status, _problem, _size, c_size_t),
    "wsic_problem_set_dead_columns": (_status, _problem, _size, c_size_t),
    "wsic_problem_set_output_diagonal": (_status, _problem, _double, c_size_t),
    "wsic_problem_set_outputs": (_status, _problem, _stats),
    "wsic_problem_set_output_diagonal": (_status, _problem, _double, c_size_t),
    # stats.h
    "wsic_stats_create": (_status, _context, c_size_t, POINTER(_stats)),
    "wsic_stats_destroy": (None, _stats),
    "wsic_stats_message": (c_char_p, _stats),
    "wsic_stats_add_activations": (_status, _stats, _matrix, _double),
    "wsic_stats_add_activations_flat": (
        _status, _stats, c_void_p, c_uint32, c_size_t, c_size_t, _double),
    "wsic_stats_add_pair": (_status, _stats, _matrix, _matrix, _matrix, _double),
    "wsic_stats_add_pair_flat": (
        _status, _stats, c_void_p, c_void_p, c_void_p, c_size_t, c_uint32, c_size_t, _double),
    "wsic_stats_add_covariance": (_status, _stats, _matrix, c_double),
    "wsic_stats_add_covariance_flat": (
        _status, _stats, c_void_p, c_uint32, c_size_t, c_double),
    "wsic_stats_add_pair_moments": (_status, _stats, POINTER(wsic_pair_moments), c_double),
    "wsic_stats_merge": (_status, _stats, _stats),
    "wsic_stats_columns": (c_size_t, _stats),
    "wsic_stats_samples": (c_double, _stats),
    "wsic_stats_has_pairs": (c_int32, _stats),
    "wsic_stats_residual_columns": (c_size_t, _stats),
    "wsic_stats_get_moment": (_status, _stats, c_int32, _matrix),
    "wsic_stats_get_moment_flat": (_status, _stats, c_int32, c_void_p, c_uint32, c_size_t),
    "wsic_stats_get_covariance": (_status, _stats, _matrix),
    "wsic_stats_get_spectrum": (_status, _stats, _double),
    "wsic_stats_save": (_status, _stats, c_char_p),
    "wsic_stats_load": (_status, _context, c_char_p, POINTER(_stats)),
    # version.h
    "wsic_version": (c_char_p,),
    "wsic_version_number": (c_uint32,),
    "wsic_api_version": (c_uint32,),
    # waterfill.h
    "wsic_waterfill_rate": (
        _status, _double, c_size_t, c_double, c_double, _double, _double),
    "wsic_waterfill_distortion": (
        _status, _double, c_size_t, c_double, c_double, _double, _double),
    "wsic_waterfill_component_rates": (
        _status, _double, c_size_t, c_double, c_double, _double),
    "wsic_waterfill_product_rate": (
        _status, _double, c_size_t, _double, c_size_t, c_double, c_double, _double, _double),
    "wsic_waterfill_product_distortion": (
        _status, _double, c_size_t, _double, c_size_t, c_double, c_double, _double, _double),
}

#: The callback types of C
CALLBACKS = {
    "wsic_log_function": wsic_log_function,
    "wsic_progress_function": wsic_progress_function,
    "wsic_runner_function": wsic_runner_function,
    "wsic_tile_function": wsic_tile_function,
}
