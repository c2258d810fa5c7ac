// Keys and clicks of the review page. Loaded once per page; everything that decides goes to the server, together with
// the question that was on the screen when the key was pressed, so that no key falls on a question nobody has seen.
(() => {
  const KEYS = new Set(["j", "k", "1", "2", "3", "4", "5", "6", "7", "8", "9", "u", "e", "w", "g", "?", "Enter", "Escape"]);
  const visible = (el) => el && el.getClientRects().length > 0;
  const shown = () => {
    const card = document.querySelector("[data-shown]");
    return visible(card) ? card.dataset.shown : "";
  };
  // Until the server is ready to listen, what was pressed waits.
  let ready = false;
  const early = [];
  const emit = (name, value) => (ready ? emitEvent(name, value) : early.push([name, value]));
  window.hccReady = () => {
    ready = true;
    document.body.dataset.ready = "yes";
    early.splice(0).forEach(([name, value]) => emitEvent(name, value));
  };
  const send = (key) => emit("hcc_key", { key, shown: shown() });
  const typing = (el) =>
    el.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], [role=combobox]") ||
    el.closest(".q-menu, [role=listbox]");
  const rows = () => [...document.querySelectorAll(".hcc-queue .hcc-open")];

  // A new page of the queue, or news from somebody else, replaces the rows: the place of the focus is kept.
  let place = null;
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest(".hcc-queue .hcc-open");
    place = row ? { question: row.dataset.open, index: rows().indexOf(row) } : null;
  });
  document.addEventListener("mousedown", () => (place = null));
  const lost = () => place && !shown() && (!document.activeElement || document.activeElement === document.body);
  const restore = () => {
    if (!lost()) return;
    const all = rows();
    const same = all.find((row) => row.dataset.open === place.question);
    (same || all[Math.min(place.index, all.length - 1)])?.focus();
  };
  new MutationObserver(restore).observe(document.documentElement, { childList: true, subtree: true });

  // In the queue j and k move the focus from row to row; at the ends the server turns the page.
  function move(step) {
    const all = rows();
    const here = all.indexOf(document.activeElement);
    const next = here < 0 ? (step > 0 ? 0 : all.length - 1) : here + step;
    if (next >= 0 && next < all.length) all[next].focus();
    else send(step > 0 ? "next_page" : "previous_page");
  }

  document.addEventListener("keydown", (event) => {
    const el = event.target;
    if (typing(el)) {
      if (event.key === "Escape" && !document.querySelector(".q-menu")) {
        el.blur();
        document.querySelector(".hcc-main")?.focus();
      }
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send("Enter");
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    restore();
    if (event.key === "Enter" && el === document.body && document.activeElement !== document.body) {
      event.preventDefault();
      document.activeElement.click();
      return;
    }
    if (event.key === "/") {
      event.preventDefault();
      const field = document.querySelector(".hcc-member-filter input");
      if (visible(field)) field.focus();
      else send("/");
      return;
    }
    if (event.key === "n" && visible(document.querySelector(".hcc-note-field textarea"))) {
      event.preventDefault();
      document.querySelector(".hcc-note-field textarea").focus();
      return;
    }
    if (!KEYS.has(event.key)) return;
    if (event.key === "Enter" && el.closest("button, a, [role=button], summary")) return;
    event.preventDefault();
    if ((event.key === "j" || event.key === "k") && !shown() && rows().length) move(event.key === "j" ? 1 : -1);
    else send(event.key);
  });

  document.addEventListener("click", (event) => {
    const opened = event.target.closest("[data-open]");
    if (opened) emit("hcc_open", opened.dataset.open);
    const keyed = event.target.closest("[data-key]");
    if (keyed) send(keyed.dataset.key);
  });

  // A click anywhere in a row of the queue opens it.
  document.addEventListener("click", (event) => {
    const row = event.target.closest(".hcc-queue tbody tr");
    if (row && !event.target.closest("button, a, input")) row.querySelector(".hcc-open")?.click();
  });

  // "first", "last", or the row of a question where it is still listed.
  window.hccFocusRow = (wanted) => setTimeout(() => {
    const all = rows();
    const row = all.find((one) => one.dataset.open === wanted);
    (row || (wanted === "last" ? all[all.length - 1] : all[0]))?.focus();
  }, 60);
  window.hccFocus = (selector) => {
    const tryFocus = (left) => {
      const el = document.querySelector(selector);
      if (visible(el)) el.focus({ preventScroll: false });
      else if (left) setTimeout(() => tryFocus(left - 1), 30);
    };
    tryFocus(20);
  };
})();
