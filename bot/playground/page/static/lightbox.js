// A picture, large. Escape, a click beside it and the button close it; arrows turn the pages.

import { h } from "./dom.js";

export function openLightbox(pictures, at) {
  const image = h("img", { alt: "" });
  const caption = h("p", {});
  const original = h("a", { target: "_blank", rel: "noopener noreferrer" }, "Open original");
  const close = h("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => dialog.close() }, "✕");
  const turn = (step) => { at = (at + step + pictures.length) % pictures.length; show(); };
  const several = pictures.length > 1;
  const dialog = h("dialog", { class: "lightbox", "aria-label": "Picture" },
    close,
    several && h("button", { type: "button", class: "turn back", "aria-label": "Previous picture", onclick: () => turn(-1) }, "‹"),
    h("figure", {}, image, h("figcaption", {}, caption, original)),
    several && h("button", { type: "button", class: "turn on", "aria-label": "Next picture", onclick: () => turn(1) }, "›"));
  function show() {
    const picture = pictures[at];
    image.src = original.href = picture.src;
    image.alt = picture.alt || picture.name;
    caption.textContent = [picture.name, picture.width && `${picture.width} × ${picture.height}`, several && `${at + 1} of ${pictures.length}`]
      .filter(Boolean).join(" · ");
  }
  dialog.addEventListener("keydown", (event) => {
    if (several && event.key === "ArrowLeft") turn(-1);
    if (several && event.key === "ArrowRight") turn(1);
  });
  dialog.addEventListener("click", (event) => { if (!event.target.closest("img, button, figcaption")) dialog.close(); });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  show();
  dialog.showModal();
}
