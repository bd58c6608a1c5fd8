// As much of a document as the playground's scripts make, for tests without a browser.
// Invariant: what is not here throws, so that no script makes markup in another way unseen.

export class Made {
  constructor(name) {
    this.name = name;
    this.attributes = new Map();
    this.children = [];
    Object.preventExtensions(this);
  }

  append(...parts) {
    for (const part of parts) {
      const isFragment = part instanceof Made && part.name === "";
      if (!isFragment) this.children.push(part instanceof Made ? part : String(part));
      else for (const child of part.children.splice(0)) this.children.push(child);
    }
  }

  setAttribute(name, value) {
    this.attributes.set(name, String(value));
  }

  set className(value) {
    this.setAttribute("class", value);
  }

  set textContent(value) {
    this.children.splice(0, Infinity, String(value));
  }

  get lastChild() {
    return this.children.at(-1);
  }

  addEventListener() {}
}

/** Puts the document where scripts look for it. */
export function install() {
  globalThis.document = {
    createElement: (name) => new Made(name),
    createDocumentFragment: () => new Made(""),
  };
}

/** Every element below, itself among them, the outer ones first. */
export function* elements(root) {
  if (root.name) yield root;
  for (const child of root.children) if (child instanceof Made) yield* elements(child);
}

/** The words that are shown, without those of buttons. */
export function words(root) {
  if (root.name === "button") return "";
  return root.children.map((child) => (child instanceof Made ? words(child) : child)).join("");
}
