// The message box: plain messages, and slash commands with a field for each option.

import { byId, h } from "./dom.js";
import { describe, makeField } from "./fields.js";
import { note } from "./messages.js";
import { openModal } from "./modal.js";
import * as popup from "./popup.js";
import { act, interact, Refused, store } from "./store.js";

const CHAT = 1, SUBCOMMAND = 1, GROUP = 2, FILE = 11;
const CONTENT_LIMIT = 2000;
let session = null;   // the command being filled in
let last = null;      // the command sent last: {path, values}
let sending = false;
let offeredNone = false;   // somebody asked for commands before there were any

const box = () => byId("say");

// -- commands

// "/imagine", "/style set", ...: {path, description, options}
function entries() {
  const found = [];
  for (const command of store.state.commands) {
    if (command.type !== CHAT || !store.place?.commands.includes(command.id)) continue;
    const walk = (node, path, description) => {
      const inner = (node.options || []).filter((option) => [SUBCOMMAND, GROUP].includes(option.type));
      if (!inner.length) found.push({ path, description, options: node.options || [] });
      for (const option of inner) walk(option, `${path} ${option.name}`, option.description);
    };
    walk(command, command.name, command.description);
  }
  return found.sort((a, b) => a.path.localeCompare(b.path));
}

function offerCommands() {
  const typed = box().value;
  if (!typed.startsWith("/") || typed.includes("\n")) { popup.close(); return; }
  const whole = longestCommand(typed);
  if (whole) { start(whole.entry, whole.rest); return; }
  const wanted = typed.slice(1).toLowerCase();
  const all = entries();
  offeredNone = !all.length;
  const fits = [...all.filter((entry) => entry.path.startsWith(wanted)), ...all.filter((entry) => !entry.path.startsWith(wanted) && (entry.path.includes(wanted) || entry.description.toLowerCase().includes(wanted)))];
  const lines = fits.map((entry) => ({ label: `/${entry.path}`, description: entry.description, value: entry }));
  popup.open(lines, { field: box(), pick: (line) => start(line.value), first: true, heading: "Commands of Ekaki",
    status: lines.length ? "" : all.length ? "No command matches." : "No commands here, or Ekaki is still starting." });
}

// "/imagine prompt: x" as typed or pasted: the command once a space follows its name.
function longestCommand(typed) {
  const fits = entries().filter((entry) => typed.startsWith(`/${entry.path} `));
  const entry = fits.sort((a, b) => b.path.length - a.path.length)[0];
  return entry && { entry, rest: typed.slice(entry.path.length + 2) };
}

function start(entry, rest = "", given = null) {
  popup.close();
  box().value = "";
  refuse("");
  const required = entry.options.filter((option) => option.required);
  session = {
    entry, channel: store.channel, fields: [],
    alive: () => session?.entry === entry,
    values: (except) => valuesOf(except, { lenient: true }),
    next: (field) => step(field, 1),
    jump: (field) => jump(field),
    remove: (field) => { removeField(field); box().focus(); },
  };
  byId("command").replaceChildren(
    h("span", { class: "command-name" }, `/${entry.path}`),
    h("button", { type: "button", class: "command-drop", "aria-label": `Drop /${entry.path}`, onclick: () => { leave(); box().focus(); } }, "✕"));
  byId("command").setAttribute("aria-label", `Command ${entry.path}`);
  byId("command").hidden = false;
  for (const option of required) addField(option);
  if (given) for (const [name, value] of Object.entries(given)) (fieldOf(name) || addOptional(name))?.set(value);
  if (rest.trim()) spread(rest);
  paintRest();
  (session.fields.find((field) => field.isEmpty())?.input || session.fields.at(-1)?.input || box()).focus();
  if (document.activeElement === box()) entered();
}

function leave() {
  session?.fields.forEach((field) => field.stop?.());
  session = null;
  box().value = "";
  byId("command").hidden = true;
  byId("command").replaceChildren();
  hint("");
  refuse("");
  popup.close();
  paintRest();
}

// -- fields

const fieldOf = (name) => session.fields.find((field) => field.option.name === name);
const unused = () => session.entry.options.filter((option) => !fieldOf(option.name));

function addField(option) {
  const field = makeField(option, session, { keydown: fieldKey, changed: () => { refuse(""); }, say: (name, text, at) => { hint(at.wrong || text, name); } });
  session.fields.push(field);
  byId("command").insertBefore(field.element, byId("command").querySelector(".command-drop"));
  paintRest();
  return field;
}

function addOptional(name) {
  const option = unused().find((each) => each.name === name);
  return option && addField(option);
}

function removeField(field) {
  field.stop?.();
  session.fields = session.fields.filter((each) => each !== field);
  field.element.remove();
  paintRest();
}

function step(field, by) {
  const to = session.fields[session.fields.indexOf(field) + by];
  (to?.input || box()).focus();
}

// An option's name and a colon, typed inside a field: go on in that option.
function jump(field) {
  const text = field.text();
  for (const option of session.entry.options) {
    const mark = `${option.name}:`;
    const own = option === field.option;
    if (own && text.startsWith(mark)) { field.set(text.slice(mark.length).trimStart()); return true; }
    if (own || (fieldOf(option.name) && !fieldOf(option.name).isEmpty())) continue;
    const at = text.search(new RegExp(`(^|\\s)${mark}`));
    if (at < 0) continue;
    const rest = text.slice(at).trimStart().slice(mark.length).trimStart();
    field.set(text.slice(0, at).trimEnd());
    const target = fieldOf(option.name) || addField(option);
    if (rest && !target.isFile) target.set(rest);
    target.input.focus();
    return true;
  }
  return false;
}

// As in the real client, text without an option's name goes to the first required option that is
// empty, or to the only option that is left. Anything else belongs to no option.
function forFreeText() {
  const empty = session.fields.find((field) => field.option.required && !field.isFile && field.isEmpty());
  if (empty) return empty.option;
  const left = unused();
  return left.length === 1 && left[0].type !== FILE ? left[0] : null;
}

// "prompt: 1girl seed: 4" over the fields.
function spread(text) {
  const names = session.entry.options.map((option) => option.name);
  const parts = text.split(new RegExp(`(?:^|\\s)(${names.join("|")}):`));
  const first = parts.shift().trim();
  const target = first && forFreeText();
  if (target) (fieldOf(target.name) || addField(target)).set(first);
  else box().value = first;
  for (let i = 0; i < parts.length; i += 2) {
    const field = fieldOf(parts[i]) || addOptional(parts[i]);
    if (field && !field.isFile) field.set(parts[i + 1].trim());
  }
}

function fieldKey(event, field) {
  if (commonKey(event)) return;
  const empty = field.isEmpty() && !field.text();
  if (event.key === "Tab" && !event.shiftKey && !field.isFile && popup.isOpen() && (popup.hasActive() || !field.isEmpty()) && !field.tabbed) {
    // As in the real client: Tab takes the suggestion. A second Tab goes on.
    event.preventDefault();
    popup.pickActive();
    field.tabbed = true;
    setTimeout(() => { field.input.addEventListener("input", () => { field.tabbed = false; }, { once: true }); }, 0);
  } else if (event.key === "Tab" && !event.shiftKey) {
    event.preventDefault();
    field.tabbed = false;
    step(field, 1);
  } else if (event.key === "Backspace" && empty) {
    event.preventDefault();
    const before = session.fields[session.fields.indexOf(field) - 1];
    if (!field.option.required) { removeField(field); (before?.input || box()).focus(); }
    else if (before) before.input.focus();
    else if (session.fields.every((each) => each.isEmpty())) { leave(); box().focus(); }
  }
}

// Arrows, Enter and Escape, in every field. Gives whether it was one of them.
function commonKey(event) {
  if (event.isComposing) return true;
  if ((event.key === "ArrowDown" || event.key === "ArrowUp") && popup.isOpen()) popup.move(event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "Escape" && !byId("popup").hidden) popup.close();
  else if (event.key === "Escape" && session?.fields.every((field) => field.isEmpty())) { leave(); box().focus(); }
  else if (event.key === "Enter" && !event.shiftKey) { if (!(popup.hasActive() && popup.pickActive())) submit(); }
  else return false;
  event.preventDefault();
  return true;
}

// -- the box itself: messages, and further options while a command is filled in

function paintRest() {
  const left = session ? unused().length : 0;
  box().placeholder = !session ? placeholder() : left ? `+${left} optional` : "";
  box().setAttribute("aria-label", session ? "Further options" : "Message or /command");
  box().classList.toggle("rest", Boolean(session));
  box().disabled = !session && !store.place?.may_send;
  grow();
}

function placeholder() {
  const channel = store.state.channels.find((each) => each.id === store.channel);
  return store.place?.may_send ? `Message ${channel?.type === 1 ? "@Ekaki" : `#${channel?.name}`}, or / for commands` : "You can't write here";
}

function offerOptions() {
  const wanted = box().value.trim().toLowerCase().replace(/:$/, "");
  const lines = unused().filter((option) => option.name.includes(wanted))
    .sort((a, b) => Number(b.name.startsWith(wanted)) - Number(a.name.startsWith(wanted)))
    .map((option) => ({ label: option.name, description: describe(option), value: option }));
  if (box().value.endsWith(":") && lines[0]?.value.name === wanted) { addOption(lines[0].value); return; }
  const target = wanted && !lines.length && forFreeText();
  if (target) {
    const begun = box().value.trimStart();
    box().value = "";
    popup.close();
    const field = fieldOf(target.name) || addField(target);
    field.input.focus();
    field.set(begun);
    field.suggest();
    return;
  }
  popup.open(lines, { field: box(), pick: (line) => addOption(line.value), first: Boolean(wanted), heading: "Options", status: lines.length || !wanted ? "" : "No option matches." });
}

function entered() {
  if (!session) return;
  hint("Add an option, or press Enter to send.");
  offerOptions();
}

function addOption(option) {
  box().value = "";
  popup.close();
  addField(option).input.focus();
}

function typed() {
  grow();
  refuse("");
  if (session) offerOptions();
  else {
    offerCommands();
    const over = box().value.length - CONTENT_LIMIT;
    if (!session && over > 0) refuse(`${over.toLocaleString("en")} characters too many: a message has at most ${CONTENT_LIMIT.toLocaleString("en")}.`);
  }
}

function grow() {
  box().style.height = "auto";
  box().style.height = `${Math.min(box().scrollHeight, 220)}px`;
}

function boxKey(event) {
  if (event.key === "ArrowUp" && !box().value && !session && !popup.isOpen() && last) { event.preventDefault(); again(); return; }
  if (commonKey(event)) return;
  if (event.key === "Tab" && !event.shiftKey && popup.isOpen()) {
    // Offered options are no duty: Tab takes one that was begun or marked, otherwise it goes on.
    if (session && !popup.hasActive()) return;
    event.preventDefault();
    popup.pickActive();
  } else if (event.key === "Backspace" && session && !box().value) {
    event.preventDefault();
    const before = session.fields.at(-1);
    if (before) before.input.focus();
    else leave();
  }
}

function again() {
  const entry = entries().find((each) => each.path === last.path);
  if (entry) start(entry, "", last.values);
}

// -- sending

async function valuesOf(except, { lenient = false } = {}) {
  const values = {};
  for (const field of session.fields) {
    if (field === except || (lenient && field.isFile)) continue;
    if (field.isEmpty()) {
      if (field.option.required && !lenient) throw fault(field, "This option is required.");
      if (field.option.required || lenient) continue;
      throw fault(field, "Give a value, or take this option away with Backspace.");
    }
    try {
      values[field.option.name] = await field.value();
    } catch (error) {
      if (!lenient) throw fault(field, error.message);
    }
  }
  return values;
}

function fault(field, text) {
  field.fault(text);
  field.input.focus();
  return new Refused(`${field.option.name}: ${text}`);
}

async function submit() {
  if (sending) return;
  sending = true;
  byId("composer").setAttribute("aria-busy", "true");
  try {
    // A command typed while the channel is loading becomes one as soon as its commands are known.
    if (!session) await store.entering;
    await (session ? sendCommand() : sendMessage());
  } catch (error) {
    refuse(error.message);
  } finally {
    sending = false;
    byId("composer").removeAttribute("aria-busy");
  }
}

async function sendMessage() {
  const content = box().value.trim();
  if (!content || content === "/") return;
  if (content.length > CONTENT_LIMIT) { typed(); return; }
  await act("say", { channel: store.channel, content });
  box().value = "";
  grow();
}

async function sendCommand() {
  const { entry, channel, fields } = session;
  if (box().value.trim()) throw new Refused(`"${box().value.trim()}" belongs to no option of /${entry.path}. Discord would leave it out.`);
  const sent = { path: entry.path, values: Object.fromEntries(fields.map((field) => [field.option.name, field.raw()])) };
  const sender = store.me;
  const answer = await interact("slash", { channel, name: entry.path, options: await valuesOf() });
  last = sent;
  if (session?.entry === entry) leave();
  box().focus();
  if (store.me !== sender) return;
  if (!answer) note(`You used /${entry.path}`, "The application did not respond.");
  else if (answer.modal) openModal(answer.id, answer.modal);
}

function refuse(text) {
  byId("refusal").textContent = text;
  byId("refusal").hidden = !text;
}

function hint(text, name = "") {
  byId("hint").replaceChildren(...(name ? [h("strong", {}, name), " "] : []), text);
  byId("hint").hidden = !text;
}

// A pasted or dropped picture goes to the command's file option.
function takeFile(file) {
  const field = session?.fields.find((each) => each.isFile && each.isEmpty())
    || (session && unused().filter((option) => option.type === FILE).slice(0, 1).map(addField)[0]);
  if (!field) { refuse("Files go with a command here: begin one that takes a file, for example /imagine."); return; }
  field.take(file);
  field.input.focus();
}

export function resetComposer() {
  if (session) leave();
  popup.close();
  refuse("");
  paintRest();
}

// After the commands came, or went.
export function repaintComposer() {
  paintRest();
  if (!session && document.activeElement === box() && box().value.startsWith("/") && offeredNone) offerCommands();
}

// As in the real client: letters typed where nothing takes them go into the message box.
function typedElsewhere(event) {
  const character = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (character && !event.target.closest("input, textarea, select, dialog, [role=listbox], [role=menu]")) box().focus();
}

export function setUpComposer() {
  addEventListener("keydown", typedElsewhere);
  box().addEventListener("input", typed);
  box().addEventListener("keydown", boxKey);
  box().addEventListener("focus", entered);
  box().addEventListener("click", () => { if (session && !popup.isOpen()) offerOptions(); });
  box().addEventListener("blur", () => { hint(""); popup.close(); });
  byId("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  byId("composer").addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) { event.preventDefault(); takeFile(file); }
  });
  addEventListener("dragover", (event) => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
  addEventListener("drop", (event) => {
    const file = event.dataTransfer?.files[0];
    if (file) { event.preventDefault(); takeFile(file); }
  });
}
