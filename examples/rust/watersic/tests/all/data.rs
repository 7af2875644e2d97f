// SPDX-License-Identifier: MIT
//! The data of `examples/bindings/reference.c`, and what was made from them.
use std::path::PathBuf;

use watersic::{Context, ContextRef, Encoder, Layer, Matrix, Parameter, Stats};

pub const ROWS: usize = 48;
pub const COLUMNS: usize = 64;
pub const TOKENS: usize = 256;

pub struct Data {
    pub weights: Vec<f32>,
    pub others: Vec<f32>,
    pub activations: Vec<f32>,
}

/// Numbers between -1 and 1 that look random.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1664525).wrapping_add(1013904223);
        self.0 as i32 as f32 / 2147483648.0
    }
}

impl Data {
    pub fn new() -> Data {
        let mut noise = Noise(1);
        let weights: Vec<f32> = (0..ROWS * COLUMNS).map(|_| 0.02 * noise.next()).collect();
        let mut activations = Vec::new();
        for _ in 0..TOKENS {
            let mut previous = 0.0;
            for _ in 0..COLUMNS {
                previous = 0.875 * previous + noise.next();
                activations.push(previous);
            }
        }
        let others = weights.iter().map(|w| 0.5 * w).collect();
        Data { weights, others, activations }
    }

    pub fn weights(&self) -> Matrix<'_, f32> {
        Matrix::new(&self.weights, ROWS, COLUMNS).unwrap()
    }

    pub fn others(&self) -> Matrix<'_, f32> {
        Matrix::new(&self.others, ROWS, COLUMNS).unwrap()
    }

    /// Statistics in two batches.
    pub fn stats<C: ContextRef>(&self, context: C) -> Stats<C> {
        let mut stats = Stats::new(context, COLUMNS).unwrap();
        for batch in self.activations.chunks(TOKENS / 2 * COLUMNS) {
            stats.add(Matrix::new(batch, TOKENS / 2, COLUMNS).unwrap()).unwrap();
        }
        stats
    }

    /// A layer at 2 bits.
    pub fn layer(&self) -> Layer<'static> {
        let context = Context::new().unwrap();
        let mut encoder = Encoder::new(&context).unwrap();
        encoder.set(Parameter::Rate, 2.0).unwrap();
        encoder.run(&self.stats(&context), self.weights()).unwrap().layer
    }
}

/// A file that is removed in the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Scratch {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        Scratch(folder.join(format!("{}.{name}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
