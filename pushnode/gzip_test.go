package pushnode_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

func compressed(t testing.TB, text string) string {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	must(io.WriteString(writer, text))(t)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func TestCompressedBodies(t *testing.T) {
	t.Parallel()
	a := newNode(t).newApp(t, "ada", nil)
	good := compressed(t, `{"data":"`+strings.Repeat("0123456789", 100)+`"}`)
	corrupt := []byte(good)
	corrupt[15] ^= 0xff
	bomb := compressed(t, `{"data":"`+strings.Repeat("0", 16<<20)+`"}`)
	if ratio := (16 << 20) / len(bomb); ratio < 900 {
		t.Fatalf("the bomb expands only by %d", ratio)
	}
	tests := map[string]struct{ body, name string }{
		"good":      {good, ""},
		"not gzip":  {`{"data":1}`, "bad_request"},
		"empty":     {"", "body_truncated"},
		"truncated": {good[:len(good)-9], "body_truncated"},
		"corrupt":   {string(corrupt), "bad_request"},
		"checksum":  {good[:len(good)-8] + "\x00\x00\x00\x00" + good[len(good)-4:], "bad_request"},
		"trailing":  {good + "garbage...", "bad_request"},
		"bomb":      {bomb, "message_too_large"},
		"wrapped":   {compressed(t, good), "malformed_json"},
	}
	for name, test := range tests {
		got := a.spoil(t, "publish", func(r *http.Request, _ string) {
			setBody(r, test.body)
			r.Header.Set("Content-Encoding", "gzip")
		})
		if got.errorName() != test.name || test.name == "" && got.Status != http.StatusCreated {
			t.Errorf("%s: got %d %.200s, want %q", name, got.Status, got.Text, test.name)
		}
	}
	if held := a.history(t, "news"); len(held) != 1 || len(held[0].text("data")) != 1000 {
		t.Errorf("the history is %.200v", held)
	}
	got := a.spoil(t, "commands", func(r *http.Request, body string) {
		setBody(r, compressed(t, body))
		r.Header.Set("Content-Encoding", "gzip")
	})
	if got.errorName() != "unsupported_encoding" {
		t.Errorf("a compressed command: got %d %s", got.Status, got.Text)
	}
}
