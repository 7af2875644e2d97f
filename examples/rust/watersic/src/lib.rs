// SPDX-License-Identifier: MIT
//! Weights of language models at 1 to 4 bits with little loss: safe bindings of libwatersic.
//!
//! [`Stats`] collect the inputs of a layer, an [`Encoder`] quantizes its weights for these inputs,
//! a [`Layer`] restores weights and multiplies, and an [`Archive`] keeps many layers in one file. A
//! [`Plan`] shares one budget of bytes out over layers. `README.md` in the folder above this crate
//! is a tutorial; the headers of the library (`watersic/*.h`) define every figure exactly.
//!
//! # Threads
//!
//! A context and everything that was made from it is used by one thread at a time. Three kinds of
//! [`ContextRef`] say how a handle holds its context, and the compiler derives the rest:
//!
//! - `&Context` and `Rc<Context>`: several handles share the context. They stay on its thread.
//! - `Context`: the handle owns its context, and both may move to another thread together.
//!
//! [`Layer`] and [`Archive`] have contexts of their own, which nothing else uses. Any number of
//! threads may read them at once. A [`Canceller`] stops the calls of a context from any thread.
//!
//! ```
//! use watersic::{Context, Stats};
//!
//! let mut sum = Stats::new(Context::new()?, 4)?;
//! let worker = std::thread::spawn(|| -> watersic::Result<_> {
//!     let mut part = Stats::new(Context::new()?, 4)?;
//!     part.add(watersic::Matrix::new(&[1.0f32; 8], 2, 4)?)?;
//!     Ok(part)
//! });
//! sum.merge(&worker.join().unwrap()?)?;
//! assert_eq!(sum.samples(), 2.0);
//! # Ok::<(), watersic::Error>(())
//! ```
//!
//! Statistics that share a context cannot leave its thread:
//!
//! ```compile_fail,E0277
//! let context = watersic::Context::new().unwrap();
//! let stats = watersic::Stats::new(&context, 4).unwrap();
//! std::thread::scope(|scope| {
//!     scope.spawn(move || stats.samples());
//! });
//! ```
//!
//! ```compile_fail,E0277
//! fn shared<T: Sync>() {}
//! shared::<watersic::Context>();
//! ```
//!
//! # Release
//!
//! Dropping a handle releases it. What would use it, or what it has borrowed, after that does not
//! compile:
//!
//! ```compile_fail,E0505
//! let context = watersic::Context::new().unwrap();
//! let stats = watersic::Stats::new(&context, 4).unwrap();
//! drop(context);
//! stats.samples();
//! ```
//!
//! ```compile_fail,E0382
//! let stats = watersic::Stats::new(watersic::Context::new().unwrap(), 4).unwrap();
//! drop(stats);
//! stats.samples();
//! ```
//!
//! # Panics
//!
//! A panic in a callback ends the call of the library, and then goes on in the thread that made the
//! call. A callback that uses its own context gets an error.

mod archive;
mod callbacks;
mod context;
mod element;
mod encoder;
mod error;
mod facts;
mod handle;
mod layer;
mod matrix;
mod parameter;
mod plan;
mod problem;
mod stats;
pub mod waterfill;
mod writer;

pub use archive::Archive;
pub use callbacks::{LogLevel, Progress};
pub use context::{Canceller, Context, ContextRef};
pub use element::{Bf16, Code, Element, Factor, Moment, Real, F16};
pub use encoder::{Encoded, Encoder};
pub use error::{Error, ErrorKind, Result};
pub use facts::{LayerInfo, PlannedLayer, Report};
pub use layer::{Layer, Tile};
pub use matrix::{Matrix, MatrixMut};
pub use parameter::{presets, Parameter, Value};
pub use plan::{Plan, Share};
pub use problem::Problem;
pub use stats::{MomentKind, Stats};
pub use writer::ArchiveWriter;

/// Release of the library that is running, such as "0.1.0".
pub fn version() -> &'static str {
    // SAFETY: the text is static.
    unsafe { error::borrowed(watersic_sys::wsic_version()) }
}

/// Number of processors that the calling thread may run on.
pub fn processors() -> i32 {
    // SAFETY: no arguments.
    unsafe { watersic_sys::wsic_processors() }
}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Tutorial;
