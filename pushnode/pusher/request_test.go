package pusher_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"halley/pushnode/pusher"
)

// The example of Pusher's documentation, "HTTP API reference: Worked authentication example".
const (
	exampleBody  = `{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}`
	exampleQuery = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0" +
		"&body_md5=ec365a775a4cd0599faeb73354201b6f"
	exampleSignature = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
)

var exampleNow = time.Unix(1353088179, 0)

// requestOf is a request as a server gets it.
func requestOf(t testing.TB, method, raw, query string) *pusher.Request {
	t.Helper()
	parsed, err := pusher.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	path, err := url.PathUnescape(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &pusher.Request{Method: method, Path: path, Raw: raw, Query: parsed}
}

// signed adds the signature of a text that was put together as the libraries do it.
func signed(method, path, query, sortedText string) string {
	_, signature, _ := strings.Cut(pusher.Sign("", docsSecret, method+"\n"+path+"\n"+sortedText), ":")
	return query + "&auth_signature=" + signature
}

func TestRequestOfTheDocumentation(t *testing.T) {
	t.Parallel()
	r := requestOf(t, "POST", "/apps/3/events", exampleQuery+"&auth_signature="+exampleSignature)
	if err := r.Verify(docsSecret, exampleNow); err != nil {
		t.Error(err)
	}
	if err := r.VerifyBody([]byte(exampleBody)); err != nil {
		t.Error(err)
	}
	if r.Key() != docsKey {
		t.Errorf("the key is %q", r.Key())
	}
}

// TestWaysToSign are requests as different libraries sign and send them.
func TestWaysToSign(t *testing.T) {
	t.Parallel()
	const auth = "auth_key=k&auth_timestamp=1353088179&auth_version=1.0"
	for name, row := range map[string]struct{ raw, query, signedPath, signedQuery string }{
		"escaped on the wire": {
			"/apps/3/channels", auth + "&filter_by_prefix=presence-%40a&info=user_count%2Csubscription_count",
			"/apps/3/channels", auth + "&filter_by_prefix=presence-@a&info=user_count,subscription_count",
		},
		"as it is": {
			"/apps/3/channels", auth + "&filter_by_prefix=presence-@a;b&info=user_count,subscription_count",
			"/apps/3/channels", auth + "&filter_by_prefix=presence-@a;b&info=user_count,subscription_count",
		},
		"another order": {
			"/apps/3/channels", "info=a&" + auth, "/apps/3/channels", auth + "&info=a",
		},
		"capital keys": {
			"/apps/3/channels", "AUTH_KEY=k&Auth_Timestamp=1353088179&auth_version=1.0&INFO=A",
			"/apps/3/channels", auth + "&info=A",
		},
		"a space as a plus": {
			"/apps/3/channels", auth + "&info=a+b", "/apps/3/channels", auth + "&info=a b",
		},
		"an empty value": {
			"/apps/3/channels", auth + "&info=", "/apps/3/channels", auth + "&info=",
		},
		"an equals sign": {
			"/apps/3/channels", auth + "&filter_by_prefix=a=b", "/apps/3/channels", auth + "&filter_by_prefix=a=b",
		},
		"the path decoded": {
			"/apps/3/users/a%20b/terminate_connections", auth, "/apps/3/users/a b/terminate_connections", auth,
		},
		"the path as sent": {
			"/apps/3/users/a%20b/terminate_connections", auth, "/apps/3/users/a%20b/terminate_connections", auth,
		},
	} {
		r := requestOf(t, "GET", row.raw, signed("GET", row.signedPath, row.query, row.signedQuery))
		if err := r.Verify(docsSecret, exampleNow); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRequestsRefused(t *testing.T) {
	t.Parallel()
	const good = exampleQuery + "&auth_signature=" + exampleSignature
	sum := pusher.Digest([]byte(exampleBody))
	for name, row := range map[string]struct {
		method, path, query, secret string
		now                         time.Time
		want                        string
	}{
		"no key":           {query: strings.Replace(good, "auth_key=", "key=", 1), want: "Missing parameter: auth_key"},
		"no version":       {query: strings.Replace(good, "auth_version=", "version=", 1), want: "Missing parameter: auth_version"},
		"another version":  {query: strings.Replace(good, "1.0", "1.1", 1), want: `Version not supported: auth_version is "1.1"`},
		"no time":          {query: strings.Replace(good, "auth_timestamp=", "time=", 1), want: "Missing parameter: auth_timestamp"},
		"a time in words":  {query: strings.Replace(good, "1353088179", "now", 1), want: `Invalid timestamp: auth_timestamp is "now"`},
		"a time far away":  {query: strings.Replace(good, "1353088179", "9223372036854775807", 1), want: "Given timestamp (9223372036854775807)"},
		"a negative time":  {query: strings.Replace(good, "1353088179", "-9223372036854775808", 1), want: "Given timestamp (-9223372036854775808)"},
		"no signature":     {query: exampleQuery, want: "Missing parameter: auth_signature"},
		"no such secret":   {query: good, secret: "other", want: "Invalid signature: you should have sent HmacSHA256Hex(\"POST\\n/apps/3/events\\n"},
		"another path":     {query: good, path: "/apps/4/events", want: "Invalid signature"},
		"another method":   {query: good, method: "GET", want: "Invalid signature"},
		"another digest":   {query: strings.Replace(good, sum, pusher.Digest(nil), 1), want: "Invalid signature"},
		"one more":         {query: good + "&x=1", want: "Invalid signature"},
		"a key twice":      {query: good + "&auth_key=k", want: "Invalid signature"},
		"capital digits":   {query: exampleQuery + "&auth_signature=" + strings.ToUpper(exampleSignature), want: "Invalid signature"},
		"a second earlier": {query: good, now: exampleNow.Add(601 * time.Second), want: "Timestamp expired: Given timestamp (2012-11-16T17:49:39Z) not within 600s of server time (2012-11-16T17:59:40Z)"},
		"a second later":   {query: good, now: exampleNow.Add(-601 * time.Second), want: "Timestamp expired"},
	} {
		if row.method == "" {
			row.method = "POST"
		}
		if row.path == "" {
			row.path = "/apps/3/events"
		}
		if row.secret == "" {
			row.secret = docsSecret
		}
		if row.now.IsZero() {
			row.now = exampleNow
		}
		err := requestOf(t, row.method, row.path, row.query).Verify(row.secret, row.now)
		fault, is := errors.AsType[*pusher.Fault](err)
		if !is || fault.Status != 401 || !strings.Contains(fault.Text, row.want) {
			t.Errorf("%s: got %v, want 401 and %q", name, err, row.want)
		}
		if is && strings.Contains(fault.Text, row.secret) {
			t.Errorf("%s: the secret is told", name)
		}
	}
	for _, skew := range []time.Duration{-600 * time.Second, 600 * time.Second} {
		if err := requestOf(t, "POST", "/apps/3/events", good).Verify(docsSecret, exampleNow.Add(skew)); err != nil {
			t.Errorf("%v away: %v", skew, err)
		}
	}
}

func TestVerifyBody(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ query, body, want string }{
		"no body":                     {"", "", ""},
		"no body, and its digest":     {"body_md5=d41d8cd98f00b204e9800998ecf8427e", "", ""},
		"no body, and another digest": {"body_md5=" + pusher.Digest([]byte("x")), "", "Invalid body_md5"},
		"a body":                      {"body_md5=" + pusher.Digest([]byte("{}")), "{}", ""},
		"a body without digest":       {"", "{}", "Missing parameter: body_md5"},
		"another body":                {"body_md5=" + pusher.Digest([]byte("{}")), "{ }", "Invalid body_md5"},
		"an empty digest":             {"body_md5=", "", "Invalid body_md5"},
	} {
		err := requestOf(t, "GET", "/apps/3/channels", row.query).VerifyBody([]byte(row.body))
		if fault, is := errors.AsType[*pusher.Fault](err); is != (row.want != "") || is && (fault.Status != 401 || !strings.Contains(fault.Text, row.want)) {
			t.Errorf("%s: got %v, want %q", name, err, row.want)
		}
	}
}

func TestQueriesRefused(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"a=%", "%zz=1", "a=1%26b=2", "a%26b=1", "a%3Db=1"} {
		if _, err := pusher.ParseQuery(query); err == nil {
			t.Errorf("%q is taken", query)
		}
	}
}

// FuzzRequest holds that a request which was signed as the documentation says is taken, and refused when its path is another.
func FuzzRequest(f *testing.F) {
	f.Add("/apps/3/channels", "filter_by_prefix", "presence-", int64(0))
	f.Add("/apps/3/users/Zoë/terminate_connections", "INFO", "a;b", int64(600))
	f.Add("", "", "\xff&=", int64(-601))
	f.Fuzz(func(t *testing.T, path, key, value string, skew int64) {
		seconds := exampleNow.Unix()
		values := url.Values{"auth_key": {"k"}, "auth_timestamp": {"1353088179"}, "auth_version": {"1.0"}, key: {value}}
		_, err := pusher.ParseQuery(values.Encode())
		if separators := strings.ContainsAny(key, "&=") || strings.Contains(value, "&"); (err != nil) != separators {
			t.Fatalf("%q=%q: %v", key, value, err)
		}
		if err != nil || strings.HasPrefix(strings.ToLower(key), "auth_") {
			return
		}
		text := "auth_key=k&auth_timestamp=1353088179&auth_version=1.0"
		if own := strings.ToLower(key) + "=" + value; own < text {
			text = own + "&" + text
		} else {
			text += "&" + own
		}
		query, err := pusher.ParseQuery(signed("GET", path, values.Encode(), text))
		if err != nil {
			t.Fatal(err)
		}
		r := &pusher.Request{Method: "GET", Path: path, Raw: path, Query: query}
		err = r.Verify(docsSecret, time.Unix(seconds+skew%10_000, 0))
		if near := skew%10_000 >= -600 && skew%10_000 <= 600; (err == nil) != near {
			t.Errorf("%q %q=%q, %d s away: %v", path, key, value, skew%10_000, err)
		}
		r.Raw, r.Path = path+"/", path+"/"
		if r.Verify(docsSecret, exampleNow) == nil {
			t.Errorf("%q is taken for %q", r.Path, path)
		}
	})
}
