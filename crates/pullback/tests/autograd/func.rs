//! Derivatives of functions, to any nesting.

use super::*;
use pullback::func::{self, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp};
use pullback::{DType, ErrorKind, Program, Replay, Result, no_grad};

const X: [f64; 3] = [0.7, -0.3, 1.1];
const W: [f64; 3] = [0.2, 0.5, -0.4];

/// Σ tanh(x w) eˣ
fn f([x, w]: &[Tensor; 2]) -> Result<Tensor> {
    x.mul(w)?.tanh()?.mul(&x.exp()?)?.sum()
}

const GX: [f64; 3] = [0.6750564374492727, 0.2519015973002261, -2.2387157937759676];
const GW: [f64; 3] = [1.382355253808661, -0.21731900579711416, 2.7391628400485293];
const HXX: [f64; 3] = [1.0480407755557595, 0.6680258527705654, -2.905163521784421];
const HXW: [f64; 3] = [3.280238403099362, 0.474722132708177, 4.322879288431];
const HWW: [f64; 3] = [-0.2691852465258513, 0.019413328491053625, 2.492686867069527];

fn diagonal(d: &[f64; 3]) -> Vec<f64> {
    (0..9)
        .map(|k| if k % 4 == 0 { d[k / 4] } else { 0.0 })
        .collect()
}

#[test]
fn gradients_values_and_tangents() -> Result<()> {
    let (x, w) = (plain(&X), plain(&W));
    let (y, g) = value_and_grad(f, &[&x, &w])?;
    close(&g[0], &GX);
    close(&g[1], &GW);
    close(&y, &[-1.0728555314038895]);
    assert!(!y.requires_grad() && !g[0].requires_grad() && !x.requires_grad());
    y.add_(1.0)?; // an ordinary tensor
    let (t, u) = (plain(&[1.0, 2.0, 3.0]), plain(&[-1.0, 0.5, 0.25]));
    let (y, dy) = jvp(f, &[&x, &w], &[&t, &u])?;
    close(&y, &[-1.0728555314038895]);
    close(&dy, &[-6.3435117959732645]);
    let (aux_g, n) = func::grad_aux(|x| Ok((f(x)?, x.len())), &[&x, &w])?;
    close(&aux_g[1], &GW);
    assert_eq!(n, 2);
    Ok(())
}

#[test]
fn hessians_and_products() -> Result<()> {
    let (x, w) = (plain(&X), plain(&W));
    let h = hessian(f, &[&x, &w])?;
    for (got, want) in [
        (&h[0][0], HXX),
        (&h[0][1], HXW),
        (&h[1][0], HXW),
        (&h[1][1], HWW),
    ] {
        assert_eq!(got.shape()[..], [3, 3]);
        close(got, &diagonal(&want));
    }
    let (y, product) = hvp(|x| f(&[x.clone(), w.clone()]), &x, &plain(&[1.0, 2.0, 3.0]))?;
    close(&y, &[-1.0728555314038895]);
    close(
        &product,
        &[1.0480407755557595, 1.3360517055411307, -8.715490565353264],
    );
    // Forward over reverse and reverse over forward are the same matrix.
    let gradient = |x: &Tensor| func::grad(|x| f(&[x.clone(), w.clone()]), x);
    close(&jacfwd(gradient, &x)?, &diagonal(&HXX));
    close(&jacrev(gradient, &x)?, &diagonal(&HXX));
    let forward = |x: &Tensor| jacfwd(|x| f(&[x.clone(), w.clone()]), x);
    close(&jacrev(forward, &x)?, &diagonal(&HXX));
    close(&jacfwd(forward, &x)?, &diagonal(&HXX));
    Ok(())
}

#[test]
fn jacobians_have_the_results_sizes_then_the_inputs() -> Result<()> {
    let x = plain(&X[..2]);
    let outer = |x: &Tensor| x.reshape([2, 1])?.mul(&x.sin()?);
    let want = [
        1.179607218336833,
        0.0,
        -0.29552020666133955,
        0.6687355423879241,
        -0.22945265618534655,
        0.644217687237691,
        0.0,
        -0.5821211533990214,
    ];
    for j in [jacrev(outer, &x)?, jacfwd(outer, &x)?] {
        assert_eq!(j.shape()[..], [2, 2, 2]);
        close(&j, &want);
    }
    let h = hessian(|x| x.pow(3), &x)?;
    assert_eq!(h.shape()[..], [2, 2, 2]);
    // Nothing to differentiate, by nothing, and of nothing.
    let constant = |_: &Tensor| Ok(Tensor::scalar(1.0f64));
    close(&jacrev(constant, &x)?, &[0.0, 0.0]);
    close(&jacfwd(constant, &x)?, &[0.0, 0.0]);
    let empty = plain(&[]);
    assert_eq!(jacrev(|x| x.exp(), &empty)?.shape()[..], [0, 0]);
    assert_eq!(jacfwd(|x| x.exp(), &empty)?.shape()[..], [0, 0]);
    Ok(())
}

#[test]
fn any_nesting() -> Result<()> {
    let x = plain(&X);
    // grad of jvp of grad
    let inner = |u: &Tensor| u.sin()?.mul(u)?.sum();
    let t = plain(&[1.0, 2.0, 3.0]);
    let middle = |z: &Tensor| func::grad(inner, z);
    let g = func::grad(|x| jvp(middle, x, &t)?.1.sum(), &x)?;
    close(
        &g,
        &[-2.468042592812215, 2.346323133443401, -9.517733441257324],
    );
    // jvp of grad of grad
    let inner = |u: &Tensor| u.exp()?.mul(u)?.sum();
    let middle = |z: &Tensor| func::grad(inner, z)?.sum();
    let outer = |x: &Tensor| func::grad(middle, x);
    let (y, dy) = jvp(outer, &x, &plain(&[1.0, 0.0, 2.0]))?;
    close(
        &y,
        &[5.437132310170287, 1.2593909751589205, 9.312914674233944],
    );
    close(&dy, &[7.450885017640763, 0.0, 24.634161396360756]);
    // Levels are not confused: d/dx (x · d/dy (x + y)) = 1, and with forward mode inside, d/dx (x · x) = 2x.
    let one = Tensor::scalar(1.0f64);
    let confused = |x: &Tensor| {
        let inner = func::grad(|y| x.add(y), &one)?;
        x.mul(&inner)
    };
    close(&func::grad(confused, &one)?, &[1.0]);
    let three = Tensor::scalar(3.0f64);
    let confused = |x: &Tensor| x.mul(&jvp(|y| x.mul(y), x, &one)?.1);
    close(&func::grad(confused, &three)?, &[6.0]);
    close(&jvp(confused, &three, &one)?.1, &[6.0]);
    // Five times: d⁵/dx⁵ sin = cos.
    fn nth(n: usize, x: &Tensor) -> Result<Tensor> {
        match n {
            0 => x.sin(),
            n if n % 2 == 0 => Ok(jvp(|x| nth(n - 1, x), x, &x.ones_like()?)?.1),
            n => func::grad(|x| nth(n - 1, x), x),
        }
    }
    close(&nth(5, &Tensor::scalar(0.7f64))?, &[0.7f64.cos()]);
    Ok(())
}

#[test]
fn captured_tensors_keep_their_history() -> Result<()> {
    let (x, w) = (plain(&X), leaf(&W));
    let g = func::grad(|x| f(&[x.clone(), w.clone()]), &x)?;
    assert!(g.requires_grad());
    g.sum()?.backward()?;
    assert_eq!(w.grad().map(|g| g.shape()[0]), Some(3));
    close(&w.grad().unwrap(), &HXW);
    let _off = no_grad();
    let g = func::grad(|x| f(&[x.clone(), w.clone()]), &x)?;
    assert!(!g.requires_grad());
    close(&g, &GX);
    Ok(())
}

#[test]
fn pullbacks_are_called_again_and_differentiated() -> Result<()> {
    let x = plain(&[1.0, 2.0]);
    let (y, pullback) = vjp(|x| x.square(), &x)?;
    close(&y, &[1.0, 4.0]);
    for scale in [1.0, 10.0] {
        let g = pullback.call(&plain(&[scale, scale]))?;
        close(&g, &[2.0 * scale, 4.0 * scale]);
    }
    let v = leaf(&[1.0, 1.0]);
    pullback.call(&v)?.sum()?.backward()?; // Σ 2 x v by v
    close(&v.grad().unwrap(), &[2.0, 4.0]);
    let e = pullback.call(&plain(&[1.0, 2.0, 3.0])).unwrap_err();
    assert_eq!(
        e.message(),
        "Mismatch in shape: grad_output[0] has a shape of torch.Size([3]) and output[0] has a shape of torch.Size([2])."
    );
    let ([exp, sum], pullback) = vjp(|x| Ok([x.exp()?, x.sum()?]), &x)?;
    close(&exp, &[1f64.exp(), 2f64.exp()]);
    close(&sum, &[3.0]);
    let (none, three) = (plain(&[0.0, 0.0]), Tensor::scalar(3.0f64));
    close(&pullback.call([&none, &three])?, &[3.0, 3.0]);
    // A list knows how many it has only when it is there.
    let (values, pullback) = vjp(|x| Ok(vec![x.exp()?, x.sum()?]), &x)?;
    assert_eq!(values.len(), 2);
    close(&pullback.call(&[&none, &three][..])?, &[3.0, 3.0]);
    let e = pullback.call(&[&none][..]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Value);
    Ok(())
}

#[test]
fn what_pytorch_says() -> Result<()> {
    let x = plain(&[1.0, 2.0]);
    let e = func::grad(|x| x.mul(2.0), &x).unwrap_err();
    assert_eq!(
        e.message(),
        "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with 1 dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
    );
    close(
        &func::grad(|_| Ok(Tensor::scalar(1.0f64)), &x)?,
        &[0.0, 0.0],
    );
    let whole = Tensor::arange(2)?;
    let e = func::grad(|x| x.sum(), &whole).unwrap_err();
    assert_eq!(
        e.message(),
        "only Tensors of floating point dtype can require gradients"
    );
    let e = jacrev(|x| x.to(DType::I64), &x).unwrap_err();
    assert_eq!(
        e.message(),
        "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype torch.int64"
    );
    // A function that switches recording off has a gradient of zero.
    let quiet = |x: &Tensor| {
        let _off = no_grad();
        x.square()?.sum()
    };
    close(&func::grad(quiet, &x)?, &[0.0, 0.0]);
    // And one that writes over its input is told what a leaf is.
    let e = func::grad(|x| x.mul_(2.0).and_then(|()| x.sum()), &x).unwrap_err();
    assert_eq!(
        e.message(),
        "a leaf Variable that requires grad is being used in an in-place operation."
    );
    assert_eq!(numbers(&x), [1.0, 2.0]);
    Ok(())
}

/// Derivatives inside a recorded function are part of the program, and replaying a program inside another function's
/// derivative is differentiated by what it captured there.
#[test]
fn derivatives_and_programs() -> Result<()> {
    let x = plain(&[1.0, 2.0]);
    let (program, out) =
        Program::snapshot(&[&x], |x| Ok(vec![func::grad(|z| z.pow(3)?.sum(), &x[0])?]))?;
    close(&out[0], &[3.0, 12.0]);
    let again = program.replay(&[&plain(&[2.0, 3.0])], Replay::default())?;
    close(&again[0], &[12.0, 27.0]);

    let outer = |x: &Tensor| {
        let z = plain(&[3.0, 4.0]);
        let captured = x.square()?;
        let (program, _) = Program::snapshot(&[&z], |z| Ok(vec![z[0].mul(&captured)?]))?;
        program.replay(&[&z], Replay::default())?[0].sum()
    };
    let (_, dy) = jvp(outer, &x, &plain(&[1.0, 1.0]))?;
    close(&dy, &[2.0 * 3.0 + 4.0 * 4.0]);
    Ok(())
}

/// Derivatives have the form of what they are by: one tensor, an array, a list, tensors by name.
#[test]
fn results_have_the_form_of_the_inputs() -> Result<()> {
    use pullback::nn::NamedTensors;
    let (x, w) = (plain(&X), plain(&W));
    let [gx, gw] = func::grad(f, [&x, &w])?;
    close(&gx, &GX);
    close(&gw, &GW);
    let own = [x.clone(), w.clone()];
    let list: Vec<Tensor> = func::grad(|x| f(&[x[0].clone(), x[1].clone()]), &own[..])?;
    close(&list[1], &GW);
    let named: NamedTensors = ["x", "w"]
        .map(String::from)
        .into_iter()
        .zip(own.clone())
        .collect();
    let by_name = |p: &NamedTensors| f(&[p["x"].clone(), p["w"].clone()]);
    close(&func::grad(by_name, &named)?["w"], &GW);
    let h = hessian(by_name, &named)?;
    close(&h[["x", "w"]], &diagonal(&HXW));
    close(&h[["w", "w"]], &diagonal(&HWW));
    let [[xx, xw], [_, ww]] = hessian(f, &own)?;
    for (got, want) in [(xx, HXX), (xw, HXW), (ww, HWW)] {
        close(&got, &diagonal(&want));
    }
    let (y, [gx, _]) = func::value_and_grad(f, &own)?;
    close(&y, &[-1.0728555314038895]);
    close(&gx, &GX);
    let ([sine, cosine], [ds, dc]) = jvp(|x| Ok([x.sin()?, x.cos()?]), &x, &x.ones_like()?)?;
    close(&ds, &numbers(&cosine));
    close(&dc.neg()?, &numbers(&sine));
    let rows = pullback::stack(&[&x, &w], 0)?;
    let [sums, products] = func::vmap(|[a, b]| Ok([a.add(b)?, a.mul(b)?]), [&rows, &rows])?;
    close(&sums, &numbers(&rows.mul(2.0)?));
    close(&products, &numbers(&rows.square()?));
    Ok(())
}
