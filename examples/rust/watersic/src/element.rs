// SPDX-License-Identifier: MIT
//! Number types of matrices.
use watersic_sys as sys;

mod sealed {
    pub trait Sealed {}
}

/// A number type that matrices can have.
pub trait Element: sealed::Sealed + Copy + 'static {
    #[doc(hidden)]
    const DTYPE: u32;
}

/// Types of weights and activations: `f64`, `f32`, [`F16`], [`Bf16`].
pub trait Real: Element {}
/// Types of codes: `i8`, `i16`, `i32`.
pub trait Code: Element {}
/// Types of the inputs of products: `f32`, [`Bf16`].
pub trait Factor: Element {}
/// Types of moments: `f64`, `f32`.
pub trait Moment: Element {}

/// The bits of an IEEE binary16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct F16(pub u16);

/// The bits of a bfloat16: the upper half of an `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Bf16(pub u16);

impl From<Bf16> for f32 {
    fn from(number: Bf16) -> f32 {
        f32::from_bits(u32::from(number.0) << 16)
    }
}

macro_rules! elements {
    ($($type:ty = $dtype:ident: $($role:ident)*;)*) => {$(
        impl sealed::Sealed for $type {}
        impl Element for $type {
            const DTYPE: u32 = sys::$dtype;
        }
        $(impl $role for $type {})*
    )*};
}

elements! {
    f64 = WSIC_F64: Real Moment;
    f32 = WSIC_F32: Real Moment Factor;
    F16 = WSIC_F16: Real;
    Bf16 = WSIC_BF16: Real Factor;
    i8 = WSIC_I8: Code;
    i16 = WSIC_I16: Code;
    i32 = WSIC_I32: Code;
}
