// The list above the composer: of commands, options, choices, suggestions. The keyboard stays in
// the text field; the chosen line is told by aria-activedescendant.

import { byId, h } from "./dom.js";

let items = [];
let active = -1;
let current = null;   // {field, pick}

const box = () => byId("popup");
export const isOpen = () => !box().hidden && items.length > 0;
export const hasActive = () => isOpen() && active >= 0;

// `lines`: {label, description, tag, value}. `field`: the input that keeps the focus.
export function open(lines, { field, pick, first = false, heading = "", status = "" }) {
  if (current && current.field !== field) close();
  current = { field, pick };
  items = lines.map((line, index) => ({ line, element: h("div", {
    id: `line-${index}`, class: "line", role: "option", "aria-selected": "false",
    onpointerdown: (event) => event.preventDefault(),
    onclick: () => { active = index; pickActive(); },
    onpointermove: () => mark(index),
  }, h("span", { class: "line-name" }, line.label), line.tag && h("span", { class: "line-tag" }, line.tag),
  line.description && h("small", {}, line.description)) }));
  box().replaceChildren(
    ...(heading ? [h("div", { class: "popup-heading", role: "presentation" }, heading)] : []),
    ...(status ? [h("div", { class: "popup-status", role: "presentation" }, status)] : []),
    ...items.map((item) => item.element));
  box().hidden = !items.length && !status;
  field.setAttribute("aria-expanded", String(items.length > 0));
  mark(first && items.length ? 0 : -1);
}

export function close() {
  box().hidden = true;
  current?.field.setAttribute("aria-expanded", "false");
  current?.field.removeAttribute("aria-activedescendant");
  current = null;
  items = [];
  active = -1;
}

function mark(index) {
  active = index;
  items.forEach((item, at) => item.element.setAttribute("aria-selected", String(at === index)));
  if (index >= 0) {
    current.field.setAttribute("aria-activedescendant", `line-${index}`);
    items[index].element.scrollIntoView({ block: "nearest" });
  } else current.field.removeAttribute("aria-activedescendant");
}

export function move(step) {
  if (!items.length) return;
  mark(active < 0 ? (step > 0 ? 0 : items.length - 1) : (active + step + items.length) % items.length);
}

export function pickActive() {
  if (!items.length) return false;
  const { line } = items[Math.max(active, 0)];
  const { pick } = current;
  close();
  pick(line);
  return true;
}
