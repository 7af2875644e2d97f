// SPDX-License-Identifier: MIT
//! Rates of several matrices before anything is quantized.
use watersic_sys as sys;

use crate::handle::Owned;
use crate::{ContextRef, Matrix, PlannedLayer, Problem, Real, Result, Stats};

/// A plan for one or more matrices (`watersic/plan.h`).
pub struct Plan<C: ContextRef> {
    raw: Owned<sys::wsic_plan>,
    context: C,
}

// SAFETY: as for statistics.
unsafe impl<C: ContextRef + Send> Send for Plan<C> {}

/// How a budget is shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Every live weight gets the same rate.
    Equal = sys::WSIC_PLAN_EQUAL as isize,
    /// One water level for all matrices: the least sum of distortions.
    Waterfill = sys::WSIC_PLAN_WATERFILL as isize,
}

impl<C: ContextRef> Plan<C> {
    pub fn new(context: C) -> Result<Self> {
        let mut raw = Owned::none();
        let c = context.context();
        // SAFETY: a context, and room for a handle.
        c.call(|| unsafe { sys::wsic_plan_create(c.get(), raw.out()) })?;
        Ok(Plan { raw, context })
    }

    pub(crate) fn get(&self) -> *mut sys::wsic_plan {
        self.raw.get()
    }

    pub(crate) fn held(&self) -> &crate::Context {
        self.context.context()
    }

    fn call(&self, function: impl FnOnce() -> i32) -> Result<()> {
        self.held().call(function).map(drop)
    }

    /// Add a matrix, and return its number in the plan.
    pub fn add<S: ContextRef, T: Real>(
        &mut self,
        stats: &Stats<S>,
        weights: Matrix<'_, T>,
    ) -> Result<usize> {
        let _using = stats.held().enter_beside(self.held())?;
        let (weights, mut index) = (weights.raw(), 0);
        // SAFETY: neither statistics nor weights are kept.
        self.call(|| unsafe { sys::wsic_plan_add(self.get(), stats.get(), &weights, &mut index) })?;
        Ok(index)
    }

    /// Add a prepared matrix of the same context.
    pub fn add_problem<D: ContextRef>(&mut self, problem: &mut Problem<'_, D>) -> Result<usize> {
        let _using = problem.enter_others(self.held())?;
        let mut index = 0;
        // SAFETY: the problem is not kept; the library refuses one of another context.
        self.call(|| unsafe { sys::wsic_plan_add_problem(self.get(), problem.get(), &mut index) })?;
        Ok(index)
    }

    /// Number of matrices.
    pub fn len(&self) -> usize {
        // SAFETY: a handle.
        unsafe { sys::wsic_plan_count(self.get()) }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Plan every matrix for the same mean rate of its codes.
    pub fn solve_rate(&mut self, bits_per_weight: f64) -> Result<()> {
        // SAFETY: a handle.
        self.call(|| unsafe { sys::wsic_plan_solve_rate(self.get(), bits_per_weight) })
    }

    /// Plan every matrix for the same distortion.
    pub fn solve_distortion(&mut self, distortion: f64) -> Result<()> {
        // SAFETY: a handle.
        self.call(|| unsafe { sys::wsic_plan_solve_distortion(self.get(), distortion) })
    }

    /// Share a budget of bytes out over all matrices.
    pub fn solve_budget(&mut self, share: Share, bytes: u64) -> Result<()> {
        // SAFETY: a handle.
        self.call(|| unsafe { sys::wsic_plan_solve_budget(self.get(), share as i32, bytes) })
    }

    /// Say how much the distortion of a matrix matters.
    pub fn set_sensitivity(&mut self, index: usize, sensitivity: f64) -> Result<()> {
        // SAFETY: a handle.
        self.call(|| unsafe { sys::wsic_plan_set_sensitivity(self.get(), index, sensitivity) })
    }

    /// Tell the size of a finished layer; the other matrices share what is left.
    pub fn commit(&mut self, index: usize, bytes: u64) -> Result<()> {
        // SAFETY: a handle.
        self.call(|| unsafe { sys::wsic_plan_commit(self.get(), index, bytes) })
    }

    /// What the plan says about one matrix.
    pub fn layer(&self, index: usize) -> Result<PlannedLayer> {
        PlannedLayer::read(|layer| {
            // SAFETY: a handle and a struct to be filled.
            self.call(|| unsafe { sys::wsic_plan_get_layer(self.get(), index, layer) })
        })
    }

    /// Planned rate of every column of one matrix, in bits.
    pub fn column_rates(&self, index: usize) -> Result<Vec<f64>> {
        let mut rates = vec![0.0; self.layer(index)?.columns as usize];
        // SAFETY: a slice and its length.
        self.call(|| unsafe {
            sys::wsic_plan_get_column_rates(self.get(), index, rates.as_mut_ptr(), rates.len())
        })?;
        Ok(rates)
    }

    /// Predicted divergence of the model's predictions, in bits per token. Every matrix needs
    /// output statistics.
    pub fn divergence(&self) -> Result<f64> {
        let mut bits = 0.0;
        // SAFETY: a handle and a number.
        self.call(|| unsafe { sys::wsic_plan_get_divergence(self.get(), &mut bits) })?;
        Ok(bits)
    }
}
