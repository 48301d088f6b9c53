package frame

// Error says what is wrong with the bytes of a client.
type Error struct {
	Code uint16 // what to close with: RFC 6455, section 7.4.1
	text string
}

func (e *Error) Error() string { return e.text }

const (
	codeProtocol = 1002
	codeData     = 1007
	codeTooLarge = 1009
)

// ErrTooLarge says that a message has more bytes than it may. It is told once for each such message.
var ErrTooLarge = &Error{codeTooLarge, "a message is too large"}

var (
	errReserved = &Error{codeProtocol, "a reserved bit is set"}
	errOpcode   = &Error{codeProtocol, "an opcode is reserved"}
	errUnmasked = &Error{codeProtocol, "a frame is not masked"}
	errPieces   = &Error{codeProtocol, "a control frame is in fragments"}
	errControl  = &Error{codeProtocol, "a control frame has a length of more than 7 bits"}
	errLength   = &Error{codeProtocol, "a length is not in its shortest form, or above 63 bits"}
	errOrder    = &Error{codeProtocol, "a message begins within another, or goes on without a beginning"}
	errClose    = &Error{codeProtocol, "the code of a close is missing or not for frames"}
	errText     = &Error{codeData, "a text is not UTF-8"}
	errDeflated = &Error{codeData, "a message cannot be inflated"}
)
