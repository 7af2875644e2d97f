// SPDX-License-Identifier: MIT

package watersic

// #include <stdlib.h>
// #include <string.h>
// #include "bridge.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// Problem is a matrix with its statistics, to be quantized several times (watersic/problem.h). It
// keeps a copy of the weights in memory of C. Its statistics cannot change or be closed while it is
// open.
type Problem struct {
	*handle
}

// NewProblem returns a problem. weighted are statistics over weighted tokens, or nil.
func (s *Session) NewProblem(stats, weighted *Stats, weights Matrix) (*Problem, error) {
	if stats == nil {
		return nil, failure(ErrArgument, "stats is nil")
	}
	if err := weights.check("weights"); err != nil {
		return nil, err
	}
	used := []*handle{stats.handle}
	var second *C.wsic_stats
	if weighted != nil {
		used = append(used, weighted.handle)
	}
	copied := C.malloc(C.size_t(weights.bytes))
	C.memcpy(copied, weights.data, C.size_t(weights.bytes))
	runtime.KeepAlive(weights.data)
	var raw *C.wsic_problem
	err := s.call(func() C.wsic_status {
		if weighted != nil {
			second = weighted.get()
		}
		return C.bridge_problem_create(s.raw, stats.get(), second, copied, weights.shape, &raw)
	}, used...)
	if err != nil {
		C.free(copied)
		return nil, err
	}
	h := s.newHandle("the problem", unsafe.Pointer(raw), func(raw unsafe.Pointer) {
		C.wsic_problem_destroy((*C.wsic_problem)(raw))
		C.free(copied)
	})
	for _, other := range used {
		h.borrow(other)
	}
	return &Problem{h}, nil
}

func (p *Problem) get() *C.wsic_problem {
	return (*C.wsic_problem)(p.raw)
}

// used are all handles that a call on the problem uses.
func (p *Problem) used() []*handle {
	return append(p.lenders(), p.handle)
}

// SetMix chooses the mixture: q of the clean input, a of the unweighted tokens; both 0 to 1.
func (p *Problem) SetMix(q, a float64) error {
	return p.session.call(func() C.wsic_status {
		return C.wsic_problem_set_mix(p.get(), C.double(q), C.double(a))
	}, p.used()...)
}

// SetDeadRows leaves these rows out; they are restored as zeros.
func (p *Problem) SetDeadRows(rows []int) error {
	numbers, err := sizes("a row", rows)
	if err != nil {
		return err
	}
	return p.session.call(func() C.wsic_status {
		return C.wsic_problem_set_dead_rows(p.get(), (*C.size_t)(address(numbers)),
			C.size_t(len(numbers)))
	}, p.used()...)
}

// SetDeadColumns leaves these columns out, in addition to those whose input is always 0.
func (p *Problem) SetDeadColumns(columns []int) error {
	numbers, err := sizes("a column", columns)
	if err != nil {
		return err
	}
	return p.session.call(func() C.wsic_status {
		return C.wsic_problem_set_dead_columns(p.get(), (*C.size_t)(address(numbers)),
			C.size_t(len(numbers)))
	}, p.used()...)
}

// SetOutputs counts errors in the metric of output statistics; nil means that errors of all outputs
// count alike.
func (p *Problem) SetOutputs(outputs *Stats) error {
	used := p.used()
	if outputs != nil {
		used = append(used, outputs.handle)
	}
	err := p.session.call(func() C.wsic_status {
		if outputs == nil {
			return C.wsic_problem_set_outputs(p.get(), nil)
		}
		return C.wsic_problem_set_outputs(p.get(), outputs.get())
	}, used...)
	if err == nil && outputs != nil {
		p.borrow(outputs.handle)
	}
	return err
}

// SetOutputDiagonal does the same with the diagonal of the output statistics alone: a number for
// each row. The library keeps a copy.
func (p *Problem) SetOutputDiagonal(diagonal []float64) error {
	if len(diagonal) == 0 {
		return failure(ErrShape, "the diagonal has no number")
	}
	return p.session.call(func() C.wsic_status {
		return C.wsic_problem_set_output_diagonal(p.get(), (*C.double)(address(diagonal)),
			C.size_t(len(diagonal)))
	}, p.used()...)
}

func sizes(what string, numbers []int) ([]C.size_t, error) {
	converted := make([]C.size_t, len(numbers))
	for i, number := range numbers {
		var err error
		if converted[i], err = size(what, number); err != nil {
			return nil, err
		}
	}
	return converted, nil
}
