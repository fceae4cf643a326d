// The series, what colours mean, and which classes are shown.

import { classColour, css, errorColour, pairColour } from "./colours.js";
import { byId, grouped, make } from "./dom.js";

const COLOURINGS = [["label", "Label"], ["error", "Error"], ["pair", "Pair"]];

export function createLegend(page, store, chooseSeries) {
  const { state } = store;
  const classes = { key: "hiddenClasses", counts: counted(page.label, page.classes.length) };
  const pairs = { key: "hiddenPairs", counts: counted(page.pair, 2) };
  const labelled = page.classes.length > 1;

  const series = page.kinds.map(({ name }, index) => [String(index), name]);
  const colourings = COLOURINGS.filter(([value]) => value !== "label" || labelled);
  radios("series", series, (value) => chooseSeries(Number(value)));
  radios("colour", colourings, (value) => store.set({ colour: value }));
  byId("series-box").hidden = page.kinds.length < 2;
  byId("classes-box").hidden = !labelled;
  byId("pairs-box").hidden = pairs.counts.includes(0);
  list("classes", classes, page.classes);
  list("pairs", pairs, ["known", "not known"]);
  byId("show-all").onclick = () => store.set({ hiddenClasses: new Set(), hiddenPairs: new Set() });

  function list(id, group, names) {
    const items = names.map((name, index) => {
      const button = make(
        "button",
        { type: "button", class: "group", title: "Click: hide or show. Double click or Shift: only this one" },
        make("span", { class: "swatch" }),
        make("span", { class: "name" }, name),
        make("span", { class: "count" }, grouped(group.counts[index])),
      );
      button.onclick = (event) => (event.shiftKey ? isolate(group, index) : toggle(group, index));
      button.ondblclick = (event) => event.shiftKey || isolate(group, index);
      return button;
    });
    group.buttons = items;
    byId(id).replaceChildren(...items);
  }

  function toggle({ key }, index) {
    const hidden = new Set(state[key]);
    if (!hidden.delete(index)) hidden.add(index);
    store.set({ [key]: hidden });
  }

  function isolate({ key, counts }, index) {
    const others = counts.map((_, other) => other).filter((other) => other !== index);
    const isolated = !state[key].has(index) && state[key].size === others.length;
    store.set({ [key]: new Set(isolated ? [] : others) });
  }

  store.on(["hiddenClasses", "hiddenPairs", "colour", "theme"], ({ colour, theme }) => {
    for (const group of [classes, pairs]) {
      group.buttons.forEach((button, index) => {
        button.setAttribute("aria-pressed", String(!state[group.key].has(index)));
        const own = group === classes ? classColour(index, theme) : pairColour(index === 0, theme);
        const active = colour === (group === classes ? "label" : "pair");
        button.firstChild.style.background = active ? css(own) : "";
      });
    }
    byId("show-all").hidden = state.hiddenClasses.size + state.hiddenPairs.size === 0;
  });

  store.on(["hiddenClasses", "hiddenPairs"], ({ hiddenClasses, hiddenPairs }) => {
    let shown = 0;
    page.label.forEach((label, point) => (shown += !hiddenClasses.has(label) && !hiddenPairs.has(page.pair[point])));
    byId("shown").textContent = `${grouped(shown)} of ${grouped(page.count)} points`;
  });

  store.on(["series", "colour"], ({ series, colour }) => {
    document.querySelector(`input[name=series][value="${series}"]`).checked = true;
    document.querySelector(`input[name=colour][value=${colour}]`).checked = true;
  });

  store.on(["colour", "theme", "data"], ({ colour, theme, data }) => {
    byId("scale").hidden = colour !== "error";
    if (colour !== "error") return;
    const stops = Array.from({ length: 11 }, (_, stop) => css(errorColour(stop / 10, theme)));
    byId("ramp").style.background = `linear-gradient(90deg, ${stops.join(",")})`;
    const end = (data.scaleEnd / 65534) * data.errorMost;
    const ticks = data.scaleEnd > 1 ? ["0", (end / 2).toFixed(2), `≥ ${end.toFixed(2)}`] : ["no error is known"];
    byId("ramp-ticks").replaceChildren(...ticks.map((tick) => make("span", {}, tick)));
  });
}

function radios(name, choices, choose) {
  const labels = choices.map(([value, shown]) => {
    const input = make("input", { type: "radio", name, value, ".onchange": () => choose(value) });
    return make("label", {}, input, make("span", {}, shown));
  });
  byId(name).replaceChildren(...labels);
}

function counted(values, size) {
  const counts = new Array(size).fill(0);
  for (const value of values) counts[value]++;
  return counts;
}
