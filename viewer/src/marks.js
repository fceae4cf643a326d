// What is drawn over the points: a ring about the hovered and the kept point, lines from this to its neighbours.

export class Marks {
  constructor(canvas) {
    this.context = canvas.getContext("2d");
  }

  resize(width, height, ratio) {
    const { canvas } = this.context;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.size = [width, height];
  }

  draw({ hovered, pinned, neighbours }, projected, reach, ink) {
    const { context } = this;
    context.clearRect(0, 0, ...this.size);
    context.strokeStyle = ink;
    const at = (point) => [projected[3 * point], projected[3 * point + 1], projected[3 * point + 2]];
    const ring = (point, gap, width) => {
      const [x, y, depth] = at(point);
      if (depth <= 0) return;
      context.lineWidth = width;
      context.beginPath();
      context.arc(x, y, Math.max(2, reach / depth) + gap, 0, 2 * Math.PI);
      context.stroke();
    };
    if (pinned >= 0) {
      const [x, y, depth] = at(pinned);
      context.globalAlpha = 0.45;
      context.lineWidth = 1;
      context.beginPath();
      for (const neighbour of neighbours) {
        const [nx, ny, neighbourDepth] = at(neighbour);
        if (depth <= 0 || neighbourDepth <= 0) continue;
        context.moveTo(x, y);
        context.lineTo(nx, ny);
      }
      context.stroke();
      context.globalAlpha = 0.8;
      for (const neighbour of neighbours) ring(neighbour, 2, 1.2);
      context.globalAlpha = 1;
      ring(pinned, 4, 2.2);
    }
    if (hovered >= 0 && hovered !== pinned) ring(hovered, 3, 1.6);
  }
}
