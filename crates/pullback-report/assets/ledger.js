// The ledger: for each coordinate a bar of all six terms, and each term as a dot on the same scale.
{
  const card = document.querySelector("#ledger .card");
  // One scale for every step and precision, so that bars may be compared while the step moves.
  let top = -Infinity;
  for (const p of data.precisions) for (const c of p.curves) for (const q of c.points)
    for (const t of q.terms) if (t) top = Math.max(top, Math.log10(Math.abs(t)));
  top = Number.isFinite(top) ? Math.min(Math.ceil(top), 6) : 0;
  const from = top - 15;
  const legend = make("div", { class: "legend" },
    ...TERMS.map(t => make("span", {}, make("i", { class: "swatch term-" + t }), WORDS[t])));
  const holder = make("div");
  card.append(holder, legend);

  parts.push(() => {
    const p = here(), width = widthOf(card), narrow = width < 520;
    const left = nameRoom(p.curves, narrow), right = narrow ? 84 : 236, row = 26, head = 22;
    const x = logScale(from, top, left, width - right);
    const height = head + row * p.curves.length + 18;
    const g = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": "the ledger of every coordinate" });
    const every = narrow ? 5 : 3;
    for (let e = from; e <= top; e++) {
      if ((top - e) % every) continue;
      g.append(svg("line", { class: "gridline", x1: x(10 ** e), x2: x(10 ** e), y1: head - 4, y2: height - 18 }),
        svg("text", { x: x(10 ** e), y: 12, "text-anchor": "middle" }, decade(e)));
    }
    p.curves.forEach((c, k) => {
      const q = c.points[state.step], y = head + k * row, sizes = q.terms.map(t => Math.abs(t || 0));
      const total = sizes.reduce((a, b) => a + b, 0);
      const line = svg("g", { class: "ledgerrow" + (k === state.coordinate ? " chosen" : ""), tabindex: 0 });
      line.append(svg("title", {}, `${c.name}: gap ${num(q.gap)}\n` + TERMS.map((t, i) => `${WORDS[t]}: ${num(q.terms[i])}`).join("\n")),
        svg("rect", { class: "hit", x: 0, y, width, height: row, rx: 5 }),
        nameAt(4, y + 17, c.name, left));
      const finite = q.terms.every(t => t !== null);
      if (finite && total > 0) {
        let start = left;
        const length = Math.max(2, x(total) - left);
        sizes.forEach((s, i) => {
          if (!s) return;
          const w = length * s / total;
          if (w >= 0.4) line.append(svg("rect", { class: "term-" + TERMS[i], x: start, y: y + 6, width: Math.max(0.4, w - (w > 3 ? 1 : 0)), height: 9, rx: 1.5 }));
          start += w;
        });
        sizes.forEach((s, i) => {
          if (s && Math.log10(s) >= from) line.append(svg("circle", { class: "term-" + TERMS[i], cx: x(s), cy: y + 20, r: 2.6 }));
        });
      } else {
        line.append(svg("text", { x: left, y: y + 17 }, finite ? (narrow ? "no gap" : "no gap: both are exactly the same") : "not finite here"));
      }
      if (narrow) line.append(svg("text", { x: width - 20, y: y + 17, "text-anchor": "end", class: "mono" }, num(q.gap)),
        svg("text", { x: width - 2, y: y + 17, "text-anchor": "end" }, mark(q.verdict)));
      else line.append(svg("text", { x: width - right + 76, y: y + 17, "text-anchor": "end", class: "mono" }, num(q.gap)),
        svg("text", { x: width - right + 94, y: y + 17, "text-anchor": "middle" }, mark(q.verdict)),
        svg("text", { x: width - right + 106, y: y + 17 }, q.verdict.replace("subgradient choice at a kink", "subgradient choice")));
      const choose = () => { state.coordinate = k; draw(); };
      line.addEventListener("click", choose);
      line.addEventListener("keydown", e => { if (e.key === "Enter") choose(); });
      g.append(line);
    });
    g.append(svg("text", { x: left, y: height - 3 }, narrow ? "size of the terms" : "size of the terms, in units of the derivative"),
      svg("text", { x: narrow ? width - 20 : width - right + 76, y: 12, "text-anchor": "end" }, "gap"));
    holder.replaceChildren(g);
  });
}
