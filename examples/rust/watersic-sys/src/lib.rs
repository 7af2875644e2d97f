// SPDX-License-Identifier: MIT
//! Raw declarations of libwatersic: the whole public interface, under the names of C.
//!
//! Nothing is documented here, because the headers in `include/watersic` document everything:
//! shapes, ownership, errors and threads. The crate `watersic` is the safe interface.
//! `tests/headers.rs` compares this crate with the headers.
#![allow(non_camel_case_types)]

mod making;
mod reading;

pub use making::*;
pub use reading::*;
use std::os::raw::{c_char, c_void};

/// A handle: a struct that only the library knows, used by one thread at a time.
macro_rules! opaque {
    ($name:ident) => {
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
            _not_send: std::marker::PhantomData<*mut u8>,
        }
    };
}

// base.h

pub type wsic_status = i32;

pub const WSIC_OK: i32 = 0;
pub const WSIC_NOTICE_RATE: i32 = 1;
pub const WSIC_ERROR_ARGUMENT: i32 = -1;
pub const WSIC_ERROR_STATE: i32 = -2;
pub const WSIC_ERROR_SHAPE: i32 = -3;
pub const WSIC_ERROR_DTYPE: i32 = -4;
pub const WSIC_ERROR_STRUCT_SIZE: i32 = -5;
pub const WSIC_ERROR_STRUCT_NEWER: i32 = -6;
pub const WSIC_ERROR_MEMORY: i32 = -10;
pub const WSIC_ERROR_MEMORY_LIMIT: i32 = -11;
pub const WSIC_ERROR_TOO_LARGE: i32 = -12;
pub const WSIC_ERROR_CANCELLED: i32 = -13;
pub const WSIC_ERROR_IO: i32 = -14;
pub const WSIC_ERROR_NOT_FINITE: i32 = -20;
pub const WSIC_ERROR_NOT_POSITIVE_DEFINITE: i32 = -21;
pub const WSIC_ERROR_RANGE: i32 = -22;
pub const WSIC_ERROR_NO_SAMPLES: i32 = -23;
pub const WSIC_ERROR_FORMAT: i32 = -30;
pub const WSIC_ERROR_CHECKSUM: i32 = -31;
pub const WSIC_ERROR_TRUNCATED: i32 = -32;
pub const WSIC_ERROR_VERSION: i32 = -33;
pub const WSIC_ERROR_NOT_FOUND: i32 = -34;
pub const WSIC_ERROR_EXISTS: i32 = -35;
pub const WSIC_ERROR_BUFFER: i32 = -36;
pub const WSIC_F64: u32 = 1;
pub const WSIC_F32: u32 = 2;
pub const WSIC_F16: u32 = 3;
pub const WSIC_BF16: u32 = 4;
pub const WSIC_I8: u32 = 5;
pub const WSIC_I16: u32 = 6;
pub const WSIC_I32: u32 = 7;
pub const WSIC_I4: u32 = 8;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct wsic_matrix {
    pub size: usize,
    pub data: *mut c_void,
    pub rows: usize,
    pub columns: usize,
    pub row_stride: usize,
    pub dtype: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct wsic_allocator {
    pub size: usize,
    pub allocate: Option<unsafe extern "C" fn(user: *mut c_void, size: usize) -> *mut c_void>,
    pub release: Option<unsafe extern "C" fn(user: *mut c_void, pointer: *mut c_void)>,
    pub user: *mut c_void,
}

// context.h

opaque!(wsic_context);

pub const WSIC_LOG_NONE: i32 = 0;
pub const WSIC_LOG_WARNING: i32 = 1;
pub const WSIC_LOG_INFO: i32 = 2;
pub const WSIC_LOG_DEBUG: i32 = 3;

pub type wsic_log_function =
    Option<unsafe extern "C" fn(user: *mut c_void, level: i32, message: *const c_char)>;
pub type wsic_progress_function =
    Option<unsafe extern "C" fn(user: *mut c_void, fraction: f64, stage: *const c_char) -> i32>;
pub type wsic_runner_function = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        count: usize,
        task: Option<unsafe extern "C" fn(data: *mut c_void, index: usize)>,
        data: *mut c_void,
    ),
>;

pub const WSIC_KERNELS_AUTO: i32 = 0;
pub const WSIC_KERNELS_C: i32 = 1;
pub const WSIC_KERNELS_AVX2: i32 = 2;
pub const WSIC_KERNELS_AVX512: i32 = 3;
pub const WSIC_KERNELS_NEON: i32 = 4;

// stats.h

opaque!(wsic_stats);

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct wsic_pair_moments {
    pub size: usize,
    pub input: *const wsic_matrix,
    pub quantized: *const wsic_matrix,
    pub cross: *const wsic_matrix,
    pub residual: *const wsic_matrix,
    pub residual_input: *const wsic_matrix,
    pub residual_energy: *const wsic_matrix,
}

pub const WSIC_MOMENT_INPUT: i32 = 1;
pub const WSIC_MOMENT_QUANTIZED: i32 = 2;
pub const WSIC_MOMENT_CROSS: i32 = 3;
pub const WSIC_MOMENT_RESIDUAL: i32 = 4;
pub const WSIC_MOMENT_RESIDUAL_INPUT: i32 = 5;
pub const WSIC_MOMENT_RESIDUAL_ENERGY: i32 = 6;

// problem.h

opaque!(wsic_problem);

// plan.h

opaque!(wsic_plan);

pub const WSIC_PLAN_EQUAL: i32 = 1;
pub const WSIC_PLAN_WATERFILL: i32 = 2;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct wsic_plan_layer {
    pub size: usize,
    pub rows: u64,
    pub columns: u64,
    pub dead_columns: u64,
    pub rate: f64,
    pub distortion: f64,
    pub energy: f64,
    pub step: f64,
    pub water_level: f64,
    pub damping: f64,
    pub marginal: f64,
    pub sensitivity: f64,
    pub target_rate: f64,
    pub bytes: u64,
    pub committed: u32,
    pub outputs: u32,
    pub divergence: f64,
}

// layer.h

opaque!(wsic_layer);

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct wsic_layer_info {
    pub size: usize,
    pub rows: u64,
    pub columns: u64,
    pub bytes: u64,
    pub bytes_codes: u64,
    pub bytes_side: u64,
    pub block_rows: u64,
    pub rate: f64,
    pub rate_codes: f64,
    pub rate_side: f64,
    pub code_dtype: u32,
    pub reserved: u32,
    pub rate_target: f64,
    pub step: f64,
    pub entropy_pooled: f64,
    pub distortion: f64,
    pub relative_distortion: f64,
    pub limit_rate: f64,
    pub gap: f64,
    pub damping: f64,
    pub damping_retries: u64,
    pub dead_columns: u64,
    pub dead_rows: u64,
    pub live_columns: u64,
    pub memory: u64,
    pub codes_fit_i4: u32,
    pub reserved_2: u32,
}

// decode.h

pub const WSIC_WORKSPACE_ALIGNMENT: usize = 64;
pub const WSIC_JOB_CODES: u32 = 1;
pub const WSIC_JOB_CODED_ORDER: u32 = 2;
pub const WSIC_JOB_WEIGHTS: u32 = 3;
pub const WSIC_JOB_PRODUCT: u32 = 4;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct wsic_layer_job {
    pub size: usize,
    pub layer: *const wsic_layer,
    pub kind: u32,
    pub reserved: u32,
    pub first_row: usize,
    pub first_column: usize,
    pub input: *const wsic_matrix,
    pub output: *mut wsic_matrix,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct wsic_tile {
    pub size: usize,
    pub first_row: usize,
    pub rows: usize,
    pub columns: usize,
    pub row: *const u32,
    pub column: *const u32,
    pub stride: usize,
    pub narrow: *const i8,
    pub wide: *const i32,
}

pub type wsic_tile_function =
    Option<unsafe extern "C" fn(user: *mut c_void, tile: *const wsic_tile) -> i32>;

// encoder.h

opaque!(wsic_encoder);

pub const WSIC_RATE: i32 = 100;
pub const WSIC_STEP: i32 = 101;
pub const WSIC_DISTORTION: i32 = 102;
pub const WSIC_ROW_FRACTION: i32 = 103;
pub const WSIC_CONTAINER_BYTES: i32 = 104;
pub const WSIC_PASSES: i32 = 105;
pub const WSIC_DAMPING: i32 = 110;
pub const WSIC_DAMPING_RETRIES: i32 = 111;
pub const WSIC_DEAD_THRESHOLD: i32 = 112;
pub const WSIC_SPACING: i32 = 120;
pub const WSIC_LMMSE: i32 = 121;
pub const WSIC_QUANTIZER: i32 = 122;
pub const WSIC_TRELLIS_STATES: i32 = 123;
pub const WSIC_LAMBDA: i32 = 124;
pub const WSIC_RIDGE: i32 = 125;
pub const WSIC_ORDER: i32 = 126;
pub const WSIC_SURVIVORS: i32 = 127;
pub const WSIC_RESCALE: i32 = 130;
pub const WSIC_RESCALE_ROUNDS: i32 = 131;
pub const WSIC_RESCALE_TOLERANCE: i32 = 132;
pub const WSIC_BLOCK_ROWS: i32 = 140;
pub const WSIC_CODES_FIT_I4: i32 = 141;
pub const WSIC_PRECISION: i32 = 142;
pub const WSIC_LIMIT: i32 = 150;
pub const WSIC_OUTPUTS: i32 = 160;
pub const WSIC_OUTPUT_DAMPING: i32 = 162;
pub const WSIC_OUTPUT_WEIGHTS: i32 = 163;
pub const WSIC_PARAMETER_NUMBER: i32 = 1;
pub const WSIC_PARAMETER_INTEGER: i32 = 2;
pub const WSIC_PARAMETER_CHOICE: i32 = 3;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct wsic_parameter_info {
    pub size: usize,
    pub id: i32,
    pub r#type: i32,
    pub name: *const c_char,
    pub choices: *const c_char,
    pub summary: *const c_char,
    pub minimum: f64,
    pub maximum: f64,
    pub preset: f64,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct wsic_encoder_report {
    pub size: usize,
    pub seconds: f64,
    pub seconds_prepare: f64,
    pub seconds_search: f64,
    pub seconds_recursion: f64,
    pub seconds_rescale: f64,
    pub seconds_coding: f64,
    pub seconds_distortion: f64,
    pub seconds_limit: f64,
    pub search_steps: u64,
    pub passes: u64,
    pub rescale_rounds: u64,
    pub memory_peak: u64,
    pub seconds_outputs: f64,
    pub output_distortion: f64,
    pub output_relative: f64,
    pub divergence: f64,
    pub output_limit_rate: f64,
    pub output_gap: f64,
    pub output_damping: f64,
    pub output_feedback: u64,
    pub output_weights: u32,
    pub reserved: u32,
}

pub const WSIC_OUTPUT_WEIGHTS_NONE: u32 = 0;
pub const WSIC_OUTPUT_WEIGHTS_BLOCKS: u32 = 1;
pub const WSIC_OUTPUT_WEIGHTS_ROWS: u32 = 2;

// archive.h

opaque!(wsic_archive_writer);
opaque!(wsic_archive);

// waterfill.h

// version.h

pub const WSIC_VERSION_MAJOR: u32 = 0;
pub const WSIC_VERSION_MINOR: u32 = 1;
pub const WSIC_VERSION_PATCH: u32 = 0;
pub const WSIC_VERSION: &str = "0.1.0";
pub const WSIC_API_VERSION_MAJOR: u32 = 0;
pub const WSIC_API_VERSION_MINOR: u32 = 1;
pub const WSIC_VERSION_NUMBER: u32 =
    WSIC_VERSION_MAJOR * 1_000_000 + WSIC_VERSION_MINOR * 1_000 + WSIC_VERSION_PATCH;
