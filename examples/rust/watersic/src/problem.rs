// SPDX-License-Identifier: MIT
//! A matrix with its statistics, to be quantized several times.
use std::marker::PhantomData;
use std::ptr;

use watersic_sys as sys;

use crate::context::Use;
use crate::handle::Owned;
use crate::{Context, ContextRef, Matrix, Real, Result, Stats};

/// A prepared matrix (`watersic/problem.h`). It borrows its statistics and weights, which therefore
/// cannot change while it lives.
pub struct Problem<'p, C: ContextRef> {
    raw: Owned<sys::wsic_problem>,
    context: C,
    /// Contexts of the statistics, which a run of the problem uses as well. They also keep the
    /// problem on the thread of the statistics.
    others: Vec<&'p Context>,
    weights: PhantomData<&'p [u8]>,
}

impl<'p, C: ContextRef> Problem<'p, C> {
    pub fn new<S: ContextRef, T: Real>(
        context: C,
        stats: &'p Stats<S>,
        weights: Matrix<'p, T>,
    ) -> Result<Self> {
        Problem::create(context, vec![stats.held()], stats.get(), ptr::null(), weights)
    }

    /// With a second set of statistics, over weighted tokens, for [`Problem::set_mix`].
    pub fn with_weighted<S: ContextRef, W: ContextRef, T: Real>(
        context: C,
        stats: &'p Stats<S>,
        weighted: &'p Stats<W>,
        weights: Matrix<'p, T>,
    ) -> Result<Self> {
        let others = vec![stats.held(), weighted.held()];
        Problem::create(context, others, stats.get(), weighted.get(), weights)
    }

    /// Of statistics that are borrowed for 'p, with their contexts.
    fn create<T: Real>(
        context: C,
        others: Vec<&'p Context>,
        stats: *const sys::wsic_stats,
        weighted: *const sys::wsic_stats,
        weights: Matrix<'p, T>,
    ) -> Result<Self> {
        let mut problem = Problem { raw: Owned::none(), context, others, weights: PhantomData };
        let out = problem.raw.out();
        let matrix = weights.raw();
        // SAFETY: statistics and weights are borrowed for the life of the problem.
        problem.call(|c| unsafe { sys::wsic_problem_create(c, stats, weighted, &matrix, out) })?;
        Ok(problem)
    }

    fn call(&self, function: impl FnOnce(*mut sys::wsic_context) -> i32) -> Result<()> {
        let c = self.context.context();
        let _using = self.enter_others(c)?;
        c.call(|| function(c.get()))?;
        Ok(())
    }

    /// Mark the contexts of the statistics as in use, beside that of the caller.
    pub(crate) fn enter_others(&self, caller: &Context) -> Result<Vec<Use<'_>>> {
        let mut using = Vec::new();
        for (i, other) in self.others.iter().enumerate() {
            // Statistics often share one context.
            if self.others[..i].iter().all(|earlier| earlier.get() != other.get()) {
                using.extend(other.enter_beside(caller)?);
            }
        }
        Ok(using)
    }

    pub(crate) fn get(&self) -> *mut sys::wsic_problem {
        self.raw.get()
    }

    /// Choose the mixture: `q` of the clean input, `a` of the unweighted tokens; both 0 to 1.
    pub fn set_mix(&mut self, q: f64, a: f64) -> Result<()> {
        // SAFETY: a handle.
        self.call(|_| unsafe { sys::wsic_problem_set_mix(self.get(), q, a) })
    }

    /// Leave these rows out; they are restored as zeros.
    pub fn set_dead_rows(&mut self, rows: &[usize]) -> Result<()> {
        // SAFETY: a slice and its length.
        self.call(|_| unsafe {
            sys::wsic_problem_set_dead_rows(self.get(), rows.as_ptr(), rows.len())
        })
    }

    /// Leave these columns out, in addition to those whose input is always 0.
    pub fn set_dead_columns(&mut self, columns: &[usize]) -> Result<()> {
        // SAFETY: a slice and its length.
        self.call(|_| unsafe {
            sys::wsic_problem_set_dead_columns(self.get(), columns.as_ptr(), columns.len())
        })
    }

    /// Count errors in the metric of output statistics: moments of gradients at the outputs.
    pub fn set_outputs<S: ContextRef>(&mut self, outputs: &'p Stats<S>) -> Result<()> {
        self.others.push(outputs.held());
        // SAFETY: the statistics are borrowed for the life of the problem.
        self.call(|_| unsafe { sys::wsic_problem_set_outputs(self.get(), outputs.get()) })
    }

    /// The same with the diagonal of these moments alone, one number for each row.
    pub fn set_output_diagonal(&mut self, diagonal: &[f64]) -> Result<()> {
        // SAFETY: a slice and its length; the library keeps a copy.
        self.call(|_| unsafe {
            sys::wsic_problem_set_output_diagonal(self.get(), diagonal.as_ptr(), diagonal.len())
        })
    }

    /// Count errors of all outputs alike again.
    pub fn clear_outputs(&mut self) -> Result<()> {
        // SAFETY: NULL means none.
        self.call(|_| unsafe { sys::wsic_problem_set_outputs(self.get(), ptr::null()) })
    }
}
