// The V-curve: measured error against step for one coordinate, with what it is made of; small ones to choose from.
{
  const card = document.querySelector("#curves .card");
  const picker = make("div", { class: "picker", role: "group", "aria-label": "coordinate" });
  const holder = make("div");
  const values = make("div", { class: "values" });
  const line = (cls, dash) => svg("svg", { class: "key", viewBox: "0 0 22 10" }, svg("path", { class: cls, d: "M0 5H22" }));
  const zone = svg("svg", { class: "key", viewBox: "0 0 22 10" }, svg("rect", { class: "kinkzone", width: 22, height: 10, style: "opacity:.35" }));
  const other = make("span", {}, line("otherline"), make("span"));
  const legend = make("div", { class: "legend" },
    make("span", {}, line("measured"), "measured: |gradient − differences|"),
    make("span", {}, line("budgetline"), "round-off budget"),
    make("span", {}, line("truncline"), "truncation (measured, 32 digits)"),
    make("span", {}, line("kinkline"), "kinks (measured, 32 digits)"),
    make("span", {}, line("floorline"), "floor: the gradient's own rounding"),
    make("span", {}, zone, "beyond the nearest kink"), other);
  card.append(picker, holder, values, legend);

  // The path of the numbers that can be on a logarithmic scale; gaps where there is none.
  function path(xs, ys, x, y) {
    let d = "", pen = false;
    ys.forEach((v, k) => {
      const ok = v !== null && v > 0 && Math.log10(v) >= y.from - 1;
      if (ok) d += `${pen ? "L" : "M"}${x(xs[k]).toFixed(1)} ${y(v).toFixed(1)}`;
      pen = ok;
    });
    return d;
  }
  const size = v => v === null ? null : Math.abs(v);
  const gaps = c => c.points.map(q => size(q.gap));
  const term = (c, i) => c.points.map(q => size(q.terms[i]));

  function range(p, c) {
    let low = Infinity, high = -Infinity;
    const take = v => { if (v > 0) { low = Math.min(low, Math.log10(v)); high = Math.max(high, Math.log10(v)); } };
    gaps(c).forEach(take);
    if (c.floor) take(c.floor);
    for (const o of data.precisions) { const same = o.curves.find(d => d.name === c.name); if (same) gaps(same).forEach(take); }
    if (!Number.isFinite(low)) return null;
    low = Math.floor(Math.max(low, high - 24)) - 1;
    return [low, Math.min(Math.ceil(high) + 1, low + 40)];
  }

  parts.push(() => {
    const p = here(), h = p.steps, width = widthOf(card), narrow = width < 520;
    picker.replaceChildren(...p.curves.map((c, k) => {
      const b = make("button", { type: "button", "aria-pressed": k === state.coordinate, title: c.name }, fit(c.name, 62));
      const r = range(p, c);
      const small = svg("svg", { viewBox: "0 0 64 22", "aria-hidden": "true" });
      if (r) {
        const sx = logScale(Math.log10(h[0]), Math.log10(h[h.length - 1]), 1, 63), sy = logScale(r[0], r[1], 21, 1);
        small.append(svg("path", { d: path(h, gaps(c), sx, sy) }));
      } else small.append(svg("path", { d: "M1 20H63" }));
      b.append(small);
      b.addEventListener("click", () => { state.coordinate = k; draw(); });
      return b;
    }));
    const c = p.curves[Math.min(state.coordinate, p.curves.length - 1)];
    const q = c.points[state.step], r = range(p, c);
    const left = 46, right = 10, top = 22, bottom = 42, height = narrow ? 290 : 360;
    const x = logScale(Math.log10(h[0]), Math.log10(h[h.length - 1]), left, width - right);
    const g = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": `error against step for ${c.name}` });
    if (!r) {
      g.append(svg("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, `${c.name}: gradient and differences are the same number at every step`));
    } else {
      const y = logScale(r[0], r[1], height - bottom, top);
      if (c.kink !== null && c.kink < h[h.length - 1]) {
        const k = Math.max(left, x(Math.max(c.kink, h[0])));
        g.append(svg("rect", { class: "kinkzone", x: k, y: top, width: width - right - k, height: height - bottom - top }));
      }
      const every = Math.ceil((r[1] - r[0]) / (narrow ? 6 : 9));
      for (let e = r[0]; e <= r[1]; e += every) {
        g.append(svg("line", { class: "gridline", x1: left, x2: width - right, y1: y(10 ** e), y2: y(10 ** e) }),
          svg("text", { x: left - 6, y: y(10 ** e) + 4, "text-anchor": "end" }, decade(e)));
      }
      const first = Math.ceil(x.from - 1e-9), last = Math.floor(x.to + 1e-9), skip = Math.ceil((last - first) / (narrow ? 5 : 12));
      for (let e = first; e <= last; e += skip) {
        g.append(svg("line", { class: "axis", x1: x(10 ** e), x2: x(10 ** e), y1: height - bottom, y2: height - bottom + 5 }),
          svg("text", { x: x(10 ** e), y: height - bottom + 18, "text-anchor": "middle" }, decade(e)));
      }
      g.append(svg("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }),
        svg("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, "step h (units of the coordinate, log scale)"),
        svg("text", { x: 2, y: 12 }, "error (units of the derivative, log scale)"));
      const clip = "clip" + Math.random().toString(36).slice(2);
      g.append(svg("clipPath", { id: clip }, svg("rect", { x: left, y: top, width: width - right - left, height: height - bottom - top })));
      const inside = svg("g", { "clip-path": `url(#${clip})` });
      const rest = data.precisions.find(o => o !== p), same = rest && rest.curves.find(d => d.name === c.name);
      other.style.display = same ? "" : "none";
      if (same) {
        other.lastChild.textContent = `measured in ${rest.dtype}`;
        inside.append(svg("path", { class: "otherline", d: path(h, gaps(same), x, y) }));
      }
      if (c.floor) inside.append(svg("line", { class: "floorline", x1: left, x2: width, y1: y(c.floor), y2: y(c.floor) }));
      inside.append(svg("path", { class: "budgetline", d: path(h, c.points.map(q => q.budget), x, y) }),
        svg("path", { class: "truncline", d: path(h, term(c, 2), x, y) }),
        svg("path", { class: "kinkline", d: path(h, term(c, 3), x, y) }),
        svg("path", { class: "measured", d: path(h, gaps(c), x, y) }));
      const own = x(data.step), now = x(h[state.step]);
      inside.append(svg("line", { class: "userline", x1: own, x2: own, y1: top, y2: height - bottom }),
        svg("line", { class: "nowline", x1: now, x2: now, y1: top, y2: height - bottom }));
      gaps(c).forEach((v, k) => {
        if (v) inside.append(svg("circle", { class: k === state.step ? "dot now" : "dot", cx: x(h[k]), cy: y(v), r: k === state.step ? 6 : 2.4 }));
        else if (v === 0) inside.append(svg("path", { class: "dot", d: `M${x(h[k]) - 3.5} ${height - bottom - 7}h7l-3.5 6z` }));
      });
      g.append(inside);
      const anchor = own > width - 110 ? "end" : "start";
      g.append(svg("text", { x: own + (anchor === "end" ? -5 : 5), y: top + 12, "text-anchor": anchor }, "your step"));
      const hit = svg("rect", { class: "hit", x: left, y: top, width: width - right - left, height: height - bottom - top });
      const move = e => {
        const box = g.getBoundingClientRect(), px = (e.clientX - box.left) * width / box.width;
        let best = 0;
        h.forEach((s, k) => { if (Math.abs(x(s) - px) < Math.abs(x(h[best]) - px)) best = k; });
        if (best !== state.step) { state.step = best; draw(); }
      };
      hit.addEventListener("pointerdown", move);
      hit.style.cursor = "crosshair";
      g.append(hit);
    }
    holder.replaceChildren(g);
    const pairs = [["h", stepText(h[state.step])], ["gap", num(q.gap)], ["round-off budget", num(q.budget)], ["truncation", num(q.terms[2])],
      ["kinks", num(q.terms[3])], ["floor", num(c.floor)], ["nearest kink at", c.kink === null ? "none" : num(c.kink)]];
    values.replaceChildren(make("span", {}, make("b", {}, c.name)), ...pairs.map(([k, v]) => make("span", {}, `${k} `, make("b", {}, v))));
  });
}
