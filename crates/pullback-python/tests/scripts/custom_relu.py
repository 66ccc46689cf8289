"""A ReLU of one's own as an autograd.Function, in a small regression."""
import torch


class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input < 0] = 0
        return grad_input


torch.manual_seed(4)
x = torch.randn(32, 20)
y = torch.randn(32, 3)
w1 = (0.2 * torch.randn(20, 16)).requires_grad_()
w2 = (0.2 * torch.randn(16, 3)).requires_grad_()
relu = MyReLU.apply

z = relu(torch.tensor([-1.0, 0.0, 2.0], requires_grad=True))
print(z)
print(z.grad_fn.name(), x.requires_grad, z.requires_grad)
for t in range(201):
    loss = (relu(x.mm(w1)).mm(w2) - y).pow(2).mean()
    if t % 50 == 0:
        print(t, round(loss.item(), 3))
    loss.backward()
    with torch.no_grad():
        for w in (w1, w2):
            w -= 0.1 * w.grad
            w.grad = None
print("gradcheck", torch.autograd.gradcheck(relu, torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64, requires_grad=True)))
