// SPDX-License-Identifier: MIT
//! Facts that the library reports: its structs without what only C needs.
use std::mem::{size_of, MaybeUninit};

use watersic_sys as sys;

use crate::Result;

macro_rules! facts {
    ($(#[$doc:meta])* $name:ident of $raw:ident: $($member:ident: $type:ty,)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $(pub $member: $type,)*
        }

        impl $name {
            /// Have the struct filled by a call of the library.
            pub(crate) fn read(
                call: impl FnOnce(*mut sys::$raw) -> Result<()>,
            ) -> Result<$name> {
                let mut room = MaybeUninit::<sys::$raw>::zeroed();
                // SAFETY: zeros are a value of every member, and the size is set before the call.
                let raw = unsafe {
                    (*room.as_mut_ptr()).size = size_of::<sys::$raw>();
                    call(room.as_mut_ptr())?;
                    room.assume_init()
                };
                Ok($name { $($member: raw.$member,)* })
            }
        }
    };
}

facts! {
    /// Facts about a layer (`wsic_layer_info` in `watersic/layer.h`).
    LayerInfo of wsic_layer_info:
    rows: u64,
    columns: u64,
    bytes: u64,
    bytes_codes: u64,
    bytes_side: u64,
    block_rows: u64,
    rate: f64,
    rate_codes: f64,
    rate_side: f64,
    code_dtype: u32,
    rate_target: f64,
    step: f64,
    entropy_pooled: f64,
    distortion: f64,
    relative_distortion: f64,
    limit_rate: f64,
    gap: f64,
    damping: f64,
    damping_retries: u64,
    dead_columns: u64,
    dead_rows: u64,
    live_columns: u64,
    memory: u64,
    codes_fit_i4: u32,
}

facts! {
    /// What a plan says about one matrix (`wsic_plan_layer` in `watersic/plan.h`).
    PlannedLayer of wsic_plan_layer:
    rows: u64,
    columns: u64,
    dead_columns: u64,
    rate: f64,
    distortion: f64,
    energy: f64,
    step: f64,
    water_level: f64,
    damping: f64,
    marginal: f64,
    sensitivity: f64,
    target_rate: f64,
    bytes: u64,
    committed: u32,
    outputs: u32,
    divergence: f64,
}

facts! {
    /// Times and counts of a run (`wsic_encoder_report` in `watersic/encoder.h`).
    Report of wsic_encoder_report:
    seconds: f64,
    seconds_prepare: f64,
    seconds_search: f64,
    seconds_recursion: f64,
    seconds_rescale: f64,
    seconds_coding: f64,
    seconds_distortion: f64,
    seconds_limit: f64,
    search_steps: u64,
    passes: u64,
    rescale_rounds: u64,
    memory_peak: u64,
    seconds_outputs: f64,
    output_distortion: f64,
    output_relative: f64,
    divergence: f64,
    output_limit_rate: f64,
    output_gap: f64,
    output_damping: f64,
    output_feedback: u64,
    output_weights: u32,
}
