package test

import (
	"context"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// back goes back to the page before. chromedp's own waits for it to load, which one that is shown again from memory does not.
func (t *tab) back() {
	t.tb.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, browserPatience)
	defer cancel()
	shown := make(chan struct{}, 1)
	chromedp.ListenTarget(ctx, func(event any) {
		if _, navigated := event.(*page.EventFrameNavigated); navigated {
			select {
			case shown <- struct{}{}:
			default: // it is known already
			}
		}
	})
	t.do(chromedp.ActionFunc(func(ctx context.Context) error {
		current, entries, err := page.GetNavigationHistory().Do(ctx)
		if err != nil {
			return err
		}
		return page.NavigateToHistoryEntry(entries[current-1].ID).Do(ctx)
	}))
	select {
	case <-shown:
	case <-ctx.Done():
		t.tb.Fatal("the page before is not shown")
	}
}

// online says whether the browser has a network, to it and to its connections.
func (f *fleet) online(online bool) {
	f.tb.Helper()
	for _, p := range f.proxies {
		p.shut(!online)
	}
	f.do(network.OverrideNetworkState(!online, 0, -1, -1))
}

// say publishes to all of the fleet.
func (f *fleet) say(body string) {
	f.tb.Helper()
	if status, _ := publish(f.tb, f.node, f.app.SecretKey, "room", body); status != http.StatusCreated {
		f.tb.Fatalf("publish: status %d", status)
	}
}

// stayed makes sure that all got so many messages, and that nobody was seen to leave or to enter. A watcher that was away itself
// has been told the whole set again.
func (f *fleet) stayed(messages int) {
	f.tb.Helper()
	f.run(`
		await Promise.all(fleet.map((one) => whole(one, "room", $1)))
		await clients.watcher.halley.channel("room").presence.get()
		const changes = clients.watcher.log.presence.slice(4).filter(({ action }) => action !== "sync")
		same([changes, clients.watcher.halley.channel("room").presence.members.length], [[], 3], "presence")`, messages)
}

// A page that is left and shown again by the Back button goes on where it was, and was never absent.
func TestBrowserComesBackByTheBackButton(t *testing.T) {
	t.Parallel()
	f := launch(t, 1)
	f.run(`window.shown = []; addEventListener("pageshow", ({ persisted }) => shown.push(persisted))`)
	f.do(chromedp.Navigate("about:blank"))
	f.say(`{"event":"count","data":0}`)
	f.back()
	f.run(`same(shown, [true], "shown again from memory")`)
	f.stayed(1)
}

// A page that is left for good ends its sessions: nobody waits for them.
func TestBrowserLeavesWithItsPage(t *testing.T) {
	t.Parallel()
	f := launch(t, 1)
	other := f.browser.open(t, startProxy(t, f.node.url), f.node.url, false)
	other.run(`
		const other = client("other", { key: $1 })
		await other.follow("room")
		other.watch("room")
		await until(() => other.halley.channel("room").presence.members.length === 3, "the members")`, f.app.PublishableKey)
	f.run(`addEventListener("unload", () => {})`) // keeps the page out of the memory of the Back button
	f.do(chromedp.Navigate("about:blank"))
	other.run(`await until(() => clients.other.halley.channel("room").presence.members.length === 0, "everybody to leave", 5000)`)
}

// Without a network the client tries again and again, ever more seldom; with one it comes back at once.
func TestBrowserComesBackOnline(t *testing.T) {
	t.Parallel()
	f := launch(t, 10)
	f.run(`Math.random = () => 1 // the longest waits`)
	f.online(false)
	f.say(`{"event":"count","data":0}`)
	f.run(`
		await Promise.all(fleet.map(({ log }) => until(() => log.states.some(({ delay }) => delay >= 8000), "a long wait")))
		clock.hasten(0.5) // the next wait is so long that no test sees its end
		const last = ({ log }) => log.states.at(-1)
		await Promise.all(fleet.map((one) => until(() => last(one).delay >= 16000, "a longer wait")))
		same(navigator.onLine, false, "the browser has a network")
		for (const one of fleet) one.planned = performance.now() + last(one).delay`)
	f.online(true)
	f.stayed(1)
	f.run(`if (fleet.some(({ planned }) => performance.now() > planned)) throw new Error("it came back by itself: " + tell())`)
}

// A page is frozen, as browsers do with those in the background, and loses its connections meanwhile. When it wakes it goes on.
func TestBrowserThaws(t *testing.T) {
	t.Parallel()
	f := launch(t, 1)
	f.run(`window.woken = []; for (const name of ["freeze", "resume"]) document.addEventListener(name, () => woken.push(name))`)
	f.do(page.SetWebLifecycleState(page.SetWebLifecycleStateStateFrozen))
	f.say(`{"event":"count","data":0}`)
	for _, p := range f.proxies {
		p.cut()
	}
	f.say(`{"event":"count","data":1}`)
	f.do(page.SetWebLifecycleState(page.SetWebLifecycleStateStateActive))
	f.stayed(2)
	f.run(`same(woken, ["freeze", "resume"], "states of the page")`)
}

// A machine wakes from sleep in another network: its clock has moved on, and its connections are dead without a word. The client
// does not wait for its time-out.
func TestBrowserWakes(t *testing.T) {
	t.Parallel()
	f := launch(t, 2)
	for _, p := range f.proxies {
		p.forget()
	}
	f.say(`{"event":"count","data":0}`)
	f.run(`clock.skip(600000); window.woken = performance.now()`)
	f.do(network.OverrideNetworkState(true, 0, -1, -1), network.OverrideNetworkState(false, 0, -1, -1))
	f.stayed(1)
	f.run(`if (performance.now() - woken > 15000) throw new Error("it took " + (performance.now() - woken) + " ms: " + tell())`)
}
