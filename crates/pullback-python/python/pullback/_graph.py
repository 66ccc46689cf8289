"""`t.graph()`: the graph of operations that a tensor came from, as something a notebook draws."""

import os
import sys

from . import _native


class lines:
    """A context manager: operations run inside note the line of the program that ran them, for `graph()` to show."""

    def __enter__(self):
        _native.note_lines(True)
        return self

    def __exit__(self, *_):
        _native.note_lines(False)


class Graph:
    """The graph of one tensor: `nodes`, each a dict, after the nodes it is made from; the tensor's own is last.

    A node has `op` (None for a leaf), `name` (a leaf's, or a result's variable), `grad_fn` (PyTorch's name), `shape`, `dtype`, `line`
    (where `autograd.graph.lines()` was on) and `inputs` (numbers of nodes; None for one that is left out). In a notebook it draws
    itself, light and dark; `save` writes SVG, HTML or JSON; `to_dict` gives plain data.
    """

    def __init__(self, tensor, names=None, most=200, found=()):
        if most < 1:
            raise ValueError(f"graph: max_nodes must be at least 1, not {most}")
        self.nodes, self.total = _native.graph_of(tensor, most)
        known = {}
        for name, t in [*_given(names), *found]:
            if isinstance(t, _native.Tensor) and t.requires_grad:
                known.setdefault((_native.gradient_node(t), t.output_nr), name)
        for node in self.nodes:
            node["inputs"] = [i for i, _ in node["inputs"]]
            node["name"] = known.get((node.pop("node"), 0))

    @property
    def edges(self):
        """Pairs of numbers: from a node to one that is made from it."""
        return [(i, k) for k, node in enumerate(self.nodes) for i in node["inputs"] if i is not None]

    @property
    def omitted(self):
        """How many nodes are left out: those furthest from the result."""
        return self.total - len(self.nodes)

    def to_dict(self):
        """Nodes and edges as plain data, ready for JSON."""
        nodes = [{**node, "shape": list(node["shape"]), "dtype": node["dtype"].name} for node in self.nodes]
        return {"nodes": nodes, "edges": self.edges, "omitted": self.omitted}

    def _boxes(self):
        boxes, places = [], {}
        for k, node in enumerate(self.nodes):
            inputs = []
            if None in node["inputs"]:
                boxes.append(("omitted", "…", "", "", "operations that are left out", []))
                inputs.append(len(boxes) - 1)
            inputs += [places[i] for i in node["inputs"] if i is not None]
            head = node["op"] or node["name"] or "leaf"
            what = _what(node)
            title = [f"{node['name']} = {node['op']}" if node["op"] and node["name"] else head, what, node["grad_fn"]]
            if node["op"] and node["name"]:
                what = f"{node['name']}: {what}"
            place = os.path.basename(node["line"]) if node["line"] else ""
            places[k] = len(boxes)
            boxes.append(("operation" if node["op"] else "leaf", head, what, place, "\n".join([*title, *filter(None, [node["line"]])]), inputs))
        return boxes

    def svg(self):
        """The picture, as SVG."""
        return _native.draw_graph(self._boxes())

    _repr_svg_ = svg

    def _caption(self):
        if not self.omitted:
            return ""
        return f"{len(self.nodes)} of {self.total} nodes: those nearest to the result. graph(max_nodes=…) draws more."

    def _repr_html_(self):
        import html as _html

        caption = self._caption()
        words = f"<p style='font-size:12px'>{_html.escape(caption)}</p>" if caption else ""
        return f"<div style='overflow:auto;max-height:80vh'>{self.svg()}</div>{words}"

    def html(self):
        """A page with the picture, as text."""
        import html as _html

        return (
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><meta name=color-scheme content='light dark'>"
            "<title>Graph of a tensor</title><style>body{margin:20px;font:14px system-ui,sans-serif;background:#f6f6f3;color:#12110f}"
            "@media(prefers-color-scheme:dark){body{background:#10100f;color:#f5f4f0}}</style>"
            f"<div style='overflow-x:auto'>{self.svg()}</div><p>{_html.escape(self._caption())}</p></html>\n"
        )

    def save(self, path):
        """Writes `path`, whole or not at all: SVG, HTML or JSON, as its name ends."""
        import json

        from ._files import write_text

        kind = os.path.splitext(os.fspath(path))[1].lower()
        texts = {".svg": lambda: self.svg() + "\n", ".html": self.html, ".json": lambda: json.dumps(self.to_dict(), indent=1) + "\n"}
        if kind not in texts:
            raise ValueError(f"save: the name must end in .svg, .html or .json, not {kind!r}")
        write_text(path, texts[kind]())

    def __len__(self):
        return len(self.nodes)

    def __repr__(self):
        leaves = sum(node["op"] is None for node in self.nodes)
        rows = [f"Graph: {len(self.nodes) - leaves} operations, {leaves} leaves"]
        shown = self.nodes if len(self.nodes) <= 60 else self.nodes[-60:]
        if len(shown) < self.total:
            rows[0] += f"; the last {len(shown)} of {self.total} nodes:"
        for k, node in enumerate(self.nodes):
            if len(self.nodes) - k > 60:
                continue
            of = ", ".join("…" if i is None else self.nodes[i]["name"] or f"#{i}" for i in node["inputs"])
            name = f"{node['name']} = " if node["name"] else ""
            text = f"{name}{node['op']}({of})" if node["op"] else node["name"] or "leaf"
            line = f"  {os.path.basename(node['line'])}" if node["line"] else ""
            rows.append(f"{'#' + str(k):>5}  {text:<36} {_what(node)}{line}")
        return "\n".join(rows)


def _what(node):
    return f"{node['dtype'].name} {list(node['shape']) if node['shape'] else 'number'}"


def _given(names):
    if names is None:
        return []
    if isinstance(names, dict):
        return [(name, t) if isinstance(t, _native.Tensor) else (t, name) for name, t in names.items()]
    return [(name, t) for name, t in names]


def _variables(frame):
    """Names that the caller has for tensors: variables, and what lists, tuples and dicts among them hold."""
    for scope in (frame.f_locals, frame.f_globals):
        for name, value in list(scope.items()):
            if name.startswith("_"):
                continue
            if isinstance(value, _native.Tensor):
                yield name, value
            elif isinstance(value, (list, tuple)) and len(value) <= 1000:
                yield from ((f"{name}[{k}]", t) for k, t in enumerate(value) if isinstance(t, _native.Tensor))
            elif type(value) is dict and len(value) <= 1000:
                yield from ((f"{name}[{k!r}]", t) for k, t in list(value.items()) if isinstance(t, _native.Tensor))


def graph(self, names=None, *, max_nodes=200):
    """The graph of operations that this tensor came from; a notebook draws it.

    Leaves are named as the caller's variables are, or by `names`: a dict of names and tensors. Of more operations than `max_nodes`,
    those that ran last are kept. `.save("graph.svg")` writes the picture.
    """
    frame = sys._getframe(1)
    return Graph(self, names, max_nodes, _variables(frame))
