package console_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// hostile is what somebody writes wherever a text can be written.
const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>{{.}}`

// No text of a user runs as a script on any screen, with the policy of the page and by the escaping alone.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	house := furnish(t, nil, hostile)
	b := newBrowser(t)
	b.logIn(house.owner)
	b.run(chromedp.Evaluate(`1`, nil))
	for name, path := range house.screens() {
		body := house.owner.get(path).body
		for _, raw := range []string{"<script>alert", "<img src=x", "<svg onload", `"'>`} {
			if strings.Contains(body, raw) {
				t.Errorf("%s holds %s", name, raw)
			}
		}
		b.open(house.url + path)
		strange := eval[int](b, `document.querySelectorAll("img, [onerror], [onload], script:not([src])").length`)
		if strange != 0 {
			t.Errorf("%s: %d elements were made of a text", name, strange)
		}
		if name == "apps" {
			continue
		}
		if path == house.app && !strings.Contains(eval[string](b, `document.querySelector("h1").textContent`), "alert(1)") {
			t.Errorf("%s does not show the text as it is", name)
		}
	}
	// What comes over the socket is text as well.
	b.open(house.url + house.app)
	b.until(`document.querySelector("[data-live]").dataset.connected === "true"`)
	b.until(`document.querySelector("[data-log] .message-event").textContent.includes("<script>")`)
	strange := eval[int](b, `document.querySelectorAll("[data-log] script, [data-log] img, [data-log] svg").length`)
	if strange != 0 {
		t.Errorf("a message made %d elements", strange)
	}
	b.quiet() // an alert, a refused script or a report of the policy would stand here
}

// Without JavaScript the whole task is done by forms.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	b := newBrowser(t)
	b.run(emulation.SetScriptExecutionDisabled(true))
	b.open(house.url + "/signup")
	b.run(
		chromedp.SendKeys("#email", "ada@example.com"), chromedp.SendKeys("#password", goodPassword),
		chromedp.Submit("#password"), chromedp.WaitVisible("#publish"),
	)
	var secret string
	b.run(chromedp.Value("#secret", &secret))
	if !strings.HasPrefix(secret, "hl_sk_") {
		t.Errorf("the secret key is %q", secret)
	}
	for _, hidden := range []string{".copy", "[data-show]"} { // what needs a script is not on show without it
		if eval[bool](b, fmt.Sprintf(`Array.from(document.querySelectorAll(%q)).some(e => e.checkVisibility())`, hidden)) {
			t.Errorf("%s is on show", hidden)
		}
	}
	// The tabs are details that share a name.
	b.run(chromedp.Click(`.tabs details:nth-child(4) summary`))
	b.until(`document.querySelector("#snippet-python").checkVisibility() && !document.querySelector("#snippet-curl").checkVisibility()`)
	b.run(chromedp.Click(`#publish button[type=submit]`), chromedp.WaitVisible(`[data-id]`))
	b.run(chromedp.WaitVisible(`.message.sent`))
	b.shoot("without-scripts")
	// The menus open by themselves.
	b.run(chromedp.Click(`.account summary`), chromedp.Click(`.account a`), chromedp.WaitVisible("#current"))
	b.run(chromedp.Click(`.account summary`), chromedp.Click(`.account button`), chromedp.WaitVisible("#password"))
	b.quiet()
}

// With the keyboard alone, and the focus never lost.
func TestKeyboardOnly(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	b := newBrowser(t)
	b.size(1280, "light")
	b.open(house.url + "/signup")
	focus := func() string {
		return eval[string](b, `(document.activeElement.id || document.activeElement.textContent.trim().slice(0, 30))`)
	}
	if at := focus(); at != "email" {
		t.Errorf("the focus begins at %q", at)
	}
	b.run(
		chromedp.KeyEvent("ada@example.com"), chromedp.KeyEvent(kb.Tab),
		chromedp.KeyEvent("short and guessed"), chromedp.KeyEvent(kb.Enter),
	)
	b.until(`document.querySelector("[data-live]") !== null`)
	b.until(`document.querySelector("[data-live]").dataset.connected === "true"`)
	if at := focus(); at != "Publish" {
		t.Errorf("after the sign-up the focus is at %q", at)
	}
	b.run(chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelectorAll("[data-id]").length === 1 && document.activeElement.textContent.trim() === "Publish"`)

	// From the top: the skip link is first; each stop can be seen.
	b.open(house.url + "/apps")
	b.run(chromedp.KeyEvent(kb.Tab))
	if at := focus(); at != "Skip to content" {
		t.Errorf("the first stop is %q", at)
	}
	for range 30 {
		if eval[bool](b, `document.activeElement === document.body`) {
			break
		}
		if !eval[bool](b, `(() => {
			const e = document.activeElement, s = getComputedStyle(e)
			return e.checkVisibility() && s.outlineStyle !== "none" && s.outlineWidth !== "0px"
		})()`) {
			t.Errorf("the focus on %q cannot be seen", focus())
		}
		b.run(chromedp.KeyEvent(kb.Tab))
	}
	// A menu opens with Enter and closes with Escape, which gives the focus back.
	b.run(chromedp.Focus(".switcher summary"), chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelector(".switcher .pop").checkVisibility()`)
	b.run(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Escape))
	b.until(`!document.querySelector(".switcher .pop").checkVisibility()`)
	if !eval[bool](b, `document.activeElement.matches(".switcher summary")`) {
		t.Errorf("after Escape the focus is at %q", focus())
	}
	b.quiet()
}

// A refused form has the focus on what is wrong, each message leads to its field, and what was typed is kept.
func TestRefusedForms(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	b := newBrowser(t)
	b.expect("422")
	b.open(house.url + "/signup")
	b.run(
		chromedp.SendKeys("#email", "ada@example.com"), chromedp.SendKeys("#password", "passwordpassword"),
		chromedp.Submit("#password"),
	)
	b.until(`document.querySelector("[role=alert]") === document.activeElement && document.activeElement !== null`)
	if kept := eval[string](b, `document.querySelector("#email").value`); kept != "ada@example.com" {
		t.Errorf("the address is %q", kept)
	}
	if !eval[bool](b, `(() => {
		const id = document.querySelector("[aria-invalid]").getAttribute("aria-describedby")
		return document.getElementById(id).textContent.length > 0
	})()`) {
		t.Error("the field does not name its error")
	}
	b.run(chromedp.Click("[role=alert] a"))
	if at := eval[string](b, `location.hash`); at != "#password" {
		t.Errorf("the message leads to %q", at)
	}
	b.quiet()
}

// A key is on show once: not after a reload, and not by the Back button.
func TestKeyIsShownOnce(t *testing.T) {
	t.Parallel()
	house := newHouse(t, nil)
	ada := house.visitor()
	app, _ := ada.signUp("ada@example.com")
	made := ada.post(app+"/keys", "name", "Orders", "kind", "secret", "operation", "publish").want(t, http.StatusSeeOther)
	b := newBrowser(t)
	b.logIn(ada)
	b.open(house.url + made.location)
	var secret string
	b.run(chromedp.Value("#secret", &secret))
	gone := func(when string) {
		t.Helper()
		shown := eval[string](b, `document.documentElement.outerHTML +
			Array.from(document.querySelectorAll("input")).map(i => i.value)`)
		if strings.Contains(shown, secret) {
			t.Errorf("the key is on show %s", when)
		}
	}
	b.run(chromedp.Click(".card-foot .primary"), chromedp.WaitVisible("#create"))
	b.run(chromedp.Evaluate(`history.back()`, nil))
	b.until(`document.querySelector("#roll-title") !== null`)
	gone("after Back")
	b.run(chromedp.Reload())
	gone("after a reload")
	b.quiet()
}

// What a screen reader hears: each control has a name, headings step down one at a time, one h1, and the landmarks are there.
func TestAccessibilityTree(t *testing.T) {
	t.Parallel()
	house := furnish(t, nil, "Shop")
	b := newBrowser(t)
	b.expect("404 (Not Found)")
	check := func(name, path string) {
		b.open(house.url + path)
		var nodes []*accessibility.Node
		b.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
			nodes, err = accessibility.GetFullAXTree().Do(ctx)
			return err
		}))
		mains := 0
		for _, node := range nodes {
			if node.Ignored || node.Role == nil {
				continue
			}
			switch role := text(node.Role); role {
			case "button", "link", "textbox", "checkbox", "radio", "combobox", "DisclosureTriangle", "table", "navigation", "log":
				if strings.TrimSpace(text(node.Name)) == "" {
					t.Errorf("%s: a %s has no name", name, role)
				}
			case "main":
				mains++
			}
		}
		if mains != 1 {
			t.Errorf("%s: %d main landmarks", name, mains)
		}
		last := 0
		levels := eval[[]int](b, `Array.from(document.querySelectorAll("h1,h2,h3,h4")).map(h => Number(h.tagName[1]))`)
		for _, level := range levels {
			if level > last+1 || level == 1 && last != 0 {
				t.Errorf("%s: a heading of level %d follows one of %d", name, level, last)
			}
			last = level
		}
		twice := eval[[]string](b, `Array.from(document.querySelectorAll("[id]")).map(e => e.id)
			.filter((id, i, ids) => ids.indexOf(id) !== i)`)
		if len(twice) > 0 {
			t.Errorf("%s: ids that stand twice: %v", name, twice)
		}
		targets := eval[[]string](b, `
			Array.from(document.querySelectorAll("button, input:not([type=hidden]), select, summary, .button, nav a"))
			.filter(e => e.checkVisibility() && !["radio", "checkbox"].includes(e.type))
			.filter(e => e.getBoundingClientRect().height < 24)
			.map(e => e.outerHTML.slice(0, 80))`)
		for _, small := range targets {
			t.Errorf("%s: a target is lower than 24 px: %s", name, small)
		}
	}
	for name, path := range doors() {
		check(name, path)
	}
	b.logIn(house.owner)
	for name, path := range house.screens() {
		check(name, path)
	}
	b.quiet()
}

// text is a value of the accessibility tree.
func text(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	return strings.Trim(string(value.Value), `"`)
}
