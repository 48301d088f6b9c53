package channel

// Result is what a command answered. Err is one of the package's sentinels or nil; the other fields are those of its command.
type Result struct {
	Err       error
	ID        string   // Publish
	Position  Position // Publish
	Duplicate bool     // Publish
	Version   uint64   // EnterPresence, LeavePresence
	Session   Session  // AttachSession
	Resumed   bool     // AttachSession: it existed
}

// Suits reports whether the result says what one of a command must: a publication's position, a session's record, or why there is none.
func (r *Result) Suits(command Command) bool {
	switch command.(type) {
	case Publish:
		return r.Err != nil || r.ID != "" && r.Position.Offset > 0
	case AttachSession:
		return r.Err != nil || r.Session.Generation > 0
	default:
		return true
	}
}
