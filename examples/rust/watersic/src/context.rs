// SPDX-License-Identifier: MIT
//! The context: threads, memory, progress, cancellation.
use std::ops::ControlFlow;
use std::os::raw::c_void;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

use watersic_sys as sys;

use crate::callbacks::{self, Callbacks, LogLevel, Progress};
use crate::error::copied;
use crate::handle::Owned;
use crate::{Error, Result};

/// A context of the library, alive until its last holder is gone.
pub(crate) struct Hold(Owned<sys::wsic_context>);

// SAFETY: holders on other threads only cancel, which the library allows on any thread, or make,
// read and destroy layers where the context serves nothing else. `Context` is not `Sync`, so that
// all other calls are on one thread.
unsafe impl Send for Hold {}
// SAFETY: see above.
unsafe impl Sync for Hold {}

impl Hold {
    pub(crate) fn new() -> Result<Arc<Hold>> {
        let mut raw = Owned::none();
        // SAFETY: NULL means the default allocator.
        match unsafe { sys::wsic_context_create(std::ptr::null(), raw.out()) } {
            sys::WSIC_OK => Ok(Arc::new(Hold(raw))),
            status => Err(Error::described(status, String::new())),
        }
    }

    pub(crate) fn get(&self) -> *mut sys::wsic_context {
        self.0.get()
    }

    /// The error of a call that has just failed. Nothing else uses the context.
    pub(crate) fn error(&self, status: i32) -> Error {
        // SAFETY: the message is copied before the next call.
        let message = unsafe { copied(sys::wsic_context_message(self.get())) };
        Error::described(status, message.unwrap_or_default())
    }
}

/// Memory, threads, progress and cancellation of the handles that are made from it.
///
/// A new context works on the calling thread alone and has no memory limit. It can move to another
/// thread as long as no handle borrows it. Contexts are cheap: make one for each thread.
pub struct Context {
    hold: Arc<Hold>,
    /// In memory of its own, because the library keeps its address.
    callbacks: NonNull<Callbacks>,
}

// SAFETY: the library allows a context on any thread, one at a time; the closures are `Send`.
unsafe impl Send for Context {}

impl Context {
    pub fn new() -> Result<Context> {
        let hold = Hold::new()?;
        let callbacks = NonNull::from(Box::leak(Box::<Callbacks>::default()));
        Ok(Context { hold, callbacks })
    }

    pub(crate) fn get(&self) -> *mut sys::wsic_context {
        self.hold.get()
    }

    fn callbacks(&self) -> &Callbacks {
        // SAFETY: it lives as long as self, and is only ever borrowed as shared.
        unsafe { self.callbacks.as_ref() }
    }

    /// Mark the context as in use. An error if it is: a callback uses its own context.
    pub(crate) fn enter(&self) -> Result<Use<'_>> {
        if self.callbacks().busy.replace(true) {
            return Err(Error::new(
                sys::WSIC_ERROR_STATE,
                "a callback uses the context whose call is running; only cancelling is allowed",
            ));
        }
        Ok(Use(self.callbacks()))
    }

    /// The same for a handle that another context's call reads; nothing if it is the same context.
    pub(crate) fn enter_beside(&self, other: &Context) -> Result<Option<Use<'_>>> {
        (self.callbacks != other.callbacks).then(|| self.enter()).transpose()
    }

    /// Call the library. A status below 0 becomes an error with the context's message; a panic of
    /// a closure goes on.
    pub(crate) fn call(&self, function: impl FnOnce() -> i32) -> Result<i32> {
        let using = self.enter()?;
        let status = function();
        drop(using);
        self.callbacks().panic.resume();
        if status < 0 {
            return Err(self.hold.error(status));
        }
        Ok(status)
    }

    /// Threads of the library's own loops, 1 to 1024; 0: all processors.
    pub fn set_threads(&self, threads: i32) -> Result<()> {
        // SAFETY: a context.
        self.call(|| unsafe { sys::wsic_context_set_threads(self.get(), threads) })?;
        Ok(())
    }

    /// Bound the memory of this context and its handles, in bytes; `None` for no bound.
    pub fn set_memory_limit(&self, bytes: Option<u64>) -> Result<()> {
        // SAFETY: a context.
        self.call(|| unsafe {
            sys::wsic_context_set_memory_limit(self.get(), bytes.unwrap_or(0))
        })?;
        Ok(())
    }

    /// Bytes in use by this context and its handles, now and at most since its creation.
    pub fn memory(&self) -> (u64, u64) {
        let mut peak = 0;
        // SAFETY: a context and a number.
        let now = unsafe { sys::wsic_context_memory(self.get(), &mut peak) };
        (now, peak)
    }

    /// Report the progress of long calls to a closure, which may cancel by `ControlFlow::Break`.
    ///
    /// The closure must not use this context or its handles: those calls return an error.
    pub fn set_progress<F>(&self, closure: F) -> Result<()>
    where
        F: FnMut(Progress<'_>) -> ControlFlow<()> + Send + 'static,
    {
        drop(self.enter()?);
        *self.callbacks().progress.borrow_mut() = Some(Box::new(closure));
        let user: *mut c_void = self.callbacks.as_ptr().cast();
        // SAFETY: the callbacks live as long as the context is called.
        self.call(|| unsafe {
            sys::wsic_context_set_progress(self.get(), Some(callbacks::progress), user)
        })?;
        Ok(())
    }

    /// No progress any more.
    pub fn clear_progress(&self) -> Result<()> {
        // SAFETY: no function.
        self.call(|| unsafe {
            sys::wsic_context_set_progress(self.get(), None, std::ptr::null_mut())
        })?;
        *self.callbacks().progress.borrow_mut() = None;
        Ok(())
    }

    /// Hand messages up to this level to a closure, which must not use this context.
    pub fn set_log<F>(&self, level: LogLevel, closure: F) -> Result<()>
    where
        F: FnMut(LogLevel, &str) + Send + 'static,
    {
        drop(self.enter()?);
        *self.callbacks().log.borrow_mut() = Some(Box::new(closure));
        let user: *mut c_void = self.callbacks.as_ptr().cast();
        // SAFETY: as for progress.
        self.call(|| unsafe {
            sys::wsic_context_set_log(self.get(), Some(callbacks::log), user, level as i32)
        })?;
        Ok(())
    }

    /// What cancels calls on this context from any thread.
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::clone(&self.hold))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the handles of this context are gone, since they hold it. A canceller may keep
        // the library's context, which is not called any more.
        unsafe { drop(Box::from_raw(self.callbacks.as_ptr())) }
    }
}

/// The time in which a call of the library uses a context.
pub(crate) struct Use<'c>(&'c Callbacks);

impl Drop for Use<'_> {
    fn drop(&mut self) {
        self.0.busy.set(false);
    }
}

/// Stops calls on a context from any thread.
#[derive(Clone)]
pub struct Canceller(Arc<Hold>);

impl Canceller {
    /// Stop the call that is running. If none is, nothing happens.
    pub fn cancel(&self) {
        // SAFETY: allowed on any thread.
        unsafe { sys::wsic_context_cancel(self.0.get()) }
    }

    /// Stop the call that is running and all later ones, until [`Canceller::resume`].
    pub fn stop(&self) {
        // SAFETY: allowed on any thread.
        unsafe { sys::wsic_context_stop(self.0.get()) }
    }

    /// Take [`Canceller::stop`] back.
    pub fn resume(&self) {
        // SAFETY: allowed on any thread.
        unsafe { sys::wsic_context_resume(self.0.get()) }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Context {}
    impl Sealed for &super::Context {}
    impl Sealed for std::rc::Rc<super::Context> {}
}

/// How a handle holds its context: `Context`, `&Context` or `Rc<Context>`.
///
/// Only a handle that owns its context can move to another thread. That is why no other type can
/// implement the trait.
pub trait ContextRef: sealed::Sealed {
    fn context(&self) -> &Context;
}

impl ContextRef for Context {
    fn context(&self) -> &Context {
        self
    }
}

impl ContextRef for &Context {
    fn context(&self) -> &Context {
        self
    }
}

impl ContextRef for Rc<Context> {
    fn context(&self) -> &Context {
        self
    }
}
