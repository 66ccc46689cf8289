"""What scripts print of a run, where it hung on more than numbers: keys of states in PyTorch's order, what padding becomes, names in sentences."""

import pytest

import pullback as torch
from pullback import nn


def test_the_state_of_lbfgs_has_pytorchs_order():
    param = nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer = torch.optim.LBFGS([param], max_iter=4)

    def closure():
        optimizer.zero_grad()
        loss = (param**4).sum() + (param[0] * param[1] - 1) ** 2
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)
        assert list(optimizer.state_dict()["state"][0]) == ["func_evals", "n_iter", "al", "d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss"]


def encoder(**options):
    torch.manual_seed(0)
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2, **options)


PADDING = torch.tensor([[False, False, True, True], [False, False, False, False]])


def test_padding_is_zero_where_nobody_records():
    net, x = encoder().eval(), torch.randn(2, 4, 8)
    recorded = net(x, src_key_padding_mask=PADDING)
    with torch.no_grad():
        left_out = net(x, src_key_padding_mask=PADDING)
        floats = net(x, src_key_padding_mask=torch.zeros(2, 4).masked_fill(PADDING, float("-inf")))
    assert torch.equal(left_out, floats) and torch.equal(left_out[0, 2:], torch.zeros(2, 8)) and recorded[0, 2:].abs().sum() > 0
    assert torch.allclose(left_out[~PADDING], recorded[~PADDING], atol=1e-6)
    normed = encoder(norm=nn.LayerNorm(8)).eval()
    nn.init.constant_(normed.norm.bias, 3.0)
    with torch.no_grad():
        assert torch.equal(normed(x, src_key_padding_mask=PADDING)[0, 2:], torch.full((2, 8), 3.0))


@pytest.mark.parametrize("why", ["training", "not nested", "not at the end", "a mask besides"])
def test_padding_is_computed_elsewhere(why):
    net, x = encoder(enable_nested_tensor=why != "not nested").train(why == "training"), torch.randn(2, 4, 8)
    padding = PADDING.flip(1) if why == "not at the end" else PADDING
    mask = torch.zeros(4, 4) if why == "a mask besides" else None
    with torch.no_grad():
        found = net(x, mask=mask, src_key_padding_mask=padding.float().masked_fill(padding, float("-inf")) if mask is not None else padding)
    assert (found[padding].abs().sum(-1) > 0).all()


def test_what_was_written_in_place_is_named():
    for function, name in ((torch.exp, "Exp"), (torch.sigmoid, "Sigmoid"), (torch.relu, "Relu")):
        result = function(torch.ones(3, requires_grad=True))
        result.add_(1)
        with pytest.raises(RuntimeError) as caught:
            result.sum().backward()
        assert str(caught.value).startswith(
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"[torch.FloatTensor [3]], which is output 0 of {name}, is at version 1; expected version 0 instead."
        )


def test_names_of_cosines():
    a, b = torch.ones(3, requires_grad=True), torch.ones(3)
    assert type(nn.CosineSimilarity(dim=0)(a, b).grad_fn).__name__ == "SumBackward1"


@pytest.mark.parametrize(
    ("names", "views"),
    [
        ("Permute", ["x.T", "x.permute(1, 0)", "x[0].T", "x[None].T", "x[0, 0].T"]),
        ("Transpose", ["x.mT", "x.mH", "x.H", "x.adjoint()", "torch.adjoint(x)", "x.transpose(0, 1)", "x.swapaxes(0, 1)", "x[None].mT", "x.transpose(0, 0)"]),
        ("T", ["x.t()", "torch.t(x)"]),
        ("Slice", ["x[:]", "x[0:]", "x[::1]", "x[:2]"]),
        ("Alias", ["x[...]", "x[:, :]", "x[()]", "x[..., :]", "x[:, ...]"]),
        ("Unsqueeze", ["x[None]", "x[:, None]"]),
        ("Select", ["x[0]", "x[0, :]", "x[:, 0]"]),
        ("View", ["x.view(6)", "x.unflatten(0, (2, 1))", "x.view(2, 3)"]),
    ],
)
def test_names_of_views(names, views):
    for leaf in (True, False):
        x = torch.ones(2, 3, requires_grad=True)
        x = x if leaf else x * 1
        for view in views:
            found = eval(view, {"x": x, "torch": torch})
            assert type(found.grad_fn).__name__ == f"{names}Backward0", view
            found.sum().backward(retain_graph=True)


def test_transposes_of_other_tensors_than_matrices():
    number, vector, batch = torch.tensor(1.0), torch.ones(3), torch.ones(2, 2, 2)
    assert all(getattr(number, name) is number for name in ("mT", "mH", "H")) and number.adjoint() is number
    for name in ("mT", "mH"):
        with pytest.raises(RuntimeError, match=rf"tensor\.{name} is only supported on matrices or batches of matrices\. Got 1-D tensor\."):
            getattr(vector, name)
    with pytest.raises(RuntimeError, match=r"tensor\.adjoint\(\) is only supported on matrices or batches"):
        vector.adjoint()
    with pytest.raises(RuntimeError, match=r"tensor\.H is only supported on matrices \(2-D tensors\)\. Got 3-D tensor\. For batches of matrices, consider using tensor\.mH"):
        batch.H
    with pytest.raises(RuntimeError, match=r"Got 1-D tensor\.$"):
        vector.H
