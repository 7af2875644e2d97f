// SPDX-License-Identifier: MIT
//! Parameters of the encoder.
use watersic_sys as sys;

use crate::error::borrowed;

macro_rules! parameters {
    ($($name:ident = $id:ident,)*) => {
        /// The parameters of an encoder; `watersic/encoder.h` says what each of them does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Parameter {
            $($name = sys::$id as isize,)*
        }

        impl Parameter {
            /// All parameters.
            pub const ALL: &'static [Parameter] = &[$(Parameter::$name,)*];
        }
    };
}

parameters! {
    Rate = WSIC_RATE,
    Step = WSIC_STEP,
    Distortion = WSIC_DISTORTION,
    RowFraction = WSIC_ROW_FRACTION,
    ContainerBytes = WSIC_CONTAINER_BYTES,
    Passes = WSIC_PASSES,
    Damping = WSIC_DAMPING,
    DampingRetries = WSIC_DAMPING_RETRIES,
    DeadThreshold = WSIC_DEAD_THRESHOLD,
    Spacing = WSIC_SPACING,
    Lmmse = WSIC_LMMSE,
    Quantizer = WSIC_QUANTIZER,
    TrellisStates = WSIC_TRELLIS_STATES,
    Lambda = WSIC_LAMBDA,
    Ridge = WSIC_RIDGE,
    Order = WSIC_ORDER,
    Survivors = WSIC_SURVIVORS,
    Rescale = WSIC_RESCALE,
    RescaleRounds = WSIC_RESCALE_ROUNDS,
    RescaleTolerance = WSIC_RESCALE_TOLERANCE,
    BlockRows = WSIC_BLOCK_ROWS,
    CodesFitI4 = WSIC_CODES_FIT_I4,
    Precision = WSIC_PRECISION,
    Limit = WSIC_LIMIT,
    Outputs = WSIC_OUTPUTS,
    OutputDamping = WSIC_OUTPUT_DAMPING,
    OutputWeights = WSIC_OUTPUT_WEIGHTS,
}

impl Parameter {
    /// The parameter of that name, such as "rate".
    pub fn named(name: &str) -> Option<Parameter> {
        Parameter::ALL.iter().copied().find(|parameter| parameter.name() == name)
    }

    /// Its name in text and on command lines, such as "rate".
    pub fn name(self) -> &'static str {
        self.info().map_or("", |info| {
            // SAFETY: the text is static.
            unsafe { borrowed(info.name) }
        })
    }

    /// One line that says what it does.
    pub fn summary(self) -> &'static str {
        self.info().map_or("", |info| {
            // SAFETY: the text is static.
            unsafe { borrowed(info.summary) }
        })
    }

    fn info(self) -> Option<sys::wsic_parameter_info> {
        // SAFETY: a struct with its size, which the library fills.
        unsafe {
            let mut info: sys::wsic_parameter_info = std::mem::zeroed();
            info.size = std::mem::size_of_val(&info);
            (0..sys::wsic_parameter_count())
                .any(|index| {
                    sys::wsic_parameter_get_info(index, &mut info) == sys::WSIC_OK
                        && info.id == self as i32
                })
                .then_some(info)
        }
    }
}

/// Names of the presets.
pub fn presets() -> impl Iterator<Item = &'static str> {
    (0..).map_while(|index| {
        // SAFETY: the texts are static; NULL ends them.
        unsafe {
            let name = sys::wsic_preset_name(index);
            (!name.is_null()).then(|| borrowed(name))
        }
    })
}

/// A value of a parameter: `2.0`, `16` or `"trellis"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'v> {
    Number(f64),
    Integer(i64),
    Text(&'v str),
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Value::Number(number)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Value::Integer(number)
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Value::Integer(number.into())
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Value::Text(text)
    }
}
