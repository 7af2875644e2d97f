// SPDX-License-Identifier: MIT

package watersic

// #include "bridge.h"
import "C"

import "runtime/cgo"

// ProgressFunc receives how much of a call is done, from 0 to 1, and the name of the present stage.
// An error cancels the call, which then returns an error that wraps it.
type ProgressFunc func(fraction float64, stage string) error

// LogLevel is how much a log message matters.
type LogLevel int32

// Levels of log messages.
const (
	LogWarning LogLevel = C.WSIC_LOG_WARNING
	LogInfo    LogLevel = C.WSIC_LOG_INFO
	LogDebug   LogLevel = C.WSIC_LOG_DEBUG
)

// LogFunc receives a log message, one line.
type LogFunc func(level LogLevel, message string)

// callbacks are the functions of a session, and what became of them during the running call.
type callbacks struct {
	progress ProgressFunc
	log      LogFunc
	err      error
	panicked any
	ended    bool
}

// SetProgress reports the progress of long calls to a function; nil means none. The function must
// not use this session.
func (s *Session) SetProgress(progress ProgressFunc) error {
	return s.call(func() C.wsic_status {
		s.callbacks.progress = progress
		if progress == nil {
			return C.bridge_set_progress(s.raw, 0)
		}
		return C.bridge_set_progress(s.raw, C.uintptr_t(s.token))
	})
}

// SetLog hands messages up to this level to a function; nil means none. The function must not use
// this session.
func (s *Session) SetLog(level LogLevel, log LogFunc) error {
	return s.call(func() C.wsic_status {
		s.callbacks.log = log
		if log == nil {
			return C.bridge_set_log(s.raw, 0, C.WSIC_LOG_NONE)
		}
		return C.bridge_set_log(s.raw, C.uintptr_t(s.token), C.int32_t(level))
	})
}

func (c *callbacks) begin() {
	c.err, c.panicked, c.ended = nil, nil, false
}

// panicAgain lets a panic go on that a callback began, in the goroutine of the call.
func (c *callbacks) panicAgain() {
	if c.panicked != nil {
		panic(c.panicked)
	}
	if c.ended {
		panic("watersic: a callback has ended its goroutine")
	}
}

// run calls a callback in a goroutine of its own. Neither a panic nor runtime.Goexit may unwind the
// frames of C that are below. After the first of them, callbacks are not called any more.
func (c *callbacks) run(callback func()) {
	if c.panicked != nil || c.ended {
		return
	}
	done := make(chan struct{})
	go func() {
		returned := false
		defer close(done)
		defer func() {
			c.panicked = recover()
			c.ended = !returned && c.panicked == nil
		}()
		callback()
		returned = true
	}()
	<-done
}

//export watersicProgress
func watersicProgress(token C.uintptr_t, fraction C.double, stage *C.char) C.int32_t {
	c := cgo.Handle(token).Value().(*callbacks)
	c.run(func() {
		if err := c.progress(float64(fraction), C.GoString(stage)); err != nil {
			c.err = err
		}
	})
	if c.err != nil || c.panicked != nil || c.ended {
		return 1
	}
	return 0
}

//export watersicLog
func watersicLog(token C.uintptr_t, level C.int32_t, message *C.char) {
	c := cgo.Handle(token).Value().(*callbacks)
	c.run(func() { c.log(LogLevel(level), C.GoString(message)) })
}
