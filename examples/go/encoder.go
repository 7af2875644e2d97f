// SPDX-License-Identifier: MIT

package watersic

// #include "bridge.h"
import "C"

import (
	"context"
	"strconv"
	"unsafe"
)

// Encoder quantizes matrices (watersic/encoder.h).
type Encoder struct{ *handle }

// NewEncoder returns an encoder with preset "default" and no target.
func (s *Session) NewEncoder() (*Encoder, error) {
	var raw *C.wsic_encoder
	err := s.call(func() C.wsic_status { return C.wsic_encoder_create(s.raw, &raw) })
	if err != nil {
		return nil, err
	}
	return &Encoder{s.newHandle("the encoder", unsafe.Pointer(raw), func(raw unsafe.Pointer) {
		C.wsic_encoder_destroy((*C.wsic_encoder)(raw))
	})}, nil
}

func (e *Encoder) get() *C.wsic_encoder {
	return (*C.wsic_encoder)(e.raw)
}

// Set sets a parameter by its name, such as "rate", from text. One of rate, step and distortion is
// the target.
func (e *Encoder) Set(name, value string) error {
	return withText("the name", name, func(name *C.char) error {
		return withText("the value", value, func(value *C.char) error {
			return e.session.call(func() C.wsic_status {
				return C.wsic_encoder_set_text(e.get(), name, value)
			}, e.handle)
		})
	})
}

// SetNumber sets a parameter by its name from a number.
func (e *Encoder) SetNumber(name string, value float64) error {
	return e.Set(name, strconv.FormatFloat(value, 'g', -1, 64))
}

// SetRate makes bits per weight the target, all bytes of the layer included.
func (e *Encoder) SetRate(bitsPerWeight float64) error {
	return e.SetNumber("rate", bitsPerWeight)
}

// Get returns the value of a parameter as text.
func (e *Encoder) Get(name string) (string, error) {
	var value [256]C.char
	err := withText("the name", name, func(name *C.char) error {
		return e.session.call(func() C.wsic_status {
			return C.wsic_encoder_get_text(e.get(), name, &value[0], C.size_t(len(value)))
		}, e.handle)
	})
	if err != nil {
		return "", err
	}
	return C.GoString(&value[0]), nil
}

// SetPreset sets the parameters to those of a preset: "paper", "fast", "default" or "max".
func (e *Encoder) SetPreset(name string) error {
	return withText("the name", name, func(name *C.char) error {
		return e.session.call(func() C.wsic_status {
			return C.wsic_encoder_set_preset(e.get(), name)
		}, e.handle)
	})
}

// Parameters returns all parameters that differ from preset "default", as "name=value name=value".
func (e *Encoder) Parameters() (string, error) {
	var parameters string
	err := e.session.call(func() C.wsic_status {
		parameters = C.GoString(C.wsic_encoder_parameters(e.get()))
		return C.WSIC_OK
	}, e.handle)
	return parameters, err
}

// SetPlan takes the target from a solved plan.
func (e *Encoder) SetPlan(plan *Plan, index int) error {
	if plan == nil {
		return failure(ErrArgument, "plan is nil")
	}
	i, err := size("index", index)
	if err != nil {
		return err
	}
	return e.session.call(func() C.wsic_status {
		return C.wsic_encoder_set_plan(e.get(), plan.get(), i)
	}, e.handle, plan.handle)
}

// EstimateMemory returns an upper bound of the bytes that a run on a matrix of this shape
// allocates.
func (e *Encoder) EstimateMemory(rows, columns int) (uint64, error) {
	a, err := size("rows", rows)
	if err != nil {
		return 0, err
	}
	n, err := size("columns", columns)
	if err != nil {
		return 0, err
	}
	var bytes C.uint64_t
	err = e.session.call(func() C.wsic_status {
		return C.wsic_encoder_estimate_memory(e.get(), a, n, &bytes)
	}, e.handle)
	return uint64(bytes), err
}

// Encoded is a layer, and what there is to say about it.
type Encoded struct {
	Layer *Layer
	// Notice is not empty if the target could not be reached on this matrix: it says how near the
	// layer is.
	Notice string
}

// Run quantizes a matrix for an input with these statistics, perhaps of another session.
func (e *Encoder) Run(ctx context.Context, stats *Stats, weights Matrix) (Encoded, error) {
	if stats == nil {
		return Encoded{}, failure(ErrArgument, "stats is nil")
	}
	if err := weights.check("weights"); err != nil {
		return Encoded{}, err
	}
	return e.encode(ctx, func(out **C.wsic_layer) C.wsic_status {
		return C.bridge_encoder_run(e.get(), stats.get(), weights.data, weights.shape, out)
	}, e.handle, stats.handle)
}

// RunProblem quantizes a prepared matrix of the same session.
func (e *Encoder) RunProblem(ctx context.Context, problem *Problem) (Encoded, error) {
	if problem == nil {
		return Encoded{}, failure(ErrArgument, "problem is nil")
	}
	return e.encode(ctx, func(out **C.wsic_layer) C.wsic_status {
		return C.wsic_encoder_run_problem(e.get(), problem.get(), out)
	}, append(problem.used(), e.handle)...)
}

// encode makes a layer, and copies it to a context of its own while the session is in use.
func (e *Encoder) encode(ctx context.Context, run func(**C.wsic_layer) C.wsic_status,
	used ...*handle) (Encoded, error) {
	var encoded Encoded
	var copying error
	_, err := e.session.callStatus(ctx, func() C.wsic_status {
		var raw *C.wsic_layer
		status := run(&raw)
		if status > 0 {
			encoded.Notice = C.GoString(C.wsic_encoder_message(e.get()))
		}
		if status >= 0 {
			encoded.Layer, copying = copyLayer(raw)
			C.wsic_layer_destroy(raw)
		}
		return status
	}, used...)
	if err == nil {
		err = copying
	}
	if err != nil {
		return Encoded{}, err
	}
	return encoded, nil
}
