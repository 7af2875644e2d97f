// SPDX-License-Identifier: MIT

package watersic

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Session is a context of the library: memory, threads and callbacks of the handles that are made
// from it. It is used by one goroutine at a time.
type Session struct {
	raw *C.wsic_context
	// running is held by the call that is running, and closed says that there will be none.
	running sync.Mutex
	closed  bool
	// callbacks is what C reaches through token; it does not lead back to the session.
	callbacks *callbacks
	token     cgo.Handle

	// Handles that were found unreachable wait here until no call is running.
	retiring sync.Mutex
	retired  []func()
}

// NewSession returns a session that works on one thread and has no memory limit.
func NewSession() (*Session, error) {
	raw, err := newContext()
	if err != nil {
		return nil, err
	}
	s := &Session{raw: raw, callbacks: &callbacks{}}
	s.token = cgo.NewHandle(s.callbacks)
	runtime.SetFinalizer(s, func(s *Session) { s.release() })
	return s, nil
}

func (s *Session) release() {
	s.closed = true
	C.bridge_set_progress(s.raw, 0)
	C.bridge_set_log(s.raw, 0, 0)
	C.wsic_context_destroy(s.raw)
	s.token.Delete()
}

// Close ends the session. Its handles can only be closed afterwards. A session that is closed
// already stays so.
func (s *Session) Close() error {
	if !s.running.TryLock() {
		return ErrBusy
	}
	defer s.unlock()
	if !s.closed {
		runtime.SetFinalizer(s, nil)
		s.release()
	}
	return nil
}

// lock marks the session as in use.
func (s *Session) lock() error {
	if !s.running.TryLock() {
		return ErrBusy
	}
	if s.closed {
		s.unlock()
		return closed("the session")
	}
	return nil
}

// unlock ends the use, and releases handles that became unreachable meanwhile.
func (s *Session) unlock() {
	s.running.Unlock()
	s.clean()
}

// retire releases a handle as soon as no call is running. The finalizer that calls it must not
// wait.
func (s *Session) retire(release func()) {
	s.retiring.Lock()
	s.retired = append(s.retired, release)
	s.retiring.Unlock()
	s.clean()
}

// clean releases retired handles. If a call is running, it cleans when it ends.
func (s *Session) clean() {
	for s.hasRetired() && s.running.TryLock() {
		s.retiring.Lock()
		retired := s.retired
		s.retired = nil
		s.retiring.Unlock()
		for _, release := range retired {
			release()
		}
		s.running.Unlock()
	}
}

func (s *Session) hasRetired() bool {
	s.retiring.Lock()
	defer s.retiring.Unlock()
	return len(s.retired) > 0
}

// handle is something that was made from a session.
type handle struct {
	session *Session
	what    string
	raw     unsafe.Pointer
	destroy func(unsafe.Pointer)
	// borrowed are handles that C uses as long as this one, and borrowers counts how many use it.
	borrowing sync.Mutex
	borrowed  []*handle
	borrowers int32
}

// newHandle takes over what C has made.
func (s *Session) newHandle(what string, raw unsafe.Pointer, destroy func(unsafe.Pointer)) *handle {
	h := &handle{session: s, what: what, raw: raw, destroy: destroy}
	runtime.SetFinalizer(h, func(h *handle) { h.session.retire(h.release) })
	return h
}

// borrow says that C uses another handle as long as this one.
func (h *handle) borrow(other *handle) {
	h.borrowing.Lock()
	defer h.borrowing.Unlock()
	atomic.AddInt32(&other.borrowers, 1)
	h.borrowed = append(h.borrowed, other)
}

// lenders are the handles that this one borrows.
func (h *handle) lenders() []*handle {
	h.borrowing.Lock()
	defer h.borrowing.Unlock()
	return append([]*handle{}, h.borrowed...)
}

// release destroys the handle. No call is running.
func (h *handle) release() {
	h.destroy(h.raw)
	h.raw = nil
	h.borrowing.Lock()
	defer h.borrowing.Unlock()
	for _, other := range h.borrowed {
		atomic.AddInt32(&other.borrowers, -1)
	}
	h.borrowed = nil
}

// unborrowed refuses to change or close what a problem uses.
func (h *handle) unborrowed() error {
	if count := atomic.LoadInt32(&h.borrowers); count > 0 {
		return failure(ErrState, "%s cannot change: an open problem uses them", h.what)
	}
	return nil
}

// Close releases the memory of C. Further calls fail with ErrClosed; a further Close does nothing.
// Statistics cannot be closed before the problems that use them.
func (h *handle) Close() error {
	if !h.session.running.TryLock() {
		return ErrBusy
	}
	defer h.session.unlock()
	if err := h.unborrowed(); err != nil {
		return err
	}
	if h.raw != nil {
		runtime.SetFinalizer(h, nil)
		h.release()
	}
	return nil
}

func closed(what string) error {
	return &Error{Status: ErrState, Message: what + " is closed", cause: ErrClosed}
}

// call calls the library on this session. others are all handles that the call uses, perhaps of
// other sessions. A status below 0 becomes an error; a panic of a callback goes on.
func (s *Session) call(function func() C.wsic_status, others ...*handle) error {
	_, err := s.callStatus(context.Background(), function, others...)
	return err
}

func (s *Session) callStatus(ctx context.Context, function func() C.wsic_status,
	others ...*handle) (C.wsic_status, error) {
	locked, err := lockAll(s, others)
	defer func() {
		for _, session := range locked {
			session.unlock()
		}
	}()
	if err != nil {
		return 0, err
	}
	for _, h := range others {
		if h.raw == nil {
			return 0, closed(h.what)
		}
	}
	if err := ctx.Err(); err != nil {
		return 0, &Error{Status: ErrCancelled, Message: err.Error(), cause: err}
	}
	defer alive(s, others)
	s.callbacks.begin()
	status := s.watched(ctx, function)
	s.callbacks.panicAgain()
	if status >= 0 {
		return status, nil
	}
	return status, s.failed(ctx, Status(status))
}

// lockAll marks the sessions of a call as in use, each once.
func lockAll(s *Session, others []*handle) ([]*Session, error) {
	var locked []*Session
	sessions := []*Session{s}
	for _, h := range others {
		sessions = append(sessions, h.session)
	}
next:
	for _, session := range sessions {
		for _, earlier := range locked {
			if earlier == session {
				continue next
			}
		}
		if err := session.lock(); err != nil {
			return locked, err
		}
		locked = append(locked, session)
	}
	return locked, nil
}

// watched calls the library, and stops the call when ctx is done.
func (s *Session) watched(ctx context.Context, function func() C.wsic_status) C.wsic_status {
	if ctx.Done() == nil {
		return function()
	}
	returned, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ctx.Done():
			// It holds even if the call has not begun yet.
			C.wsic_context_stop(s.raw)
		case <-returned:
		}
	}()
	status := function()
	close(returned)
	<-watched
	C.wsic_context_resume(s.raw)
	return status
}

// failed is the error of the call that has just returned.
func (s *Session) failed(ctx context.Context, status Status) error {
	err := described(status, C.GoString(C.wsic_context_message(s.raw)))
	if status == ErrCancelled {
		err.cause = ctx.Err()
		if s.callbacks.err != nil {
			err.cause = s.callbacks.err
		}
		if err.cause != nil {
			err.Message += ": " + err.cause.Error()
		}
	}
	return err
}

// SetThreads sets the number of threads of the library's own loops, 1 to 1024; 0 means all
// processors. The threads of BLAS are not changed.
func (s *Session) SetThreads(threads int) error {
	if threads < 0 || threads > 1024 {
		return failure(ErrArgument, "threads is %d, not 0 to 1024", threads)
	}
	return s.call(func() C.wsic_status {
		return C.wsic_context_set_threads(s.raw, C.int32_t(threads))
	})
}

// SetMemoryLimit bounds the memory of the session and its handles, in bytes; 0 means no bound.
func (s *Session) SetMemoryLimit(bytes uint64) error {
	return s.call(func() C.wsic_status {
		return C.wsic_context_set_memory_limit(s.raw, C.uint64_t(bytes))
	})
}

// Memory returns the bytes in use by the session and its handles: now, and at most so far.
func (s *Session) Memory() (now, peak uint64, err error) {
	var most C.uint64_t
	err = s.call(func() C.wsic_status {
		now = uint64(C.wsic_context_memory(s.raw, &most))
		return C.WSIC_OK
	})
	return now, uint64(most), err
}
