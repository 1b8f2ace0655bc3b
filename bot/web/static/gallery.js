// What the page does beyond links and forms. Without it everything can be read, found and opened.

document.documentElement.classList.add("script");

const $ = (selector, root = document) => root.querySelector(selector);
const typing = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");

// Filters take effect when they are chosen; empty ones stay out of the address.
const submit = (form) => {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  location.assign(query.size ? `/?${query}` : "/");
};
for (const form of document.querySelectorAll(".narrow, .search")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });
}
$(".narrow")?.addEventListener("change", (event) => submit(event.currentTarget));

// More pictures come when the end is near.
let loading = false;
const near = new IntersectionObserver(
  (seen) => seen.some((entry) => entry.isIntersecting) && more(),
  { rootMargin: "1200px" },
);
const watch = () => {
  const link = $(".pager.later");
  if (link) near.observe(link);
};
async function more() {
  const pager = $(".pager.later");
  const link = $("a", pager ?? undefined);
  if (!pager || loading) return;
  loading = true;
  near.disconnect();
  const said = link.textContent;
  link.textContent = link.dataset.wait;
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const shown = new Set([...document.querySelectorAll(".pictures a")].map((a) => a.pathname));
    for (const item of page.querySelectorAll(".pictures > li")) {
      if (shown.has(new URL($("a", item).href).pathname)) continue;
      const image = $("img", item);
      image.loading = "lazy";
      image.removeAttribute("fetchpriority");
      $(".pictures").append(document.adoptNode(item));
    }
    const next = $(".pager.later", page);
    if (next) pager.replaceWith(document.adoptNode(next));
    else pager.remove();
    watch();
  } catch {
    link.textContent = said; // stays a link: pressing it tries again
  } finally {
    loading = false;
  }
}
watch();

// Copying.
const showCopying = () => {
  for (const button of document.querySelectorAll(".copy")) button.hidden = !navigator.clipboard;
};
showCopying();
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.(".copy");
  if (!button || button.classList.contains("done")) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  const said = button.textContent;
  button.textContent = button.dataset.done;
  button.classList.add("done");
  setTimeout(() => {
    button.textContent = said;
    button.classList.remove("done");
  }, 2000);
});

// Stars and favourites: the same forms, without leaving the place.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches(".mark")) return;
  event.preventDefault();
  const place = [...form.parentElement.children].indexOf(form);
  $("button", form).disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of [".account", ".facts", ".deeds"]) {
      $(part).replaceWith(document.adoptNode($(part, page)));
    }
    showCopying();
    $("button", $(".deeds").children[place])?.focus();
  } catch {
    form.submit(); // the page says what is wrong
  }
});

// Keys: / searches, arrows go between pictures, Escape returns to the gallery.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && document.activeElement?.id === "q") document.activeElement.blur();
  if (typing()) return;
  if (event.key === "/") {
    event.preventDefault();
    $("#q").select();
  } else if ($(".picture")) {
    if (event.key === "ArrowLeft") $(".beside.earlier")?.click();
    if (event.key === "ArrowRight") $(".beside.later")?.click();
    if (event.key === "Escape") $(".back a").click();
  } else if (event.key.startsWith("Arrow") && document.activeElement?.closest(".pictures")) {
    const found = nearest(document.activeElement, event.key);
    if (found) {
      event.preventDefault();
      found.focus();
      found.scrollIntoView({ block: "nearest" });
    }
  }
});

// The picture that the eye would find in this direction: close along it, and not far to the side.
function nearest(from, key) {
  const a = from.getBoundingClientRect();
  const across = key === "ArrowLeft" || key === "ArrowRight";
  const sign = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
  let best = null;
  let least = Infinity;
  for (const link of document.querySelectorAll(".pictures a")) {
    const b = link.getBoundingClientRect();
    const x = b.x + b.width / 2 - a.x - a.width / 2;
    const y = b.y + b.height / 2 - a.y - a.height / 2;
    const along = (across ? x : y) * sign;
    const aside = Math.abs(across ? y : x);
    if (link === from || along < 8) continue;
    const far = along + aside * 2.5;
    if (far < least) [best, least] = [link, far];
  }
  return best;
}

// A swipe across the picture goes to the next one.
const frame = $(".frame");
let start = null;
frame?.addEventListener("touchstart", (event) => {
  start = event.touches.length === 1 ? event.touches[0] : null;
}, { passive: true });
frame?.addEventListener("touchend", (event) => {
  const end = event.changedTouches[0];
  if (!start || !end || (globalThis.visualViewport?.scale ?? 1) > 1.05) return;
  const [x, y] = [end.clientX - start.clientX, end.clientY - start.clientY];
  if (Math.abs(x) > 60 && Math.abs(x) > 2 * Math.abs(y)) {
    $(x < 0 ? ".beside.later" : ".beside.earlier")?.click();
  }
}, { passive: true });
