// SPDX-License-Identifier: MIT

package watersic_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"watersic"
)

// running is an encoder with its input.
type running struct {
	session *watersic.Session
	coder   *watersic.Encoder
	stats   *watersic.Stats
	weights watersic.Matrix
}

func newRunning(t *testing.T) running {
	t.Helper()
	d, session := newData(), newSession(t)
	return running{session, encoder(t, session), d.stats(t, session),
		matrix(t, d.weights, rows, columns)}
}

func (r running) run(ctx context.Context) (watersic.Encoded, error) {
	return r.coder.Run(ctx, r.stats, r.weights)
}

func TestProgressNeverFallsAndEndsAtOne(t *testing.T) {
	r, last, count := newRunning(t), 0.0, 0
	must(t, r.session.SetProgress(func(fraction float64, stage string) error {
		if fraction < last || stage == "" {
			t.Errorf("%g of '%s' after %g", fraction, stage, last)
		}
		last = fraction
		count++
		return nil
	}))
	got[watersic.Encoded](t)(r.run(background))
	if last != 1 || count < 3 {
		t.Fatal(last, count)
	}
}

func TestErrorOfACallbackCancels(t *testing.T) {
	r, reason := newRunning(t), errors.New("enough")
	expected := got[watersic.Encoded](t)(r.run(background))
	must(t, r.session.SetProgress(func(float64, string) error { return reason }))
	_, err := r.run(background)
	wants(t, err, watersic.ErrCancelled, "enough")
	wants(t, err, reason, "")
	must(t, r.session.SetProgress(nil))
	again := got[watersic.Encoded](t)(r.run(background))
	if bytesOf(t, again.Layer) != bytesOf(t, expected.Layer) {
		t.Fatal("other bytes after cancelling")
	}
}

func TestContextCancels(t *testing.T) {
	r := newRunning(t)
	ctx, cancel := context.WithCancel(background)
	must(t, r.session.SetProgress(func(float64, string) error {
		cancel()
		time.Sleep(time.Millisecond)
		return nil
	}))
	_, err := r.run(ctx)
	wants(t, err, watersic.ErrCancelled, "")
	wants(t, err, context.Canceled, "")
	_, err = r.run(ctx)
	wants(t, err, context.Canceled, "")
	got[watersic.Encoded](t)(r.run(background))
	must(t, r.session.SetProgress(nil))
	late, end := context.WithTimeout(background, time.Millisecond)
	defer end()
	_, err = r.run(late)
	wants(t, err, context.DeadlineExceeded, "")
}

// panics returns what a function panics with.
func panics(function func()) (value any) {
	defer func() { value = recover() }()
	function()
	return nil
}

func TestPanicGoesOnAfterTheCall(t *testing.T) {
	r := newRunning(t)
	must(t, r.session.SetProgress(func(float64, string) error { panic("in the progress") }))
	if value := panics(func() { r.run(background) }); value != "in the progress" {
		t.Fatal(value)
	}
	must(t, r.session.SetProgress(nil))
	must(t, r.session.SetLog(watersic.LogDebug, func(watersic.LogLevel, string) { panic("in the log") }))
	if value := panics(func() { r.run(background) }); value != "in the log" {
		t.Fatal(value)
	}
	must(t, r.session.SetLog(watersic.LogDebug, nil))
	got[watersic.Encoded](t)(r.run(background))
}

// As t.FailNow() does in a callback.
func TestGoexitInACallback(t *testing.T) {
	r := newRunning(t)
	must(t, r.session.SetProgress(func(float64, string) error {
		runtime.Goexit()
		return nil
	}))
	if value := panics(func() { r.run(background) }); value == nil {
		t.Fatal("nothing was noticed")
	}
	must(t, r.session.SetProgress(nil))
	got[watersic.Encoded](t)(r.run(background))
}

func TestLogSaysSomething(t *testing.T) {
	r, lines := newRunning(t), 0
	must(t, r.session.SetLog(watersic.LogInfo, func(level watersic.LogLevel, message string) {
		if level > watersic.LogInfo || message == "" {
			t.Errorf("level %d: '%s'", level, message)
		}
		lines++
	}))
	got[watersic.Encoded](t)(r.run(background))
	if lines == 0 {
		t.Fatal("no line")
	}
}

func TestCallbackThatUsesItsOwnSession(t *testing.T) {
	r, checked := newRunning(t), false
	must(t, r.session.SetProgress(func(float64, string) error {
		_, err := r.session.NewStats(4)
		wants(t, err, watersic.ErrBusy, "")
		wants(t, r.session.SetProgress(nil), watersic.ErrBusy, "")
		wants(t, r.coder.SetRate(3), watersic.ErrBusy, "")
		wants(t, r.stats.Close(), watersic.ErrBusy, "")
		wants(t, r.session.Close(), watersic.ErrBusy, "")
		checked = true
		return nil
	}))
	got[watersic.Encoded](t)(r.run(background))
	if !checked {
		t.Fatal("the callback was not called")
	}
}

func TestGoroutinesThatShareASession(t *testing.T) {
	r := newRunning(t)
	begun, checked := make(chan struct{}), make(chan struct{})
	var once sync.Once
	must(t, r.session.SetProgress(func(float64, string) error {
		once.Do(func() {
			close(begun)
			<-checked
		})
		return nil
	}))
	go func() {
		defer close(checked)
		<-begun
		if _, err := r.run(background); !errors.Is(err, watersic.ErrBusy) {
			t.Errorf("the second run: %v", err)
		}
	}()
	got[watersic.Encoded](t)(r.run(background))
}

func TestGoroutinesReadOneLayer(t *testing.T) {
	d := newData()
	layer := d.layer(t)
	expected := product(t, layer, d.activations[:columns])
	var group sync.WaitGroup
	for g := 0; g < 4; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			for i := 0; i < 50; i++ {
				y := make([]float32, rows)
				if err := layer.Matvec(d.activations[:columns], y); err != nil || fmt.Sprint(y) != fmt.Sprint(expected) {
					t.Errorf("%v: %v", err, y)
				}
				row, _ := watersic.NewMatrix(make([]float32, columns), 1, columns)
				wants(t, layer.Dequantize(1000+g, row), watersic.ErrArgument, fmt.Sprint(1000+g))
			}
		}(g)
	}
	group.Wait()
}

func TestCloseWaitsForReaders(t *testing.T) {
	d := newData()
	layer := d.layer(t)
	var group sync.WaitGroup
	for g := 0; g < 4; g++ {
		group.Add(1)
		go func() {
			defer group.Done()
			y := make([]float32, rows)
			for layer.Matvec(d.activations[:columns], y) == nil {
			}
		}()
	}
	time.Sleep(5 * time.Millisecond)
	must(t, layer.Close())
	group.Wait()
}

func TestFinalizersReleaseWhatWasForgotten(t *testing.T) {
	session := newSession(t)
	before, _, err := session.Memory()
	must(t, err)
	for i := 0; i < 20; i++ {
		got[*watersic.Stats](t)(session.NewStats(100))
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		runtime.GC()
		now, _, err := session.Memory()
		if err == nil && now == before {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are still in use (%v)", now-before, err)
		}
		time.Sleep(time.Millisecond)
	}
}

// Finalizers run while the session works.
func TestFinalizersDoNotDisturbARun(t *testing.T) {
	r := newRunning(t)
	expected := got[watersic.Encoded](t)(r.run(background))
	got[*watersic.Problem](t)(r.session.NewProblem(r.stats, nil, r.weights))
	must(t, r.session.SetProgress(func(float64, string) error {
		runtime.GC()
		return nil
	}))
	again := got[watersic.Encoded](t)(r.run(background))
	if bytesOf(t, again.Layer) != bytesOf(t, expected.Layer) {
		t.Fatal("other bytes")
	}
}
