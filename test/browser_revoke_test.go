package test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"testing"
)

// A key is revoked in the console: who connected with it is told to stop, over each transport, and does.
func TestBrowserStopsWithItsKey(t *testing.T) {
	t.Parallel()
	n := startNode(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	console := newClient(t)
	console.Jar = jar
	post := func(path string, form url.Values) (page string, at *url.URL) {
		answer, err := console.PostForm(n.url+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("POST %s: status %d, error %v", path, answer.StatusCode, err)
		}
		return string(text), answer.Request.URL
	}
	welcome, app := post("/signup", url.Values{"email": {"ada@example.com"}, "password": {"a comet comes back in 2061"}})
	key := regexp.MustCompile(`hl_pk_([0-9A-Za-z]{8})[0-9A-Za-z]{38}`).FindStringSubmatch(welcome)
	if key == nil {
		t.Fatalf("no key at %s", app)
	}

	page := startBrowser(t).open(t, startProxy(t, n.url), n.url, false)
	page.run(`
		window.fleet = $2.map((name) => client(name, { key: $1, transports: [name] }))
		await Promise.all(fleet.map(({ follow }) => follow("news")))`, key[0], transports)
	post(app.Path+"/keys/"+key[1]+"/revoke", url.Values{"confirm": {"Publishable key"}})
	page.run(`
		for (const { halley, log } of fleet) {
			await until(() => halley.state === "failed" && log.errors.length, "the end")
			same(log.errors.map(({ code }) => code), [4009], "errors")
		}`)
}
