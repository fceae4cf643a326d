// What is known of one picture: beside the pointer, and kept in a card with its nearest neighbours.

import { UNKNOWN } from "./colours.js";
import { byId, make } from "./dom.js";

export function createCards(page, store, goTo) {
  const hover = byId("hover");
  const card = byId("card");

  store.on(["hovered", "data"], ({ hovered, data, pointer }) => {
    hover.hidden = hovered < 0;
    if (hovered < 0) return;
    hover.replaceChildren(...about(hovered, data));
    const { clientWidth, clientHeight } = document.documentElement;
    const beside = pointer.x + 18 + hover.offsetWidth > clientWidth ? pointer.x - 18 - hover.offsetWidth : pointer.x + 18;
    const level = Math.min(clientHeight - hover.offsetHeight - 8, Math.max(8, pointer.y - hover.offsetHeight / 2));
    hover.style.transform = `translate(${Math.max(8, Math.round(beside))}px, ${Math.round(level)}px)`;
  });

  store.on(["pinned", "data"], ({ pinned, data }) => {
    card.hidden = pinned < 0;
    if (pinned < 0) return;
    byId("card-about").replaceChildren(...about(pinned, data));
    byId("card-title").textContent = `Nearest codes, ${data.name}`;
    byId("neighbours").replaceChildren(
      ...neighboursOf(pinned, data).map((neighbour) => {
        const label = page.classes.length > 1 ? page.classes[page.label[neighbour]] : page.names[neighbour];
        const shown = page.thumbnails ? [picture("altered", neighbour), make("span", {}, label)] : [`${page.names[neighbour]}`];
        const button = make("button", { type: "button", title: page.names[neighbour] }, ...shown);
        button.setAttribute("aria-label", `Go to ${page.names[neighbour]}, label ${label}`);
        button.onclick = () => goTo(neighbour);
        return make("li", {}, button);
      }),
    );
  });
  byId("neighbours").classList.toggle("names", !page.thumbnails);
  byId("unpin").onclick = () => store.set({ pinned: -1 });

  function about(point, data) {
    const figures = [["altered", point, "altered"]];
    if (data.hat !== null) figures.push([`hat-${data.hat}`, point, "reconstruction"]);
    if (page.partner[point] >= 0) figures.push(["clean", page.partner[point], "clean"]);
    const pictures = figures.map(([kind, index, caption]) => make("figure", {}, picture(kind, index), make("figcaption", {}, caption)));
    const facts = [];
    if (page.classes.length > 1) facts.push(`label ${page.classes[page.label[point]]}`);
    const error = data.error[point];
    if (error !== UNKNOWN) facts.push(`error ${((error / 65534) * data.errorMost).toFixed(3)}`);
    if (page.partner[point] < 0) facts.push("no clean picture known");
    return [
      ...(page.thumbnails ? [make("div", { class: "figures" }, ...pictures)] : []),
      make("p", { class: "file" }, page.names[point]),
      make("p", { class: "facts" }, facts.join(" · ")),
    ];
  }

  function picture(kind, index) {
    const { width, height } = page.thumbnails ?? { width: 1, height: 1 };
    const canvas = make("canvas", { width, height, role: "img", "aria-label": kind.replace(/hat.*/, "reconstruction") });
    if (page.thumbnails) {
      page.thumbnail(kind, index).then(({ image, x, y }) => {
        canvas.getContext("2d").drawImage(image, x, y, width, height, 0, 0, width, height);
        canvas.dataset.drawn = `${kind} ${index}`;
      });
    }
    return canvas;
  }
}

export function neighboursOf(point, { neighbours, neighbourCount }) {
  return point < 0 ? [] : [...neighbours.subarray(point * neighbourCount, (point + 1) * neighbourCount)];
}
