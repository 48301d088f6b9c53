package auth_test

import (
	"errors"
	"strconv"
	"testing"

	"halley/auth"
)

// TestHighPorts admits ports of web servers, and those that nobody needs rights for.
func TestHighPorts(t *testing.T) {
	t.Parallel()
	policy := auth.DialPolicy{PlainHTTP: true, HighPorts: true}
	for port, admitted := range map[int]bool{80: true, 443: true, 1024: true, 8080: true, 65535: true, 22: false, 25: false, 1023: false, 0: false} {
		address := "8.8.8.8:" + strconv.Itoa(port)
		if err := policy.Control(t.Context(), "tcp4", address, nil); errors.Is(err, auth.ErrAddressRefused) == admitted {
			t.Errorf("%s: %v, want admitted: %v", address, err, admitted)
		}
	}
}

// TestHighPortsAreAsked leaves them to those who ask for them.
func TestHighPortsAreAsked(t *testing.T) {
	t.Parallel()
	policy := auth.DialPolicy{PlainHTTP: true}
	if err := policy.Control(t.Context(), "tcp4", "8.8.8.8:8080", nil); !errors.Is(err, auth.ErrAddressRefused) {
		t.Errorf("port 8080: %v", err)
	}
}
