"""A few steps of every optimiser, closures, groups that are added, and errors."""

import torch

torch.manual_seed(0)
for cls, kw in [
    (torch.optim.SGD, dict(lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4)),
    (torch.optim.Adam, {}),
    (torch.optim.AdamW, dict(amsgrad=True)),
    (torch.optim.RMSprop, dict(lr=0.01, momentum=0.5, centered=True)),
    (torch.optim.Adagrad, {}),
    (torch.optim.Adadelta, {}),
    (torch.optim.Adamax, {}),
    (torch.optim.NAdam, {}),
    (torch.optim.RAdam, {}),
    (torch.optim.ASGD, {}),
    (torch.optim.Rprop, {}),
    (torch.optim.LBFGS, dict(max_iter=4, line_search_fn="strong_wolfe")),
]:
    w = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    o = cls([w], **kw)

    def closure():
        o.zero_grad()
        l = (w**2).sum() + w.sin().sum()
        l.backward()
        return l

    for _ in range(5):
        l = o.step(closure)
    print(cls.__name__, w.data, round(float(l), 5))
    print(o)


def rosen(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


x = torch.tensor([-1.0, 1.0], requires_grad=True)
o = torch.optim.LBFGS([x], history_size=10, max_iter=20, line_search_fn="strong_wolfe")
for i in range(3):

    def c():
        o.zero_grad()
        f = rosen(x)
        f.backward()
        return f

    o.step(c)
print(x.detach())
o = torch.optim.SGD([x], lr=0.1)
o.add_param_group({"params": torch.nn.Parameter(torch.ones(1)), "lr": 0.5})
print(len(o.param_groups), o.param_groups[1]["lr"], o.defaults)
o.register_step_post_hook(lambda *a: print("stepped"))
o.step()
try:
    torch.optim.Adam(torch.ones(2, requires_grad=True))
except TypeError as e:
    print(e)
try:
    torch.optim.SGD([x * 2], lr=0.1)
except ValueError as e:
    print(e)
try:
    torch.optim.SGD([x, x], lr=0.1)
    print("ok")
except Exception as e:
    print(type(e).__name__, e)
try:
    torch.optim.Adam([x], betas=(1.5, 0.9))
except ValueError as e:
    print(e)
try:
    o.add_param_group({"params": [x]})
except ValueError as e:
    print(e)
print(torch.nn.utils.parameters_to_vector([x, x]).shape, torch.nn.utils.get_total_norm([torch.ones(3)]))
