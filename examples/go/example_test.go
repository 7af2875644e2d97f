// SPDX-License-Identifier: MIT

package watersic_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"watersic"
)

// The code of README.md, which TestTutorialIsTested compares with this file.

func quantize() error {
	const rows, columns, tokens = 32, 48, 200
	session, err := watersic.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	stats, err := session.NewStats(columns)
	if err != nil {
		return err
	}
	defer stats.Close()
	ctx := context.Background()
	for i := 0; i < 4; i++ {
		batch, err := watersic.NewMatrix(waves(tokens*columns, i), tokens, columns)
		if err != nil {
			return err
		}
		if err := stats.Add(ctx, batch, nil); err != nil {
			return err
		}
	}

	encoder, err := session.NewEncoder()
	if err != nil {
		return err
	}
	defer encoder.Close()
	// Bits per weight, everything included.
	if err := encoder.SetRate(3); err != nil {
		return err
	}
	weights, err := watersic.NewMatrix(waves(rows*columns, 0), rows, columns)
	if err != nil {
		return err
	}
	encoded, err := encoder.Run(ctx, stats, weights)
	if err != nil {
		return err
	}
	if encoded.Notice != "" {
		fmt.Println("the rate could not be met:", encoded.Notice)
	}
	layer := encoded.Layer
	defer layer.Close()

	// Products come straight from the coded bytes: y = Ŵ x, and Y = X Ŵᵀ with Matmul.
	y := make([]float32, rows)
	if err := layer.Matvec(waves(columns, 0), y); err != nil {
		return err
	}
	// Or restore the weights, all or a range of rows.
	restored := make([]float32, rows*columns)
	whole, err := watersic.NewMatrix(restored, rows, columns)
	if err != nil {
		return err
	}
	return layer.Dequantize(0, whole)
}

func budget(ctx context.Context, session *watersic.Session, stats *watersic.Stats,
	weights map[string]watersic.Matrix, path string, bytes uint64) error {
	plan, err := session.NewPlan()
	if err != nil {
		return err
	}
	defer plan.Close()
	indices := map[string]int{}
	for name, matrix := range weights {
		if indices[name], err = plan.Add(ctx, stats, matrix); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := plan.SolveBudget(ctx, watersic.ShareWaterfill, bytes); err != nil {
		return err
	}

	encoder, err := session.NewEncoder()
	if err != nil {
		return err
	}
	defer encoder.Close()
	writer, err := session.CreateArchive(path)
	if err != nil {
		return err
	}
	defer writer.Close() // without Finish there is no file
	for name, matrix := range weights {
		if err := encoder.SetPlan(plan, indices[name]); err != nil {
			return err
		}
		encoded, err := encoder.Run(ctx, stats, matrix)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer encoded.Layer.Close()
		info, err := encoded.Layer.Info()
		if err != nil {
			return err
		}
		if err := plan.Commit(indices[name], info.Bytes); err != nil {
			return err
		}
		if err := writer.Add(name, encoded.Layer); err != nil {
			return err
		}
	}
	return writer.Finish()
}

func read(path, name string) (*watersic.Layer, error) {
	archive, err := watersic.OpenArchive(path)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	index, err := archive.Find(name)
	if err != nil {
		return nil, err
	}
	return archive.Layer(index)
}

func cancelled(session *watersic.Session, encoder *watersic.Encoder, stats *watersic.Stats,
	weights watersic.Matrix) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := session.SetProgress(func(fraction float64, stage string) error {
		cancel() // another goroutine could call this at any time
		return nil
	})
	if err != nil {
		return err
	}
	_, err = encoder.Run(ctx, stats, weights)
	fmt.Println(errors.Is(err, watersic.ErrCancelled), errors.Is(err, context.Canceled))

	err = encoder.SetRate(99)
	fmt.Println(errors.Is(err, watersic.ErrArgument), err)
	return nil
}

// waves are numbers that look like something.
func waves(count, first int) []float32 {
	numbers := make([]float32, count)
	for i := range numbers {
		numbers[i] = float32(math.Sin(12.9898 * float64(i+first)))
	}
	return numbers
}

func TestTutorialsMatrix(t *testing.T) {
	must(t, quantize())
}

func TestTutorialsBudget(t *testing.T) {
	d, session := newData(), newSession(t)
	weights := map[string]watersic.Matrix{
		"query":  matrix(t, d.weights, rows, columns),
		"output": matrix(t, d.others, rows, columns),
	}
	path := filepath.Join(t.TempDir(), "archive")
	must(t, budget(background, session, d.stats(t, session), weights, path, 1600))
	layer := got[*watersic.Layer](t)(read(path, "output"))
	if info := got[watersic.LayerInfo](t)(layer.Info()); info.Rows != rows {
		t.Fatal(info)
	}
	_, err := read(path, "key")
	wants(t, err, watersic.ErrNotFound, "key")
}

func Example_cancelling() {
	session, _ := watersic.NewSession()
	defer session.Close()
	stats, _ := session.NewStats(8)
	inputs, _ := watersic.NewMatrix(waves(800, 0), 100, 8)
	stats.Add(context.Background(), inputs, nil)
	encoder, _ := session.NewEncoder()
	encoder.SetRate(2)
	weights, _ := watersic.NewMatrix(waves(80, 0), 10, 8)
	fmt.Println(cancelled(session, encoder, stats, weights))
	// Output:
	// true true
	// true watersic: rate is 99, not within 0 to 24
	// <nil>
}

func TestTutorialIsTested(t *testing.T) {
	readme, own := got[[]byte](t)(os.ReadFile("README.md")), got[[]byte](t)(os.ReadFile("example_test.go"))
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 4 {
		t.Fatal(len(blocks), "blocks of code")
	}
	for _, block := range blocks {
		if !strings.Contains(string(own), block[1]) {
			t.Errorf("this is not tested:\n%s", block[1])
		}
	}
}
