// Buttons, select menus and the layout components of messages.

import { h, safeLink } from "./dom.js";
import { markdown } from "./markdown.js";
import { openModal } from "./modal.js";
import { interact, store } from "./store.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary", 6: "primary" };
const emojiText = (emoji) => (emoji ? (emoji.id ? `:${emoji.name}:` : emoji.name) : "");

// `message` gives the message as it is when something is pressed; `fail` shows words under it.
export function componentNodes(components, context) {
  return components.map((component) => node(component, context)).filter(Boolean);
}

function node(component, context) {
  const inner = () => componentNodes(component.components || [], context);
  switch (component.type) {
    case 1: return h("div", { class: "row" }, inner());
    case 2: return button(component, context);
    case 3: case 5: case 6: case 7: case 8: return select(component, context);
    case 10: return h("div", {}, markdown(component.content));
    default: return null;
  }
}

export const colour = (number) => `#${number.toString(16).padStart(6, "0")}`;

function button(component, context) {
  const words = [component.emoji && h("span", { class: "emoji", "aria-hidden": Boolean(component.label) }, emojiText(component.emoji)), component.label];
  if (component.style === 5) {
    const href = safeLink(component.url);
    return h("a", { class: "button secondary", href: href || undefined, target: "_blank", rel: "noopener noreferrer" }, words, " ↗");
  }
  const element = h("button", {
    type: "button", class: `button ${STYLES[component.style] || "secondary"}`, disabled: Boolean(component.disabled),
    data: { key: component.custom_id }, "aria-label": component.label ? undefined : emojiText(component.emoji),
    onclick: () => use(element, context, "press", { custom_id: component.custom_id }),
  }, words);
  return element;
}

export async function use(element, context, action, body) {
  if (element?.getAttribute("aria-busy") === "true") return;
  element?.setAttribute("aria-busy", "true");
  context.fail("");
  try {
    const answer = await interact(action, { message: context.id, ...body });
    if (!answer) context.fail("This interaction failed.");
    else if (answer.modal) openModal(answer.id, answer.modal);
  } catch (error) {
    context.fail(error.message);
  } finally {
    element?.removeAttribute("aria-busy");
  }
}

function optionsOf(menu) {
  if (menu.type === 3) return menu.options;
  const chosen = new Set((menu.default_values || []).map((each) => each.id));
  const entity = (label, value) => ({ label, value, default: chosen.has(value) });
  if (menu.type === 8) {
    const kinds = menu.channel_types;
    const fits = (c) => c.name && (!kinds?.length || kinds.includes(c.type));
    return store.state.channels.filter(fits).map((c) => entity(`#${c.name}`, c.id));
  }
  if (menu.type === 6) return store.state.guilds.flatMap((guild) => guild.roles || []).map((role) => entity(role.name, role.id));
  return store.state.users.map((user) => entity(user.global_name || user.username, user.id));
}

function select(menu, context) {
  const low = menu.min_values ?? 1, high = menu.max_values ?? 1;
  const options = optionsOf(menu);
  const chosen = new Set(options.filter((option) => option.default).map((option) => option.value));
  const shownText = () => options.filter((option) => chosen.has(option.value)).map((option) => option.label).join(", ");
  const list = h("div", { class: "select-list", role: "listbox", hidden: true, "aria-multiselectable": high > 1 ? "true" : undefined,
    "aria-label": menu.placeholder || "Choices" });
  const head = h("button", {
    type: "button", class: "select-head", disabled: Boolean(menu.disabled), data: { key: menu.custom_id },
    "aria-haspopup": "listbox", "aria-expanded": "false",
    onclick: () => toggle(list.hidden),
  });
  const before = [...chosen].join("\n");
  const send = () => {
    if (chosen.size < low || chosen.size > high || [...chosen].join("\n") === before) return;
    use(head, context, "select", { custom_id: menu.custom_id, values: [...chosen] });
  };
  const items = options.map((option) => h("div", {
    class: "select-option", role: "option", tabIndex: -1, data: { value: option.value },
    onclick: () => pick(option),
  }, option.emoji && h("span", { class: "emoji" }, emojiText(option.emoji)),
  h("span", {}, h("span", {}, option.label), option.description && h("small", {}, option.description)),
  high > 1 && h("span", { class: "tick", "aria-hidden": "true" })));
  list.append(...items);
  function paint() {
    head.replaceChildren(h("span", {}, shownText() || menu.placeholder || "Make a selection"), h("span", { "aria-hidden": "true" }, "⌄"));
    head.classList.toggle("empty", !chosen.size);
    head.setAttribute("aria-label", [menu.placeholder, shownText()].filter(Boolean).join(": ") || "Make a selection");
    items.forEach((item) => item.setAttribute("aria-selected", String(chosen.has(item.dataset.value))));
  }
  function pick(option) {
    if (high === 1) {
      chosen.clear();
      chosen.add(option.value);
      toggle(false);
    } else if (chosen.has(option.value)) chosen.delete(option.value);
    else if (chosen.size < high) chosen.add(option.value);
    paint();
  }
  function toggle(show) {
    if (list.hidden !== show) return;
    list.hidden = !show;
    head.setAttribute("aria-expanded", String(show));
    if (show) {
      (items.find((item) => chosen.has(item.dataset.value)) || items[0])?.focus();
      addEventListener("pointerdown", outside, true);
    } else {
      removeEventListener("pointerdown", outside, true);
      head.focus({ preventScroll: true });
      send();
      list.dispatchEvent(new Event("closed", { bubbles: true }));   // see `swap` of the messages
    }
  }
  const outside = (event) => { if (!element.contains(event.target)) toggle(false); };
  list.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[(to + items.length) % items.length].focus();
    else if (event.key === "Enter" || event.key === " ") pick(options[at]);
    else if (event.key === "Escape" || event.key === "Tab") toggle(false);
    else return;
    event.preventDefault();
  });
  const element = h("div", { class: "select" }, head, list);
  paint();
  return element;
}
