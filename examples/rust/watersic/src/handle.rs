// SPDX-License-Identifier: MIT
//! Handles of the library that are released when they go out of scope.
use std::ptr;

use watersic_sys as sys;

/// A type of handles.
pub(crate) trait Raw {
    /// # Safety
    /// `handle` is NULL or a handle that nobody uses any more.
    unsafe fn destroy(handle: *mut Self);
}

macro_rules! handles {
    ($($type:ident: $destroy:ident;)*) => {$(
        impl Raw for sys::$type {
            unsafe fn destroy(handle: *mut Self) {
                sys::$destroy(handle)
            }
        }
    )*};
}

handles! {
    wsic_context: wsic_context_destroy;
    wsic_stats: wsic_stats_destroy;
    wsic_problem: wsic_problem_destroy;
    wsic_plan: wsic_plan_destroy;
    wsic_encoder: wsic_encoder_destroy;
    wsic_layer: wsic_layer_destroy;
    wsic_archive: wsic_archive_close;
    wsic_archive_writer: wsic_archive_writer_destroy;
}

/// A handle, or NULL until a call of the library has put one in.
pub(crate) struct Owned<T: Raw>(*mut T);

impl<T: Raw> Owned<T> {
    pub(crate) fn none() -> Self {
        Owned(ptr::null_mut())
    }

    /// Where the library puts a new handle.
    pub(crate) fn out(&mut self) -> *mut *mut T {
        debug_assert!(self.0.is_null());
        &mut self.0
    }

    pub(crate) fn get(&self) -> *mut T {
        self.0
    }
}

impl<T: Raw> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: this is the only owner.
        unsafe { T::destroy(self.0) }
    }
}
