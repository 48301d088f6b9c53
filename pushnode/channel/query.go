package channel

// Start says where a reader begins: after Since, or with the last Rewind publications, or (neither) after the head.
type Start struct {
	Since  *Position
	Rewind int
}

// HistoryQuery asks for a page of history.
type HistoryQuery struct {
	Limit   int       // 1 to 1,000
	Forward bool      // oldest first; else newest first
	Since   *Position // forward: after it; backward: before it (its own offset excluded)
}
