package pusher

import "strings"

// Info is a set of attributes of channels that a call may ask for.
type Info uint8

// The attributes.
const (
	UserCount         Info = 1 << iota // distinct users of a presence channel
	SubscriptionCount                  // connections that are subscribed
	CacheInfo                          // the last event of a cache channel
)

var attributes = map[string]Info{"user_count": UserCount, "subscription_count": SubscriptionCount, "cache": CacheInfo}

// ParseInfo reads the list of attributes that a call asks for, of those that it may. An error is a *Fault.
func ParseInfo(text string, may Info) (Info, error) {
	var info Info
	if text == "" {
		return 0, nil
	}
	for name := range strings.SplitSeq(text, ",") {
		attribute := attributes[strings.TrimSpace(name)]
		if attribute&may == 0 {
			return 0, badRequest("info should be a comma separated list of attributes; %q is none that can be asked for here", shown(name))
		}
		info |= attribute
	}
	return info, nil
}

// Has reports whether an attribute was asked for.
func (i Info) Has(attribute Info) bool { return i&attribute != 0 }

// suiting is what of info a channel has: users are counted on presence channels alone.
func (i Info) suiting(name string) Info {
	if !KindOf(name).Is(Presence) {
		return i &^ UserCount
	}
	return i
}
