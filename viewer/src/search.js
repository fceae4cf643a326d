// Search by file name.

import { byId, grouped, make } from "./dom.js";

const MOST = 50;

export function createSearch(page, goTo) {
  const input = byId("search");
  const list = byId("hits");
  const lower = page.names.map((name) => name.toLowerCase());
  let hits = [];
  let active = -1;

  function find() {
    const wanted = input.value.trim().toLowerCase();
    hits = [];
    let total = 0;
    if (wanted) {
      lower.forEach((name, point) => {
        if (name.includes(wanted) && ++total <= MOST) hits.push(point);
      });
    }
    active = -1;
    list.replaceChildren(
      ...hits.map((point, index) => {
        const item = make("li", { role: "option", id: `hit-${index}` }, page.names[point]);
        item.onpointerdown = (event) => event.preventDefault(); // or the input would lose the focus and close the list
        item.onclick = () => choose(index);
        return item;
      }),
    );
    const names = total === 1 ? "1 name" : `${grouped(total)} names`;
    byId("hit-count").textContent = total > MOST ? `the first ${MOST} of ${names}` : names;
    open(wanted !== "");
  }

  function open(yes) {
    byId("hit-box").hidden = !yes;
    input.setAttribute("aria-expanded", String(yes));
    activate(-1);
  }

  function activate(index) {
    list.children[active]?.removeAttribute("aria-selected");
    active = index;
    list.children[active]?.setAttribute("aria-selected", "true");
    list.children[active]?.scrollIntoView({ block: "nearest" });
    if (active >= 0) input.setAttribute("aria-activedescendant", `hit-${active}`);
    else input.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    if (index < 0 || index >= hits.length) return;
    const point = hits[index];
    input.value = page.names[point];
    open(false);
    byId("stage").focus(); // so that the arrow keys turn the map
    goTo(point);
  }

  input.oninput = find;
  input.onfocus = () => input.value && find();
  input.onblur = () => open(false);
  input.onkeydown = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && hits.length) activate((Math.max(active, by < 0 ? 0 : -1) + by + hits.length) % hits.length);
    else if (event.key === "Enter") choose(Math.max(0, active));
    else if (event.key === "Escape") input.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}
