// Elements, made and found.

export const byId = (id) => document.getElementById(id);

/** `make("button", { type: "button", ".onclick": act }, "text", child)`: a dot sets a property, no attribute. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith(".")) element[name.slice(1)] = value;
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export const grouped = (number) => number.toLocaleString("en");
