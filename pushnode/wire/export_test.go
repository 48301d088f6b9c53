package wire

// Codes is the table of errors, in the order of its codes.
func Codes() []Entry { return table[:] }
