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
