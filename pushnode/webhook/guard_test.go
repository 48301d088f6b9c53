package webhook

import (
	"errors"
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	open := guard{}
	for _, address := range []string{
		"127.0.0.1:80", "10.0.0.1:443", "172.16.0.1:80", "192.168.1.1:80", "169.254.169.254:80", "100.64.0.1:80", "0.0.0.0:80",
		"192.0.2.1:80", "198.18.0.1:80", "224.0.0.1:80", "255.255.255.255:80", "240.0.0.1:80",
		"[::1]:80", "[::]:80", "[::127.0.0.1]:80", "[::ffff:127.0.0.1]:80", "[::ffff:10.0.0.1]:80", "[fe80::1%eth0]:80", "[fc00::1]:80",
		"[fd00:ec2::254]:80", "[64:ff9b::7f00:1]:80", "[64:ff9b:1::1]:80", "[2002:7f00:1::]:80", "[2001:db8::1]:80", "[2001::1]:80",
		"[3fff::1]:80", "[5f00::1]:80", "[ff02::1]:80", "[fec0::1]:80", "[100::1]:80",
		"8.8.8.8:25", "8.8.8.8:22", "8.8.8.8:53", "[2606:4700::1111]:587", "localhost:80", "8.8.8.8",
	} {
		if err := open.control(t.Context(), "tcp", address, nil); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", address, err)
		}
	}
	for _, address := range []string{"8.8.8.8:80", "8.8.8.8:443", "1.1.1.1:8443", "[2606:4700::1111]:443", "172.32.0.1:80"} {
		if err := open.control(t.Context(), "tcp", address, nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestGuardAllows lets connections through to what the operator lists, on every port, and to nothing else.
func TestGuardAllows(t *testing.T) {
	t.Parallel()
	listed := guard{allowed: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/64")}}
	for address, allowed := range map[string]bool{
		"10.1.2.3:25": true, "[::ffff:10.1.2.3]:80": true, "[fd00::1]:80": true, "[fd00::1%eth0]:80": true, "8.8.8.8:443": true,
		"10.2.0.1:80": false, "[fd00:0:0:1::1]:80": false, "127.0.0.1:80": false, "8.8.8.8:25": false,
	} {
		if err := listed.control(t.Context(), "tcp", address, nil); errors.Is(err, ErrRefused) == allowed {
			t.Errorf("%s: %v, allowed: %v", address, err, allowed)
		}
	}
}
