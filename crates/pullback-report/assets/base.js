// What every picture uses: the data, elements, scales, numbers in words. Nothing is measured here.
const data = JSON.parse(document.getElementById("data").textContent);
const TERMS = ["back", "formula", "truncation", "kink", "step", "forward"];
const WORDS = {
  back: "gradient's own rounding", formula: "wrong formula", truncation: "truncation",
  kink: "kinks", step: "rounding of the step", forward: "forward rounding",
};
const state = { precision: 0, step: 0, coordinate: 0 };
const parts = []; // functions that draw, called whenever the state changes
const at = id => document.getElementById(id);
const here = () => data.precisions[state.precision];

function make(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
}
function svg(name, attributes = {}, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
}
// Three digits: 4.57e-3, 0.12, 535.
function num(x, n = 3) {
  if (x === null || x === undefined) return "not finite";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 10 ** (n - 1) && size < 1e5) return x.toFixed(0);
  if (size >= 0.01 && size < 10000) return x.toPrecision(n).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  const text = x.toExponential(n - 1);
  return text.replace("e+", "e");
}
const stepText = h => h.toExponential().replace("e+", "e").replace(/(\.\d{3})\d+/, "$1");
const superscript = n => String(n).replace("-", "⁻").replace(/\d/g, d => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);
const decade = e => e === 0 ? "1" : "10" + superscript(e);
// A logarithmic scale from [from, to] in powers of ten to pixels; what lies outside is kept at the edge.
function logScale(from, to, a, b) {
  const f = x => a + (b - a) * Math.min(1.02, Math.max(-0.02, (Math.log10(x) - from) / (to - from)));
  f.from = from; f.to = to;
  return f;
}
function widthOf(card) {
  const style = getComputedStyle(card);
  return Math.max(240, card.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
}
// Names as wide as they really are, and cut at the front where they are too long: their ends tell them apart.
const pen = document.createElement("canvas").getContext("2d");
pen.font = "600 12px " + getComputedStyle(document.body).fontFamily;
const wide = text => pen.measureText(text).width;
function fit(name, room) {
  if (wide(name) <= room) return name;
  let cut = 1;
  while (cut < name.length && wide("…" + name.slice(cut)) > room) cut++;
  return "…" + name.slice(cut);
}
const nameRoom = (curves, narrow) => Math.min(narrow ? 110 : 200, 16 + Math.max(40, ...curves.map(c => wide(c.name))));
function nameAt(x, y, name, room) {
  const t = svg("text", { x, y, class: "strong" }, fit(name, room - 12));
  t.append(svg("title", {}, name));
  return t;
}
const mark = verdict => ({ "agree": "✓", "round-off limited": "≈", "truncation limited": "⌒", "kink crossed": "∧",
  "subgradient choice at a kink": "∨", "gradient bug": "✗" })[verdict] || "?";
const classOf = word => word.toLowerCase().replace(/[^a-z0-9]/g, "-");
function draw() { for (const part of parts) part(); }
