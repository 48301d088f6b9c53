package web_test

import (
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// specification loads openapi.yaml and checks it, its examples included.
func specification(tb testing.TB) *openapi3.T {
	tb.Helper()
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	spec, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		tb.Fatal(err)
	}
	return spec
}

func TestSpecificationIsValid(t *testing.T) {
	t.Parallel()
	if err := specification(t).Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
}
