// The options of a slash command: one field each, that knows its type, suggestions and mistakes.

import { h, sizeText } from "./dom.js";
import * as popup from "./popup.js";
import { channelName, interact, isBot, nameOf, Refused, store } from "./store.js";

const STRING = 3, INTEGER = 4, BOOLEAN = 5, USER = 6, CHANNEL = 7, ROLE = 8, MENTIONABLE = 9, NUMBER = 10, FILE = 11;
export const FILE_LIMIT = 10 * 1024 * 1024;   // Discord's, without boosts
const DEBOUNCE_MS = 200;

// `session`: {entry, channel, others(except) -> values}
export function makeField(option, session, { keydown, changed, say }) {
  const field = option.type === FILE ? fileField(option, changed) : textField(option, session, { changed });
  field.option = option;
  const remove = !option.required && h("button", { type: "button", class: "field-remove", tabIndex: -1, "aria-label": `Remove ${option.name}`, onclick: () => session.remove(field) }, "✕");
  field.element = h("div", { class: `field${option.type === STRING && !option.choices ? " wide" : ""}`, data: { option: option.name } },
    h("label", { htmlFor: field.input.id }, option.name), field.body, remove);
  field.input.addEventListener("keydown", (event) => keydown(event, field));
  field.input.addEventListener("focus", () => say(option.name, describe(option), field));
  field.fault = (text) => {
    field.element.classList.toggle("wrong", Boolean(text));
    field.input.setAttribute("aria-invalid", String(Boolean(text)));
    field.wrong = text;
  };
  return field;
}

export function describe(option) {
  const parts = [/(?:[.!?)]|[^\x20-\x7e])$/.test(option.description) ? option.description : `${option.description}.`];
  if (option.min_value !== undefined || option.max_value !== undefined) {
    parts.push(option.min_value === undefined ? `At most ${option.max_value}.` : option.max_value === undefined ? `At least ${option.min_value}.` : `${option.min_value} to ${option.max_value}.`);
  }
  if (!option.required) parts.push("Optional.");
  return parts.join(" ").trim();
}

// -- files

function fileField(option, changed) {
  let file = null;
  const input = h("input", { type: "file", id: `option-${option.name}`, class: "hidden-file", "aria-label": `${option.name}: choose a file` });
  const face = h("span", { class: "file-face", onclick: () => input.click() }, "Choose a file, drop or paste it");
  const body = h("span", { class: "file-body" }, input, face);
  const take = (chosen) => {
    file = chosen;
    face.replaceChildren(chosen ? `${chosen.name} (${sizeText(chosen.size)})` : "Choose a file, drop or paste it");
    if (chosen?.type.startsWith("image/") && chosen.size <= FILE_LIMIT) {
      const address = URL.createObjectURL(chosen);
      const image = h("img", { src: address, alt: "", onload: () => URL.revokeObjectURL(address), onerror: () => image.remove() });
      face.prepend(image);
    }
    changed();
  };
  input.addEventListener("change", () => take(input.files[0] || null));
  return {
    input, body, take, isFile: true,
    isEmpty: () => !file,
    text: () => "",
    set: take,
    raw: () => file,
    async value() {
      if (file.size > FILE_LIMIT) throw new Refused(`This file has ${sizeText(file.size)}; at most ${sizeText(FILE_LIMIT)} can be uploaded.`);
      return { filename: file.name, content_type: file.type || "application/octet-stream", base64: await base64(file) };
    },
  };
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Refused("This file could not be read."));
    reader.readAsDataURL(file);
  });
}

// -- everything typed

function textField(option, session, { changed }) {
  let picked = null;   // {label, value}: a suggestion that stands in the field as it was chosen
  let timer = 0, asked = 0;
  const input = h("textarea", {
    id: `option-${option.name}`, rows: 1, role: "combobox", "aria-expanded": "false", "aria-controls": "popup", "aria-autocomplete": "list",
    "aria-describedby": "hint", "aria-required": String(Boolean(option.required)), enterkeyhint: "send", spellcheck: false, autocapitalize: "off",
    inputMode: option.type === INTEGER ? "numeric" : option.type === NUMBER ? "decimal" : "text",
  });
  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
  };
  // A field that appears beside it makes it narrower, and its text longer.
  let width = 0;
  new ResizeObserver(() => {
    if (input.clientWidth !== width) { width = input.clientWidth; grow(); }
  }).observe(input);
  const fixed = fixedChoices(option);
  const set = (text) => { input.value = text; picked = null; grow(); changed(); };

  function pick(line) {
    picked = { label: line.label, value: line.value };
    input.value = line.label;
    grow();
    changed();
    input.focus();
    input.setSelectionRange(input.value.length, input.value.length);
    if (option.autocomplete) suggest();
  }

  async function suggest() {
    if (fixed) {
      const typed = picked ? "" : input.value.trim().toLowerCase();
      const lines = fixed.filter((choice) => choice.label.toLowerCase().includes(typed)).slice(0, 25);
      popup.open(lines, { field: input, pick: pickFixed, first: Boolean(lines.length), heading: option.name, status: lines.length ? "" : "No option matches." });
      return;
    }
    if (!option.autocomplete) return;
    clearTimeout(timer);
    const mine = (asked += 1);
    timer = setTimeout(async () => {
      const current = () => mine === asked && document.activeElement === input && session.alive();
      try {
        const answer = await interact("autocomplete", {
          channel: session.channel, name: session.entry.path, focused: option.name,
          options: { ...(await session.values(field)), [option.name]: picked ? String(picked.value) : input.value },
        });
        if (!current()) return;
        const lines = (answer?.choices || []).map((choice) => ({ label: choice.name, value: choice.value }));
        popup.open(lines, { field: input, pick, heading: option.name, status: answer ? "" : "Loading options failed." });
      } catch (error) {
        if (current()) popup.open([], { field: input, pick, status: error.message });
      }
    }, DEBOUNCE_MS);
  }

  function pickFixed(line) {
    picked = { label: line.label, value: line.value };
    input.value = line.label;
    grow();
    changed();
    session.next(field);
  }

  input.addEventListener("input", () => {
    if (/[\n\r]/.test(input.value)) input.value = input.value.replace(/\s*[\n\r]+\s*/g, " ");
    picked = null;
    field.fault("");
    grow();
    if (session.jump(field)) return;
    changed();
    suggest();
  });
  input.addEventListener("focus", suggest);
  input.addEventListener("click", () => { if (!popup.isOpen()) suggest(); });
  input.addEventListener("blur", () => { asked += 1; clearTimeout(timer); popup.close(); });

  const field = {
    input, body: input, set, grow, suggest,
    isEmpty: () => !input.value.trim(),
    text: () => input.value,
    raw: () => input.value,
    // Throws Refused with words for the person.
    value: () => valueOf(option, input.value, picked, fixed),
    stop: () => { asked += 1; clearTimeout(timer); },
  };
  return field;
}

function fixedChoices(option) {
  if (option.choices?.length) return option.choices.map((choice) => ({ label: choice.name, value: choice.value }));
  const people = () => store.state.users.map((user) => ({ label: nameOf(user), value: user.id, tag: isBot(user.id) ? "app" : "" }));
  const roles = () => store.state.guilds.flatMap((guild) => guild.roles).map((role) => ({ label: role.name, value: role.id }));
  switch (option.type) {
    case BOOLEAN: return [{ label: "True", value: true }, { label: "False", value: false }];
    case USER: return people();
    case ROLE: return roles();
    case MENTIONABLE: return [...people(), ...roles()];
    case CHANNEL: return store.state.channels.filter((channel) => channel.name).map((channel) => ({ label: `#${channelName(channel)}`, value: channel.id }));
    default: return null;
  }
}

function valueOf(option, text, picked, fixed) {
  const typed = text.trim();
  if (picked && picked.label === text) return picked.value;
  if (fixed) {
    const wanted = typed.toLowerCase();
    const found = fixed.find((choice) => choice.label.toLowerCase() === wanted || String(choice.value).toLowerCase() === wanted);
    if (!found) throw new Refused("Choose one of the suggestions.");
    return found.value;
  }
  if (option.type === INTEGER || option.type === NUMBER) return numberOf(option, typed);
  const low = Math.max(option.min_length ?? 0, 1), high = option.max_length ?? 6000;
  if (text.length > high) throw new Refused(`This has ${text.length.toLocaleString("en")} characters; at most ${high.toLocaleString("en")} fit.`);
  if (typed.length < low) throw new Refused(`At least ${low} characters are needed.`);
  return text;
}

function numberOf(option, typed) {
  const whole = option.type === INTEGER;
  const number = Number(typed.replace(",", "."));
  if (!typed || !Number.isFinite(number) || (whole && !/^[+-]?\d+$/.test(typed))) {
    throw new Refused(whole ? "This takes a whole number." : "This takes a number.");
  }
  const low = option.min_value ?? -(2 ** 53), high = option.max_value ?? 2 ** 53;
  if (number < low || number > high) throw new Refused(`This takes ${option.min_value ?? "any number"} to ${option.max_value ?? "any number"}.`);
  return number;
}
