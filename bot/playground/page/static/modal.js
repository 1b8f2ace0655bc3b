// Forms that the bot opens.

import { h } from "./dom.js";
import { inline, markdown } from "./markdown.js";
import { interact, store } from "./store.js";

const ROW = 1, STRING_SELECT = 3, TEXT_INPUT = 4, TEXT_DISPLAY = 10, LABEL = 18;

export function openModal(interactionId, modal) {
  const owner = store.me;
  const fields = [];
  const body = modal.components.map((row) => {
    if (row.type === TEXT_DISPLAY) return h("div", {}, markdown(row.content));
    const child = row.type === ROW ? row.components[0] : row.component;
    const words = row.type === LABEL ? [row.label, row.description] : [child.label, null];
    const field = child.type === TEXT_INPUT ? textField(child, words) : choiceField(child, words);
    fields.push(field);
    return field.element;
  });
  const trouble = h("p", { class: "trouble", role: "alert" });
  const cancel = h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Cancel");
  const submit = h("button", { type: "submit", class: "button primary" }, "Submit");
  const form = h("form", { class: "modal-form", novalidate: true },
    h("header", {}, h("h2", { id: "modal-title" }, modal.title),
      h("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => dialog.close() }, "✕")),
    h("div", { class: "modal-body" }, body, trouble),
    h("footer", {}, cancel, submit));
  const dialog = h("dialog", { class: "modal", "aria-labelledby": "modal-title" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = fields.filter((field) => !field.check());
    if (wrong.length) { wrong[0].focus(); return; }
    submit.disabled = true;
    trouble.textContent = "";
    try {
      const values = Object.fromEntries(fields.map((field) => [field.id, field.value()]));
      const answer = await interact("submit_modal", { as: owner, interaction: interactionId, values });
      if (answer) { dialog.close(); return; }
      trouble.textContent = "Something went wrong: the bot did not answer in time. Try again.";
    } catch (error) {
      trouble.textContent = error.message;
    }
    submit.disabled = false;
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  fields[0]?.focus();
}

function frame(id, [label, description], required, control, counter) {
  const trouble = h("p", { class: "trouble", id: `${id}-trouble` });
  const element = h("div", { class: "modal-field" },
    h("label", { htmlFor: control.id }, inline(label), required && h("span", { class: "required", "aria-hidden": "true" }, " *")),
    description && h("p", { class: "description", id: `${id}-description` }, description),
    control, h("div", { class: "under" }, trouble, counter));
  control.setAttribute("aria-describedby", `${id}-description ${id}-trouble`);
  return { element, trouble };
}

function textField(input, words) {
  const id = `modal-${input.custom_id}`;
  const required = input.required ?? true;
  const high = input.max_length || 4000;
  const control = h(input.style === 2 ? "textarea" : "input", {
    id, placeholder: input.placeholder || "", value: input.value || "", required, ...(input.style === 2 ? { rows: 4 } : {}),
  });
  const counter = h("span", { class: "counter" });
  const { element, trouble } = frame(id, words, required, control, counter);
  const count = () => {
    const left = high - control.value.length;
    counter.textContent = `${control.value.length} / ${high}`;
    counter.classList.toggle("over", left < 0);
    trouble.textContent = left < 0 ? `${-left} characters too many.` : "";
    control.setAttribute("aria-invalid", String(left < 0));
  };
  control.addEventListener("input", count);
  count();
  return {
    id: input.custom_id, element, focus: () => control.focus(), value: () => control.value,
    check() {
      count();
      const length = control.value.length, low = Math.max(input.min_length || 0, required ? 1 : 0);
      if (length < low && (length || required)) {
        trouble.textContent = length ? `At least ${low} characters.` : "This is required.";
        control.setAttribute("aria-invalid", "true");
        return false;
      }
      return length <= high;
    },
  };
}

function choiceField(menu, words) {
  const id = `modal-${menu.custom_id}`;
  const required = menu.required ?? true;
  const several = (menu.max_values ?? 1) > 1;
  const options = menu.type === STRING_SELECT ? menu.options : store.state.users.map((user) => ({ label: user.global_name || user.username, value: user.id }));
  const control = h("select", { id, multiple: several, required },
    !several && h("option", { value: "" }, menu.placeholder || "Choose"),
    options.map((option) => h("option", { value: option.value, selected: Boolean(option.default) },
      option.description ? `${option.label}: ${option.description}` : option.label)));
  const { element, trouble } = frame(id, words, required, control, null);
  const value = () => [...control.selectedOptions].map((option) => option.value).filter(Boolean);
  return {
    id: menu.custom_id, element, focus: () => control.focus(), value,
    check() {
      const missing = required && !value().length;
      trouble.textContent = missing ? "Choose one." : "";
      return !missing;
    },
  };
}
