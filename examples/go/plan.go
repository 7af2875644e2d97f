// SPDX-License-Identifier: MIT

package watersic

// #include "bridge.h"
import "C"

import (
	"context"
	"unsafe"
)

// Plan predicts the rates of several matrices before anything is quantized (watersic/plan.h).
type Plan struct{ *handle }

// Share is how a budget is shared out.
type Share int32

const (
	// ShareEqual gives every live weight the same rate.
	ShareEqual Share = C.WSIC_PLAN_EQUAL
	// ShareWaterfill minimises the sum of the distortions.
	ShareWaterfill Share = C.WSIC_PLAN_WATERFILL
)

// NewPlan returns an empty plan.
func (s *Session) NewPlan() (*Plan, error) {
	var raw *C.wsic_plan
	err := s.call(func() C.wsic_status { return C.wsic_plan_create(s.raw, &raw) })
	if err != nil {
		return nil, err
	}
	return &Plan{s.newHandle("the plan", unsafe.Pointer(raw), func(raw unsafe.Pointer) {
		C.wsic_plan_destroy((*C.wsic_plan)(raw))
	})}, nil
}

func (p *Plan) get() *C.wsic_plan {
	return (*C.wsic_plan)(p.raw)
}

// Add adds a matrix, and returns its number in the plan.
func (p *Plan) Add(ctx context.Context, stats *Stats, weights Matrix) (int, error) {
	if stats == nil {
		return 0, failure(ErrArgument, "stats is nil")
	}
	if err := weights.check("weights"); err != nil {
		return 0, err
	}
	var index C.size_t
	_, err := p.session.callStatus(ctx, func() C.wsic_status {
		return C.bridge_plan_add(p.get(), stats.get(), weights.data, weights.shape, &index)
	}, p.handle, stats.handle)
	return int(index), err
}

// AddProblem adds a prepared matrix of the same session.
func (p *Plan) AddProblem(ctx context.Context, problem *Problem) (int, error) {
	if problem == nil {
		return 0, failure(ErrArgument, "problem is nil")
	}
	var index C.size_t
	_, err := p.session.callStatus(ctx, func() C.wsic_status {
		return C.wsic_plan_add_problem(p.get(), problem.get(), &index)
	}, append(problem.used(), p.handle)...)
	return int(index), err
}

// SolveRate plans every matrix for the same mean rate of its codes.
func (p *Plan) SolveRate(bitsPerWeight float64) error {
	return p.session.call(func() C.wsic_status {
		return C.wsic_plan_solve_rate(p.get(), C.double(bitsPerWeight))
	}, p.handle)
}

// SolveDistortion plans every matrix for the same distortion.
func (p *Plan) SolveDistortion(distortion float64) error {
	return p.session.call(func() C.wsic_status {
		return C.wsic_plan_solve_distortion(p.get(), C.double(distortion))
	}, p.handle)
}

// SolveBudget shares a budget of bytes out over all matrices.
func (p *Plan) SolveBudget(ctx context.Context, share Share, bytes uint64) error {
	_, err := p.session.callStatus(ctx, func() C.wsic_status {
		return C.wsic_plan_solve_budget(p.get(), C.int32_t(share), C.uint64_t(bytes))
	}, p.handle)
	return err
}

// SetSensitivity says how much the distortion of a matrix matters.
func (p *Plan) SetSensitivity(index int, sensitivity float64) error {
	i, err := size("index", index)
	if err != nil {
		return err
	}
	return p.session.call(func() C.wsic_status {
		return C.wsic_plan_set_sensitivity(p.get(), i, C.double(sensitivity))
	}, p.handle)
}

// Commit tells the size of a finished layer; the other matrices share what is left.
func (p *Plan) Commit(index int, bytes uint64) error {
	i, err := size("index", index)
	if err != nil {
		return err
	}
	return p.session.call(func() C.wsic_status {
		return C.wsic_plan_commit(p.get(), i, C.uint64_t(bytes))
	}, p.handle)
}

// PlannedLayer is what a plan says about one matrix (wsic_plan_layer).
type PlannedLayer struct {
	Rows, Columns, DeadColumns                 uint64
	Rate, Distortion, Energy, Step, WaterLevel float64
	Damping, Marginal, Sensitivity, TargetRate float64
	Bytes                                      uint64
	Committed, Outputs                         bool
	Divergence                                 float64
}

// Layer returns what the plan says about one matrix.
func (p *Plan) Layer(index int) (PlannedLayer, error) {
	i, err := size("index", index)
	if err != nil {
		return PlannedLayer{}, err
	}
	var l C.wsic_plan_layer
	l.size = C.sizeof_wsic_plan_layer
	err = p.session.call(func() C.wsic_status {
		return C.wsic_plan_get_layer(p.get(), i, &l)
	}, p.handle)
	if err != nil {
		return PlannedLayer{}, err
	}
	return PlannedLayer{
		Rows: uint64(l.rows), Columns: uint64(l.columns), DeadColumns: uint64(l.dead_columns),
		Rate: float64(l.rate), Distortion: float64(l.distortion), Energy: float64(l.energy),
		Step: float64(l.step), WaterLevel: float64(l.water_level), Damping: float64(l.damping),
		Marginal: float64(l.marginal), Sensitivity: float64(l.sensitivity),
		TargetRate: float64(l.target_rate), Bytes: uint64(l.bytes), Committed: l.committed != 0,
		Outputs: l.outputs != 0, Divergence: float64(l.divergence),
	}, nil
}

// ColumnRates returns the planned rate of every column of one matrix, in bits.
func (p *Plan) ColumnRates(index int) ([]float64, error) {
	layer, err := p.Layer(index)
	if err != nil {
		return nil, err
	}
	rates := make([]float64, layer.Columns)
	err = p.session.call(func() C.wsic_status {
		return C.wsic_plan_get_column_rates(p.get(), C.size_t(index), (*C.double)(address(rates)),
			C.size_t(len(rates)))
	}, p.handle)
	return rates, err
}

// Divergence returns the predicted divergence of the model's predictions, in bits per token. Every
// matrix needs output statistics.
func (p *Plan) Divergence() (float64, error) {
	var bits C.double
	err := p.session.call(func() C.wsic_status {
		return C.wsic_plan_get_divergence(p.get(), &bits)
	}, p.handle)
	return float64(bits), err
}
