package pusher_test

import (
	"strings"
	"testing"

	"halley/pushnode/pusher"
)

// The examples of Pusher's documentation, "Generating the authentication string" and "Generating the user authentication string".
const (
	docsKey    = "278d425bdf160c739803"
	docsSecret = "7ad3773142a6692b25b8"
	docsSocket = "1234.1234"
	docsMember = `{"user_id":10,"user_info":{"name":"Mr. Channels"}}`
)

func TestSignaturesOfTheDocumentation(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ text, want string }{
		"private channel": {
			pusher.ChannelText(docsSocket, "private-foobar", ""),
			docsKey + ":58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
		},
		"presence channel": {
			pusher.ChannelText(docsSocket, "presence-foobar", docsMember),
			docsKey + ":31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80",
		},
		"user": {
			pusher.UserText(docsSocket, `{"id":"12345"}`),
			docsKey + ":4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba",
		},
	} {
		if got := pusher.Sign(docsKey, docsSecret, row.text); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
		if !pusher.Verify(row.want, docsKey, docsSecret, row.text) {
			t.Errorf("%s: the documented signature is refused", name)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	text := pusher.ChannelText(docsSocket, "private-foobar", `{"user_id":"1"}`)
	good := pusher.Sign(docsKey, docsSecret, text)
	for name, row := range map[string]struct{ credential, key, secret, text string }{
		"nothing":              {"", docsKey, docsSecret, text},
		"another key":          {good, "1" + docsKey[1:], docsSecret, text},
		"no key":               {good[len(docsKey)+1:], docsKey, docsSecret, text},
		"another secret":       {good, docsKey, docsSecret + "x", text},
		"another socket":       {good, docsKey, docsSecret, pusher.ChannelText("1234.1235", "private-foobar", `{"user_id":"1"}`)},
		"another channel":      {good, docsKey, docsSecret, pusher.ChannelText(docsSocket, "private-foobas", `{"user_id":"1"}`)},
		"no channel data":      {good, docsKey, docsSecret, pusher.ChannelText(docsSocket, "private-foobar", "")},
		"other channel data":   {good, docsKey, docsSecret, pusher.ChannelText(docsSocket, "private-foobar", `{"user_id":"2"}`)},
		"something after it":   {good + "0", docsKey, docsSecret, text},
		"a shorter one":        {good[:len(good)-1], docsKey, docsSecret, text},
		"capital digits":       {docsKey + ":" + strings.ToUpper(good[len(docsKey)+1:]), docsKey, docsSecret, text},
		"a channel for a user": {good, docsKey, docsSecret, pusher.UserText(docsSocket, `{"id":"1"}`)},
	} {
		if pusher.Verify(row.credential, row.key, row.secret, row.text) {
			t.Errorf("%s: taken", name)
		}
	}
}

// FuzzVerify holds that only the very credential is taken, whatever stands in it.
func FuzzVerify(f *testing.F) {
	f.Add(docsKey+":58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4", "private-foobar", "")
	f.Add(":", "a", "b")
	f.Add("", "presence-\xff", docsMember)
	f.Fuzz(func(t *testing.T, credential, channel, data string) {
		text := pusher.ChannelText(docsSocket, channel, data)
		want := credential == pusher.Sign(docsKey, docsSecret, text)
		if got := pusher.Verify(credential, docsKey, docsSecret, text); got != want {
			t.Errorf("Verify(%q) = %v", credential, got)
		}
		if key := pusher.KeyOf(credential); !strings.HasPrefix(credential, key) || strings.Contains(key, ":") {
			t.Errorf("KeyOf(%q) = %q", credential, key)
		}
	})
}
