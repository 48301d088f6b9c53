//go:build !linux

package verify

import (
	"context"
	"errors"
)

// CanIsolate reports that only Linux has network namespaces.
func CanIsolate() bool { return false }

// Isolated reports whether this process is in a namespace of its own.
func Isolated() bool { return false }

// Isolate fails.
func Isolate(context.Context) error { return errors.ErrUnsupported }

func newNamespaces(Settings) (network, error) { return nil, errors.ErrUnsupported }
