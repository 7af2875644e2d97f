// SPDX-License-Identifier: MIT

package watersic_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"watersic"
)

// The data of examples/bindings/reference.c.
const (
	rows    = 48
	columns = 64
	tokens  = 256
)

var background = context.Background()

type data struct {
	weights, others, activations []float32
}

func newData() data {
	state := uint32(1)
	noise := func() float32 {
		state = state*1664525 + 1013904223
		return float32(int32(state)) / 2147483648
	}
	d := data{
		weights:     make([]float32, rows*columns),
		others:      make([]float32, rows*columns),
		activations: make([]float32, tokens*columns),
	}
	for i := range d.weights {
		d.weights[i] = float32(0.02 * noise())
	}
	for t := 0; t < tokens; t++ {
		previous := float32(0)
		for j := 0; j < columns; j++ {
			// The conversion keeps the compiler from fusing both operations.
			previous = float32(0.875*previous) + noise()
			d.activations[t*columns+j] = previous
		}
	}
	for i, weight := range d.weights {
		d.others[i] = 0.5 * weight
	}
	return d
}

// must ends the test if there is an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got is must for calls that return something else as well.
func got[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		must(t, err)
		return value
	}
}

func matrix[T watersic.Element](t *testing.T, slice []T, rows, columns int) watersic.Matrix {
	t.Helper()
	return got[watersic.Matrix](t)(watersic.NewMatrix(slice, rows, columns))
}

func newSession(t *testing.T) *watersic.Session {
	t.Helper()
	session := got[*watersic.Session](t)(watersic.NewSession())
	t.Cleanup(func() { must(t, session.Close()) })
	return session
}

// stats are statistics of all activations, in two batches.
func (d data) stats(t *testing.T, session *watersic.Session) *watersic.Stats {
	t.Helper()
	stats := got[*watersic.Stats](t)(session.NewStats(columns))
	half := len(d.activations) / 2
	must(t, stats.Add(background, matrix(t, d.activations[:half], tokens/2, columns), nil))
	must(t, stats.Add(background, matrix(t, d.activations[half:], tokens/2, columns), nil))
	return stats
}

func encoder(t *testing.T, session *watersic.Session) *watersic.Encoder {
	t.Helper()
	encoder := got[*watersic.Encoder](t)(session.NewEncoder())
	must(t, encoder.SetRate(2))
	return encoder
}

func (d data) layer(t *testing.T) *watersic.Layer {
	t.Helper()
	session := newSession(t)
	weights := matrix(t, d.weights, rows, columns)
	encoded := got[watersic.Encoded](t)(
		encoder(t, session).Run(background, d.stats(t, session), weights))
	return encoded.Layer
}

func bytesOf(t *testing.T, layer *watersic.Layer) string {
	t.Helper()
	return string(got[[]byte](t)(layer.Bytes()))
}

// wants checks that an error is of a kind and says something.
func wants(t *testing.T, err error, kind error, part string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("'%v' is not of kind '%v'", err, kind)
	}
	if !strings.Contains(err.Error(), part) {
		t.Fatalf("'%s' is not in '%v'", part, err)
	}
}
