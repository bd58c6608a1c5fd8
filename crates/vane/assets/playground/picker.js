// A dialog that finds a model by a few letters: Ctrl or Cmd with K.

import { node } from "./markdown.js";

const SHOWN_MAX = 40;

export function picker(options, mode, pick) {
  const input = node("input", { type: "search", "aria-label": "Find a model", "aria-controls": "found", autocomplete: "off" });
  const found = node("ul", { id: "found" });
  const count = node("p", { class: "fine", role: "status" });
  const dialog = node("dialog", { class: "picker", "aria-label": "Pick a model" }, input, count, found);
  document.body.append(dialog);

  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/);
    const fits = options.filter((one) => one.dataset.modes.split(" ").includes(mode));
    const kept = fits.filter((one) => words.every((word) => (one.value + " " + one.label + " " + one.dataset.providers).toLowerCase().includes(word)));
    found.replaceChildren(...kept.slice(0, SHOWN_MAX).map((one) => {
      const button = node("button", { type: "button", class: "quiet" }, one.value, node("small", {}, one.label));
      button.addEventListener("click", () => take(one.value));
      return node("li", {}, button);
    }));
    count.textContent = kept.length === 0 ? "No model matches." : kept.length + (kept.length === 1 ? " model" : " models");
  };
  const take = (id) => {
    dialog.close();
    pick(id);
  };
  const step = (event, by) => {
    const buttons = [...found.querySelectorAll("button")];
    const next = buttons[buttons.indexOf(document.activeElement) + by];
    (next || input).focus();
    event.preventDefault();
  };
  input.addEventListener("input", show);
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") step(event, 1);
    if (event.key === "ArrowUp") step(event, -1);
    if (event.key === "Enter" && event.target === input) {
      event.preventDefault();
      const first = found.querySelector("button");
      if (first) first.click();
    }
  });
  return () => {
    if (dialog.open) return;
    input.value = "";
    show();
    dialog.showModal();
    input.focus();
  };
}
