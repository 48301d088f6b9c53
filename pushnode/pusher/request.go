package pusher

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"
	"time"
)

// Request is what the signature of a call covers (Pusher HTTP API, "Authentication").
type Request struct {
	Method string
	Path   string // decoded, from "/apps/" on
	Raw    string // as it was sent
	Query  Query
}

const (
	signatureKey = "auth_signature"
	digestKey    = "body_md5"
	authVersion  = "1.0"
	// clockSkew is how far the clocks of two servers may be apart, and so how long a call can be repeated by who has seen it.
	clockSkew = 600 * time.Second
	// maxShownText is how much of the signed text is told back. A query may be long, and whoever looks for a mistake needs its beginning.
	maxShownText = 4 << 10
)

// Key is the key that the call names, which says whose secret Verify needs.
func (r *Request) Key() string { return r.Query.Get("auth_key") }

// Verify judges who calls: version, time and signature. Libraries sign the path decoded, or as they send it: both count. The digest of the
// body is part of what is signed, so the body need not have come yet: VerifyBody judges it. An error is a *Fault.
func (r *Request) Verify(secret string, now time.Time) error {
	if err := r.verifyTime(now); err != nil {
		return err
	}
	given, found := r.Query.find(signatureKey)
	if !found {
		return missing(signatureKey)
	}
	text := r.text(r.Raw)
	if equal(given, hexMAC(secret, text)) {
		return nil
	}
	if r.Path != r.Raw && equal(given, hexMAC(secret, r.text(r.Path))) {
		return nil
	}
	return unauthorized("Invalid signature: you should have sent HmacSHA256Hex(%s, your_secret_key), but you sent %s",
		strconv.Quote(text[:min(len(text), maxShownText)]), strconv.Quote(shown(given)))
}

// text is what is signed, with the path in one form or the other.
func (r *Request) text(path string) string { return r.Method + "\n" + path + "\n" + r.Query.text() }

func (r *Request) verifyTime(now time.Time) error {
	if r.Key() == "" {
		return MissingKey()
	}
	version, found := r.Query.find("auth_version")
	if !found {
		return missing("auth_version")
	}
	if version != authVersion {
		return unauthorized("Version not supported: auth_version is %q, 1.0 is wanted", shown(version))
	}
	text, found := r.Query.find("auth_timestamp")
	if !found {
		return missing("auth_timestamp")
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return unauthorized("Invalid timestamp: auth_timestamp is %q, Unix seconds are wanted", shown(text))
	}
	if given := time.Unix(seconds, 0); seconds < 0 || seconds > maxTimestamp || now.Sub(given).Abs() > clockSkew {
		return unauthorized("Timestamp expired: Given timestamp (%s) not within 600s of server time (%s)",
			timeText(seconds), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// maxTimestamp is the last second of the year 9999, beyond which times have no text.
const maxTimestamp = 253402300799

func timeText(seconds int64) string {
	if seconds < 0 || seconds > maxTimestamp {
		return strconv.FormatInt(seconds, 10)
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}

// VerifyBody compares a body with the digest that the call was signed with. An empty one needs none, but some libraries send it all the
// same. An error is a *Fault.
func (r *Request) VerifyBody(body []byte) error {
	given, found := r.Query.find(digestKey)
	if !found && len(body) == 0 {
		return nil
	}
	if !found {
		return missing(digestKey)
	}
	sum := md5.Sum(body)
	if want := hex.EncodeToString(sum[:]); !equal(given, want) {
		return unauthorized("Invalid body_md5: the body has %s, but you sent %s", strconv.Quote(want), strconv.Quote(shown(given)))
	}
	return nil
}

func missing(key string) *Fault { return unauthorized("Missing parameter: %s", key) }

// Digest is the parameter body_md5 of a body.
func Digest(body []byte) string {
	sum := md5.Sum(body)
	return hex.EncodeToString(sum[:])
}
