# karpathy's tutorials and a GPT notebook, in my own words: every line printed is torch's.
# Oracle: torch 2.15, character by character: what make_golden.py wrote down.
import io, contextlib, json, pullback as P
def bigram(M):
    g = M.Generator().manual_seed(2147483647); names = ["ana", "bob", "eve", "dan"]; letters = [".", *sorted(set("".join(names)))]; at = {c: i for i, c in enumerate(letters)}
    N = M.zeros((len(letters), len(letters)), dtype=M.int32)
    for n in names:
        for a, b in zip("." + n, n + "."): N[at[a], at[b]] += 1
    P_ = (N + 1).float(); P_ /= P_.sum(1, keepdim=True); print(N); print(P_)
    i = 0
    for _ in range(12): i = M.multinomial(P_[i], num_samples=1, replacement=True, generator=g).item(); print(letters[i], end="")
    W = M.randn((len(letters), len(letters)), generator=g, requires_grad=True); xs = M.arange(len(letters)); ys = xs.flip(0)
    for _ in range(3):
        logits = M.nn.functional.one_hot(xs, num_classes=len(letters)).float() @ W; counts = logits.exp(); probs = counts / counts.sum(1, keepdims=True)
        loss = -probs[M.arange(len(letters)), ys].log().mean() + .01 * (W**2).mean(); W.grad = None; loss.backward(); W.data += -50 * W.grad; print(f"{loss.item():.4f}", loss)
    print(W[:2, :3])
def attention(M):
    M.manual_seed(1337); x = M.randn(2, 4, 6); low = M.tril(M.ones(4, 4)); w = M.zeros((4, 4)).masked_fill(low == 0, float("-inf")); w = M.softmax(w, dim=-1)
    print(w, (w @ x)[0, -1]); k, q = x @ M.randn(6, 3), x @ M.randn(6, 3); s = (q @ k.transpose(-2, -1) * 3**-.5).masked_fill(low == 0, float("-inf")); print(M.softmax(s, -1)[0], x.var())
def tour(M):
    x = M.arange(12).view(3, 4); print(x, x[1], x[:, 1], x[x % 2 == 0], x[[0, 2]][:, [1, 3]], x.float().mean(dim=0), x.max(dim=1), x.t(), x.double() / 3, x / 0, x.float() * 1e6)
    print(x.split(2, 1), M.unique(x % 3), M.tensor([1e-10, 1]), M.tensor([True]), x.sort(descending=True), x.topk(2), M.logspace(-3, 3, 7), M.arange(0, 1, .1), M.randn(0), M.tensor(3), M.arange(3000.) / 7)
def printed(f, M):
    with contextlib.redirect_stdout(io.StringIO()) as b: f(M)
    return b.getvalue()
def answers(M): return {f.__name__: printed(f, M) for f in (bigram, attention, tour)}
if __name__ == "__main__":
    with open(__file__.replace(".py", ".json"), encoding="utf-8") as golden: right = json.load(golden)
    for name, text in answers(P).items(): assert text == right[name], name
