// SPDX-License-Identifier: MIT
//! The encoder.
use std::ffi::CString;

use watersic_sys as sys;

use crate::error::{copied, terminated};
use crate::handle::Owned;
use crate::{ContextRef, Layer, Matrix, Parameter, Plan, Problem, Real, Report, Result};
use crate::{Stats, Value};

/// Quantizes matrices (`watersic/encoder.h`).
pub struct Encoder<C: ContextRef> {
    raw: Owned<sys::wsic_encoder>,
    context: C,
}

// SAFETY: as for statistics.
unsafe impl<C: ContextRef + Send> Send for Encoder<C> {}

/// A layer, and what there is to say about it.
#[derive(Debug)]
pub struct Encoded {
    pub layer: Layer<'static>,
    /// The target could not be reached on this matrix: how near the layer is.
    pub notice: Option<String>,
}

impl<C: ContextRef> Encoder<C> {
    /// An encoder with preset "default" and no target.
    pub fn new(context: C) -> Result<Self> {
        let mut raw = Owned::none();
        let c = context.context();
        // SAFETY: a context, and room for a handle.
        c.call(|| unsafe { sys::wsic_encoder_create(c.get(), raw.out()) })?;
        Ok(Encoder { raw, context })
    }

    fn get(&self) -> *mut sys::wsic_encoder {
        self.raw.get()
    }

    fn held(&self) -> &crate::Context {
        self.context.context()
    }

    /// Set a parameter: `encoder.set(Parameter::Rate, 2.0)`. One of rate, step and distortion is
    /// the target.
    pub fn set<'v>(&mut self, parameter: Parameter, value: impl Into<Value<'v>>) -> Result<()> {
        let id = parameter as i32;
        match value.into() {
            Value::Text(text) => self.set_text(parameter.name(), text),
            Value::Number(number) => {
                // SAFETY: a handle.
                self.call(|| unsafe { sys::wsic_encoder_set_number(self.get(), id, number) })
            }
            Value::Integer(number) => {
                // SAFETY: a handle.
                self.call(|| unsafe { sys::wsic_encoder_set_integer(self.get(), id, number) })
            }
        }
    }

    /// Set a parameter by its name, from text.
    pub fn set_text(&mut self, name: &str, value: &str) -> Result<()> {
        let (name, value) = (text("the name", name)?, text("the value", value)?);
        // SAFETY: a handle and texts.
        self.call(|| unsafe {
            sys::wsic_encoder_set_text(self.get(), name.as_ptr(), value.as_ptr())
        })
    }

    /// The value of a parameter as text.
    pub fn get_text(&self, name: &str) -> Result<String> {
        let name = text("the name", name)?;
        let mut value = [0; 256];
        // SAFETY: a buffer and its size.
        self.call(|| unsafe {
            sys::wsic_encoder_get_text(self.get(), name.as_ptr(), value.as_mut_ptr(), value.len())
        })?;
        // SAFETY: the call has written a text.
        Ok(unsafe { copied(value.as_ptr()) }.unwrap_or_default())
    }

    /// Set the parameters to those of a preset: "paper", "fast", "default" or "max".
    pub fn set_preset(&mut self, name: &str) -> Result<()> {
        let name = text("the name", name)?;
        // SAFETY: a handle and a text.
        self.call(|| unsafe { sys::wsic_encoder_set_preset(self.get(), name.as_ptr()) })
    }

    /// All parameters that differ from preset "default", as "name=value name=value".
    pub fn parameters(&mut self) -> String {
        // SAFETY: the text is copied before the next call.
        unsafe { copied(sys::wsic_encoder_parameters(self.get())) }.unwrap_or_default()
    }

    /// Take the target from a solved plan.
    pub fn set_plan<D: ContextRef>(&mut self, plan: &Plan<D>, index: usize) -> Result<()> {
        let _using = plan.held().enter_beside(self.held())?;
        // SAFETY: two handles.
        self.call(|| unsafe { sys::wsic_encoder_set_plan(self.get(), plan.get(), index) })
    }

    /// Upper bound of the bytes that a run on a matrix of this shape allocates.
    pub fn estimate_memory(&self, rows: usize, columns: usize) -> Result<u64> {
        let mut bytes = 0;
        // SAFETY: a handle and a number.
        self.call(|| unsafe {
            sys::wsic_encoder_estimate_memory(self.get(), rows, columns, &mut bytes)
        })?;
        Ok(bytes)
    }

    /// Quantize a matrix for an input with these statistics.
    pub fn run<S: ContextRef, T: Real>(
        &mut self,
        stats: &Stats<S>,
        weights: Matrix<'_, T>,
    ) -> Result<Encoded> {
        let _using = stats.held().enter_beside(self.held())?;
        let weights = weights.raw();
        // SAFETY: neither statistics nor weights are kept.
        self.encode(|out| unsafe { sys::wsic_encoder_run(self.get(), stats.get(), &weights, out) })
    }

    /// Quantize a prepared matrix of the same context.
    pub fn run_problem<D: ContextRef>(&mut self, problem: &mut Problem<'_, D>) -> Result<Encoded> {
        let _using = problem.enter_others(self.held())?;
        // SAFETY: two handles; the library refuses a problem of another context.
        self.encode(|out| unsafe { sys::wsic_encoder_run_problem(self.get(), problem.get(), out) })
    }

    fn encode(&self, run: impl FnOnce(*mut *mut sys::wsic_layer) -> i32) -> Result<Encoded> {
        let mut raw = Owned::none();
        let status = self.held().call(|| run(raw.out()))?;
        let notice = (status != sys::WSIC_OK).then(|| {
            // SAFETY: the message is copied before the next call.
            unsafe { copied(sys::wsic_encoder_message(self.get())) }.unwrap_or_default()
        });
        Ok(Encoded { layer: Layer::on_its_own(&raw)?, notice })
    }

    /// Times and counts of the last run.
    pub fn report(&self) -> Result<Report> {
        Report::read(|report| {
            // SAFETY: a handle and a struct to be filled.
            self.call(|| unsafe { sys::wsic_encoder_get_report(self.get(), report) })
        })
    }

    fn call(&self, function: impl FnOnce() -> i32) -> Result<()> {
        self.held().call(function).map(drop)
    }
}

fn text(what: &str, text: &str) -> Result<CString> {
    terminated(what, text.as_bytes())
}
