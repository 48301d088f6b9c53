package auth

import (
	"fmt"
	"strings"
)

// maxPatternBytes is the longest pattern: that of a channel name, for a longer one matches nothing.
const maxPatternBytes = 200

const (
	wildcard  = "*"
	separator = ":"
)

// patternAlphabet is what a pattern may hold: the characters of channel names, and the wildcard.
const patternAlphabet = base62 + "_-=@,.;:/" + wildcard

// pattern names channels: one by its name, or many by segments, which ":" separates. A segment "*" stands for exactly one
// segment, at the end for one or more. "*" alone matches every channel. A segment may be empty and counts like any other.
type pattern struct {
	text  string
	exact bool // no wildcard
}

func parsePattern(text string) (pattern, error) {
	switch {
	case text == "":
		return pattern{}, fmt.Errorf("an empty channel pattern")
	case len(text) > maxPatternBytes:
		return pattern{}, fmt.Errorf("channel pattern %.40q… has %d bytes: at most %d", text, len(text), maxPatternBytes)
	case strings.Trim(text, patternAlphabet) != "":
		return pattern{}, fmt.Errorf("channel pattern %.60q: names are made of A-Z a-z 0-9 and _-=@,.;:/", text)
	}
	exact := true
	for segment := range strings.SplitSeq(text, separator) {
		if segment == wildcard {
			exact = false
		} else if strings.Contains(segment, wildcard) {
			return pattern{}, fmt.Errorf(`channel pattern %.60q: "*" must be a whole segment between ":", as in room:*`, text)
		}
	}
	return pattern{text: text, exact: exact}, nil
}

// matches walks both texts segment by segment and allocates nothing: it is on the way of every publish.
func (p pattern) matches(channel string) bool {
	if p.exact {
		return p.text == channel
	}
	rest, name := p.text, channel
	for {
		want, restAfter, restMore := strings.Cut(rest, separator)
		got, nameAfter, nameMore := strings.Cut(name, separator)
		switch {
		case want == wildcard && !restMore:
			return true // the last segment takes all that remains: at least got
		case want != wildcard && want != got:
			return false
		case !restMore || !nameMore:
			return restMore == nameMore
		}
		rest, name = restAfter, nameAfter
	}
}
