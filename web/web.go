// Package web is what browsers load: the console's templates and styles, the JS client, the docs and the specification of the
// HTTP API. All of it is embedded; building Halley needs neither Node nor a network.
//
// It knows no app, no credential and no state. Start reading at docs.go for the docs, client.go for the JS client; console.go only
// hands its files to package console. docs/errors.md and docs/api.md are written by tests, from pushnode/wire/code.go and from
// openapi.yaml.
package web
