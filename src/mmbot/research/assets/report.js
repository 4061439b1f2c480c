"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const name = () => { button.textContent = dark() ? "Light theme" : "Dark theme"; };
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  name();

  const tip = document.getElementById("tip");
  const numbers = (text) => text.split(" ").map(Number);
  const points = (path) => {
    if (!path.points) {
      path.points = path.getAttribute("d").slice(1).split(/[ML]/).filter(Boolean).map(numbers);
    }
    return path.points;
  };
  const before = (list, x) => {
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle][0] <= x) low = middle + 1; else high = middle;
    }
    return list[Math.max(low - 1, 0)];
  };
  const shape = (tag, klass) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    node.setAttribute("class", klass);
    return node;
  };
  const digits = (span) => Math.max(0, Math.min(9, 3 - Math.floor(Math.log10(span || 1))));

  for (const svg of document.querySelectorAll("svg.tc")) {
    const [, spanNs, left, right] = numbers(svg.dataset.x);
    const [low, high, bottom, top] = numbers(svg.dataset.y);
    const startMs = Number(svg.dataset.start) / 1e6;
    const cross = shape("line", "cross");
    const lines = [...svg.querySelectorAll("path.line")].filter((path) => path.getAttribute("d"));
    const dots = lines.map(() => { const dot = shape("circle", "dot"); dot.setAttribute("r", 3); return dot; });
    const hide = () => { tip.style.display = "none"; cross.remove(); dots.forEach((dot) => dot.remove()); };
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) * svg.viewBox.baseVal.width) / box.width;
      if (x < left || x > right) { hide(); return; }
      for (const [key, value] of Object.entries({ x1: x, x2: x, y1: top, y2: bottom })) cross.setAttribute(key, value);
      svg.append(cross);
      const at = new Date(startMs + ((x - left) / (right - left)) * spanNs / 1e6);
      const rows = [at.toISOString().slice(0, 23).replace("T", " ") + "Z"];
      lines.forEach((path, i) => {
        const point = before(points(path), x);
        dots[i].setAttribute("cx", point[0]);
        dots[i].setAttribute("cy", point[1]);
        svg.append(dots[i]);
        const value = low + ((point[1] - bottom) / (top - bottom)) * (high - low);
        rows.push(`${path.dataset.name}  ${value.toFixed(digits(high - low))} ${svg.dataset.unit}`);
      });
      tip.textContent = rows.join("\n");
      tip.style.display = "block";
      const over = event.clientX + 20 + tip.offsetWidth > innerWidth;
      tip.style.left = `${over ? event.clientX - tip.offsetWidth - 14 : event.clientX + 14}px`;
      tip.style.top = `${event.clientY + 14}px`;
    });
  }
})();
