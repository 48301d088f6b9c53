package http1_test

import (
	"strconv"
	"strings"
	"testing"

	"halley/pushnode/http1"
)

const (
	line   = "POST /v1/channels/a/messages HTTP/1.1\r\n"
	fields = "Host: a\r\nContent-Length: 3\r\n"
)

func TestPlainHeads(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"the least":           line + fields + "\r\n",
		"names in any case":   line + "hOST: a\r\ncontent-length: 3\r\n\r\n",
		"no blank":            line + "Host:a\r\nContent-Length:3\r\n\r\n",
		"blanks":              line + "Host:  a  \r\nContent-Length:   3 \r\n\r\n",
		"an address and port": line + "Host: [::1]:8080\r\nContent-Length: 3\r\n\r\n",
		"a client's own": line + fields + "User-Agent: a/1 (b; c)\r\nAccept: */*\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n" +
			"Authorization: Bearer a.b-c\r\nContent-Type: application/json\r\nX-Request-Id: r1\r\ntraceparent: 00-1-2-3\r\n\r\n",
		"what means nothing, twice": line + fields + "Accept: a\r\nAccept: b\r\n\r\n",
		"every character of a name": "POST /v1/channels/aZ09_-=@,.;:~/messages HTTP/1.1\r\n" + fields + "\r\n",
		"a query":                   "POST /v1/channels/a/messages?key=a&b=1.0&c HTTP/1.1\r\n" + fields + "\r\n",
		"the longest body":          line + "Host: a\r\nContent-Length: " + strconv.Itoa(http1.MaxBody) + "\r\n\r\n",
	} {
		if !http1.Understood(text) {
			t.Errorf("%s is not understood", name)
		}
		for i := range len(text) - 1 {
			if http1.Understood(text[:i]) || !http1.Awaited(text[:i]) {
				t.Fatalf("%s: of the first %d bytes the rest is not awaited", name, i)
			}
		}
	}
}

// Each of these is net/http's to judge: some mean something that the loop does not know, the others are how two servers in a row are made
// to disagree on where a request ends, or whose it is.
func TestForeignHeads(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"another method":            "GET /v1/channels/a/messages HTTP/1.1\r\n" + fields + "\r\n",
		"a method in lower case":    "post /v1/channels/a/messages HTTP/1.1\r\n" + fields + "\r\n",
		"another version":           "POST /v1/channels/a/messages HTTP/1.0\r\n" + fields + "\r\n",
		"no version":                "POST /v1/channels/a/messages\r\n" + fields + "\r\n",
		"two blanks":                "POST  /v1/channels/a/messages HTTP/1.1\r\n" + fields + "\r\n",
		"a tab in the line":         "POST\t/v1/channels/a/messages HTTP/1.1\r\n" + fields + "\r\n",
		"a blank behind the line":   "POST /v1/channels/a/messages HTTP/1.1 \r\n" + fields + "\r\n",
		"an absolute target":        "POST http://a/v1/channels/a/messages HTTP/1.1\r\n" + fields + "\r\n",
		"an authority":              "POST a:80 HTTP/1.1\r\n" + fields + "\r\n",
		"an asterisk":               "POST * HTTP/1.1\r\n" + fields + "\r\n",
		"no target":                 "POST  HTTP/1.1\r\n" + fields + "\r\n",
		"an encoded query":          "POST /v1/channels/a/messages?key=%61 HTTP/1.1\r\n" + fields + "\r\n",
		"a blank in a query":        "POST /v1/channels/a/messages?key=a+b HTTP/1.1\r\n" + fields + "\r\n",
		"a fragment":                "POST /v1/channels/a/messages#a HTTP/1.1\r\n" + fields + "\r\n",
		"an encoded slash":          "POST /v1/channels/a%2Fb/messages HTTP/1.1\r\n" + fields + "\r\n",
		"a blank in the target":     "POST /v1/channels/a b/messages HTTP/1.1\r\n" + fields + "\r\n",
		"a null in the target":      "POST /v1/channels/a\x00/messages HTTP/1.1\r\n" + fields + "\r\n",
		"UTF-8 in the target":       "POST /v1/channels/ä/messages HTTP/1.1\r\n" + fields + "\r\n",
		"an empty line before":      "\r\n" + line + fields + "\r\n",
		"bare line feeds":           strings.ReplaceAll(line+fields+"\r\n", "\r\n", "\n"),
		"one bare line feed":        line + "Host: a\nContent-Length: 3\r\n\r\n",
		"a bare line feed at last":  line + "Host: a\r\nContent-Length: 3\n\r\n\r\n",
		"a bare carriage return":    line + fields + "Accept: a\rb\r\n\r\n",
		"two carriage returns":      line + "Host: a\r\r\nContent-Length: 3\r\n\r\n",
		"a folded field":            line + fields + "Accept: a\r\n b\r\n\r\n",
		"a folded first field":      line + " Host: a\r\nContent-Length: 3\r\n\r\n",
		"a blank before the colon":  line + fields + "Accept : a\r\n\r\n",
		"a blank before a length":   line + "Host: a\r\nContent-Length : 3\r\n\r\n",
		"no colon":                  line + fields + "Accept\r\n\r\n",
		"no name":                   line + fields + ": a\r\n\r\n",
		"a null in a value":         line + fields + "Accept: a\x00b\r\n\r\n",
		"a tab in a value":          line + fields + "Accept: a\tb\r\n\r\n",
		"DEL in a value":            line + fields + "Accept: a\x7f\r\n\r\n",
		"UTF-8 in a value":          line + fields + "Accept: ä\r\n\r\n",
		"no host":                   line + "Content-Length: 3\r\n\r\n",
		"an empty host":             line + "Host:\r\nContent-Length: 3\r\n\r\n",
		"two hosts":                 line + fields + "Host: b\r\n\r\n",
		"a host with a slash":       line + "Host: a/b\r\nContent-Length: 3\r\n\r\n",
		"a host with a user":        line + "Host: a@b\r\nContent-Length: 3\r\n\r\n",
		"no length":                 line + "Host: a\r\n\r\n",
		"two lengths":               line + fields + "Content-Length: 4\r\n\r\n",
		"a length twice":            line + fields + "Content-Length: 3\r\n\r\n",
		"two lengths in one":        line + "Host: a\r\nContent-Length: 3, 3\r\n\r\n",
		"an empty length":           line + "Host: a\r\nContent-Length:\r\n\r\n",
		"no body":                   line + "Host: a\r\nContent-Length: 0\r\n\r\n",
		"a length with a sign":      line + "Host: a\r\nContent-Length: +3\r\n\r\n",
		"a negative length":         line + "Host: a\r\nContent-Length: -3\r\n\r\n",
		"a hexadecimal length":      line + "Host: a\r\nContent-Length: 0x3\r\n\r\n",
		"a length with a zero":      line + "Host: a\r\nContent-Length: 03\r\n\r\n",
		"a length with a blank":     line + "Host: a\r\nContent-Length: 3 3\r\n\r\n",
		"too long a body":           line + "Host: a\r\nContent-Length: " + strconv.Itoa(http1.MaxBody+1) + "\r\n\r\n",
		"a length beyond 64 bits":   line + "Host: a\r\nContent-Length: 18446744073709551619\r\n\r\n",
		"chunks":                    line + "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		"chunks and a length":       line + fields + "Transfer-Encoding: chunked\r\n\r\n",
		"a strange transfer coding": line + fields + "Transfer-Encoding: xchunked\r\n\r\n",
		"no transfer coding":        line + fields + "Transfer-Encoding:\r\n\r\n",
		"a coding behind a tab":     line + fields + "Transfer-Encoding:\tchunked\r\n\r\n",
		"a name like another":       line + fields + "Transfer_Encoding: chunked\r\n\r\n",
		"a name with a long s":      line + fields + "Tranſfer-Encoding: chunked\r\n\r\n",
		"a name with a null":        line + fields + "Content-Length\x00: 5\r\n\r\n",
		"a zipped body":             line + fields + "Content-Encoding: gzip\r\n\r\n",
		"expectations":              line + fields + "Expect: 100-continue\r\n\r\n",
		"an upgrade":                line + fields + "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
		"the last request":          line + fields + "Connection: close\r\n\r\n",
		"a page's request":          line + fields + "Origin: https://example.com\r\n\r\n",
		"an unknown field":          line + fields + "X-Http-Method-Override: DELETE\r\n\r\n",
		"two authorizations":        line + fields + "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
		"two content types":         line + fields + "Content-Type: application/json\r\nContent-Type: text/plain\r\n\r\n",
		"two request ids":           line + fields + "X-Request-Id: a\r\nX-Request-Id: b\r\n\r\n",
		"an overlong line":          "POST /" + strings.Repeat("a", http1.MaxHead),
		"an overlong field":         line + fields + "Accept: " + strings.Repeat("a", http1.MaxHead),
		"an overlong name":          line + fields + strings.Repeat("a", 1000) + ": a\r\n\r\n",
		"an overlong head":          line + fields + strings.Repeat("Accept: a\r\n", http1.MaxHead/10) + "\r\n",
	} {
		if http1.Understood(text) || http1.Awaited(text) {
			t.Errorf("%s is understood", name)
		}
	}
}
