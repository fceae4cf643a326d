// Hovering and clicking; dragging belongs to the camera.

const STILL = 5; // pixels a press may move and still be a click

export function createPointer(element, store, changed) {
  let pressed = null;
  const at = ({ clientX, clientY }) => ({ x: clientX, y: clientY });
  const pointer = { wanted: null }; // where the next frame has to look, and what to do with what it finds

  function look(event, then) {
    pointer.wanted = { ...at(event), slack: event.pointerType === "touch" ? 16 : 6, then };
    changed();
  }

  element.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    if (event.buttons === 0) look(event, (point, pointer) => store.set({ pointer, hovered: point }));
    else store.set({ hovered: -1 });
  });
  element.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "touch") return; // a finger leaves with every tap
    pointer.wanted = null;
    store.set({ hovered: -1 });
  });
  element.addEventListener("pointerdown", (event) => {
    element.focus({ preventScroll: true });
    pressed = event.isPrimary && event.button === 0 ? at(event) : null;
  });
  element.addEventListener("pointerup", (event) => {
    const moved = pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y);
    if (pressed && moved <= STILL) look(event, (point) => store.set({ pinned: point, hovered: -1 }));
    pressed = null;
  });
  store.on(["hovered"], ({ hovered }) => element.classList.toggle("aiming", hovered >= 0));
  return pointer;
}
