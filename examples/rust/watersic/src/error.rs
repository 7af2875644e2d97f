// SPDX-License-Identifier: MIT
//! Errors: the status of the library, and its message.
use std::ffi::{CStr, CString};
use std::fmt;
use std::os::raw::c_char;

use watersic_sys as sys;

/// The result of whatever can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    status: i32,
    message: String,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $status:ident,)*) => {
        /// The kinds of errors: those of the library, under its names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $kind,)*
            /// A status that these bindings do not know.
            Other,
        }

        impl ErrorKind {
            fn of(status: i32) -> ErrorKind {
                match status {
                    $(sys::$status => ErrorKind::$kind,)*
                    _ => ErrorKind::Other,
                }
            }
        }
    };
}

kinds! {
    /// An argument is out of its documented range.
    Argument = WSIC_ERROR_ARGUMENT,
    /// The state of a handle does not allow the call.
    State = WSIC_ERROR_STATE,
    /// Shapes do not fit each other.
    Shape = WSIC_ERROR_SHAPE,
    /// A number type is not accepted here.
    Dtype = WSIC_ERROR_DTYPE,
    /// The size of a struct is impossible.
    StructSize = WSIC_ERROR_STRUCT_SIZE,
    /// These bindings were made for a later version of the library.
    StructNewer = WSIC_ERROR_STRUCT_NEWER,
    /// There is not enough memory.
    Memory = WSIC_ERROR_MEMORY,
    /// The memory limit of the context would be exceeded.
    MemoryLimit = WSIC_ERROR_MEMORY_LIMIT,
    /// A size is beyond what the machine or BLAS can express.
    TooLarge = WSIC_ERROR_TOO_LARGE,
    /// The call was cancelled.
    Cancelled = WSIC_ERROR_CANCELLED,
    /// The operating system refused an operation on a file.
    Io = WSIC_ERROR_IO,
    /// A number is NaN or infinite.
    NotFinite = WSIC_ERROR_NOT_FINITE,
    /// A covariance is not positive definite.
    NotPositiveDefinite = WSIC_ERROR_NOT_POSITIVE_DEFINITE,
    /// A number left the range that can be stored.
    Range = WSIC_ERROR_RANGE,
    /// The statistics hold no sample.
    NoSamples = WSIC_ERROR_NO_SAMPLES,
    /// The bytes do not have the expected format.
    Format = WSIC_ERROR_FORMAT,
    /// A checksum does not match.
    Checksum = WSIC_ERROR_CHECKSUM,
    /// The bytes end too early.
    Truncated = WSIC_ERROR_TRUNCATED,
    /// The bytes were written by another version of the format.
    Version = WSIC_ERROR_VERSION,
    /// There is nothing of that name.
    NotFound = WSIC_ERROR_NOT_FOUND,
    /// There is something of that name already.
    Exists = WSIC_ERROR_EXISTS,
    /// A buffer is too small.
    Buffer = WSIC_ERROR_BUFFER,
}

impl Error {
    pub(crate) fn new(status: i32, message: impl Into<String>) -> Error {
        Error { status, message: message.into() }
    }

    /// An error that the library described, or describes by the status alone.
    pub(crate) fn described(status: i32, message: String) -> Error {
        if !message.is_empty() {
            return Error { status, message };
        }
        // SAFETY: the text is static, whatever the status.
        Error { status, message: unsafe { borrowed(sys::wsic_status_text(status)) }.into() }
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::of(self.status)
    }

    /// The library's number of the error, always negative.
    pub fn status(&self) -> i32 {
        self.status
    }

    /// What was found, in one sentence.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// A text of the library; "" of NULL, or if it is not UTF-8.
///
/// # Safety
/// The text must live, unchanged, as long as the result is used.
pub(crate) unsafe fn borrowed<'t>(text: *const c_char) -> &'t str {
    if text.is_null() {
        return "";
    }
    CStr::from_ptr(text).to_str().unwrap_or("")
}

/// A copy of a text of the library.
///
/// # Safety
/// The text must live during the call.
pub(crate) unsafe fn copied(text: *const c_char) -> Option<String> {
    (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
}

/// A text for the library, which ends strings at the first NUL.
pub(crate) fn terminated(what: &str, text: &[u8]) -> Result<CString> {
    CString::new(text).map_err(|error| {
        let at = error.nul_position();
        Error::new(sys::WSIC_ERROR_ARGUMENT, format!("{what} has a NUL at byte {at}"))
    })
}
