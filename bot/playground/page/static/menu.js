// Context menus: entries are {label, hint, danger, run} or {heading}.

import { h } from "./dom.js";

let open = null;

export function closeMenu() {
  open?.element.remove();
  open?.from?.focus?.({ preventScroll: true });
  open = null;
}

export function openMenu(entries, { x, y, from, label }) {
  closeMenu();
  const element = h("div", { class: "menu", role: "menu", "aria-label": label },
    entries.map((entry) => entry.heading
      ? h("div", { class: "menu-heading", role: "presentation" }, entry.heading)
      : h("button", { type: "button", role: "menuitem", tabIndex: -1, class: entry.danger ? "danger" : "",
          onclick: () => { closeMenu(); entry.run(); } }, entry.label)));
  element.addEventListener("keydown", (event) => {
    const items = [...element.querySelectorAll("[role=menuitem]")];
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[(to + items.length) % items.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") closeMenu();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.body.append(element);
  const box = element.getBoundingClientRect();
  element.style.left = `${Math.max(8, Math.min(x, innerWidth - box.width - 8))}px`;
  element.style.top = `${Math.max(8, Math.min(y, innerHeight - box.height - 8))}px`;
  open = { element, from };
  element.querySelector("[role=menuitem]")?.focus();
}

addEventListener("pointerdown", (event) => {
  if (open && !open.element.contains(event.target)) { open.from = null; closeMenu(); }
}, true);
