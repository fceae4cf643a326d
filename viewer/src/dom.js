// Elements, made and found.

export const byId = (id) => document.getElementById(id);

/** `make("button", { type: "button" }, "text", child)`; a property that is no attribute is set with a dot: ".onclick". */
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
