package pusher

import (
	"net/url"
	"slices"
	"strings"
)

// Query is the query of a signed call: parameters with decoded values and keys in lower case, sorted by key.
type Query []parameter

type parameter struct{ key, value string }

// ParseQuery reads a query. Unlike that of package url it takes ";", which names of channels have and some libraries send as it is. What
// would let one signature stand for two queries is refused: a "&" within a value, or a key with "&" or "=".
func ParseQuery(raw string) (Query, error) {
	var q Query
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		rawKey, rawValue, _ := strings.Cut(part, "=")
		key, keyErr := url.QueryUnescape(rawKey)
		value, valueErr := url.QueryUnescape(rawValue)
		if keyErr != nil || valueErr != nil {
			return nil, badRequest("The query is not well percent-encoded")
		}
		if strings.ContainsAny(key, "&=") || strings.Contains(value, "&") {
			return nil, badRequest("The query parameter %q holds a separator", shown(key))
		}
		q = append(q, parameter{strings.ToLower(key), value})
	}
	slices.SortStableFunc(q, func(a, b parameter) int { return strings.Compare(a.key, b.key) })
	return q, nil
}

// Get returns the value of a parameter, the first where it stands twice; "" where it is absent.
func (q Query) Get(key string) string {
	value, _ := q.find(key)
	return value
}

func (q Query) find(key string) (value string, found bool) {
	i := slices.IndexFunc(q, func(p parameter) bool { return p.key == key })
	if i < 0 {
		return "", false
	}
	return q[i].value, true
}

// text is the query as it is signed: without its signature.
func (q Query) text() string {
	var text strings.Builder
	for _, p := range q {
		if p.key == signatureKey {
			continue
		}
		if text.Len() > 0 {
			text.WriteByte('&')
		}
		text.WriteString(p.key + "=" + p.value)
	}
	return text.String()
}
