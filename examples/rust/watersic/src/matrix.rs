// SPDX-License-Identifier: MIT
//! Slices as matrices, row after row.
use std::mem::size_of;
use std::os::raw::c_void;

use watersic_sys as sys;

use crate::{Element, Error, Result};

/// A matrix that is read, in borrowed memory.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T> {
    data: &'a [T],
    shape: Shape,
}

/// A matrix that is filled, in borrowed memory.
#[derive(Debug)]
pub struct MatrixMut<'a, T> {
    data: &'a mut [T],
    shape: Shape,
}

#[derive(Debug, Clone, Copy)]
struct Shape {
    rows: usize,
    columns: usize,
    stride: usize,
}

impl Shape {
    /// Rows without gaps that fill `length` elements.
    fn packed(length: usize, rows: usize, columns: usize) -> Result<Shape> {
        if length > 0 && rows.checked_mul(columns) == Some(length) {
            return Ok(Shape { rows, columns, stride: columns });
        }
        Err(shape_error(format!("a matrix of {rows} x {columns} on a slice of {length} elements")))
    }

    fn strided(length: usize, rows: usize, columns: usize, stride: usize) -> Result<Shape> {
        if rows == 0 || columns == 0 {
            return Err(shape_error(format!("a matrix of {rows} x {columns} has no element")));
        }
        if stride < columns {
            return Err(shape_error(format!(
                "a row stride of {stride} is below {columns} columns"
            )));
        }
        let needed = (rows - 1).checked_mul(stride).and_then(|n| n.checked_add(columns));
        match needed {
            Some(needed) if needed <= length => Ok(Shape { rows, columns, stride }),
            _ => Err(shape_error(format!(
                "{rows} rows of {columns} elements at a stride of {stride} do not fit a slice of \
                 {length}"
            ))),
        }
    }

    fn raw(self, data: *mut c_void, dtype: u32) -> sys::wsic_matrix {
        sys::wsic_matrix {
            size: size_of::<sys::wsic_matrix>(),
            data,
            rows: self.rows,
            columns: self.columns,
            row_stride: self.stride,
            dtype,
            reserved: 0,
        }
    }
}

fn shape_error(message: String) -> Error {
    Error::new(sys::WSIC_ERROR_SHAPE, message)
}

impl<'a, T> Matrix<'a, T> {
    /// `rows` × `columns` elements without gaps: exactly those of the slice.
    pub fn new(data: &'a [T], rows: usize, columns: usize) -> Result<Self> {
        Ok(Matrix { shape: Shape::packed(data.len(), rows, columns)?, data })
    }

    /// Rows that begin every `stride` elements of the slice.
    pub fn with_stride(data: &'a [T], rows: usize, columns: usize, stride: usize) -> Result<Self> {
        Ok(Matrix { shape: Shape::strided(data.len(), rows, columns, stride)?, data })
    }

    pub fn rows(&self) -> usize {
        self.shape.rows
    }

    pub fn columns(&self) -> usize {
        self.shape.columns
    }
}

impl<T: Element> Matrix<'_, T> {
    /// The struct of C, which is only valid as long as the slice is.
    pub(crate) fn raw(&self) -> sys::wsic_matrix {
        self.shape.raw(self.data.as_ptr() as *mut c_void, T::DTYPE)
    }
}

impl<'a, T> MatrixMut<'a, T> {
    /// `rows` × `columns` elements without gaps: exactly those of the slice.
    pub fn new(data: &'a mut [T], rows: usize, columns: usize) -> Result<Self> {
        Ok(MatrixMut { shape: Shape::packed(data.len(), rows, columns)?, data })
    }

    /// Rows that begin every `stride` elements of the slice. What is between them is not written.
    pub fn with_stride(
        data: &'a mut [T],
        rows: usize,
        columns: usize,
        stride: usize,
    ) -> Result<Self> {
        Ok(MatrixMut { shape: Shape::strided(data.len(), rows, columns, stride)?, data })
    }

    pub fn rows(&self) -> usize {
        self.shape.rows
    }

    pub fn columns(&self) -> usize {
        self.shape.columns
    }
}

impl<T: Element> MatrixMut<'_, T> {
    pub(crate) fn raw(&mut self) -> sys::wsic_matrix {
        self.shape.raw(self.data.as_mut_ptr().cast(), T::DTYPE)
    }
}
