// Keeps a run as an example: for who runs this server. What is kept is what the server sealed, so
// nothing of the page but the title counts.

import { node } from "./markdown.js";

const place = document.getElementById("keep");

export function clear() {
  if (!place) return;
  for (const old of place.querySelectorAll("form, [role=status]")) old.remove();
  place.hidden = true;
}

export function offer(csrf, model, run) {
  if (!place) return;
  const hidden = (name, value) => node("input", { type: "hidden", name, value });
  const title = node("input", { name: "title", required: "", maxlength: "100", autocomplete: "off" });
  const label = node("label", {}, "Title of what " + model + " said ", title);
  const form = node("form", { class: "row", method: "post", action: "/admin/examples" }, hidden("csrf", csrf), hidden("run", run), label, " ", node("button", {}, "Keep it"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form));
    const sent = await fetch(form.action, { method: "POST", body }).catch(() => null);
    // What is in the way stands on the page that the form leads to.
    if (!sent || !sent.ok) return form.submit();
    form.replaceWith(node("p", { role: "status" }, "\u201c" + title.value + "\u201d is kept."));
  });
  place.append(form);
  place.hidden = false;
}
