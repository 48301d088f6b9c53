package crew_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"halley/pushnode/crew"
	"halley/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// All work is done, whether it comes at once or one piece from another, and Close waits for it.
func TestAllWorkIsDone(t *testing.T) {
	t.Parallel()
	var c crew.Crew
	var done atomic.Int64
	var begun sync.WaitGroup
	for range 8 {
		begun.Go(func() {
			for range 1000 {
				c.Go(func() {
					c.Go(func() { done.Add(1) })
					done.Add(1)
				})
			}
		})
	}
	begun.Wait()
	for done.Load() < 16000 {
		runtime.Gosched()
	}
	c.Close()
	c.Close()
	if got := done.Load(); got != 16000 {
		t.Errorf("%d pieces of work were done, want 16000", got)
	}
}

// One piece after another runs on the same goroutine, and no more wait than a few.
func TestGoroutinesAreKept(t *testing.T) {
	var c crew.Crew
	defer c.Close()
	before := runtime.NumGoroutine()
	for range 1000 {
		done := make(chan struct{})
		c.Go(func() { close(done) })
		<-done
	}
	if added := runtime.NumGoroutine() - before; added > 10 {
		t.Errorf("%d goroutines do what one could", added)
	}
	release := make(chan struct{})
	var running sync.WaitGroup
	for range 300 {
		running.Add(1)
		c.Go(func() {
			running.Done()
			<-release
		})
	}
	running.Wait()
	close(release)
	for runtime.NumGoroutine()-before > 64 {
		runtime.Gosched()
	}
}

func BenchmarkGo(b *testing.B) {
	grow := func(done chan struct{}) {
		var deep func(int) byte
		deep = func(n int) byte {
			var room [512]byte
			if n == 0 {
				return room[0]
			}
			return deep(n-1) + room[n]
		}
		deep(16)
		done <- struct{}{}
	}
	done := make(chan struct{}, 1)
	b.Run("crew", func(b *testing.B) {
		var c crew.Crew
		defer c.Close()
		for b.Loop() {
			c.Go(func() { grow(done) })
			<-done
		}
	})
	b.Run("go", func(b *testing.B) {
		for b.Loop() {
			go grow(done)
			<-done
		}
	})
}
