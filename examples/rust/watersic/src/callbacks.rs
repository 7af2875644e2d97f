// SPDX-License-Identifier: MIT
//! Closures that the library calls, and what becomes of their panics.
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};

use watersic_sys as sys;

use crate::error::borrowed;

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress<'a> {
    /// Part of the call that is done, from 0 to 1.
    pub fraction: f64,
    /// Name of the present stage, such as "search".
    pub stage: &'a str,
}

/// Levels of log messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// The result is valid, but its quality may be lower than expected.
    Warning = sys::WSIC_LOG_WARNING as isize,
    /// Decisions of the encoder.
    Info = sys::WSIC_LOG_INFO as isize,
    /// Every evaluation of a search.
    Debug = sys::WSIC_LOG_DEBUG as isize,
}

impl LogLevel {
    fn of(level: i32) -> LogLevel {
        match level {
            sys::WSIC_LOG_WARNING => LogLevel::Warning,
            sys::WSIC_LOG_INFO => LogLevel::Info,
            _ => LogLevel::Debug,
        }
    }
}

pub(crate) type ProgressClosure = dyn FnMut(Progress<'_>) -> ControlFlow<()> + Send;
pub(crate) type LogClosure = dyn FnMut(LogLevel, &str) + Send;

/// The closures of one context. The library has a pointer to it.
#[derive(Default)]
pub(crate) struct Callbacks {
    pub(crate) progress: RefCell<Option<Box<ProgressClosure>>>,
    pub(crate) log: RefCell<Option<Box<LogClosure>>>,
    /// A call of the library is running.
    pub(crate) busy: Cell<bool>,
    pub(crate) panic: PanicStore,
}

/// Keeps the first panic of the closures of one call.
#[derive(Default)]
pub(crate) struct PanicStore(Cell<Option<Box<dyn Any + Send>>>);

impl PanicStore {
    /// The value of the closure; None if it panics, or if there was a panic before.
    pub(crate) fn catch<T>(&self, closure: impl FnOnce() -> T) -> Option<T> {
        let earlier = self.0.take();
        if earlier.is_some() {
            self.0.set(earlier);
            return None;
        }
        // The panic goes on after the call, and so nobody sees what it has left half done.
        catch_unwind(AssertUnwindSafe(closure)).map_err(|panic| self.0.set(Some(panic))).ok()
    }

    /// Let a panic go on that was kept.
    pub(crate) fn resume(&self) {
        if let Some(panic) = self.0.take() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// # Safety
/// `user` points at the callbacks of the context whose call is running.
pub(crate) unsafe extern "C" fn progress(
    user: *mut c_void,
    fraction: f64,
    stage: *const c_char,
) -> i32 {
    let callbacks = &*user.cast::<Callbacks>();
    let report = || match callbacks.progress.borrow_mut().as_mut() {
        Some(closure) => closure(Progress { fraction, stage: borrowed(stage) }).is_break() as i32,
        None => 0,
    };
    callbacks.panic.catch(report).unwrap_or(1)
}

/// # Safety
/// As for [`progress`].
pub(crate) unsafe extern "C" fn log(user: *mut c_void, level: i32, message: *const c_char) {
    let callbacks = &*user.cast::<Callbacks>();
    callbacks.panic.catch(|| {
        if let Some(closure) = callbacks.log.borrow_mut().as_mut() {
            closure(LogLevel::of(level), borrowed(message));
        }
    });
}
