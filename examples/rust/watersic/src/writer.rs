// SPDX-License-Identifier: MIT
//! Archives that are written.
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use watersic_sys as sys;

use crate::error::{copied, terminated};
use crate::handle::Owned;
use crate::{ContextRef, Layer, Result};

/// An archive that is being written. It appears under its name when [`ArchiveWriter::finish`] has
/// succeeded; a writer that is dropped before leaves no file, or the unfinished one of
/// [`ArchiveWriter::resume`].
pub struct ArchiveWriter<C: ContextRef> {
    raw: Owned<sys::wsic_archive_writer>,
    context: C,
}

// SAFETY: as for statistics.
unsafe impl<C: ContextRef + Send> Send for ArchiveWriter<C> {}

impl<C: ContextRef> ArchiveWriter<C> {
    /// Begin an archive.
    pub fn create(context: C, path: impl AsRef<Path>) -> Result<Self> {
        Self::make(context, path.as_ref(), sys::wsic_archive_writer_create)
    }

    /// Begin an archive, or continue one that was not finished.
    pub fn resume(context: C, path: impl AsRef<Path>) -> Result<Self> {
        Self::make(context, path.as_ref(), sys::wsic_archive_writer_resume)
    }

    fn make(
        context: C,
        path: &Path,
        function: unsafe extern "C" fn(
            *mut sys::wsic_context,
            *const std::os::raw::c_char,
            *mut *mut sys::wsic_archive_writer,
        ) -> i32,
    ) -> Result<Self> {
        let path = terminated("the path", path.as_os_str().as_bytes())?;
        let mut raw = Owned::none();
        let c = context.context();
        // SAFETY: a context, a text, and room for a handle.
        c.call(|| unsafe { function(c.get(), path.as_ptr(), raw.out()) })?;
        Ok(ArchiveWriter { raw, context })
    }

    fn get(&self) -> *mut sys::wsic_archive_writer {
        self.raw.get()
    }

    fn call(&self, function: impl FnOnce() -> i32) -> Result<()> {
        self.context.context().call(function).map(drop)
    }

    /// Let layers begin at multiples of this number of bytes.
    pub fn set_alignment(&mut self, bytes: u64) -> Result<()> {
        // SAFETY: a handle.
        self.call(|| unsafe { sys::wsic_archive_writer_set_alignment(self.get(), bytes) })
    }

    /// Attach a text, such as provenance or a license.
    pub fn set_metadata(&mut self, key: &str, value: &str) -> Result<()> {
        let key = terminated("the key", key.as_bytes())?;
        let value = terminated("the value", value.as_bytes())?;
        // SAFETY: a handle and texts.
        self.call(|| unsafe {
            sys::wsic_archive_writer_set_metadata(self.get(), key.as_ptr(), value.as_ptr())
        })
    }

    /// Append a layer.
    pub fn add(&mut self, name: &str, layer: &Layer<'_>) -> Result<()> {
        let name = terminated("the name", name.as_bytes())?;
        // SAFETY: the layer is only read.
        self.call(|| unsafe {
            sys::wsic_archive_writer_add(self.get(), name.as_ptr(), layer.get())
        })
    }

    /// Number of layers, including those from before a resumption.
    pub fn len(&self) -> usize {
        // SAFETY: a handle.
        unsafe { sys::wsic_archive_writer_count(self.get()) }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the layers, in the order of writing.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.len()).filter_map(|index| {
            // SAFETY: the name is copied.
            unsafe { copied(sys::wsic_archive_writer_name(self.get(), index)) }
        })
    }

    /// Size that the file would have if it were finished now.
    pub fn size(&self) -> u64 {
        // SAFETY: no name means no further layer.
        unsafe { sys::wsic_archive_writer_size(self.get(), std::ptr::null(), 0) }
    }

    /// Complete the archive and give the file its name.
    pub fn finish(self) -> Result<()> {
        // SAFETY: a handle.
        self.call(|| unsafe { sys::wsic_archive_writer_finish(self.get()) })
    }
}
