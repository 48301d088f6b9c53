package pushnode_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"halley/auth"
	"halley/tenant"
)

// publisher publishes on one connection, which the quick loop keeps.
type publisher struct {
	t      *testing.T
	conn   net.Conn
	reader *bufio.Reader
}

func (n *node) publisher(t *testing.T) *publisher {
	t.Helper()
	conn := must(net.Dial("tcp", n.address))(t)
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(longest))
	return &publisher{t: t, conn: conn, reader: bufio.NewReader(conn)}
}

// status publishes with a key and returns the status of the answer.
func (p *publisher) status(key string) int {
	p.t.Helper()
	const body = `{"data":1}`
	_ = must(fmt.Fprintf(p.conn, "POST /v1/channels/a/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", key, len(body), body))(p.t)
	response := must(http.ReadResponse(p.reader, nil))(p.t)
	defer response.Body.Close()
	_ = must(io.Copy(io.Discard, response.Body))(p.t)
	return response.StatusCode
}

// turns is what makes a key that a connection has shown worth less, and what publishing with it is answered then.
var turns = map[string]struct {
	turn   func(t *testing.T, a *app, keyID string) error
	status int
}{
	"revoked": {func(t *testing.T, a *app, keyID string) error {
		return a.node.Store.RevokeKey(t.Context(), a.scope(), a.id, keyID)
	}, http.StatusUnauthorized},
	"rolled, until the overlap ends": {func(t *testing.T, a *app, keyID string) error {
		_, _, err := a.node.Store.RollKey(t.Context(), a.scope(), a.id, keyID, time.Second)
		return err
	}, http.StatusUnauthorized},
	"its app switched off": {func(t *testing.T, a *app, _ string) error {
		return a.node.Store.UpdateApp(t.Context(), a.scope(), a.id, tenant.AppForm{Name: "off", Disabled: true})
	}, http.StatusForbidden},
	"its app deleted": {func(t *testing.T, a *app, _ string) error {
		return a.node.Store.DeleteApp(t.Context(), a.scope(), a.id)
	}, http.StatusUnauthorized},
}

// A connection that has shown a key is believed no longer than the key is good.
func TestKeysOfConnectionsAreJudgedAnew(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	for name, test := range turns {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := n.newApp(t, fmt.Sprintf("turn%d", len(name)), nil)
			key, text := must2(n.Store.CreateKey(t.Context(), a.scope(), a.id, tenant.KeyForm{Kind: auth.KindSecret}))(t)
			p := n.publisher(t)
			if !until(func() bool { return p.status(text.Reveal()) == http.StatusCreated }) {
				t.Fatal("the key does not reach the node")
			}
			if got := p.status(text.Reveal()); got != http.StatusCreated {
				t.Fatalf("the key is good, and answered %d", got)
			}
			if err := test.turn(t, a, key.ID); err != nil {
				t.Fatal(err)
			}
			if !until(func() bool { return p.status(text.Reveal()) == test.status }) {
				t.Errorf("publishing goes on with the status %d, want %d", p.status(text.Reveal()), test.status)
			}
		})
	}
}

// Of two clients on one connection, as behind a proxy, neither has the other's rights.
func TestConnectionsMayShowSeveralKeys(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	a := n.newApp(t, "shared", nil)
	p := n.publisher(t)
	for i, step := range []struct {
		key    string
		status int
	}{
		{a.secret, 201}, {a.secret, 201}, {a.publishable, 403}, {a.publishable, 403}, {a.secret, 201},
		{a.secret[:len(a.secret)-1] + "!", 401}, {a.secret, 201}, {"x" + a.secret[1:], 401}, {"x" + a.secret[1:], 401}, {a.secret, 201},
	} {
		if got := p.status(step.key); got != step.status {
			t.Errorf("step %d is answered %d, want %d", i, got, step.status)
		}
	}
}
