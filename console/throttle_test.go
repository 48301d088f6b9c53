package console_test

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"halley/console"
)

func TestThrottleAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		guard := console.NewThrottle()
		for range 4 {
			guard.Failed("ada")
		}
		if err := guard.Account("ada"); err != nil {
			t.Errorf("after 4 failures: %v", err)
		}
		guard.Failed("ada")
		if guard.Account("ada") == nil {
			t.Error("after 5 failures nothing is refused")
		}
		if err := guard.Account("bob"); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		time.Sleep(time.Second)
		if err := guard.Account("ada"); err != nil {
			t.Errorf("after the delay: %v", err)
		}
		guard.Succeeded("ada")
		guard.Failed("ada")
		if err := guard.Account("ada"); err != nil {
			t.Errorf("a success does not begin a new row: %v", err)
		}

		for range 100 {
			guard.Failed("eve")
		}
		time.Sleep(time.Hour)
		status, _, text := console.FailureStatus(guard.Account("eve"))
		if status != 429 || !strings.Contains(text, "Reset the password") {
			t.Errorf("after 100 failures: %d %s", status, text)
		}
		time.Sleep(24 * time.Hour)
		if err := guard.Account("eve"); err != nil {
			t.Errorf("a day later a stranger still holds the account: %v", err)
		}
		guard.Failed("eve")
		if err := guard.Account("eve"); err != nil {
			t.Errorf("the row was not forgotten: %v", err)
		}
	})
}

func TestDelaysGrowAndEnd(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for count := range 200 {
		delay := console.DelayAfter(count)
		if delay < last || delay > 2*time.Minute {
			t.Fatalf("after %d failures %v, after one less %v", count, delay, last)
		}
		last = delay
	}
	if last != 2*time.Minute {
		t.Errorf("the longest delay is %v", last)
	}
}

// An attacker with many addresses or many names fills the maps, and no more.
func TestThrottleIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		guard := console.NewThrottle()
		address := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}) }
		for n := range console.MaxThrottled {
			guard.Address(address(n))
			guard.Failed(strconv.Itoa(n))
		}
		refused := false
		for n := range 31 { // the crowd shares one bucket
			refused = guard.Address(address(console.MaxThrottled+n)) > 0
		}
		if !refused {
			t.Error("newcomers beyond the bound have buckets of their own")
		}
		guard.Failed("late")
		time.Sleep(3 * time.Minute)
		for range 5 {
			guard.Failed("later")
		}
		if guard.Account("later") == nil {
			t.Error("there is no room after the old rows have ended")
		}
		if wait := guard.Address(address(console.MaxThrottled + 50)); wait > 0 {
			t.Errorf("there is no room after the old buckets have recovered: %v", wait)
		}
	})
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64",
	} {
		if got := console.Network(netip.MustParseAddr(address)).String(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	if console.Network(netip.Addr{}).IsValid() {
		t.Error("no address is a network")
	}
}
