// SPDX-License-Identifier: MIT

package watersic_test

import (
	"math"
	"path/filepath"
	"testing"

	"watersic"
)

func TestShapesOfSlices(t *testing.T) {
	numbers := make([]float32, 12)
	for _, shape := range [][2]int{{3, 5}, {2, 5}, {0, 5}, {-3, -4}, {math.MaxInt, 2}, {2, math.MaxInt}} {
		_, err := watersic.NewMatrix(numbers, shape[0], shape[1])
		wants(t, err, watersic.ErrShape, "a slice of 12 elements")
	}
	for _, shape := range [][3]int{{2, 5, 4}, {3, 2, 6}, {0, 2, 6}, {2, 13, 13}, {math.MaxInt, 2, 6}, {2, 2, -1}} {
		_, err := watersic.NewMatrixStride(numbers, shape[0], shape[1], shape[2])
		wants(t, err, watersic.ErrShape, "a slice of 12 elements")
	}
	got[watersic.Matrix](t)(watersic.NewMatrixStride(numbers, 3, 2, 5))
	_, err := watersic.NewMatrix([]int8(nil), 0, 0)
	wants(t, err, watersic.ErrShape, "0 elements")
}

func TestBadStatistics(t *testing.T) {
	session := newSession(t)
	stats := got[*watersic.Stats](t)(session.NewStats(4))
	_, err := session.NewStats(-1)
	wants(t, err, watersic.ErrArgument, "columns is -1")
	_, err = session.NewStats(0)
	wants(t, err, watersic.ErrArgument, "columns")
	batch := matrix(t, []float32{1, 2, 3, 4, 5, 6}, 2, 3)
	wants(t, stats.Add(background, batch, nil), watersic.ErrShape, "3")
	wants(t, stats.Add(background, watersic.Matrix{}, nil), watersic.ErrArgument, "activations")
	codes := matrix(t, []int8{1, 2, 3, 4}, 1, 4)
	wants(t, stats.Add(background, codes, nil), watersic.ErrDtype, "I8")
	nan := matrix(t, []float64{1, 2, math.NaN(), 4}, 1, 4)
	wants(t, stats.Add(background, nan, nil), watersic.ErrNotFinite, "2")
	good := matrix(t, []float64{1, 2, 3, 4}, 1, 4)
	wants(t, stats.Add(background, good, []float64{1, 1}), watersic.ErrShape, "2 weights for 1")
	wants(t, stats.Add(background, good, []float64{-1}), watersic.ErrArgument, "-1")
	wants(t, stats.Merge(nil), watersic.ErrArgument, "nil")
	wants(t, stats.Merge(stats), watersic.ErrArgument, "")
	_, err = stats.Spectrum()
	wants(t, err, watersic.ErrNoSamples, "")
	wants(t, stats.Save("no/such/folder/file"), watersic.ErrIO, "no/such/folder")
	wants(t, stats.Save("nul\x00inside"), watersic.ErrArgument, "NUL at byte 3")
	_, err = session.LoadStats("no/such/file")
	wants(t, err, watersic.ErrIO, "no/such/file")
	if info := got[watersic.StatsInfo](t)(stats.Info()); info.Samples != 0 {
		t.Fatal("something of all this was added")
	}
}

func TestBadEncoders(t *testing.T) {
	d, session := newData(), newSession(t)
	stats, coder := d.stats(t, session), got[*watersic.Encoder](t)(session.NewEncoder())
	weights := matrix(t, d.weights, rows, columns)
	_, err := coder.Run(background, stats, weights)
	wants(t, err, watersic.ErrState, "")
	wants(t, coder.SetRate(-1), watersic.ErrArgument, "rate")
	wants(t, coder.SetRate(math.NaN()), watersic.ErrArgument, "")
	wants(t, coder.Set("quantizer", "vector"), watersic.ErrArgument, "vector")
	wants(t, coder.Set("ratio", "1"), watersic.ErrNotFound, "ratio")
	wants(t, coder.SetPreset("best"), watersic.ErrNotFound, "best")
	must(t, coder.SetRate(2))
	_, err = coder.Run(background, stats, matrix(t, d.weights, 2*rows, columns/2))
	wants(t, err, watersic.ErrShape, "32")
	_, err = coder.Run(background, nil, weights)
	wants(t, err, watersic.ErrArgument, "stats")
	_, err = coder.Run(background, stats, watersic.Matrix{})
	wants(t, err, watersic.ErrArgument, "weights")
	must(t, session.SetMemoryLimit(1000))
	_, err = coder.Run(background, stats, weights)
	wants(t, err, watersic.ErrMemoryLimit, "1000")
	must(t, session.SetMemoryLimit(0))
	must(t, coder.SetRate(0.05))
	encoded := got[watersic.Encoded](t)(coder.Run(background, stats, weights))
	if encoded.Notice == "" || encoded.Layer == nil {
		t.Fatal("a rate below the size of the headers needs a notice")
	}
}

func TestBadPlansAndProblems(t *testing.T) {
	d, session, other := newData(), newSession(t), newSession(t)
	stats, weights := d.stats(t, session), matrix(t, d.weights, rows, columns)
	plan := got[*watersic.Plan](t)(session.NewPlan())
	wants(t, plan.SolveRate(2), watersic.ErrState, "")
	got[int](t)(plan.Add(background, stats, weights))
	_, err := plan.Layer(0)
	wants(t, err, watersic.ErrState, "")
	must(t, plan.SolveRate(2))
	_, err = plan.Layer(-1)
	wants(t, err, watersic.ErrArgument, "-1")
	_, err = plan.ColumnRates(7)
	wants(t, err, watersic.ErrArgument, "7")
	if rates := got[[]float64](t)(plan.ColumnRates(0)); len(rates) != columns {
		t.Fatal(rates)
	}
	_, err = plan.Divergence()
	wants(t, err, watersic.ErrState, "")
	wants(t, plan.SolveBudget(background, watersic.ShareEqual, 3), watersic.ErrRange, "")

	problem := got[*watersic.Problem](t)(other.NewProblem(stats, nil, weights))
	_, err = plan.AddProblem(background, problem)
	wants(t, err, watersic.ErrArgument, "context")
	wants(t, problem.SetDeadRows([]int{rows}), watersic.ErrArgument, "48")
	wants(t, problem.SetDeadRows([]int{-1}), watersic.ErrArgument, "-1")
	wants(t, problem.SetMix(2, 0), watersic.ErrArgument, "")
	wants(t, problem.SetOutputs(stats), watersic.ErrShape, "")
	wants(t, problem.SetOutputDiagonal(nil), watersic.ErrShape, "")
	wants(t, problem.SetOutputDiagonal([]float64{1}), watersic.ErrShape, "1")
	batch := matrix(t, d.activations, tokens, columns)
	wants(t, stats.Add(background, batch, nil), watersic.ErrState, "an open problem uses them")
	wants(t, stats.Close(), watersic.ErrState, "an open problem uses them")
	must(t, problem.Close())
	must(t, stats.Add(background, batch, nil))
	must(t, stats.Close())
}

func TestBadLayers(t *testing.T) {
	d := newData()
	layer := d.layer(t)
	weights := make([]float32, rows*columns)
	all := matrix(t, weights, rows, columns)
	wants(t, layer.Dequantize(1, all), watersic.ErrArgument, "1")
	wants(t, layer.Dequantize(-1, all), watersic.ErrArgument, "-1")
	wants(t, layer.Dequantize(0, matrix(t, weights, columns, rows)), watersic.ErrShape, "48")
	wants(t, layer.Dequantize(0, matrix(t, make([]int8, columns), 1, columns)), watersic.ErrDtype, "I8")
	wants(t, layer.Codes(0, all), watersic.ErrDtype, "F32")
	wants(t, layer.Matvec(weights[:3], weights[100:100+rows]), watersic.ErrShape, "x has 3")
	wants(t, layer.Matvec(nil, weights[:rows]), watersic.ErrShape, "")
	wants(t, layer.Matvec(weights[:columns], weights[10:10+rows]), watersic.ErrArgument, "share")
	_, err := layer.WithScales([]float32{1}, nil)
	wants(t, err, watersic.ErrShape, "1 row scales")
	nan := make([]float32, columns)
	nan[0] = float32(math.NaN())
	_, err = layer.WithScales(nil, nan)
	wants(t, err, watersic.ErrNotFinite, "")
	_, err = watersic.NewLayer(nil)
	wants(t, err, watersic.ErrTruncated, "")
	_, err = watersic.NewLayer(make([]byte, 500))
	wants(t, err, watersic.ErrFormat, "")
	bytes := got[[]byte](t)(layer.Bytes())
	for length := 0; length < len(bytes); length += 7 {
		if _, err := watersic.NewLayer(bytes[:length]); err == nil {
			t.Fatalf("%d bytes of %d are a layer", length, len(bytes))
		}
	}
}

func TestBadArchives(t *testing.T) {
	session := newSession(t)
	_, err := watersic.OpenArchive("no/such/file")
	wants(t, err, watersic.ErrIO, "no/such/file")
	_, err = session.CreateArchive("")
	wants(t, err, watersic.ErrArgument, "")
	path := filepath.Join(t.TempDir(), "archive")
	writer := got[*watersic.ArchiveWriter](t)(session.CreateArchive(path))
	wants(t, writer.SetMetadata("", "x"), watersic.ErrArgument, "")
	wants(t, writer.SetMetadata("a\x00b", "x"), watersic.ErrArgument, "NUL at byte 1")
	wants(t, writer.SetAlignment(100), watersic.ErrArgument, "100")
	wants(t, writer.Add("x", nil), watersic.ErrArgument, "nil")
	must(t, writer.Finish())
	archive := got[*watersic.Archive](t)(watersic.OpenArchive(path))
	_, err = archive.Layer(0)
	wants(t, err, watersic.ErrArgument, "0")
	_, err = archive.Layer(-1)
	wants(t, err, watersic.ErrArgument, "-1")
	_, err = archive.Find("nothing")
	wants(t, err, watersic.ErrNotFound, "nothing")
}

func TestUseAfterClose(t *testing.T) {
	d := newData()
	session := got[*watersic.Session](t)(watersic.NewSession())
	stats, coder, layer := d.stats(t, session), encoder(t, session), d.layer(t)
	weights := matrix(t, d.weights, rows, columns)
	must(t, stats.Close())
	must(t, stats.Close())
	wants(t, stats.Add(background, matrix(t, d.activations, tokens, columns), nil), watersic.ErrClosed, "the statistics")
	_, err := coder.Run(background, stats, weights)
	wants(t, err, watersic.ErrClosed, "the statistics")
	must(t, layer.Close())
	must(t, layer.Close())
	_, err = layer.Info()
	wants(t, err, watersic.ErrClosed, "the layer")
	_, err = layer.WithScales(nil, nil)
	wants(t, err, watersic.ErrClosed, "the layer")
	must(t, session.Close())
	must(t, session.Close())
	wants(t, coder.SetRate(3), watersic.ErrClosed, "the session")
	_, err = session.NewStats(4)
	wants(t, err, watersic.ErrState, "the session")
	must(t, coder.Close())
}

func TestUseOfPlansAndArchivesAfterClose(t *testing.T) {
	d, session := newData(), newSession(t)
	stats, weights := d.stats(t, session), matrix(t, d.weights, rows, columns)
	plan, problem := got[*watersic.Plan](t)(session.NewPlan()), got[*watersic.Problem](t)(session.NewProblem(stats, nil, weights))
	got[int](t)(plan.AddProblem(background, problem))
	must(t, problem.Close())
	must(t, problem.Close())
	wants(t, problem.SetDeadRows([]int{0}), watersic.ErrClosed, "the problem")
	_, err := encoder(t, session).RunProblem(background, problem)
	wants(t, err, watersic.ErrClosed, "the problem")
	must(t, plan.Close())
	must(t, plan.Close())
	wants(t, plan.SolveRate(2), watersic.ErrClosed, "the plan")
	wants(t, encoder(t, session).SetPlan(plan, 0), watersic.ErrClosed, "the plan")

	path := filepath.Join(t.TempDir(), "archive")
	writer := got[*watersic.ArchiveWriter](t)(session.CreateArchive(path))
	must(t, writer.Add("x", d.layer(t)))
	must(t, writer.Finish())
	must(t, writer.Close())
	must(t, writer.Close())
	wants(t, writer.Add("y", d.layer(t)), watersic.ErrClosed, "the writer")
	wants(t, writer.Finish(), watersic.ErrClosed, "the writer")
	archive := got[*watersic.Archive](t)(watersic.OpenArchive(path))
	mapped := got[*watersic.Layer](t)(archive.MapLayer(0))
	must(t, archive.Close())
	must(t, archive.Close())
	_, err = archive.Layer(0)
	wants(t, err, watersic.ErrClosed, "the archive")
	_, err = archive.Names()
	wants(t, err, watersic.ErrClosed, "the archive")
	got[watersic.LayerInfo](t)(mapped.Info()) // it keeps what it needs
}

func TestNilMatricesOfSessions(t *testing.T) {
	session := newSession(t)
	wants(t, session.SetThreads(-1), watersic.ErrArgument, "-1")
	wants(t, session.SetThreads(1<<40), watersic.ErrArgument, "1024")
	must(t, session.SetThreads(2))
	now, peak, err := session.Memory()
	must(t, err)
	if peak < now {
		t.Fatal(now, peak)
	}
}
