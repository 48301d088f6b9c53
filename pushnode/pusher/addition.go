package pusher

import "strconv"

// Addition is what Halley adds to frames, as a member "halley" beside those of the protocol. Libraries pass over members that they do not know.
type Addition struct {
	At      string // where the frame stands in its channel, for who resumes; empty: not said
	Rewound bool   // the event is from before the subscription: its receiver may know it
}

// Add adds to the frame that ends dst; nothing where there is nothing to add.
func Add(dst []byte, more Addition) []byte {
	if more == (Addition{}) {
		return dst
	}
	dst = append(dst[:len(dst)-1], `,"halley":{`...) // in the place of the brace
	if more.At != "" {
		dst = quote(append(dst, `"at":`...), more.At)
	}
	if more.Rewound {
		if more.At != "" {
			dst = append(dst, ',')
		}
		dst = append(dst, `"rewound":true`...)
	}
	return append(dst, `}}`...)
}

// EventGap tells who resumes that events of a channel are missing. Scripts hear it on the channel.
const EventGap = "halley:gap"

// AppendGap appends that events are missing, and why. Their offsets are left out where they are not known: 0.
func AppendGap(dst []byte, channel, reason string, from, to uint64) []byte {
	data := quote([]byte(`{"reason":`), reason)
	if from != 0 {
		data = strconv.AppendUint(append(data, `,"from":`...), from, 10)
	}
	if to != 0 {
		data = strconv.AppendUint(append(data, `,"to":`...), to, 10)
	}
	return appendFrame(dst, EventGap, channel, append(data, '}'))
}
