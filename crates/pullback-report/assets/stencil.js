// The map of decisions: coordinates down, gates' elements across, each cell in two halves for x − h and x + h.
{
  const card = document.querySelector("#stencil .card");
  const holder = make("div", { class: "stencilwrap" });
  const legend = make("div", { class: "legend" },
    make("span", {}, make("i", { class: "swatch on" }), "on"), make("span", {}, make("i", { class: "swatch off" }), "off"),
    make("span", {}, make("i", { class: "swatch tie" }), "a tie at the point"),
    make("span", {}, make("i", { class: "swatch changedkey" }), "decides otherwise at this point of the stencil"));
  const note = make("p", { class: "note" });
  card.append(holder, legend, note);

  parts.push(() => {
    const p = here(), step = p.steps[state.step], width = widthOf(card), narrow = width < 520;
    const units = p.gates.flatMap((g, k) => g.units.map(u => ({ ...u, gate: k, label: g.label })));
    legend.style.display = units.length ? "" : "none";
    if (!units.length) {
      note.textContent = "";
      holder.replaceChildren(make("p", { class: "what" }, "The function makes no decisions: there is no gate in it, and no kink."));
      return;
    }
    const changed = new Set(p.crossings[state.step].map(c => c.join()));
    const left = nameRoom(p.curves, narrow), row = 20, head = 52;
    const column = Math.max(narrow ? 30 : 40, Math.min(96, (width - left) / units.length));
    const w = Math.max(width, left + column * units.length), height = head + row * p.curves.length + 2;
    const g = svg("svg", { viewBox: `0 0 ${w} ${height}`, height, style: `width:${w}px`, role: "img", "aria-label": "decisions over the stencil" });
    units.forEach((u, i) => {
      const x = left + column * i, steps = u.distance === null ? null : u.distance / step;
      const word = u.margin === 0 ? "tie" : u.decision === 0 ? "off" : u.decision === 1 ? "on" : num(u.decision);
      g.append(svg("text", { x: x + column / 2, y: 12, "text-anchor": "middle", class: "strong" }, narrow || column < 60 ? String(u.index) : `unit ${u.index}`),
        svg("text", { x: x + column / 2, y: 27, "text-anchor": "middle" }, word),
        svg("text", { x: x + column / 2, y: 42, "text-anchor": "middle", class: "mono" }, steps === null ? "fixed" : num(steps, 2)));
      const cls = v => u.margin === 0 && v === null ? "tie" : (v === null ? u.decision !== 0 : v) ? "on" : "off";
      p.curves.forEach((c, k) => {
        const y = head + row * k, half = (column - 8) / 2;
        [0, 1].forEach(up => {
          const other = changed.has([k, up, u.gate, u.index].join());
          const now = other ? u.decision === 0 : null;
          const cell = { x: x + 3 + up * (half + 2), y: y + 2, width: half, height: row - 5, rx: 2 };
          const rect = svg("rect", { ...cell, class: cls(now) });
          rect.append(svg("title", {}, `${c.name} ${up ? "+" : "−"} h, unit ${u.index} of ${u.label}: ${other ? "decides otherwise" : "as at the point"}`));
          g.append(rect);
          if (other) g.append(svg("rect", { ...cell, class: "changed" }));
        });
      });
    });
    p.curves.forEach((c, k) => g.append(nameAt(4, head + row * k + 14, c.name, left)));
    g.append(svg("text", { x: 4, y: 12 }, "unit"), svg("text", { x: 4, y: 27 }, "at x"), svg("text", { x: 4, y: 42 }, "in steps"));
    holder.replaceChildren(g);
    const gates = p.gates.filter(g => g.units.length).map(g => g.label).join(", ");
    const n = new Set(p.crossings[state.step].map(c => c[0])).size;
    note.textContent = `${gates}. "In steps": how many steps of the coordinate that gets there first a unit is away from deciding otherwise. ` +
      (n ? `With this step ${n} of ${p.curves.length} coordinates cross a kink.` : "With this step nothing decides otherwise.");
  });
}
