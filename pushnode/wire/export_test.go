package wire

// Codes is the table of errors, in the order of its codes.
func Codes() []Entry { return table[:] }

// StrictPublish is DecodePublish without the quick way.
func StrictPublish(body []byte) (Publish, *Error) { return strictPublish(body) }

// QuickPublish is the quick way alone.
func QuickPublish(body []byte) (Publish, bool) { return quickPublish(body) }
