// The console's islands. Every page works without this file; it adds what is live: copy buttons, menus that close, publishing without
// a reload, and the pane that shows messages as they arrive, over the same client that customers use (/halley.js).
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, scope = document) => Array.from(scope.querySelectorAll(selector));
  const first = (selector, scope = document) => scope.querySelector(selector);

  // Times: the server writes them in UTC; here they are the reader's own, and the relative ones keep pace.
  const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
  const hours = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

  function ago(then) {
    const seconds = Math.round((then - Date.now()) / 1000);
    for (const [unit, size] of units) {
      if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
    }
    return seconds > 0 ? "in a moment" : "just now";
  }

  function tellTimes(scope) {
    for (const time of all("time[datetime]", scope)) {
      const then = new Date(time.dateTime);
      time.title = exact.format(then);
      time.textContent = time.dataset.clock === undefined ? ago(then) : hours.format(then);
    }
  }
  tellTimes();
  setInterval(() => tellTimes(), 30000);

  // Menus close on Escape, on a click elsewhere, and when the focus leaves them.
  const menus = all("[data-menu]");
  document.addEventListener("click", (event) => {
    for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus) {
      if (!menu.open) continue;
      menu.open = false;
      first("summary", menu).focus();
    }
  });
  for (const menu of menus) {
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
    });
  }

  // On a narrow screen the rail is a row that scrolls: the item of this page must be on show.
  const here = first(".rail nav [aria-current]");
  if (here) {
    const nav = here.closest("nav"); // scrollIntoView would move the page as well, away from an anchor
    nav.scrollLeft += Math.max(0, here.getBoundingClientRect().right - nav.getBoundingClientRect().right);
  }

  // The tab that is open stays open: a second press on it would leave nothing on show.
  for (const summary of all("[data-tabs] > details > summary")) {
    summary.addEventListener("click", (event) => {
      if (summary.parentElement.open) event.preventDefault();
    });
  }

  // After a refused form the list of what is wrong has the focus.
  const faults = first("[data-focus]");
  if (faults) faults.focus();

  // A secret that is shown once leaves with its page. Browsers keep whole pages for the Back button, no-store or not.
  if (document.getElementById("secret")) {
    addEventListener("pagehide", () => document.body.replaceChildren());
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }

  for (const field of all("[data-select]")) field.addEventListener("focus", () => field.select());

  for (const button of all("[data-show]")) {
    const field = document.getElementById(button.dataset.show);
    button.addEventListener("click", () => {
      const shown = field.type === "password";
      field.type = shown ? "text" : "password";
      button.textContent = shown ? "Hide" : "Show";
      button.setAttribute("aria-pressed", String(shown));
    });
  }

  // Copying. The clipboard is there in secure contexts only: elsewhere the text is selected, and the reader presses the keys.
  function select(source) {
    if (source.select) {
      source.focus();
      source.select();
      return;
    }
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(source.value === undefined ? source.textContent : source.value);
    } catch {
      select(source);
      said = "Press Ctrl+C";
    }
    button.textContent = said;
    clearTimeout(button.timer);
    button.timer = setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }
  for (const button of all("[data-copy]")) {
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", () => copy(button));
  }

  // The live pane.
  const pane = first("[data-live]");
  if (pane) live(pane, first("[data-publish]"));

  function live(pane, form) {
    const log = first("[data-log]", pane);
    const empty = first("[data-empty]", pane);
    const badge = first("[data-state]", pane);
    const stateText = first("[data-state-text]", pane);
    const kept = 100;
    let channel;
    let halley;

    const states = {
      connecting: ["", "Connecting"],
      connected: ["good", "Live"],
      waiting: ["warn", "Reconnecting"],
      closed: ["", "Closed"],
      failed: ["bad", "Not connected"],
    };
    function say(state) {
      const [look, text] = states[state] || ["", state];
      badge.className = "badge " + look;
      stateText.textContent = text;
      pane.dataset.connected = String(state === "connected");
    }

    function node(name, className, text) {
      const made = document.createElement(name);
      if (className) made.className = className;
      if (text !== undefined) made.textContent = text;
      return made;
    }

    function show(message) {
      if (all("[data-id]", log).some((known) => known.dataset.id === message.id)) return;
      const row = node("article", "message fresh");
      row.dataset.id = message.id;
      const title = node("p", "message-event", message.event + " ");
      title.append(node("span", "offset", "#" + message.offset));
      const time = node("time");
      time.dateTime = new Date(message.timestamp).toISOString();
      time.dataset.clock = "";
      row.append(title, time, node("pre", "", JSON.stringify(message.data, null, 2)));
      log.prepend(row);
      tellTimes(row);
      empty.classList.add("hidden");
      for (const old of all("[data-id]", log).slice(kept)) old.remove();
    }

    function gap(notice) {
      const row = node("article", "message");
      row.append(node("p", "message-event", "Gap"), node("span"), node("pre", "", "Messages may be missing: " + notice.reason));
      log.prepend(row);
    }

    function follow(name) {
      if (channel) channel.unsubscribe();
      channel = halley.channel(name, { rewind: kept });
      channel.subscribe(show);
      channel.on("gap", gap);
    }

    async function token() {
      const answer = await fetch(pane.dataset.token, { method: "POST", headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error("no token: " + answer.status);
      return (await answer.json()).token;
    }

    if (typeof Halley === "function") {
      say("connecting");
      halley = new Halley({ token, url: location.origin });
      halley.on("state", ({ state }) => say(state));
      follow(pane.dataset.channel);
      first("[data-refresh]", pane).classList.add("hidden");
    }

    const button = first("button[type=submit]", form);
    const result = first("[data-result]", form);
    function answer(look, text) {
      result.className = "result " + look;
      result.textContent = text;
    }

    form.addEventListener("submit", async (event) => {
      if (!halley) return;
      event.preventDefault();
      const wanted = form.elements.channel.value.trim();
      if (wanted && wanted !== channel.name) {
        log.replaceChildren();
        empty.classList.remove("hidden");
        first("[data-live-channel]", pane).textContent = wanted;
        follow(wanted);
      }
      button.disabled = true;
      try {
        const reply = await fetch(form.action, {
          method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(new FormData(form)),
        });
        const body = await reply.json();
        if (reply.ok) answer("good", "Published to " + body.channel + " as #" + body.offset);
        else answer("bad", body.error.message);
      } catch {
        answer("bad", "The console did not answer. Try again.");
      } finally {
        button.disabled = false;
        button.focus();
      }
    });
  }
})();
