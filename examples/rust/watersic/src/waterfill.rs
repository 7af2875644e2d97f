// SPDX-License-Identifier: MIT
//! Reverse waterfilling: the limit that no quantizer can pass (`watersic/waterfill.h`).
use std::ptr;

use watersic_sys as sys;

use crate::{Error, Result};

fn checked(status: i32) -> Result<()> {
    match status {
        sys::WSIC_OK => Ok(()),
        status => Err(Error::described(status, String::new())),
    }
}

/// Least rate in bits per weight for a distortion.
pub fn rate(eigenvalues: &[f64], variance: f64, distortion: f64) -> Result<f64> {
    let mut rate = 0.0;
    // SAFETY: a slice and its length; the water level is not wanted.
    checked(unsafe {
        sys::wsic_waterfill_rate(
            eigenvalues.as_ptr(),
            eigenvalues.len(),
            variance,
            distortion,
            &mut rate,
            ptr::null_mut(),
        )
    })?;
    Ok(rate)
}

/// Least distortion for a rate in bits per weight.
pub fn distortion(eigenvalues: &[f64], variance: f64, rate: f64) -> Result<f64> {
    let mut distortion = 0.0;
    // SAFETY: as above.
    checked(unsafe {
        sys::wsic_waterfill_distortion(
            eigenvalues.as_ptr(),
            eigenvalues.len(),
            variance,
            rate,
            &mut distortion,
            ptr::null_mut(),
        )
    })?;
    Ok(distortion)
}
