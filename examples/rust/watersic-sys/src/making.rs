// SPDX-License-Identifier: MIT
//! Making layers: contexts, statistics, problems, plans, encoders, waterfilling.
use crate::*;
use std::os::raw::{c_char, c_void};

extern "C" {
    // context.h
    pub fn wsic_context_create(
        allocator: *const wsic_allocator,
        out: *mut *mut wsic_context,
    ) -> wsic_status;
    pub fn wsic_context_destroy(context: *mut wsic_context);
    pub fn wsic_context_message(context: *const wsic_context) -> *const c_char;
    pub fn wsic_context_set_threads(context: *mut wsic_context, threads: i32) -> wsic_status;
    pub fn wsic_processors() -> i32;
    pub fn wsic_context_set_runner(
        context: *mut wsic_context,
        runner: wsic_runner_function,
        user: *mut c_void,
    ) -> wsic_status;
    pub fn wsic_context_set_kernels(context: *mut wsic_context, kernels: i32) -> wsic_status;
    pub fn wsic_context_kernels(context: *const wsic_context) -> i32;
    pub fn wsic_kernels_name(kernels: i32) -> *const c_char;
    pub fn wsic_context_set_log(
        context: *mut wsic_context,
        log: wsic_log_function,
        user: *mut c_void,
        level: i32,
    ) -> wsic_status;
    pub fn wsic_context_set_progress(
        context: *mut wsic_context,
        progress: wsic_progress_function,
        user: *mut c_void,
    ) -> wsic_status;
    pub fn wsic_context_cancel(context: *mut wsic_context);
    pub fn wsic_context_stop(context: *mut wsic_context);
    pub fn wsic_context_resume(context: *mut wsic_context);
    pub fn wsic_context_set_memory_limit(context: *mut wsic_context, bytes: u64) -> wsic_status;
    pub fn wsic_context_memory(context: *const wsic_context, peak: *mut u64) -> u64;
    pub fn wsic_context_reset_peak(context: *mut wsic_context);

    // stats.h
    pub fn wsic_stats_create(
        context: *mut wsic_context,
        columns: usize,
        out: *mut *mut wsic_stats,
    ) -> wsic_status;
    pub fn wsic_stats_destroy(stats: *mut wsic_stats);
    pub fn wsic_stats_message(stats: *const wsic_stats) -> *const c_char;
    pub fn wsic_stats_add_activations(
        stats: *mut wsic_stats,
        activations: *const wsic_matrix,
        weights: *const f64,
    ) -> wsic_status;
    pub fn wsic_stats_add_activations_flat(
        stats: *mut wsic_stats,
        data: *const c_void,
        dtype: u32,
        tokens: usize,
        row_stride: usize,
        weights: *const f64,
    ) -> wsic_status;
    pub fn wsic_stats_add_pair(
        stats: *mut wsic_stats,
        activations: *const wsic_matrix,
        quantized: *const wsic_matrix,
        residual: *const wsic_matrix,
        weights: *const f64,
    ) -> wsic_status;
    pub fn wsic_stats_add_pair_flat(
        stats: *mut wsic_stats,
        data: *const c_void,
        quantized: *const c_void,
        residual: *const c_void,
        residual_columns: usize,
        dtype: u32,
        tokens: usize,
        weights: *const f64,
    ) -> wsic_status;
    pub fn wsic_stats_add_covariance(
        stats: *mut wsic_stats,
        covariance: *const wsic_matrix,
        samples: f64,
    ) -> wsic_status;
    pub fn wsic_stats_add_covariance_flat(
        stats: *mut wsic_stats,
        data: *const c_void,
        dtype: u32,
        row_stride: usize,
        samples: f64,
    ) -> wsic_status;
    pub fn wsic_stats_add_pair_moments(
        stats: *mut wsic_stats,
        moments: *const wsic_pair_moments,
        samples: f64,
    ) -> wsic_status;
    pub fn wsic_stats_merge(stats: *mut wsic_stats, other: *const wsic_stats) -> wsic_status;
    pub fn wsic_stats_columns(stats: *const wsic_stats) -> usize;
    pub fn wsic_stats_samples(stats: *const wsic_stats) -> f64;
    pub fn wsic_stats_has_pairs(stats: *const wsic_stats) -> i32;
    pub fn wsic_stats_residual_columns(stats: *const wsic_stats) -> usize;
    pub fn wsic_stats_get_moment(
        stats: *const wsic_stats,
        which: i32,
        values: *mut wsic_matrix,
    ) -> wsic_status;
    pub fn wsic_stats_get_moment_flat(
        stats: *const wsic_stats,
        which: i32,
        data: *mut c_void,
        dtype: u32,
        row_stride: usize,
    ) -> wsic_status;
    pub fn wsic_stats_get_covariance(
        stats: *const wsic_stats,
        covariance: *mut wsic_matrix,
    ) -> wsic_status;
    pub fn wsic_stats_get_spectrum(stats: *mut wsic_stats, eigenvalues: *mut f64) -> wsic_status;
    pub fn wsic_stats_save(stats: *const wsic_stats, path: *const c_char) -> wsic_status;
    pub fn wsic_stats_load(
        context: *mut wsic_context,
        path: *const c_char,
        out: *mut *mut wsic_stats,
    ) -> wsic_status;

    // problem.h
    pub fn wsic_problem_create(
        context: *mut wsic_context,
        stats: *const wsic_stats,
        weighted: *const wsic_stats,
        weights: *const wsic_matrix,
        out: *mut *mut wsic_problem,
    ) -> wsic_status;
    pub fn wsic_problem_destroy(problem: *mut wsic_problem);
    pub fn wsic_problem_message(problem: *const wsic_problem) -> *const c_char;
    pub fn wsic_problem_set_mix(problem: *mut wsic_problem, q: f64, a: f64) -> wsic_status;
    pub fn wsic_problem_set_dead_rows(
        problem: *mut wsic_problem,
        rows: *const usize,
        count: usize,
    ) -> wsic_status;
    pub fn wsic_problem_set_dead_columns(
        problem: *mut wsic_problem,
        columns: *const usize,
        count: usize,
    ) -> wsic_status;
    pub fn wsic_problem_set_outputs(
        problem: *mut wsic_problem,
        outputs: *const wsic_stats,
    ) -> wsic_status;
    pub fn wsic_problem_set_output_diagonal(
        problem: *mut wsic_problem,
        diagonal: *const f64,
        count: usize,
    ) -> wsic_status;

    // plan.h
    pub fn wsic_plan_create(context: *mut wsic_context, out: *mut *mut wsic_plan) -> wsic_status;
    pub fn wsic_plan_destroy(plan: *mut wsic_plan);
    pub fn wsic_plan_message(plan: *const wsic_plan) -> *const c_char;
    pub fn wsic_plan_add(
        plan: *mut wsic_plan,
        stats: *const wsic_stats,
        weights: *const wsic_matrix,
        index: *mut usize,
    ) -> wsic_status;
    pub fn wsic_plan_add_flat(
        plan: *mut wsic_plan,
        stats: *const wsic_stats,
        data: *const c_void,
        dtype: u32,
        rows: usize,
        row_stride: usize,
        index: *mut usize,
    ) -> wsic_status;
    pub fn wsic_plan_add_problem(
        plan: *mut wsic_plan,
        problem: *mut wsic_problem,
        index: *mut usize,
    ) -> wsic_status;
    pub fn wsic_plan_count(plan: *const wsic_plan) -> usize;
    pub fn wsic_plan_solve_rate(plan: *mut wsic_plan, bits_per_weight: f64) -> wsic_status;
    pub fn wsic_plan_solve_distortion(plan: *mut wsic_plan, distortion: f64) -> wsic_status;
    pub fn wsic_plan_set_sensitivity(
        plan: *mut wsic_plan,
        index: usize,
        sensitivity: f64,
    ) -> wsic_status;
    pub fn wsic_plan_solve_budget(plan: *mut wsic_plan, mode: i32, bytes: u64) -> wsic_status;
    pub fn wsic_plan_commit(plan: *mut wsic_plan, index: usize, bytes: u64) -> wsic_status;
    pub fn wsic_plan_get_layer(
        plan: *const wsic_plan,
        index: usize,
        layer: *mut wsic_plan_layer,
    ) -> wsic_status;
    pub fn wsic_plan_get_divergence(
        plan: *const wsic_plan,
        bits_per_token: *mut f64,
    ) -> wsic_status;
    pub fn wsic_plan_get_column_rates(
        plan: *const wsic_plan,
        index: usize,
        rates: *mut f64,
        count: usize,
    ) -> wsic_status;

    // encoder.h
    pub fn wsic_parameter_count() -> usize;
    pub fn wsic_parameter_get_info(index: usize, info: *mut wsic_parameter_info) -> wsic_status;
    pub fn wsic_parameter_find(name: *const c_char) -> i32;
    pub fn wsic_parameter_get_choice(
        id: i32,
        index: usize,
        name: *mut c_char,
        size: usize,
    ) -> wsic_status;
    pub fn wsic_preset_name(index: usize) -> *const c_char;
    pub fn wsic_encoder_create(
        context: *mut wsic_context,
        out: *mut *mut wsic_encoder,
    ) -> wsic_status;
    pub fn wsic_encoder_destroy(encoder: *mut wsic_encoder);
    pub fn wsic_encoder_message(encoder: *const wsic_encoder) -> *const c_char;
    pub fn wsic_encoder_set_preset(encoder: *mut wsic_encoder, name: *const c_char) -> wsic_status;
    pub fn wsic_encoder_set_number(encoder: *mut wsic_encoder, id: i32, value: f64) -> wsic_status;
    pub fn wsic_encoder_set_integer(encoder: *mut wsic_encoder, id: i32, value: i64)
        -> wsic_status;
    pub fn wsic_encoder_set_text(
        encoder: *mut wsic_encoder,
        name: *const c_char,
        value: *const c_char,
    ) -> wsic_status;
    pub fn wsic_encoder_get_number(
        encoder: *const wsic_encoder,
        id: i32,
        value: *mut f64,
    ) -> wsic_status;
    pub fn wsic_encoder_get_text(
        encoder: *const wsic_encoder,
        name: *const c_char,
        text: *mut c_char,
        size: usize,
    ) -> wsic_status;
    pub fn wsic_encoder_parameters(encoder: *mut wsic_encoder) -> *const c_char;
    pub fn wsic_encoder_set_plan(
        encoder: *mut wsic_encoder,
        plan: *const wsic_plan,
        index: usize,
    ) -> wsic_status;
    pub fn wsic_encoder_estimate_memory(
        encoder: *const wsic_encoder,
        rows: usize,
        columns: usize,
        bytes: *mut u64,
    ) -> wsic_status;
    pub fn wsic_encoder_estimate_memory_problem(
        encoder: *const wsic_encoder,
        problem: *const wsic_problem,
        bytes: *mut u64,
    ) -> wsic_status;
    pub fn wsic_encoder_run(
        encoder: *mut wsic_encoder,
        stats: *const wsic_stats,
        weights: *const wsic_matrix,
        out: *mut *mut wsic_layer,
    ) -> wsic_status;
    pub fn wsic_encoder_run_flat(
        encoder: *mut wsic_encoder,
        stats: *const wsic_stats,
        data: *const c_void,
        dtype: u32,
        rows: usize,
        row_stride: usize,
        out: *mut *mut wsic_layer,
    ) -> wsic_status;
    pub fn wsic_encoder_run_problem(
        encoder: *mut wsic_encoder,
        problem: *mut wsic_problem,
        out: *mut *mut wsic_layer,
    ) -> wsic_status;
    pub fn wsic_encoder_get_report(
        encoder: *const wsic_encoder,
        report: *mut wsic_encoder_report,
    ) -> wsic_status;

    // waterfill.h
    pub fn wsic_waterfill_rate(
        eigenvalues: *const f64,
        n: usize,
        variance: f64,
        distortion: f64,
        rate: *mut f64,
        water_level: *mut f64,
    ) -> wsic_status;
    pub fn wsic_waterfill_distortion(
        eigenvalues: *const f64,
        n: usize,
        variance: f64,
        rate: f64,
        distortion: *mut f64,
        water_level: *mut f64,
    ) -> wsic_status;
    pub fn wsic_waterfill_component_rates(
        eigenvalues: *const f64,
        n: usize,
        variance: f64,
        water_level: f64,
        rates: *mut f64,
    ) -> wsic_status;
    pub fn wsic_waterfill_product_rate(
        outputs: *const f64,
        a: usize,
        inputs: *const f64,
        n: usize,
        variance: f64,
        distortion: f64,
        rate: *mut f64,
        water_level: *mut f64,
    ) -> wsic_status;
    pub fn wsic_waterfill_product_distortion(
        outputs: *const f64,
        a: usize,
        inputs: *const f64,
        n: usize,
        variance: f64,
        rate: f64,
        distortion: *mut f64,
        water_level: *mut f64,
    ) -> wsic_status;
}
