package channel

import "errors"

// What a command may answer, in Result.Err.
var (
	ErrNoSession    = errors.New("no such session")
	ErrGeneration   = errors.New("the session was attached elsewhere since")
	ErrPresenceFull = errors.New("the channel's presence is full")
)

// ErrName is wrapped by every error of ValidName.
var ErrName = errors.New("not a channel name")

// ErrEncoding is wrapped by every error of RestoreSnapshot and of what decodes.
var ErrEncoding = errors.New("not what this version wrote")
