// SPDX-License-Identifier: MIT

package watersic_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"watersic"
)

// write writes the archive of examples/bindings/reference.c.
func write(t *testing.T, path string) {
	d, session := newData(), newSession(t)
	stats, coder := d.stats(t, session), encoder(t, session)
	writer := got[*watersic.ArchiveWriter](t)(session.CreateArchive(path))
	must(t, writer.SetMetadata("purpose", "reference"))
	weights, others := matrix(t, d.weights, rows, columns), matrix(t, d.others, rows, columns)

	encoded := got[watersic.Encoded](t)(coder.Run(background, stats, weights))
	must(t, writer.Add("plain", encoded.Layer))

	problem := got[*watersic.Problem](t)(session.NewProblem(stats, nil, weights))
	must(t, problem.SetDeadRows([]int{5}))
	must(t, coder.SetPreset("fast"))
	must(t, coder.SetRate(3))
	encoded = got[watersic.Encoded](t)(coder.RunProblem(background, problem))
	must(t, writer.Add("problem", encoded.Layer))

	must(t, coder.SetPreset("default"))
	plan := got[*watersic.Plan](t)(session.NewPlan())
	for _, matrix := range []watersic.Matrix{weights, others} {
		got[int](t)(plan.Add(background, stats, matrix))
	}
	must(t, plan.SolveBudget(background, watersic.ShareWaterfill, 1600))
	for i, matrix := range []watersic.Matrix{weights, others} {
		must(t, coder.SetPlan(plan, i))
		encoded = got[watersic.Encoded](t)(coder.Run(background, stats, matrix))
		info := got[watersic.LayerInfo](t)(encoded.Layer.Info())
		must(t, plan.Commit(i, info.Bytes))
		must(t, writer.Add(fmt.Sprintf("planned.%d", i), encoded.Layer))
	}
	must(t, writer.Finish())
}

// Bytes are those that the program in C writes for the same input.
func TestBytesAreThoseOfC(t *testing.T) {
	reference := os.Getenv("WATERSIC_REFERENCE")
	if reference == "" {
		t.Fatal("WATERSIC_REFERENCE is the file that examples/bindings/reference.c has written")
	}
	path := filepath.Join(t.TempDir(), "go.wsic")
	write(t, path)
	c := got[*watersic.Archive](t)(watersic.OpenArchive(reference))
	own := got[*watersic.Archive](t)(watersic.OpenArchive(path))
	names := got[[]string](t)(c.Names())
	if fmt.Sprint(names) != "[plain problem planned.0 planned.1]" {
		t.Fatal(names)
	}
	for i, name := range names {
		expected := bytesOf(t, got[*watersic.Layer](t)(c.Layer(i)))
		if bytesOf(t, got[*watersic.Layer](t)(own.Layer(i))) != expected {
			t.Errorf("layer %s has other bytes", name)
		}
	}
	expected, found := got[[]byte](t)(os.ReadFile(reference)), got[[]byte](t)(os.ReadFile(path))
	if string(expected) != string(found) {
		t.Error("the archives differ")
	}
}

func TestOutputsThatCountAlikeChangeNothing(t *testing.T) {
	d, session := newData(), newSession(t)
	stats, coder := d.stats(t, session), encoder(t, session)
	problem := got[*watersic.Problem](t)(
		session.NewProblem(stats, nil, matrix(t, d.weights, rows, columns)))
	plain := got[watersic.Encoded](t)(coder.RunProblem(background, problem))
	for _, weight := range []float64{3, 5} {
		diagonal := make([]float64, rows)
		for i := range diagonal {
			diagonal[i] = weight
		}
		must(t, problem.SetOutputDiagonal(diagonal))
		alike := got[watersic.Encoded](t)(coder.RunProblem(background, problem))
		if bytesOf(t, alike.Layer) != bytesOf(t, plain.Layer) {
			t.Fatal("other bytes")
		}
	}
}
