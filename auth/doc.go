// Package auth decides what a machine credential may do: it verifies keys and tokens, signs tokens, and checks capabilities.
//
// It knows no network protocol and no database. Who stores keys implements KeySource and TokenKeySource; who talks to clients
// turns the sentinels of errors.go into answers. People who log in to the console are not its concern. The time is an argument
// of every call, and no goroutine is started here.
//
// Start reading at Verifier.Authenticate in verifier.go, then token.go for the way of a JWT and capability.go for what a grant
// allows. keyset.go fetches the keys of customers through dial.go, which also guards every other call to an address that a
// customer has chosen.
package auth
