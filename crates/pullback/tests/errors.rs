//! What errors say: PyTorch's sentence first (2.15's, where it has one), then the operation, the caller's own line, and help.

mod made;

use made::{leaf, plain};
use pullback::{
    Array, BackwardOptions, Ctx, DType, Error, ErrorKind, Family, Op, OpDef, Result, Tensor,
    apply_op, cat, grad, jvp, no_grad,
};

fn ones(shape: &[usize]) -> Tensor {
    Tensor::ones(shape, DType::F32).unwrap()
}

/// An error with PyTorch's sentence, found on `line` of this file in `op`.
#[track_caller]
fn says<T>(result: Result<T>, line: u32, op: &str, sentence: &str) -> Error {
    let Err(e) = result else {
        panic!("no error where one is due: {sentence}")
    };
    assert_eq!(e.message(), sentence);
    assert_eq!(e.op_name(), Some(op), "{e}");
    let site = e.site().unwrap_or_else(|| panic!("no source line: {e}"));
    assert!(site.file().ends_with("errors.rs"), "{e}");
    assert_eq!(site.line(), line, "{e}");
    assert_eq!(e.to_string().lines().next(), Some(sentence));
    e
}

macro_rules! says {
    ($result:expr, $op:literal, $sentence:literal) => {
        says($result, line!(), $op, $sentence)
    };
}

#[test]
#[rustfmt::skip] // one call a line, so that the line is the caller's
fn shapes_and_dimensions() {
    let (a, m) = (ones(&[2]), ones(&[2, 3]));
    let broadcast = "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0";
    for (result, line, op) in [
        (a.add(&ones(&[3])), line!(), "add"),
        (a.sub(&ones(&[3])), line!(), "sub"),
        (a.div(&ones(&[3])), line!(), "div"),
        (a.maximum(&ones(&[3])), line!(), "maximum"),
        (a.gt(&ones(&[3])), line!(), "gt"),
        (a.add_scaled(&ones(&[3]), 2.0), line!(), "add_scaled"),
    ] {
        says(result, line, op, broadcast);
    }
    says!(m.matmul(&ones(&[2, 2])), "matmul", "mm: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x2)");
    says!(m.sum_dims(&[5], false), "sum_dims", "Dimension out of range (expected to be in range of [-2, 1], but got 5)");
    says!(m.sum_dims(&[0, -2], false), "sum_dims", "dim 0 appears multiple times in the list of dims");
    says!(m.mean_dims(&[2], false), "mean_dims", "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
    says!(m.reshape([4]), "reshape", "shape '[4]' is invalid for input of size 6");
    says!(m.permute(&[0, 0]), "permute", "permute(): duplicate dims are not allowed.");
    says!(m.permute(&[0]), "permute", "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = 2 is not equal to len(dims) = 1");
    says!(m.transpose(0, 3), "transpose", "Dimension out of range (expected to be in range of [-2, 1], but got 3)");
    says!(ones(&[2, 3, 3]).t(), "t", "t() expects a tensor with <= 2 dimensions, but self is 3D");
    says!(m.expand([3, 3]), "expand", "The expanded size of the tensor (3) must match the existing size (2) at non-singleton dimension 0.  Target sizes: [3, 3].  Tensor sizes: [2, 3]");
    says!(a.unsqueeze(4), "unsqueeze", "Dimension out of range (expected to be in range of [-2, 1], but got 4)");
    says!(a.softmax(3), "softmax", "Dimension out of range (expected to be in range of [-1, 0], but got 3)");
    says!(a.argmax(3, false), "argmax", "Dimension out of range (expected to be in range of [-1, 0], but got 3)");
    says!(cat::<Tensor>(&[], 0), "cat", "torch.cat(): expected a non-empty list of Tensors");
    says!(cat(&[&m, &ones(&[2, 4])], 0), "cat", "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 for tensor number 1 in the list.");
    says!(cat(&[&ones(&[]), &ones(&[])], 0), "cat", "zero-dimensional tensor (at position 0) cannot be concatenated");
    says!(a.where_(&ones(&[2]).gt(0.0).unwrap(), &ones(&[3])), "where_", "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0");
    says!(ones(&[2, 0]).argmax(1, false), "argmax", "argmax(): Expected reduction dim 1 to have non-zero size.");
}

#[test]
#[rustfmt::skip]
fn indices_and_values() {
    let (a, zero) = (ones(&[2]), ones(&[]));
    says!(a.select(0, 2), "select", "select(): index 2 out of range for tensor of size [2] at dimension 0");
    says!(a.set(2, 0.0), "set", "index 2 is out of bounds for dimension 0 with size 2");
    says!(a.get::<f32>(-3), "get", "index -3 is out of bounds for dimension 0 with size 2");
    says!(zero.select(0, 0), "select", "select() cannot be applied to a 0-dim tensor.");
    says!(zero.index(0), "index", "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number");
    says!(a.narrow(0, 1, 5), "narrow", "start (1) + length (5) exceeds dimension size (2).");
    says!(a.take(&Tensor::from_slice(&[5i64], [1]).unwrap()), "take", "out of range: tried to access index 5 on a tensor of 2 elements.");
    says!(a.take(&ones(&[1])), "take", "take(): Expected a long tensor for index, but got Float");
    says!(a.item::<f32>(), "item", "a Tensor with 2 elements cannot be converted to Scalar");
    says!(a.item_f64(), "item_f64", "a Tensor with 2 elements cannot be converted to Scalar");
}

#[test]
#[rustfmt::skip]
fn dtypes() {
    let (a, b) = (ones(&[2]), Tensor::from_slice(&[true, false], [2]).unwrap());
    let i = Tensor::arange(2).unwrap();
    says!(b.sub(&b), "sub", "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.");
    says!(b.neg(), "neg", "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.");
    says!(i.mean(), "mean", "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: Long");
    says!(a.where_(&a, &a), "where_", "where expected condition to be a boolean tensor, but got a tensor with dtype Float");
    says!(i.add_(&a), "add_", "result type Float can't be cast to the desired output type Long");
    says!(i.mul_(0.5), "mul_", "result type Float can't be cast to the desired output type Long");
    says!(i.add_scaled_(&i, 0.5), "add_scaled_", "For integral input tensors, argument alpha must not be a floating point number.");
    says!(Tensor::arange(2).unwrap().requires_grad_(true), "requires_grad_", "only Tensors of floating point dtype can require gradients");
}

#[test]
#[rustfmt::skip]
fn in_place_shapes() {
    let x = leaf(&[1.0, 2.0]);
    // Tracked and untracked writes go different ways and say the same.
    for a in [ones(&[2]), x.mul(1.0).unwrap()] {
        says!(a.add_(&ones(&[3])), "add_", "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0");
        says!(a.mul_(&ones(&[3, 2])), "mul_", "output with shape [2] doesn't match the broadcast shape [3, 2]");
        says!(a.sub_scaled_(&ones(&[3, 2]), 0.1), "sub_scaled_", "output with shape [2] doesn't match the broadcast shape [3, 2]");
        says!(a.copy_(&ones(&[3])), "copy_", "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0");
        says!(a.copy_(&ones(&[3, 2])), "copy_", "output with shape [2] doesn't match the broadcast shape [3, 2]");
        says!(a.narrow(0, 0, 1).unwrap().expand([3]).unwrap().mul_(2.0), "mul_", "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation.");
    }
}

#[test]
#[rustfmt::skip]
fn backward_says() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    let (y, z) = (x.mul(&x)?, x.mul(&x)?.sum()?);
    let once = BackwardOptions::default();
    let cut = "element 0 of tensors does not require grad and does not have a grad_fn";
    let e = says(ones(&[]).backward(), line!(), "backward", cut);
    assert!(e.to_string().contains("\n  help: "));
    says(ones(&[3]).backward(), line!(), "backward", cut);
    says(x.detach().sum()?.backward(), line!(), "backward", cut);
    let off = no_grad();
    let quiet = x.sum()?;
    drop(off);
    says(quiet.backward(), line!(), "backward", cut);
    says!(grad(&[(&z, None), (&quiet, None)], &[&x], once), "grad", "element 1 of tensors does not require grad and does not have a grad_fn");
    let e = says!(y.backward(), "backward", "grad can be implicitly created only for scalar outputs");
    assert!(e.to_string().contains("note: the result has shape [2]"), "{e}");
    says!(grad(&[(&y, None)], &[&x], once), "grad", "grad can be implicitly created only for scalar outputs");
    says!(y.backward_with(Some(&plain(&[1.0; 3])), once), "backward", "Mismatch in shape: grad_output[0] has a shape of torch.Size([3]) and output[0] has a shape of torch.Size([2]).");
    says!(grad(&[(&z, None), (&y, Some(&plain(&[1.0])))], &[&x], once), "grad", "Mismatch in shape: grad_output[1] has a shape of torch.Size([1]) and output[1] has a shape of torch.Size([2]).");
    let e = grad(&[(&z, None)], &[&plain(&[1.0])], once).unwrap_err();
    assert_eq!(e.message(), "One of the differentiated Tensors does not require grad");
    says!(y.clone().requires_grad_(false), "requires_grad_", "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().");
    assert_eq!(jvp(|x| Ok(x[0].clone()), &[&x][..], &[] as &[&Tensor]).unwrap_err().kind(), ErrorKind::Value);
    Ok(())
}

#[test]
#[rustfmt::skip]
fn composed_methods_name_the_callers_line() -> Result<()> {
    // The line of the freed node is where its operation was called, however many methods lie between.
    let x = leaf(&[1.0, 2.0]);
    for (y, line, op) in [
        (x.square()?, line!(), "pow"),
        (x.exp()?, line!(), "exp"),
        (x.mul(2.0)?, line!(), "mul"),
        (&x * 3.0, line!(), "mul"),
        (&x / &x, line!(), "div"),
        (2.0 * &x, line!(), "mul"),
        (x.where_(&x.gt(0.0)?, 1.0)?, line!(), "where"),
    ] {
        let y = y.sum()?;
        y.backward()?;
        let e = y.backward().unwrap_err();
        assert!(e.message().starts_with("Trying to backward through the graph a second time"));
        assert_eq!((e.op_name(), e.site().unwrap().line()), (Some(op), line), "{e}");
        assert!(e.site().unwrap().file().ends_with("errors.rs") && e.to_string().contains("help: "));
    }
    Ok(())
}

#[test]
#[rustfmt::skip]
fn overwritten_values_name_both_lines_and_versions() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    let stale = |y: Tensor, made: u32, written: u32, op: &str, what: &str| -> Result<()> {
        let e = y.sum()?.backward().unwrap_err();
        assert_eq!((e.kind(), e.op_name()), (ErrorKind::StaleSave, Some(op)));
        assert_eq!(e.site().unwrap().line(), made, "{e}");
        let text = e.to_string();
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("one of the variables needed for gradient computation has been modified by an inplace operation: ["), "{text}");
        assert!(first.contains("is at version 1; expected version 0 instead."), "{text}");
        assert!(text.contains(what) && text.contains(&format!("errors.rs:{written}:")) && text.contains("help: "), "{text}");
        Ok(())
    };
    let h = x.mul(1.0)?;
    let (y, made) = (h.mul(&h)?, line!());
    h.add_(1.0)?; let written = line!();
    stale(y, made, written, "mul", "saved its input 1")?;
    let (y, made) = (x.relu()?, line!());
    y.add_(1.0)?; let written = line!();
    stale(y, made, written, "relu", "saved its result")?;
    let w = leaf(&[1.0, 2.0]);
    let (y, made) = (x.mul(&w)?, line!());
    let off = no_grad();
    w.sub_scaled_(&plain(&[0.1, 0.1]), 1.0)?; let written = line!();
    drop(off);
    stale(y, made, written, "mul", "saved its input 1")?;
    // Written through an alias; and a write that saved its own result.
    let (y, made) = (x.exp()?, line!());
    y.detach().reshape([2, 1])?.select(0, 0)?.zero_()?; let written = line!();
    stale(y, made, written, "exp", "saved its result")
}

#[test]
fn leaves_written_in_place() {
    let x = leaf(&[1.0, 2.0]);
    let own = "a leaf Variable that requires grad is being used in an in-place operation.";
    let e = says(x.add_(1.0), line!(), "add_", own);
    assert_eq!(e.kind(), ErrorKind::Autograd);
    assert!(
        e.to_string()
            .contains("help: wrap the update in `no_grad()`")
    );
    says(x.zero_(), line!(), "zero_", own);
    says(
        x.set(0, 1.0),
        line!() - 1,
        "set",
        "a view of a leaf Variable that requires grad is being used in an in-place operation.",
    );
}

#[test]
fn impossible_sizes() {
    for dtype in [DType::Bool, DType::F32, DType::Dd] {
        let e = Tensor::zeros([1 << 50], dtype).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Alloc, "{e}");
        let bytes = (1u64 << 50) * dtype.size() as u64;
        assert!(
            e.message()
                .ends_with(&format!("you tried to allocate {bytes} bytes.")),
            "{e}"
        );
        for shape in [vec![1 << 40, 1 << 40], vec![usize::MAX, 2], vec![1 << 62]] {
            let e = Tensor::ones(shape, dtype).unwrap_err();
            assert!(
                matches!(e.kind(), ErrorKind::Alloc | ErrorKind::Shape),
                "{e}"
            );
        }
    }
    assert!(Tensor::zeros([1 << 50, 0], DType::F32).is_ok_and(|t| t.numel() == 0));
    assert!(Tensor::from_slice(&[1.0f32], [2]).is_err());
    // Stretched without a copy, and then asked for in full.
    let wide = Tensor::scalar(1.0f32).expand([1usize << 50]).unwrap();
    assert_eq!(wide.exp().unwrap_err().kind(), ErrorKind::Alloc);
    assert_eq!(wide.copy().unwrap_err().kind(), ErrorKind::Alloc);
}

/// A rule that returns a gradient of the wrong shape is an error that names it, not a panic and not a wrong sum.
#[test]
fn rules_are_held_to_their_inputs_shape() -> Result<()> {
    #[derive(Clone, Debug)]
    struct Wrong(&'static [usize]);
    static WRONG: OpDef = OpDef::new("wrong", Family::General);
    impl Op for Wrong {
        fn def(&self) -> &'static OpDef {
            &WRONG
        }
        fn boxed(&self) -> Box<dyn Op> {
            Box::new(self.clone())
        }
        fn eval(&self, x: &[&Array]) -> Result<Array> {
            x[0].copy()
        }
        fn vjp(&self, _: &Ctx<'_>, _: usize, _: &Tensor) -> Result<Tensor> {
            Tensor::ones(self.0, DType::F64)
        }
        fn jvp(&self, _: &Ctx<'_>, _: &[Option<Tensor>]) -> Result<Tensor> {
            Tensor::ones(self.0, DType::F64)
        }
    }
    for shape in [
        &[][..],
        &[1],
        &[3],
        &[2, 3],
        &[2, 1],
        &[3, 2],
        &[2, 2],
        &[1, 2],
    ] {
        let x = leaf(&[1.0, 2.0]);
        let e = apply_op(Wrong(shape), &[&x])?
            .sum()?
            .backward()
            .unwrap_err();
        assert_eq!(
            (e.op_name(), e.kind()),
            (Some("wrong"), ErrorKind::Shape),
            "{e}"
        );
        assert!(e.message().contains("returned an invalid gradient"), "{e}");
    }
    // What makes tensors and looks at them names itself and the line too.
    let here = |e: Error| {
        (
            e.op_name(),
            e.site().is_some_and(|s| s.file().ends_with("errors.rs")),
        )
    };
    let t = plain(&[1.0, 2.0]);
    let huge = [1usize << 40, 1 << 20];
    for (e, op) in [
        (Tensor::zeros(huge, DType::F64).unwrap_err(), "zeros"),
        (Tensor::full(huge, 1.0, DType::F64).unwrap_err(), "full"),
        (Tensor::ones(huge, DType::F64).unwrap_err(), "ones"),
        (
            Tensor::from_slice(&[1.0f64], [2]).unwrap_err(),
            "from_slice",
        ),
        (t.to_vec::<f32>().unwrap_err(), "to_vec"),
        (t.size(3).unwrap_err(), "size"),
    ] {
        assert_eq!(here(e), (Some(op), true));
    }
    Ok(())
}
