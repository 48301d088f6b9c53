package webhook

import (
	"testing"

	"halley/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
