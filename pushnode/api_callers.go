package pushnode

import (
	"halley/auth"
	"halley/pushnode/wire"
)

// secretOnly refuses credentials that are not a secret key.
func secretOnly(grant *auth.Grant) error {
	if grant.Kind != auth.KindSecret {
		return wire.Errorf(wire.CodeDenied, "this call needs a secret key")
	}
	return nil
}

// wholeApp refuses credentials that are not a secret key for everything: what a call does or tells concerns every channel and
// client of the app, so a key that was narrowed to some must not make it.
func wholeApp(grant *auth.Grant) error {
	if err := secretOnly(grant); err != nil {
		return err
	}
	if op, _ := grant.Lacks(auth.AllowAll()); op != 0 {
		return wire.Errorf(wire.CodeDenied, "this call needs a secret key for every operation on every channel; this one was narrowed")
	}
	return nil
}

// somethingOn refuses credentials that are not a secret key, and keys that may do nothing at all on the channel.
func somethingOn(grant *auth.Grant, name string) error {
	if err := secretOnly(grant); err != nil {
		return err
	}
	if !grant.AllowsSome(name) {
		return wire.Errorf(wire.CodeDenied, "this key may do nothing on channel %s", name)
	}
	return nil
}
