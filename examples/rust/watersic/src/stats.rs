// SPDX-License-Identifier: MIT
//! Statistics of a layer's input.
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use watersic_sys as sys;

use crate::error::terminated;
use crate::handle::Owned;
use crate::{ContextRef, Error, Matrix, MatrixMut, Moment, Real, Result};

/// The moments of a layer's input, summed over tokens (`watersic/stats.h`).
pub struct Stats<C: ContextRef> {
    raw: Owned<sys::wsic_stats>,
    context: C,
}

// SAFETY: the only holder of a context that is `Send` is the context itself, which then serves
// these statistics alone and moves with them.
unsafe impl<C: ContextRef + Send> Send for Stats<C> {}

/// Which moment [`Stats::moment`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MomentKind {
    /// Σ of the input, n × n.
    Input = sys::WSIC_MOMENT_INPUT as isize,
    /// Σ of the quantized model's input, n × n; of pairs.
    Quantized = sys::WSIC_MOMENT_QUANTIZED as isize,
    /// E X X̂ᵀ, n × n; of pairs.
    Cross = sys::WSIC_MOMENT_CROSS as isize,
    /// E (R-R̂) X̂ᵀ, a × n; of pairs with residuals.
    Residual = sys::WSIC_MOMENT_RESIDUAL as isize,
    /// E (R-R̂) Xᵀ, a × n; of pairs with residuals.
    ResidualInput = sys::WSIC_MOMENT_RESIDUAL_INPUT as isize,
    /// E (R-R̂)², a × 1; of pairs with residuals.
    ResidualEnergy = sys::WSIC_MOMENT_RESIDUAL_ENERGY as isize,
}

impl<C: ContextRef> Stats<C> {
    /// Empty statistics of inputs of length `columns`.
    pub fn new(context: C, columns: usize) -> Result<Self> {
        let mut raw = Owned::none();
        let c = context.context();
        // SAFETY: a context, and room for a handle.
        c.call(|| unsafe { sys::wsic_stats_create(c.get(), columns, raw.out()) })?;
        Ok(Stats { raw, context })
    }

    /// Read what [`Stats::save`] has written.
    pub fn load(context: C, path: impl AsRef<Path>) -> Result<Self> {
        let mut raw = Owned::none();
        let path = terminated("the path", path.as_ref().as_os_str().as_bytes())?;
        let c = context.context();
        // SAFETY: a context, a text, and room for a handle.
        c.call(|| unsafe { sys::wsic_stats_load(c.get(), path.as_ptr(), raw.out()) })?;
        Ok(Stats { raw, context })
    }

    pub(crate) fn get(&self) -> *mut sys::wsic_stats {
        self.raw.get()
    }

    pub(crate) fn held(&self) -> &crate::Context {
        self.context.context()
    }

    /// Add a batch of activations: one token in each row.
    pub fn add<T: Real>(&mut self, activations: Matrix<'_, T>) -> Result<()> {
        self.add_matrix(activations, ptr::null())
    }

    /// Add a batch with a non-negative weight for each token.
    pub fn add_weighted<T: Real>(
        &mut self,
        activations: Matrix<'_, T>,
        weights: &[f64],
    ) -> Result<()> {
        check_weights(weights, activations.rows())?;
        self.add_matrix(activations, weights.as_ptr())
    }

    fn add_matrix<T: Real>(&mut self, batch: Matrix<'_, T>, weights: *const f64) -> Result<()> {
        let batch = batch.raw();
        // SAFETY: weights is NULL or has a number for each row.
        self.held()
            .call(|| unsafe { sys::wsic_stats_add_activations(self.get(), &batch, weights) })?;
        Ok(())
    }

    /// Add a batch of pairs: inputs in the original model, and in the quantized one. `residual`
    /// holds the difference of the residual streams, if the layer is to make up for it.
    pub fn add_pair<T: Real, U: Real>(
        &mut self,
        activations: Matrix<'_, T>,
        quantized: Matrix<'_, U>,
        residual: Option<Matrix<'_, T>>,
        weights: Option<&[f64]>,
    ) -> Result<()> {
        if let Some(weights) = weights {
            check_weights(weights, activations.rows())?;
        }
        let (x, y, r) = (activations.raw(), quantized.raw(), residual.map(|r| r.raw()));
        let r = r.as_ref().map_or(ptr::null(), |r| r as *const _);
        let weights = weights.map_or(ptr::null(), <[f64]>::as_ptr);
        // SAFETY: as for activations; the residual may be NULL.
        self.held().call(|| unsafe { sys::wsic_stats_add_pair(self.get(), &x, &y, r, weights) })?;
        Ok(())
    }

    /// Add a covariance that stands for `samples` samples.
    pub fn add_covariance<T: Moment>(
        &mut self,
        covariance: Matrix<'_, T>,
        samples: f64,
    ) -> Result<()> {
        let matrix = covariance.raw();
        // SAFETY: statistics and a matrix.
        self.held()
            .call(|| unsafe { sys::wsic_stats_add_covariance(self.get(), &matrix, samples) })?;
        Ok(())
    }

    /// Add all samples of other statistics.
    pub fn merge<D: ContextRef>(&mut self, other: &Stats<D>) -> Result<()> {
        let _using = other.held().enter_beside(self.held())?;
        // SAFETY: two handles that differ, since one of them is borrowed as mutable.
        self.held().call(|| unsafe { sys::wsic_stats_merge(self.get(), other.get()) })?;
        Ok(())
    }

    /// Length of an input.
    pub fn columns(&self) -> usize {
        // SAFETY: a handle.
        unsafe { sys::wsic_stats_columns(self.get()) }
    }

    /// Sum of the weights of all samples.
    pub fn samples(&self) -> f64 {
        // SAFETY: a handle.
        unsafe { sys::wsic_stats_samples(self.get()) }
    }

    /// Whether the statistics hold pairs.
    pub fn has_pairs(&self) -> bool {
        // SAFETY: a handle.
        unsafe { sys::wsic_stats_has_pairs(self.get()) != 0 }
    }

    /// Length of the residuals; 0 where there are none.
    pub fn residual_columns(&self) -> usize {
        // SAFETY: a handle.
        unsafe { sys::wsic_stats_residual_columns(self.get()) }
    }

    /// Read a normalised moment into a matrix of its shape.
    pub fn moment<T: Moment>(&self, which: MomentKind, mut values: MatrixMut<'_, T>) -> Result<()> {
        let mut values = values.raw();
        // SAFETY: a handle and a matrix to be filled.
        self.held().call(|| unsafe {
            sys::wsic_stats_get_moment(self.get(), which as i32, &mut values)
        })?;
        Ok(())
    }

    /// Eigenvalues of the covariance, descending. The statistics keep them.
    pub fn spectrum(&mut self) -> Result<Vec<f64>> {
        let mut values = vec![0.0; self.columns()];
        // SAFETY: there is room for all columns.
        self.held()
            .call(|| unsafe { sys::wsic_stats_get_spectrum(self.get(), values.as_mut_ptr()) })?;
        Ok(values)
    }

    /// Write the sums themselves to a file, which appears only when it is complete.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = terminated("the path", path.as_ref().as_os_str().as_bytes())?;
        // SAFETY: a handle and a text.
        self.held().call(|| unsafe { sys::wsic_stats_save(self.get(), path.as_ptr()) })?;
        Ok(())
    }
}

fn check_weights(weights: &[f64], tokens: usize) -> Result<()> {
    if weights.len() == tokens {
        return Ok(());
    }
    let found = weights.len();
    Err(Error::new(sys::WSIC_ERROR_SHAPE, format!("{found} weights for {tokens} tokens")))
}
