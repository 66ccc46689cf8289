"""`t.graph()`: what it holds, what it draws, and how large graphs are cut."""

import json
import re
from xml.etree import ElementTree

import pytest

import pullback as torch


def two_layers():
    w = torch.ones(2, 4, requires_grad=True)
    b = torch.zeros(4, requires_grad=True)
    h = torch.relu(torch.ones(3, 2) @ w + b)
    loss = (h**2).mean()
    return loss, loss.graph()


def test_nodes_edges_and_names():
    loss, g = two_layers()
    assert [n["op"] for n in g.nodes if n["op"]] == ["matmul", "add", "relu", "pow", "mean"]
    assert {n["name"]: (tuple(n["shape"]), n["dtype"]) for n in g.nodes if not n["op"]} == {"w": ((2, 4), torch.float32), "b": ((4,), torch.float32)}
    named = {n["name"]: n["op"] for n in g.nodes if n["op"] and n["name"]}
    assert named == {"h": "relu", "loss": "mean"} and g.nodes[-1]["grad_fn"] == loss.grad_fn.name()
    assert all(i < k for i, k in g.edges) and len(g.edges) == 6
    data = json.loads(json.dumps(g.to_dict()))
    assert data["nodes"][-1]["op"] == "mean" and data["edges"] == [list(e) for e in g.edges] and data["omitted"] == 0
    assert "h = relu(" in repr(g) and repr(g).startswith("Graph: 5 operations, 2 leaves")


def test_names_that_are_given():
    p = {"weights": torch.ones(2, requires_grad=True)}
    hidden = [torch.ones(2, requires_grad=True)]
    y = p["weights"] * hidden[0]
    assert {n["name"] for n in y.graph().nodes} == {"p['weights']", "hidden[0]", "y"}
    names = {"α <&> β": p["weights"]}
    g = y.graph(names=names)
    assert "α <&> β" in {n["name"] for n in g.nodes}
    assert "α &lt;&amp;&gt; β" in g.svg()


def test_pictures_are_wellformed_and_saved(tmp_path):
    _, g = two_layers()
    root = ElementTree.fromstring(g.svg())
    texts = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"matmul", "relu", "w", "loss: float32 number"} <= set(texts)
    width, height = float(root.get("width")), float(root.get("height"))
    for box in root.iter("{http://www.w3.org/2000/svg}g"):
        x, y = map(float, re.findall(r"[\d.]+", box.get("transform")))
        rect = box.find("{http://www.w3.org/2000/svg}rect")
        assert 0 <= x and x + float(rect.get("width")) <= width and y + float(rect.get("height")) <= height
    assert "prefers-color-scheme:dark" in g.svg() and "<svg" in g._repr_html_() and g._repr_svg_() == g.svg()
    for name in ("g.svg", "g.html", "g.json"):
        g.save(tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["g.html", "g.json", "g.svg"]
    ElementTree.parse(tmp_path / "g.svg")
    with pytest.raises(ValueError, match="must end in .svg, .html or .json, not '.png'"):
        g.save(tmp_path / "g.png")


def test_large_graphs_are_cut_where_they_are_far_from_the_result():
    x = torch.ones(3, requires_grad=True)
    y = x
    for _ in range(2000):
        y = y * 1.001
    g = y.graph()
    assert len(g) == 200 and g.omitted == 1801 and g.nodes[0]["inputs"] == [None] and g.nodes[-1]["name"] == "y"
    assert len(g.svg()) < 200_000 and "200 of 2001 nodes" in g._repr_html_()
    assert len(y.graph(max_nodes=5000)) == 2001
    assert len(repr(g).splitlines()) == 61
    with pytest.raises(ValueError, match="max_nodes"):
        y.graph(max_nodes=0)
    with pytest.raises(ValueError, match="has no graph"):
        torch.ones(1).graph()
    assert [n["name"] for n in x.graph().nodes] == ["x"]


def test_lines_are_noted_where_asked():
    x = torch.ones(2, requires_grad=True)
    with torch.autograd.graph.lines():
        y = x * 2
        z = torch.exp(y)
    w = z + 1
    lines = {n["op"]: n["line"] for n in w.graph().nodes}
    at = test_lines_are_noted_where_asked.__code__.co_firstlineno
    assert lines["mul"].endswith(f"test_graph_picture.py:{at + 3}") and lines["exp"].endswith(f":{at + 4}") and lines["add"] is None
    assert f"test_graph_picture.py:{at + 3}" in w.graph().svg()
