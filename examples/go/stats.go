// SPDX-License-Identifier: MIT

package watersic

// #include "bridge.h"
import "C"

import (
	"context"
	"unsafe"
)

// Stats are the moments of a layer's input, summed over tokens (watersic/stats.h).
type Stats struct{ *handle }

func (s *Session) newStats(raw *C.wsic_stats) *Stats {
	return &Stats{s.newHandle("the statistics", unsafe.Pointer(raw), func(raw unsafe.Pointer) {
		C.wsic_stats_destroy((*C.wsic_stats)(raw))
	})}
}

func (s *Stats) get() *C.wsic_stats {
	return (*C.wsic_stats)(s.raw)
}

// NewStats returns empty statistics of inputs of length columns.
func (s *Session) NewStats(columns int) (*Stats, error) {
	n, err := size("columns", columns)
	if err != nil {
		return nil, err
	}
	var raw *C.wsic_stats
	err = s.call(func() C.wsic_status { return C.wsic_stats_create(s.raw, n, &raw) })
	if err != nil {
		return nil, err
	}
	return s.newStats(raw), nil
}

// LoadStats reads what Stats.Save has written.
func (s *Session) LoadStats(path string) (*Stats, error) {
	var raw *C.wsic_stats
	err := withText("the path", path, func(path *C.char) error {
		return s.call(func() C.wsic_status { return C.wsic_stats_load(s.raw, path, &raw) })
	})
	if err != nil {
		return nil, err
	}
	return s.newStats(raw), nil
}

// change calls the library on statistics that no problem uses.
func (s *Stats) change(ctx context.Context, function func() C.wsic_status, others ...*handle) error {
	if err := s.unborrowed(); err != nil {
		return err
	}
	_, err := s.session.callStatus(ctx, function, append(others, s.handle)...)
	return err
}

// Add adds a batch of activations, one token in each row. weights has a number for each token, or
// is nil.
func (s *Stats) Add(ctx context.Context, activations Matrix, weights []float64) error {
	if err := activations.check("activations"); err != nil {
		return err
	}
	if err := checkWeights(weights, activations.Rows()); err != nil {
		return err
	}
	return s.change(ctx, func() C.wsic_status {
		return C.bridge_add_activations(s.get(), activations.data, activations.shape,
			(*C.double)(address(weights)))
	})
}

// AddPair adds a batch of pairs: inputs in the original model, and in the quantized one. residual
// is the difference of the residual streams, or nil. weights has a number for each token, or is
// nil.
func (s *Stats) AddPair(ctx context.Context, activations, quantized Matrix, residual *Matrix,
	weights []float64) error {
	rest := Matrix{}
	if residual != nil {
		rest = *residual
		if err := rest.check("residual"); err != nil {
			return err
		}
	}
	if err := activations.check("activations"); err != nil {
		return err
	}
	if err := quantized.check("quantized"); err != nil {
		return err
	}
	if err := checkWeights(weights, activations.Rows()); err != nil {
		return err
	}
	return s.change(ctx, func() C.wsic_status {
		return C.bridge_add_pair(s.get(), activations.data, activations.shape, quantized.data,
			quantized.shape, rest.data, rest.shape, (*C.double)(address(weights)))
	})
}

// AddCovariance adds a covariance that stands for a number of samples.
func (s *Stats) AddCovariance(covariance Matrix, samples float64) error {
	if err := covariance.check("covariance"); err != nil {
		return err
	}
	return s.change(context.Background(), func() C.wsic_status {
		return C.bridge_add_covariance(s.get(), covariance.data, covariance.shape,
			C.double(samples))
	})
}

// Merge adds all samples of other statistics, perhaps of another session.
func (s *Stats) Merge(other *Stats) error {
	if other == nil {
		return failure(ErrArgument, "other is nil")
	}
	return s.change(context.Background(), func() C.wsic_status {
		return C.wsic_stats_merge(s.get(), other.get())
	}, other.handle)
}

// StatsInfo describes statistics.
type StatsInfo struct {
	// Columns is the length of an input, and Samples the sum of the weights of all tokens.
	Columns int
	Samples float64
	// Pairs tells whether the statistics hold pairs, and ResidualColumns the length of their residuals.
	Pairs           bool
	ResidualColumns int
}

// Info describes the statistics.
func (s *Stats) Info() (StatsInfo, error) {
	var info StatsInfo
	err := s.session.call(func() C.wsic_status {
		info.Columns = int(C.wsic_stats_columns(s.get()))
		info.Samples = float64(C.wsic_stats_samples(s.get()))
		info.Pairs = C.wsic_stats_has_pairs(s.get()) != 0
		info.ResidualColumns = int(C.wsic_stats_residual_columns(s.get()))
		return C.WSIC_OK
	}, s.handle)
	return info, err
}

// MomentKind says which moment Stats.Moment reads.
type MomentKind int32

// The moments that statistics hold (enum wsic_moment_kind).
const (
	MomentInput          MomentKind = C.WSIC_MOMENT_INPUT
	MomentQuantized      MomentKind = C.WSIC_MOMENT_QUANTIZED
	MomentCross          MomentKind = C.WSIC_MOMENT_CROSS
	MomentResidual       MomentKind = C.WSIC_MOMENT_RESIDUAL
	MomentResidualInput  MomentKind = C.WSIC_MOMENT_RESIDUAL_INPUT
	MomentResidualEnergy MomentKind = C.WSIC_MOMENT_RESIDUAL_ENERGY
)

// Moment reads a normalised moment into a matrix of its shape, float64 or float32.
func (s *Stats) Moment(which MomentKind, values Matrix) error {
	if err := values.check("values"); err != nil {
		return err
	}
	return s.session.call(func() C.wsic_status {
		return C.bridge_get_moment(s.get(), C.int32_t(which), values.data, values.shape)
	}, s.handle)
}

// Spectrum returns the eigenvalues of the covariance, descending.
func (s *Stats) Spectrum() ([]float64, error) {
	info, err := s.Info()
	if err != nil {
		return nil, err
	}
	values := make([]float64, info.Columns)
	err = s.session.call(func() C.wsic_status {
		return C.wsic_stats_get_spectrum(s.get(), (*C.double)(address(values)))
	}, s.handle)
	return values, err
}

// Save writes the sums themselves to a file, which appears only when it is complete.
func (s *Stats) Save(path string) error {
	return withText("the path", path, func(path *C.char) error {
		return s.session.call(func() C.wsic_status {
			return C.wsic_stats_save(s.get(), path)
		}, s.handle)
	})
}
