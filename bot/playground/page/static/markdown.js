// The part of Discord's markdown that bots use, as DOM nodes. No HTML comes in or out.

import { h, safeLink } from "./dom.js";
import { store, userOf, nameOf, channelName } from "./store.js";

const INLINE = [
  [/^\\([^A-Za-z0-9\s])/, (m) => m[1]],
  [/^``(.+?)``(?!`)/s, (m) => h("code", {}, m[1].trim())],
  [/^`([^`]+)`/s, (m) => h("code", {}, m[1])],
  [/^\*\*\*(?=\S)(.+?)\*\*\*/s, (m) => h("strong", {}, h("em", {}, inline(m[1])))],
  [/^\*\*(?=\S)(.+?)\*\*(?!\*)/s, (m) => h("strong", {}, inline(m[1]))],
  [/^__(?=\S)(.+?)__(?!_)/s, (m) => h("u", {}, inline(m[1]))],
  [/^\*(?=\S)([^*\n]*?[^*\s])\*(?!\*)/, (m) => h("em", {}, inline(m[1]))],
  [/^_(?=\S)([^_\n]+?)_(?![A-Za-z0-9_])/, (m) => h("em", {}, inline(m[1])), /[A-Za-z0-9_]$/],
  [/^~~(?=\S)(.+?)~~/s, (m) => h("s", {}, inline(m[1]))],
  [/^\|\|(.+?)\|\|/s, (m) => spoiler(inline(m[1]))],
  [/^<t:(-?\d{1,13})(?::([tTdDfFR]))?>/, (m) => timestamp(Number(m[1]), m[2] || "f")],
  [/^<@!?(\d+)>/, (m) => mention(`@${nameOf(userOf(m[1]))}`)],
  [/^<@&(\d+)>/, (m) => mention(`@${roleName(m[1])}`)],
  [/^<#(\d+)>/, (m) => channelLink(m[1])],
  [/^<\/([^:>]{1,100}):\d+>/, (m) => mention(`/${m[1]}`)],
  [/^<a?:(\w+):\d+>/, (m) => `:${m[1]}:`],
  [/^\[([^\]\n]+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/, (m) => link(m[2], inline(m[1]))],
  [/^<(https?:\/\/[^\s>]+)>/, (m) => link(m[1], [m[1]])],
  [/^https?:\/\/[^\s<>]*[^\s<>.,:;"')\]]/, (m) => link(m[0], [m[0]])],
];
const SPECIAL = /[\\`*_~|<[h]/g;

export function inline(text) {
  const nodes = [];
  let plain = "";
  while (text) {
    let found = null;
    for (const [pattern, make, before] of INLINE) {
      const match = pattern.exec(text);
      if (match && !(before && before.test(plain))) { found = [match, make]; break; }
    }
    if (found) {
      if (plain) nodes.push(plain);
      plain = "";
      nodes.push(found[1](found[0]));
      text = text.slice(found[0][0].length);
    } else {
      SPECIAL.lastIndex = 1;
      const next = SPECIAL.exec(text)?.index ?? text.length;
      plain += text.slice(0, next);
      text = text.slice(next);
    }
  }
  if (plain) nodes.push(plain);
  return nodes.flat();
}

export function markdown(text) {
  const nodes = [];
  const parts = text.split(/```(?:([\w+-]{1,20})\n)?([\s\S]+?)```/);
  for (let i = 0; i < parts.length; i += 3) {
    if (parts[i]) nodes.push(...lines(parts[i].replace(i ? /^\n/ : /^(?!)/, "")));
    if (parts[i + 2] !== undefined) nodes.push(h("pre", {}, h("code", {}, parts[i + 2].replace(/^\n|\n$/g, ""))));
  }
  return nodes;
}

function lines(text) {
  const nodes = [];
  let paragraph = [];
  const flush = () => {
    if (paragraph.length) nodes.push(h("div", { class: "text" }, inline(paragraph.join("\n"))));
    paragraph = [];
  };
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const match = /^(#{1,3}|-#|>|[-*]) (.+)$/.exec(line);
    if (!match) { paragraph.push(line); continue; }
    flush();
    const content = inline(match[2]);
    if (match[1] === "-#") nodes.push(h("small", { class: "subtext" }, content));
    else if (match[1] === ">") nodes.push(h("blockquote", {}, content));
    else if (match[1][0] === "#") nodes.push(h("div", { class: `heading h${match[1].length}`, role: "heading", "aria-level": "4" }, content));
    else nodes.push(h("div", { class: "item" }, "• ", content));
  }
  flush();
  return nodes;
}

function link(address, content) {
  const href = safeLink(address);
  return href ? h("a", { href, target: "_blank", rel: "noopener noreferrer" }, content) : h("span", {}, content);
}

const mention = (text) => h("span", { class: "mention" }, text);
function channelLink(id) {
  const channel = store.state.channels.find((each) => each.id === id);
  if (!channel) return mention("#unknown");
  return h("a", { class: "mention", href: `#${new URLSearchParams({ as: store.me, in: id })}` }, `#${channelName(channel)}`);
}
const roleName = (id) =>
  store.state.guilds.flatMap((guild) => guild.roles).find((role) => role.id === id)?.name ?? "unknown role";

function spoiler(content) {
  const open = () => { shown.classList.add("open"); shown.removeAttribute("role"); shown.removeAttribute("aria-label"); };
  const shown = h("span", {
    class: "spoiler", role: "button", tabIndex: 0, "aria-label": "Spoiler. Press to show",
    onclick: open, onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); } },
  }, h("span", {}, content));
  return shown;
}

// -- timestamps

const STYLES = {
  t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" }, D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" },
};
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function relativeText(seconds) {
  const away = seconds - Date.now() / 1000;
  const [unit, length] = UNITS.find(([, each]) => Math.abs(away) >= each) || UNITS.at(-1);
  return relative.format(Math.round(away / length), unit);
}

export function timestamp(seconds, style) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return h("span", {}, "Invalid date");
  const full = new Intl.DateTimeFormat("en", STYLES.F).format(date);
  const text = style === "R" ? relativeText(seconds) : new Intl.DateTimeFormat("en", STYLES[style]).format(date);
  return h("time", { dateTime: date.toISOString(), title: full, data: style === "R" ? { relative: String(seconds) } : {} }, text);
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const text = relativeText(Number(time.dataset.relative));
    if (time.textContent !== text) time.textContent = text;
  }
}, 1000);
