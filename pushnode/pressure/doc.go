// Package pressure judges how near a node is to the end of its memory or of its processors, and tells those who are refused when to come
// back.
//
// It refuses nobody and ends nothing: that is the node's duty, which asks for a State and acts on it. It does not find out how much memory
// there is to have: that is said by whoever starts the process.
//
// Start reading at State, then Judge. Sampler measures this process; Pace is for those who are refused.
package pressure
