// SPDX-License-Identifier: MIT

package watersic

// #include "bridge.h"
import "C"

import (
	"runtime"
	"sync"
)

// shared is a pointer of C that any number of goroutines may use until it is closed.
type shared[T comparable] struct {
	raw     T
	what    string
	destroy func(T)
	// using is held for reading by the calls, and for writing by whoever must be alone.
	using sync.RWMutex
}

// newShared takes over what C has made.
func newShared[T comparable](what string, raw T, destroy func(T)) *shared[T] {
	s := &shared[T]{raw: raw, what: what, destroy: destroy}
	runtime.SetFinalizer(s, func(s *shared[T]) { s.destroy(s.raw) })
	return s
}

// use calls a function while nobody is alone.
func (s *shared[T]) use(function func(T) error) error {
	s.using.RLock()
	defer s.using.RUnlock()
	return s.unlessClosed(function)
}

// useAlone calls a function while nobody else uses the pointer.
func (s *shared[T]) useAlone(function func(T) error) error {
	s.using.Lock()
	defer s.using.Unlock()
	return s.unlessClosed(function)
}

func (s *shared[T]) unlessClosed(function func(T) error) error {
	var none T
	if s.raw == none {
		return closed(s.what)
	}
	return function(s.raw)
}

// Close releases the memory of C when no call uses it any more. Further calls fail with ErrClosed;
// a further Close does nothing. Layers that came from an archive live on.
func (s *shared[T]) Close() error {
	s.using.Lock()
	defer s.using.Unlock()
	var none T
	if s.raw != none {
		runtime.SetFinalizer(s, nil)
		s.destroy(s.raw)
		s.raw = none
	}
	return nil
}

// onContext calls a function of C on a context of its own, which lives as long as a layer or an
// archive that was made on it.
func onContext(function func(*C.wsic_context) C.wsic_status) error {
	context, err := newContext()
	if err != nil {
		return err
	}
	defer C.wsic_context_destroy(context)
	if status := function(context); status < 0 {
		return described(Status(status), C.GoString(C.wsic_context_message(context)))
	}
	return nil
}
