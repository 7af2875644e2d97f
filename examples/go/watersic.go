// SPDX-License-Identifier: MIT

// Package watersic quantizes weights of language models to 1 to 4 bits with little loss: bindings
// of libwatersic.
//
// Stats collect the inputs of a layer, an Encoder quantizes its weights for these inputs, a Layer
// restores weights and multiplies, and an Archive keeps many layers in one file. A Plan shares one
// budget of bytes out over layers. README.md is a tutorial; the headers of the library
// (watersic/*.h) define every figure exactly.
//
// # Goroutines
//
// A Session is a context of the library. It and everything that was made from it is used by one
// goroutine at a time: a call while another one runs fails with ErrBusy, and so does a call from a
// callback of the same session. Goroutines that work at the same time need a session each. Layers
// and archives that are read have contexts of their own: any number of goroutines may use them.
//
// # Memory
//
// The library never keeps memory of Go. Whatever has a Close method holds memory of C: call Close
// when it is not needed any more. If it is forgotten, a finalizer does it some time later.
package watersic

// #cgo pkg-config: watersic
// #include <stdlib.h>
// #include "bridge.h"
import "C"

import (
	"runtime"
	"strings"
	"unsafe"
)

// Version returns the release of the library that is running, such as "0.1.0".
func Version() string {
	return C.GoString(C.wsic_version())
}

// Presets returns the names that Encoder.SetPreset takes.
func Presets() []string {
	var names []string
	for i := C.size_t(0); ; i++ {
		name := C.wsic_preset_name(i)
		if name == nil {
			return names
		}
		names = append(names, C.GoString(name))
	}
}

// text returns a copy for C, to be freed by the caller. C ends strings at the first NUL.
func text(what, value string) (*C.char, error) {
	if at := strings.IndexByte(value, 0); at >= 0 {
		return nil, failure(ErrArgument, "%s has a NUL at byte %d", what, at)
	}
	return C.CString(value), nil
}

// withText calls function with a copy for C.
func withText(what, value string, function func(*C.char) error) error {
	copied, err := text(what, value)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(copied))
	return function(copied)
}

// size returns a size or an index for C.
func size(what string, number int) (C.size_t, error) {
	if number < 0 {
		return 0, failure(ErrArgument, "%s is %d", what, number)
	}
	return C.size_t(number), nil
}

// address returns the address of a slice, or nil of an empty one.
func address[T any](slice []T) unsafe.Pointer {
	if len(slice) == 0 {
		return nil
	}
	return unsafe.Pointer(&slice[0])
}

// newContext returns a context of the library for a layer or an archive.
func newContext() (*C.wsic_context, error) {
	var raw *C.wsic_context
	if status := C.wsic_context_create(nil, &raw); status != C.WSIC_OK {
		return nil, described(Status(status), "")
	}
	return raw, nil
}

// alive keeps what C uses until here.
func alive(things ...any) {
	for _, thing := range things {
		runtime.KeepAlive(thing)
	}
}
