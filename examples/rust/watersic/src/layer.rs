// SPDX-License-Identifier: MIT
//! Quantized layers.
use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::os::raw::c_void;
use std::slice;
use std::sync::Arc;

use watersic_sys as sys;

use crate::callbacks::PanicStore;
use crate::context::Hold;
use crate::handle::Owned;
use crate::{Code, Error, Factor, LayerInfo, Matrix, MatrixMut, Real, Result};

/// A quantized layer (`watersic/layer.h`). It never changes, and any number of threads may read it.
///
/// A `Layer<'static>` owns its bytes. A `Layer<'a>` of [`Layer::view`] borrows them.
pub struct Layer<'a> {
    raw: Owned<sys::wsic_layer>,
    /// Serves layers only.
    context: Arc<Hold>,
    bytes: PhantomData<&'a [u8]>,
}

// SAFETY: the context serves nothing but layers, which any number of threads may make, read and
// destroy at the same time.
unsafe impl Send for Layer<'_> {}
// SAFETY: any number of threads may read one layer; nobody reads the message that they share.
unsafe impl Sync for Layer<'_> {}

impl<'a> Layer<'a> {
    /// A layer from its bytes, which may come from an untrusted source. They are copied.
    pub fn from_bytes(bytes: &[u8]) -> Result<Layer<'static>> {
        Layer::make(|context, out| {
            // SAFETY: a slice and its length.
            unsafe { sys::wsic_layer_create(context, bytes.as_ptr().cast(), bytes.len(), out) }
        })
    }

    /// A layer on bytes that stay where they are.
    pub fn view(bytes: &'a [u8]) -> Result<Layer<'a>> {
        Layer::make(|context, out| {
            // SAFETY: the slice is borrowed for the life of the layer.
            unsafe { sys::wsic_layer_create_view(context, bytes.as_ptr().cast(), bytes.len(), out) }
        })
    }

    /// A layer that a call makes on a context of its own.
    fn make(
        call: impl FnOnce(*mut sys::wsic_context, *mut *mut sys::wsic_layer) -> i32,
    ) -> Result<Layer<'a>> {
        let context = Hold::new()?;
        let mut raw = Owned::none();
        match call(context.get(), raw.out()) {
            sys::WSIC_OK => Ok(Layer::held(raw, context)),
            status => Err(context.error(status)),
        }
    }

    /// A layer of a context that serves nothing but layers.
    pub(crate) fn held(raw: Owned<sys::wsic_layer>, context: Arc<Hold>) -> Self {
        Layer { raw, context, bytes: PhantomData }
    }

    /// A copy of a layer of a context that also serves other handles: the copy may go anywhere.
    pub(crate) fn on_its_own(raw: &Owned<sys::wsic_layer>) -> Result<Layer<'static>> {
        // SAFETY: the bytes live as long as the layer.
        Layer::from_bytes(unsafe { bytes_of(raw) })
    }

    pub(crate) fn get(&self) -> *mut sys::wsic_layer {
        self.raw.get()
    }

    /// Call the library. A call that fails is repeated on a layer of its own, because other threads
    /// may replace the message of this one.
    fn call(&self, mut function: impl FnMut(*mut sys::wsic_layer) -> i32) -> Result<()> {
        if function(self.get()) >= 0 {
            return Ok(());
        }
        let alone = Layer::view(self.bytes())?;
        match function(alone.get()) {
            status if status >= 0 => Ok(()),
            status => Err(alone.context.error(status)),
        }
    }

    /// Facts about the layer.
    pub fn info(&self) -> LayerInfo {
        let read = LayerInfo::read(|info| {
            // SAFETY: a handle and a struct to be filled.
            self.call(|layer| unsafe { sys::wsic_layer_get_info(layer, info) })
        });
        read.expect("only a wrong size of the struct fails")
    }

    pub fn rows(&self) -> usize {
        self.info().rows as usize
    }

    pub fn columns(&self) -> usize {
        self.info().columns as usize
    }

    /// The bytes of the layer, to be written to a file.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the bytes live as long as the layer.
        unsafe { bytes_of(&self.raw) }
    }

    /// Restore rows from `first_row` on, as many as `weights` has.
    pub fn dequantize<T: Real>(
        &self,
        first_row: usize,
        mut weights: MatrixMut<'_, T>,
    ) -> Result<()> {
        let mut weights = weights.raw();
        // SAFETY: a handle and a matrix to be filled.
        self.call(|layer| unsafe { sys::wsic_layer_dequantize(layer, first_row, &mut weights) })
    }

    /// Decode the codes of rows from `first_row` on, as many as `codes` has.
    pub fn codes<T: Code>(&self, first_row: usize, mut codes: MatrixMut<'_, T>) -> Result<()> {
        let mut codes = codes.raw();
        // SAFETY: a handle and a matrix to be filled.
        self.call(|layer| unsafe { sys::wsic_layer_get_codes(layer, first_row, &mut codes) })
    }

    /// The least and the greatest code.
    pub fn code_range(&self) -> Result<(i32, i32)> {
        let (mut least, mut greatest) = (0, 0);
        // SAFETY: a handle and two numbers.
        self.call(|layer| unsafe {
            sys::wsic_layer_get_code_range(layer, &mut least, &mut greatest)
        })?;
        Ok((least, greatest))
    }

    /// Y = X Ŵᵀ for the rows from `first_row` on, as many as `y` has columns: one token in each row
    /// of `x` and `y`.
    pub fn matmul<T: Factor>(
        &self,
        first_row: usize,
        x: Matrix<'_, T>,
        mut y: MatrixMut<'_, f32>,
    ) -> Result<()> {
        let (x, mut y) = (x.raw(), y.raw());
        // SAFETY: slices that cannot overlap, since one is borrowed as mutable.
        self.call(|layer| unsafe { sys::wsic_layer_matmul(layer, first_row, &x, &mut y) })
    }

    /// y = Ŵ x for one token.
    pub fn matvec(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        let info = self.info();
        if x.len() as u64 != info.columns || y.len() as u64 != info.rows {
            return Err(Error::new(
                sys::WSIC_ERROR_SHAPE,
                format!(
                    "the layer has {} columns and {} rows, x has {} and y {} elements",
                    info.columns,
                    info.rows,
                    x.len(),
                    y.len()
                ),
            ));
        }
        // SAFETY: the lengths were checked.
        self.call(|layer| unsafe { sys::wsic_layer_matvec(layer, x.as_ptr(), y.as_mut_ptr()) })
    }

    /// One scale for each row.
    pub fn row_scales(&self) -> &[f32] {
        // SAFETY: as many as rows, alive as long as the layer.
        unsafe { slice::from_raw_parts(sys::wsic_layer_row_scales(self.get()), self.rows()) }
    }

    /// One scale for each column.
    pub fn column_scales(&self) -> &[f32] {
        // SAFETY: as many as columns, alive as long as the layer.
        unsafe { slice::from_raw_parts(sys::wsic_layer_column_scales(self.get()), self.columns()) }
    }

    /// The columns in the order in which they are coded.
    pub fn column_order(&self) -> &[u32] {
        let live = self.info().live_columns as usize;
        if live == 0 {
            return &[];
        }
        // SAFETY: as many as live columns, alive as long as the layer.
        unsafe { slice::from_raw_parts(sys::wsic_layer_column_order(self.get()), live) }
    }

    /// A layer with the same codes and other scales; `None` keeps those of this layer.
    pub fn with_scales(
        &self,
        row_scales: Option<&[f32]>,
        column_scales: Option<&[f32]>,
    ) -> Result<Layer<'static>> {
        check_scales("row", row_scales, self.rows())?;
        check_scales("column", column_scales, self.columns())?;
        // The call uses the context of its layer: that of a view on the same bytes is free.
        let view = Layer::view(self.bytes())?;
        let rows = row_scales.map_or(std::ptr::null(), <[f32]>::as_ptr);
        let columns = column_scales.map_or(std::ptr::null(), <[f32]>::as_ptr);
        let mut raw = Owned::none();
        // SAFETY: the lengths were checked.
        let status =
            unsafe { sys::wsic_layer_create_with_scales(view.get(), rows, columns, raw.out()) };
        if status < 0 {
            return Err(view.context.error(status));
        }
        Ok(Layer::held(raw, Arc::clone(&view.context)))
    }

    /// Hand the codes of a block of rows out, tile by tile. `Break` ends the call, which then
    /// returns [`crate::ErrorKind::Cancelled`]. The closure may read this layer.
    pub fn visit<F>(&self, block: usize, closure: F) -> Result<()>
    where
        F: FnMut(Tile<'_>) -> ControlFlow<()>,
    {
        let mut visit = Visit { closure, panic: PanicStore::default() };
        let user: *mut c_void = (&mut visit as *mut Visit<F>).cast();
        let function: sys::wsic_tile_function = Some(visit_tile::<F>);
        // Tiles are handed out once: a call that fails is not repeated for its message.
        // SAFETY: the library uses user during the call only, and allocates the workspace.
        let status = unsafe {
            sys::wsic_layer_visit(self.get(), block, function, user, std::ptr::null_mut(), 0)
        };
        visit.panic.resume();
        match status {
            sys::WSIC_OK => Ok(()),
            sys::WSIC_ERROR_CANCELLED => {
                Err(Error::new(status, "the closure ended the visit of the layer"))
            }
            status => Err(Error::described(status, String::new())),
        }
    }
}

impl fmt::Debug for Layer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.info();
        write!(f, "Layer({} x {}, {} bytes)", info.rows, info.columns, info.bytes)
    }
}

/// # Safety
/// The layer lives, and its bytes as long as 'l.
unsafe fn bytes_of<'l>(layer: &Owned<sys::wsic_layer>) -> &'l [u8] {
    let (mut bytes, mut size) = (std::ptr::null(), 0);
    let status = sys::wsic_layer_get_bytes(layer.get(), &mut bytes, &mut size);
    assert_eq!(status, sys::WSIC_OK, "only NULL makes the call fail");
    slice::from_raw_parts(bytes.cast(), size)
}

fn check_scales(which: &str, scales: Option<&[f32]>, wanted: usize) -> Result<()> {
    match scales {
        Some(scales) if scales.len() != wanted => Err(Error::new(
            sys::WSIC_ERROR_SHAPE,
            format!("{} {which} scales for a layer with {wanted}", scales.len()),
        )),
        _ => Ok(()),
    }
}

/// Codes of a group of columns (`wsic_tile` in `watersic/decode.h`).
#[derive(Clone, Copy)]
pub struct Tile<'t>(&'t sys::wsic_tile);

impl Tile<'_> {
    /// First row of the block in the layer.
    pub fn first_row(&self) -> usize {
        self.0.first_row
    }

    /// Rows of the tile, as numbers within the block.
    pub fn rows(&self) -> &[u32] {
        // SAFETY: so the library describes a tile.
        unsafe { slice::from_raw_parts(self.0.row, self.0.rows) }
    }

    /// Columns of the tile in the layer.
    pub fn columns(&self) -> &[u32] {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts(self.0.column, self.0.columns) }
    }

    /// The code of row `rows()[i]` and column `columns()[j]`. Panics if there is none.
    pub fn code(&self, i: usize, j: usize) -> i32 {
        let tile = self.0;
        assert!(i < tile.rows && j < tile.columns, "({i}, {j}) is outside the tile");
        let at = j * tile.stride + i;
        // SAFETY: i and j were checked, and one of the arrays is there.
        unsafe {
            match tile.narrow.is_null() {
                true => *tile.wide.add(at),
                false => (*tile.narrow.add(at)).into(),
            }
        }
    }
}

struct Visit<F> {
    closure: F,
    panic: PanicStore,
}

unsafe extern "C" fn visit_tile<F>(user: *mut c_void, tile: *const sys::wsic_tile) -> i32
where
    F: FnMut(Tile<'_>) -> ControlFlow<()>,
{
    let visit = &mut *user.cast::<Visit<F>>();
    let closure = &mut visit.closure;
    visit.panic.catch(|| closure(Tile(&*tile)).is_break() as i32).unwrap_or(1)
}
