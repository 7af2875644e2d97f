// SPDX-License-Identifier: MIT

package watersic_test

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"testing"

	"watersic"
)

func codesOf(t *testing.T, layer *watersic.Layer) []int32 {
	t.Helper()
	codes := make([]int32, rows*columns)
	must(t, layer.Codes(0, matrix(t, codes, rows, columns)))
	return codes
}

func TestWeightsAreScaledCodes(t *testing.T) {
	layer := newData().layer(t)
	codes, weights := codesOf(t, layer), make([]float32, rows*columns)
	must(t, layer.Dequantize(0, matrix(t, weights, rows, columns)))
	rowScales := got[[]float32](t)(layer.RowScales())
	columnScales := got[[]float32](t)(layer.ColumnScales())
	for i, weight := range weights {
		scaled := float32(columnScales[i%columns] * float32(codes[i]))
		if weight != rowScales[i/columns]*scaled {
			t.Fatalf("weight %d is %g", i, weight)
		}
	}
	least, greatest, err := layer.CodeRange()
	must(t, err)
	for _, code := range codes {
		if code < least || code > greatest {
			t.Fatalf("%d is not in %d to %d", code, least, greatest)
		}
	}
}

// fused is a·b + c with one rounding: the product of two float32 is exact in float64, and the sum is
// rounded to odd there, so that the second rounding does no harm.
func fused(a, b, c float32) float32 {
	product, addend := float64(a)*float64(b), float64(c)
	sum := product + addend
	part := sum - product
	rest := (product - (sum - part)) + (addend - part)
	if rest != 0 && math.Float64bits(sum)&1 == 0 {
		away := math.Inf(1)
		if rest < 0 {
			away = math.Inf(-1)
		}
		sum = math.Nextafter(sum, away)
	}
	return float32(sum)
}

// product is Y of watersic/layer.h, one fused multiply-add after the other.
func product(t *testing.T, layer *watersic.Layer, x []float32) []float32 {
	t.Helper()
	codes := codesOf(t, layer)
	rowScales := got[[]float32](t)(layer.RowScales())
	columnScales := got[[]float32](t)(layer.ColumnScales())
	order := got[[]uint32](t)(layer.ColumnOrder())
	y := make([]float32, rows)
	for i := range y {
		sum := float32(0)
		for _, j := range order {
			sum = fused(float32(codes[i*columns+int(j)]), columnScales[j]*x[j], sum)
		}
		y[i] = rowScales[i] * sum
	}
	return y
}

func TestProductsAreThoseOfTheFormula(t *testing.T) {
	d := newData()
	layer := d.layer(t)
	y := make([]float32, 3*rows)
	must(t, layer.Matmul(0, matrix(t, d.activations[:3*columns], 3, columns), matrix(t, y, 3, rows)))
	for token := 0; token < 3; token++ {
		x := d.activations[token*columns : (token+1)*columns]
		expected := product(t, layer, x)
		if !reflect.DeepEqual(y[token*rows:(token+1)*rows], expected) {
			t.Fatalf("token %d: %v, not %v", token, y[token*rows:(token+1)*rows], expected)
		}
		single := make([]float32, rows)
		must(t, layer.Matvec(x, single))
		if !reflect.DeepEqual(single, expected) {
			t.Fatal("Matvec gives another product")
		}
	}
}

func TestRangesOfRowsAndStridesWriteNothingElse(t *testing.T) {
	d := newData()
	layer := d.layer(t)
	y := []float32{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1}
	strided := got[watersic.Matrix](t)(watersic.NewMatrixStride(y, 1, 10, 12))
	must(t, layer.Matmul(7, matrix(t, d.activations[:columns], 1, columns), strided))
	expected := append(append([]float32{}, product(t, layer, d.activations)[7:17]...), -1, -1)
	if !reflect.DeepEqual(y, expected) {
		t.Fatalf("%v, not %v", y, expected)
	}
}

func TestLayersFromBytesAndWithOtherScales(t *testing.T) {
	layer := newData().layer(t)
	copied := got[*watersic.Layer](t)(watersic.NewLayer([]byte(bytesOf(t, layer))))
	if bytesOf(t, copied) != bytesOf(t, layer) {
		t.Fatal("the copy has other bytes")
	}
	scales := got[[]float32](t)(layer.ColumnScales())
	for i := range scales {
		scales[i] *= 2
	}
	other := got[*watersic.Layer](t)(layer.WithScales(nil, scales))
	if !reflect.DeepEqual(codesOf(t, other), codesOf(t, layer)) ||
		!reflect.DeepEqual(got[[]float32](t)(other.ColumnScales()), scales) {
		t.Fatal("codes or scales are others")
	}
}

func TestNumberTypesHoldTheSameNumbers(t *testing.T) {
	session := newSession(t)
	moment := func(batch watersic.Matrix) []float64 {
		stats := got[*watersic.Stats](t)(session.NewStats(2))
		must(t, stats.Add(background, batch, []float64{1, 3}))
		values := make([]float64, 4)
		must(t, stats.Moment(watersic.MomentInput, matrix(t, values, 2, 2)))
		return values
	}
	// Rows (1, 2) and (-1, 0.5), weighted 1 and 3.
	expected := []float64{1, 0.125, 0.125, 1.1875}
	for i, batch := range []watersic.Matrix{
		matrix(t, []float64{1, 2, -1, 0.5}, 2, 2),
		matrix(t, []float32{1, 2, -1, 0.5}, 2, 2),
		matrix(t, []watersic.Float16{0x3c00, 0x4000, 0xbc00, 0x3800}, 2, 2),
		matrix(t, []watersic.BFloat16{0x3f80, 0x4000, 0xbf80, 0x3f00}, 2, 2),
	} {
		for k, value := range moment(batch) {
			if math.Abs(value-expected[k]) > 1e-6 {
				t.Fatalf("type %d: element %d is %g, not %g", i, k, value, expected[k])
			}
		}
	}
}

func TestStatisticsAreSavedAndMerged(t *testing.T) {
	d, session := newData(), newSession(t)
	stats, path := d.stats(t, session), filepath.Join(t.TempDir(), "stats")
	must(t, stats.Save(path))
	loaded := got[*watersic.Stats](t)(newSession(t).LoadStats(path))
	before := got[[]float64](t)(stats.Spectrum())
	must(t, stats.Merge(loaded))
	info := got[watersic.StatsInfo](t)(stats.Info())
	if info != (watersic.StatsInfo{Columns: columns, Samples: 2 * tokens}) {
		t.Fatal(info)
	}
	for i, value := range got[[]float64](t)(stats.Spectrum()) {
		if math.Abs(value-before[i]) > 1e-9*before[0] {
			t.Fatalf("eigenvalue %d changed from %g to %g", i, before[i], value)
		}
	}
}

func TestPairsAreToldFromPlainInputs(t *testing.T) {
	d, session := newData(), newSession(t)
	stats := got[*watersic.Stats](t)(session.NewStats(columns))
	x := matrix(t, d.activations, tokens, columns)
	must(t, stats.AddPair(background, x, x, &x, nil))
	info := got[watersic.StatsInfo](t)(stats.Info())
	if !info.Pairs || info.ResidualColumns != columns {
		t.Fatal(info)
	}
	wants(t, stats.Add(background, x, nil), watersic.ErrState, "pairs")
}

func TestArchivesKeepWhatWasWritten(t *testing.T) {
	layer, session := newData().layer(t), newSession(t)
	path := filepath.Join(t.TempDir(), "archive")
	writer := got[*watersic.ArchiveWriter](t)(session.ResumeArchive(path))
	must(t, writer.SetAlignment(4096))
	must(t, writer.SetMetadata("origin", "a test of ü"))
	must(t, writer.Add("first", layer))
	must(t, writer.Close())
	writer = got[*watersic.ArchiveWriter](t)(session.ResumeArchive(path))
	must(t, writer.Add("zweite Schicht: ß", layer))
	names := got[[]string](t)(writer.Names())
	wants(t, writer.Add("first", layer), watersic.ErrExists, "first")
	must(t, writer.Finish())
	wants(t, writer.Finish(), watersic.ErrClosed, "writer")

	archive := got[*watersic.Archive](t)(watersic.OpenArchive(path))
	if fmt.Sprint(got[[]string](t)(archive.Names())) != fmt.Sprint(names) {
		t.Fatal("other names")
	}
	metadata := got[map[string]string](t)(archive.Metadata())
	if metadata["origin"] != "a test of ü" || metadata["library"] != watersic.Version() {
		t.Fatal(metadata)
	}
	index := got[int](t)(archive.Find("zweite Schicht: ß"))
	offset, length, err := archive.Extent(index)
	must(t, err)
	copied := got[*watersic.Layer](t)(archive.Layer(index))
	mapped := got[*watersic.Layer](t)(archive.MapLayer(index))
	must(t, archive.Close())
	if bytesOf(t, copied) != bytesOf(t, layer) || bytesOf(t, mapped) != bytesOf(t, layer) ||
		offset%4096 != 0 || int(length) != len(bytesOf(t, layer)) {
		t.Fatal("another layer")
	}
}

func TestParametersAndPresets(t *testing.T) {
	coder := encoder(t, newSession(t))
	must(t, coder.Set("quantizer", "rdo"))
	must(t, coder.SetNumber("passes", 3))
	if text := got[string](t)(coder.Parameters()); text != "rate=2 passes=3 quantizer=rdo" {
		t.Fatal(text)
	}
	if text := got[string](t)(coder.Get("quantizer")); text != "rdo" {
		t.Fatal(text)
	}
	presets := watersic.Presets()
	if len(presets) < 4 {
		t.Fatal(presets)
	}
	for _, preset := range presets {
		must(t, coder.SetPreset(preset))
	}
	if bytes := got[uint64](t)(coder.EstimateMemory(rows, columns)); bytes < 4*rows*columns {
		t.Fatal(bytes)
	}
}
