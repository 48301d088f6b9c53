package session

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// Drivers are woken when they are due and not before, however often their alarm was set, and not after it was taken away.
func TestAlarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var alarms alarms
		random := rand.New(rand.NewPCG(1, 2))
		drivers, due := make([]*driver, 200), make([]time.Time, 200)
		for i := range drivers {
			drivers[i] = &driver{conn: &connection{}}
			drivers[i].state.Store(driving)
		}
		for range 3 {
			for i, d := range drivers {
				due[i] = time.Now().Add(time.Duration(1+random.IntN(60)) * time.Second)
				alarms.put(d, momentOf(due[i]))
			}
		}
		for i := range 20 {
			alarms.remove(drivers[i])
			alarms.remove(drivers[i])
		}
		for range 62 {
			synctest.Wait()
			for i, d := range drivers {
				woken, want := d.state.Load() == again, i >= 20 && !due[i].After(time.Now())
				if woken != want {
					t.Fatalf("driver %d is woken: %v, %v after it was due", i, woken, time.Since(due[i]))
				}
			}
			time.Sleep(time.Second) // of the bubble
		}
		alarms.stop()
	})
}

// Of very many that are due at the same moment not all are woken at the same moment, but soon.
func TestAlarmsWakeAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a alarms
		drivers := make([]driver, 1000)
		due := momentOf(time.Now().Add(time.Second))
		for i := range drivers {
			drivers[i].state.Store(driving)
			a.put(&drivers[i], due)
		}
		woken := func() (count int) {
			for i := range drivers {
				if drivers[i].state.Load() == again {
					count++
				}
			}
			return count
		}
		<-time.After(time.Second)
		synctest.Wait()
		if got := woken(); got == 0 || got > wokenAtOnce {
			t.Errorf("%d of %d are woken at once, want %d", got, len(drivers), wokenAtOnce)
		}
		<-time.After(time.Second)
		synctest.Wait()
		if got := woken(); got != len(drivers) {
			t.Errorf("%d of %d are woken after a second", got, len(drivers))
		}
		a.stop()
	})
}
