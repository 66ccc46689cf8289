// The control: precision, step, settings worth a button; and one sentence on what dominates.
{
  const slider = at("step"), text = at("steptext"), reading = at("reading");
  const precisions = [...document.querySelectorAll("[data-precision]")], presets = [...document.querySelectorAll("[data-preset]")];
  const bench = at("bench");
  const go = (precision, step) => { state.precision = precision; state.step = step; draw(); };
  if (bench && data.precisions.length) {
    const own = Math.max(0, data.precisions.findIndex(p => p.dtype === data.dtype));
    state.precision = own;
    state.step = Math.max(0, data.precisions[own].steps.indexOf(data.step));
    slider.max = data.precisions[own].steps.length - 1;
    slider.addEventListener("input", () => go(state.precision, Number(slider.value)));
    precisions.forEach((b, k) => b.addEventListener("click", () => go(k, state.step)));
    presets.forEach((b, k) => b.addEventListener("click", () => go(data.presets[k].precision, data.presets[k].step)));

    parts.push(() => {
      const p = here(), h = p.steps[state.step];
      slider.value = state.step;
      text.textContent = stepText(h);
      slider.setAttribute("aria-valuetext", stepText(h));
      precisions.forEach((b, k) => b.setAttribute("aria-pressed", k === state.precision));
      presets.forEach((b, k) => b.setAttribute("aria-pressed", data.presets[k].precision === state.precision && data.presets[k].step === state.step));
      // The largest gap, and the term that makes most of it.
      let worst = null;
      for (const c of p.curves) {
        const gap = c.points[state.step].gap;
        if (gap === null) { worst = c; break; }
        if (!worst || Math.abs(gap) > Math.abs(worst.points[state.step].gap)) worst = c;
      }
      const q = worst.points[state.step], census = new Map();
      for (const c of p.curves) census.set(c.points[state.step].verdict, (census.get(c.points[state.step].verdict) || 0) + 1);
      const counts = [...census].map(([v, n]) => `${n} ${v}`).join(" · ");
      if (q.gap === null) reading.textContent = `At ${worst.name} the quotient is not finite. ${counts}`;
      else if (q.gap === 0) reading.textContent = `No gap at all. ${counts}`;
      else {
        let k = 0;
        q.terms.forEach((t, i) => { if (Math.abs(t) > Math.abs(q.terms[k])) k = i; });
        const share = 100 * q.terms[k] / q.gap;
        reading.replaceChildren(make("b", {}, `Largest gap ${num(Math.abs(q.gap))} at ${worst.name}`), `, ${share >= 99.95 && share <= 100.05 ? "all" : num(share) + " %"} of it ${WORDS[TERMS[k]]}. ${counts}`);
      }
    });
    draw();
    let before = document.documentElement.clientWidth;
    addEventListener("resize", () => {
      const width = document.documentElement.clientWidth;
      if (width !== before) { before = width; draw(); }
    });
  }
  // Light or dark: the system's choice until the button says otherwise.
  const root = document.documentElement, key = "pullback-theme";
  const set = theme => { if (theme === "light" || theme === "dark") root.dataset.theme = theme; };
  try { set(localStorage.getItem(key)); } catch { /* no storage, no memory */ }
  at("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    set(dark ? "light" : "dark");
    try { localStorage.setItem(key, root.dataset.theme); } catch { /* no storage, no memory */ }
  });
}
