// What is known of one picture: beside the pointer, and kept in a card with its nearest neighbours.

import { byId, make } from "./dom.js";
import { UNKNOWN } from "./page.js";

const GAP = 18; // pixels between pointer and card

export function createCards(page, store, goTo) {
  const hover = byId("hover");
  const card = byId("card");
  const labelled = page.classes.length > 1;

  store.on(["hovered", "data"], ({ hovered, data, pointer }) => {
    hover.hidden = hovered < 0;
    if (hovered < 0) return;
    hover.replaceChildren(...about(hovered, data));
    const { clientWidth, clientHeight } = document.documentElement;
    const { offsetWidth, offsetHeight } = hover;
    const right = pointer.x + GAP;
    const x = right + offsetWidth > clientWidth ? Math.max(8, pointer.x - GAP - offsetWidth) : right;
    const y = Math.min(clientHeight - offsetHeight - 8, Math.max(8, pointer.y - offsetHeight / 2));
    hover.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  });

  store.on(["pinned", "data"], ({ pinned, data }) => {
    card.hidden = pinned < 0;
    if (pinned < 0) return;
    byId("card-about").replaceChildren(...about(pinned, data));
    byId("card-title").textContent = `Nearest codes, ${data.name}`;
    byId("neighbours").replaceChildren(
      ...neighboursOf(pinned, data).map((neighbour) => {
        const name = page.names[neighbour];
        const label = labelled ? page.classes[page.label[neighbour]] : "";
        const shown = page.thumbnails ? [picture("altered", neighbour), make("span", {}, label)] : [name];
        const button = make("button", { type: "button", title: name, "aria-label": `Go to ${name}` }, ...shown);
        button.onclick = () => goTo(neighbour);
        return make("li", {}, button);
      }),
    );
  });
  byId("neighbours").classList.toggle("names", !page.thumbnails);
  byId("unpin").onclick = () => store.set({ pinned: -1 });

  function about(point, data) {
    const facts = [];
    if (labelled) facts.push(`label ${page.classes[page.label[point]]}`);
    const error = data.error[point];
    if (error !== UNKNOWN) facts.push(`error ${((error / 65534) * data.errorMost).toFixed(3)}`);
    if (page.partner[point] < 0) facts.push("no clean picture known");
    return [
      ...(page.thumbnails ? [figures(point, data)] : []),
      make("p", { class: "file" }, page.names[point]),
      make("p", { class: "facts" }, facts.join(" · ")),
    ];
  }

  function figures(point, data) {
    const pictures = [["altered", point, "altered"]];
    if (data.hat !== null) pictures.push([`hat-${data.hat}`, point, "reconstruction"]);
    if (page.partner[point] >= 0) pictures.push(["clean", page.partner[point], "clean"]);
    const each = pictures.map(([kind, index, caption]) =>
      make("figure", {}, picture(kind, index), make("figcaption", {}, caption)),
    );
    return make("div", { class: "figures" }, ...each);
  }

  function picture(kind, index) {
    const { width, height } = page.thumbnails;
    const canvas = make("canvas", { width, height, "aria-hidden": "true" }); // the text beside it says what it is
    page.thumbnail(kind, index).then(({ image, x, y }) => {
      canvas.getContext("2d").drawImage(image, x, y, width, height, 0, 0, width, height);
      canvas.dataset.drawn = "";
    });
    return canvas;
  }
}

export function neighboursOf(point, { neighbours, neighbourCount }) {
  return point < 0 ? [] : [...neighbours.subarray(point * neighbourCount, (point + 1) * neighbourCount)];
}
