package pusher

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxEarlier is how many earlier socket ids a client may name.
const MaxEarlier = 8

// Resume is where a client goes on with a channel that it followed by an earlier connection: the member "halley" in the data of a
// subscription, which other servers do not know.
type Resume struct {
	Since   string // the last position that it was told; empty: it begins anew
	Earlier string // its earlier socket ids, with commas between
}

// readResume reads the member.
func readResume(value jsontext.Value) (resume Resume, err error) {
	err = eachField(value, func(name string, value jsontext.Value) (err error) {
		switch name {
		case "since":
			resume.Since, err = textOf(value, errData)
		case "earlier":
			resume.Earlier, err = textOf(value, errData)
		}
		return err
	}, lenient...)
	return resume, err
}

// EarlierIDs are the earlier socket ids of the client, the first MaxEarlier of them. What is no id excludes nobody.
func (r Resume) EarlierIDs() []string {
	var ids []string
	for id := range strings.SplitSeq(r.Earlier, ",") {
		if ValidSocketID(id) && len(ids) < MaxEarlier {
			ids = append(ids, id)
		}
	}
	return ids
}
