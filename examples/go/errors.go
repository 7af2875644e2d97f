// SPDX-License-Identifier: MIT

package watersic

// #include "bridge.h"
import "C"

import "fmt"

// Status is a kind of error. errors.Is(err, watersic.ErrShape) tells whether err is of that kind.
type Status int32

// The kinds of errors, as watersic/base.h describes them.
const (
	ErrArgument            Status = C.WSIC_ERROR_ARGUMENT
	ErrState               Status = C.WSIC_ERROR_STATE
	ErrShape               Status = C.WSIC_ERROR_SHAPE
	ErrDtype               Status = C.WSIC_ERROR_DTYPE
	ErrStructSize          Status = C.WSIC_ERROR_STRUCT_SIZE
	ErrStructNewer         Status = C.WSIC_ERROR_STRUCT_NEWER
	ErrMemory              Status = C.WSIC_ERROR_MEMORY
	ErrMemoryLimit         Status = C.WSIC_ERROR_MEMORY_LIMIT
	ErrTooLarge            Status = C.WSIC_ERROR_TOO_LARGE
	ErrCancelled           Status = C.WSIC_ERROR_CANCELLED
	ErrIO                  Status = C.WSIC_ERROR_IO
	ErrNotFinite           Status = C.WSIC_ERROR_NOT_FINITE
	ErrNotPositiveDefinite Status = C.WSIC_ERROR_NOT_POSITIVE_DEFINITE
	ErrRange               Status = C.WSIC_ERROR_RANGE
	ErrNoSamples           Status = C.WSIC_ERROR_NO_SAMPLES
	ErrFormat              Status = C.WSIC_ERROR_FORMAT
	ErrChecksum            Status = C.WSIC_ERROR_CHECKSUM
	ErrTruncated           Status = C.WSIC_ERROR_TRUNCATED
	ErrVersion             Status = C.WSIC_ERROR_VERSION
	ErrNotFound            Status = C.WSIC_ERROR_NOT_FOUND
	ErrExists              Status = C.WSIC_ERROR_EXISTS
	ErrBuffer              Status = C.WSIC_ERROR_BUFFER
)

// Error returns a short text of the kind.
func (s Status) Error() string {
	return C.GoString(C.wsic_status_text(C.wsic_status(s)))
}

// Error is what the functions of this package return.
type Error struct {
	// Status is the kind of error.
	Status Status
	// Message says what was found.
	Message string

	cause error
}

// Error returns the message.
func (e *Error) Error() string {
	return "watersic: " + e.Message
}

// Is reports whether target is the Status of the error.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Unwrap returns why a call was cancelled: the error of a context.Context or of a callback.
func (e *Error) Unwrap() error {
	return e.cause
}

// Errors of this package. Both are of kind ErrState.
var (
	// ErrClosed means that something was used after its Close.
	ErrClosed error = failure(ErrState, "it is closed")
	// ErrBusy means that another goroutine uses the session at the same time, or that a callback
	// uses its own session.
	ErrBusy error = failure(ErrState, "another call is running on this session")
)

func failure(status Status, format string, values ...any) *Error {
	return &Error{Status: status, Message: fmt.Sprintf(format, values...)}
}

// described is an error of the library; without a message the status alone describes it.
func described(status Status, message string) *Error {
	if message == "" {
		message = status.Error()
	}
	return &Error{Status: status, Message: message}
}
