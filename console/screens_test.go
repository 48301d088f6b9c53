package console_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// Every screen at three widths in light and dark: nothing is wider than the window, and the browser complains about nothing.
func TestScreensFitEveryWindow(t *testing.T) {
	t.Parallel()
	house := furnish(t, nil, "Shop")
	b := newBrowser(t)
	b.expect("404 (Not Found)") // the page of what is not there
	check := func(name, path string) {
		b.open(house.url + path)
		for _, width := range []int64{320, 768, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				b.size(width, scheme)
				if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > width {
					t.Errorf("%s at %d px is %d px wide", name, width, wide)
				}
				b.shoot(fmt.Sprintf("%s-%d-%s", name, width, scheme))
			}
		}
	}
	for name, path := range doors() {
		check(name, path)
	}
	b.logIn(house.owner)
	for name, path := range house.screens() {
		check(name, path)
	}
	check("pushersecret", house.owner.post(house.pusher+"/show").location)
	b.quiet()
}

// On a phone the rail is wider than the window: it shows the item of the page, and leaves an anchor where it is.
func TestRailShowsThisPage(t *testing.T) {
	t.Parallel()
	house := furnish(t, nil, "Shop")
	b := newBrowser(t)
	b.logIn(house.owner)
	b.size(320, "light")
	b.open(house.url + house.app + "/settings#signing")
	if right := eval[float64](b, `document.querySelector(".rail nav [aria-current]").getBoundingClientRect().right`); right > 320 {
		t.Errorf("the item of the page ends at %v px", right)
	}
	if top := eval[float64](b, `document.querySelector("#signing").getBoundingClientRect().top`); top > 700 {
		t.Errorf("the anchor is %v px down", top)
	}
	b.quiet()
}

// With JavaScript: the pane is live, a press of Publish stays on the page, and the message arrives over the socket.
func TestTwoClicksToTheFirstMessage(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	b := newBrowser(t)
	b.size(1280, "light")
	b.open(house.url + "/signup")
	b.run(chromedp.SendKeys("#email", "ada@example.com"), chromedp.SendKeys("#password", goodPassword))
	b.run(chromedp.Click("button[type=submit]"))
	b.until(`document.querySelector("[data-live]")?.dataset.connected === "true"`)
	b.shoot("first-live")
	b.run(chromedp.Click("#publish button[type=submit]"))
	b.until(`document.querySelectorAll("[data-log] [data-id]").length === 1`)
	b.until(`document.querySelector("[data-result]").textContent === "Published to hello as #1"`)
	if hidden := eval[bool](b, `document.querySelector("[data-empty]").checkVisibility()`); hidden {
		t.Error("the empty state is still on show")
	}
	b.shoot("first-message")

	// Another channel: the pane follows.
	b.run(chromedp.SetValue("#channel", "other"), chromedp.Click("#publish button[type=submit]"))
	b.until(`document.querySelector("[data-live-channel]").textContent === "other"`)
	b.until(`document.querySelectorAll("[data-log] [data-id]").length === 1`)
	b.quiet()
}
