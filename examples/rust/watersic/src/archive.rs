// SPDX-License-Identifier: MIT
//! Archives that are read.
use std::marker::PhantomData;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use watersic_sys as sys;

use crate::context::Hold;
use crate::error::{borrowed, copied, terminated};
use crate::handle::Owned;
use crate::{Error, Layer, Result};

/// An archive that is open for reading (`watersic/archive.h`). Any number of threads may use it.
pub struct Archive<'a> {
    raw: Owned<sys::wsic_archive>,
    /// Serves this archive and its layers only.
    context: Arc<Hold>,
    /// Calls hold it for reading; whoever wants the message of a failed call takes it alone.
    calls: RwLock<()>,
    bytes: PhantomData<&'a [u8]>,
}

// SAFETY: the context serves this archive and its layers only, which any number of threads may use.
unsafe impl Send for Archive<'_> {}
// SAFETY: as above; messages are read under a lock.
unsafe impl Sync for Archive<'_> {}

impl<'a> Archive<'a> {
    /// Open a file.
    pub fn open(path: impl AsRef<Path>) -> Result<Archive<'static>> {
        let path = terminated("the path", path.as_ref().as_os_str().as_bytes())?;
        Archive::make(|context, out| {
            // SAFETY: a context, a text, and room for a handle.
            unsafe { sys::wsic_archive_open(context, path.as_ptr(), out) }
        })
    }

    /// Open an archive in memory, which stays where it is.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Archive<'a>> {
        Archive::make(|context, out| {
            // SAFETY: the bytes are borrowed for the life of the archive, and copied by `layer`.
            unsafe {
                sys::wsic_archive_open_memory(context, bytes.as_ptr().cast(), bytes.len(), out)
            }
        })
    }

    fn make(
        call: impl FnOnce(*mut sys::wsic_context, *mut *mut sys::wsic_archive) -> i32,
    ) -> Result<Archive<'a>> {
        let context = Hold::new()?;
        let mut raw = Owned::none();
        match call(context.get(), raw.out()) {
            sys::WSIC_OK => {
                Ok(Archive { raw, context, calls: RwLock::new(()), bytes: PhantomData })
            }
            status => Err(context.error(status)),
        }
    }

    fn get(&self) -> *mut sys::wsic_archive {
        self.raw.get()
    }

    /// Call the library. A call that fails is repeated alone, so that the message is its own.
    fn call(&self, mut function: impl FnMut() -> i32) -> Result<()> {
        let shared = self.calls.read().unwrap_or_else(PoisonError::into_inner);
        if function() >= 0 {
            return Ok(());
        }
        drop(shared);
        let _alone = self.calls.write().unwrap_or_else(PoisonError::into_inner);
        match function() {
            status if status >= 0 => Ok(()),
            status => {
                // SAFETY: no other call is running.
                let message = unsafe { copied(sys::wsic_archive_message(self.get())) };
                Err(Error::described(status, message.unwrap_or_default()))
            }
        }
    }

    /// Number of layers.
    pub fn len(&self) -> usize {
        // SAFETY: a handle.
        unsafe { sys::wsic_archive_count(self.get()) }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the whole archive.
    pub fn size(&self) -> u64 {
        // SAFETY: a handle.
        unsafe { sys::wsic_archive_size(self.get()) }
    }

    /// Name of a layer.
    pub fn name(&self, index: usize) -> Option<&str> {
        // SAFETY: the archive owns the name.
        (index < self.len()).then(|| unsafe { borrowed(sys::wsic_archive_name(self.get(), index)) })
    }

    /// The names of all layers, in the order of writing.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.name(index))
    }

    /// Number of the layer of that name.
    pub fn find(&self, name: &str) -> Result<usize> {
        let name = terminated("the name", name.as_bytes())?;
        let mut index = 0;
        // SAFETY: a handle, a text and a number.
        self.call(|| unsafe { sys::wsic_archive_find(self.get(), name.as_ptr(), &mut index) })?;
        Ok(index)
    }

    /// Read a layer. It does not depend on the archive any more.
    pub fn layer(&self, index: usize) -> Result<Layer<'static>> {
        let mut raw = Owned::none();
        let out = raw.out();
        // SAFETY: room for a handle.
        self.call(|| unsafe { sys::wsic_archive_load_layer(self.get(), index, out) })?;
        Ok(Layer::held(raw, Arc::clone(&self.context)))
    }

    /// A layer that borrows its bytes from the archive: from the mapping of the file, or from the
    /// memory of [`Archive::from_bytes`].
    ///
    /// # Safety
    /// If the archive is a file, nobody may write to it or make it shorter while the layer lives.
    /// The system would end the process when a lost byte is read. To replace the file by renaming
    /// another one over it is safe. [`Archive::layer`] has no such condition.
    pub unsafe fn view(&self, index: usize) -> Result<Layer<'a>> {
        let mut raw = Owned::none();
        let out = raw.out();
        self.call(|| sys::wsic_archive_view_layer(self.get(), index, out))?;
        Ok(Layer::held(raw, Arc::clone(&self.context)))
    }

    /// Where in the archive the bytes of a layer lie.
    pub fn extent(&self, index: usize) -> Result<Range<u64>> {
        let (mut offset, mut size) = (0, 0);
        // SAFETY: a handle and two numbers.
        self.call(|| unsafe {
            sys::wsic_archive_get_extent(self.get(), index, &mut offset, &mut size)
        })?;
        Ok(offset..offset + size)
    }

    /// All metadata.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        // SAFETY: the archive owns keys and values.
        unsafe {
            (0..sys::wsic_archive_metadata_count(self.get())).map(|index| {
                let key = sys::wsic_archive_metadata_key(self.get(), index);
                (borrowed(key), borrowed(sys::wsic_archive_metadata(self.get(), key)))
            })
        }
    }

    /// The value of one metadata key.
    pub fn metadata_value(&self, key: &str) -> Option<&str> {
        self.metadata().find(|(k, _)| *k == key).map(|(_, value)| value)
    }
}

impl std::fmt::Debug for Archive<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Archive({} layers, {} bytes)", self.len(), self.size())
    }
}
