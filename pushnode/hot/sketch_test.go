package hot_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"halley/pushnode/hot"
)

// name is a key as those of channels: two texts.
type name struct{ app, channel string }

func nameOf(i int) name { return name{"app_01jd9w3v6q8m2x4c7h5t0rzbne", fmt.Sprintf("channel:%d", i)} }

func newSketch() *hot.Sketch[name] {
	return hot.NewSketch(func(n name) name { return name{strings.Clone(n.app), strings.Clone(n.channel)} })
}

func counts(s *hot.Sketch[name]) map[name]hot.Counts {
	found := make(map[name]hot.Counts)
	for key, counted := range s.All() {
		found[key] = counted
	}
	return found
}

// TestFewAreCountedExactly: where there is room for all, each count is what it is.
func TestFewAreCountedExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, want := newSketch(), make(map[name]hot.Counts)
		for range rapid.IntRange(0, 300).Draw(t, "calls") {
			key := nameOf(rapid.IntRange(0, 7).Draw(t, "key"))
			publishes, deliveries := rapid.IntRange(0, 3).Draw(t, "publishes"), rapid.IntRange(1, 1000).Draw(t, "deliveries")
			s.Add(key, publishes, deliveries)
			sum := want[key]
			want[key] = hot.Counts{Publishes: sum.Publishes + float64(publishes), Deliveries: sum.Deliveries + float64(deliveries)}
		}
		if got := counts(s); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got  %v\nwant %v", got, want)
		}
	})
}

// TestHotAmongVeryMany: of a million channels with as much between them as a hundred hot ones, each hot one is found and counted almost
// whole, and none is counted too high.
func TestHotAmongVeryMany(t *testing.T) {
	t.Parallel()
	const hotOnes, coldOnes, each = 100, 1_000_000, 2000
	s, real := newSketch(), make(map[name]int)
	for range hotOnes * each {
		for _, key := range []name{nameOf(rand.N(hotOnes)), nameOf(hotOnes + rand.N(coldOnes))} {
			s.Add(key, 1, 0)
			real[key]++
		}
	}
	found := counts(s)
	for i := range hotOnes {
		if got, want := found[nameOf(i)].Publishes, float64(real[nameOf(i)]); got < 0.9*want {
			t.Errorf("channel %d is counted %v times of %v", i, got, want)
		}
	}
	for key, counted := range found {
		if counted.Publishes > float64(real[key]) {
			t.Errorf("%v is counted %v times, and was there %d times", key, counted.Publishes, real[key])
		}
	}
	if len(found) > 4096 {
		t.Errorf("%d are remembered", len(found))
	}
}

// TestHotComesLate: who becomes hot among those that fade takes their place.
func TestHotComesLate(t *testing.T) {
	t.Parallel()
	s := newSketch()
	for i := range 100_000 {
		s.Add(nameOf(i%20_000), 1, 0)
	}
	late := nameOf(-1)
	for range 20 {
		s.Fade(0.9)
		s.Add(late, 1, 10_000)
	}
	found := counts(s)
	if got := found[late]; got.Deliveries < 50_000 {
		t.Errorf("it is counted as %+v", got)
	}
	for key, counted := range found {
		if key != late && counted.Deliveries+counted.Publishes > found[late].Deliveries {
			t.Errorf("%v stands above the one that is hot", key)
		}
	}
}

func TestFade(t *testing.T) {
	t.Parallel()
	s := newSketch()
	s.Add(nameOf(1), 2, 6)
	s.Fade(0.5)
	if got := counts(s)[nameOf(1)]; got != (hot.Counts{Publishes: 1, Deliveries: 3}) {
		t.Errorf("half of it is %+v", got)
	}
	s.Fade(0.01)
	if got := counts(s); len(got) != 0 {
		t.Errorf("long after it %v is remembered", got)
	}
}

// TestKeysAreCloned: what is remembered keeps nothing else in memory, as the log entry that a name came in.
func TestKeysAreCloned(t *testing.T) {
	t.Parallel()
	s, entry := newSketch(), strings.Repeat("x", 100)
	s.Add(name{entry[:10], entry[20:30]}, 1, 0)
	for key := range s.All() {
		if unsafe.StringData(key.app) == unsafe.StringData(entry) {
			t.Error("the key is a part of what it was cut from")
		}
	}
}

// TestSketchOfMany is for the race detector, and loses nothing.
func TestSketchOfMany(t *testing.T) {
	t.Parallel()
	s := newSketch()
	var adding sync.WaitGroup
	for range 4 {
		adding.Go(func() {
			for i := range 10_000 {
				s.Add(nameOf(i%10), 1, 2)
				if i%1000 == 0 {
					counts(s)
					s.Fade(1)
				}
			}
		})
	}
	adding.Wait()
	for key, counted := range counts(s) {
		if counted != (hot.Counts{Publishes: 4000, Deliveries: 8000}) {
			t.Errorf("%v: %+v", key, counted)
		}
	}
}

// BenchmarkAdd counts one hot channel, a hundred, and a million that never come twice.
func BenchmarkAdd(b *testing.B) {
	for _, channels := range []int{1, 100, 1 << 20} {
		b.Run(fmt.Sprint(channels), func(b *testing.B) {
			s, names := newSketch(), make([]name, channels)
			for i := range names {
				names[i] = nameOf(i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.Add(names[i%channels], 1, 0)
			}
		})
	}
}
