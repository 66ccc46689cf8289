//! Sums of products by letters: Einstein's notation, as PyTorch reads it.
//!
//! A composition. Operands are brought to one order of letters (diagonals taken for repeated ones, size 1 where a letter is
//! missing) and multiplied from left to right as stacks of matrices; a letter is summed at the last operand that has it.

use crate::core::Site;
use crate::core::apply::apply;
use crate::core::fail::{bail, error};
use crate::core::tensor::Tensor;
use crate::ops::common::operand::borrowed;
use crate::ops::linalg::matmul::Matmul;
use crate::{DType, Result};
use std::borrow::Borrow;
use std::panic::Location;

/// A letter, or a place of the ellipsis (counted from the right, so that ellipses broadcast).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Dots(usize),
    Letter(char),
}

/// The letters of one operand or of the output; `None` is an ellipsis.
type Term = Vec<Option<char>>;

fn fail<T>(text: String) -> Result<T> {
    Err(error!(Shape, "einsum(): {text}"))
}

/// Reads one term. `whose` ends the sentences about its dots; positions are those in the whole equation.
fn term(text: &[(usize, char)], operand: Option<usize>) -> Result<Term> {
    let whose = match operand {
        Some(i) => format!("operand {i}"),
        None => "output".to_string(),
    };
    let mut out = Term::new();
    let mut i = 0;
    while i < text.len() {
        let (at, c) = text[i];
        match c {
            ' ' => {}
            '.' => {
                if out.contains(&None) {
                    return fail(match operand {
                        Some(_) => {
                            format!("found '.' for {whose} for which an ellipsis was already found")
                        }
                        None => {
                            format!("found '.' for {whose} but an ellipsis (...) was already found")
                        }
                    });
                }
                let dots = text[i..].iter().take(3).filter(|p| p.1 == '.').count();
                if dots < 3 {
                    return fail(match operand {
                        Some(_) => {
                            format!("found '.' for {whose} that is not part of any ellipsis")
                        }
                        None => {
                            format!("found '.' for {whose} that is not part of any ellipsis (...)")
                        }
                    });
                }
                out.push(None);
                i += 2;
            }
            c if c.is_ascii_alphabetic() => out.push(Some(c)),
            _ => {
                return fail(format!(
                    "invalid subscript given at index {at} in the equation string, subscripts must be in [a-zA-Z]"
                ));
            }
        }
        i += 1;
    }
    Ok(out)
}

/// The terms of the operands, and of the output if it is written out.
fn parse(equation: &str, operands: usize) -> Result<(Vec<Term>, Option<Term>)> {
    let text: Vec<(usize, char)> = equation.chars().enumerate().collect();
    let arrow = text.windows(2).position(|w| (w[0].1, w[1].1) == ('-', '>'));
    let (left, right) = match arrow {
        Some(at) => (&text[..at], Some(&text[at + 2..])),
        None => (&text[..], None),
    };
    let parts: Vec<&[(usize, char)]> = left.split(|p| p.1 == ',').collect();
    let mut terms = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        if i >= operands {
            return fail("fewer operands were provided than specified in the equation".into());
        }
        terms.push(term(part, Some(i))?);
    }
    if terms.len() < operands {
        return fail("more operands were provided than specified in the equation".into());
    }
    Ok((terms, right.map(|r| term(r, None)).transpose()?))
}

/// One label for each dimension of an operand.
fn labels(term: &Term, rank: usize, operand: usize) -> Result<Vec<Label>> {
    let letters = term.iter().flatten().count();
    if !term.contains(&None) && letters != rank {
        return fail(format!(
            "the number of subscripts in the equation ({letters}) does not match the number of dimensions ({rank}) for operand {operand} and no ellipsis was given"
        ));
    }
    if letters > rank {
        return fail(format!(
            "the number of subscripts in the equation ({letters}) is more than the number of dimensions ({rank}) for operand {operand}"
        ));
    }
    let dots = rank - letters;
    Ok(term
        .iter()
        .flat_map(|c| match c {
            Some(c) => vec![Label::Letter(*c)],
            None => (0..dots).rev().map(Label::Dots).collect(),
        })
        .collect())
}

/// The labels of the result in order, then those that are summed.
fn order(
    output: Option<&Term>,
    operands: &[Vec<Label>],
    terms: &[Term],
) -> Result<(Vec<Label>, Vec<Label>)> {
    let mut all: Vec<Label> = operands.concat();
    all.sort_unstable();
    let count = |l: &Label| all.iter().filter(|m| *m == l).count();
    let most = operands
        .iter()
        .flatten()
        .filter_map(|l| match l {
            Label::Dots(k) => Some(k + 1),
            Label::Letter(_) => None,
        })
        .max()
        .unwrap_or(0);
    let dots = || (0..most).rev().map(Label::Dots);
    let mut out: Vec<Label> = Vec::new();
    match output {
        None => {
            out.extend(dots());
            let mut letters: Vec<Label> = all.clone();
            letters.dedup();
            let once = |l: &&Label| matches!(l, Label::Letter(_)) && count(l) == 1;
            out.extend(letters.iter().filter(once));
        }
        Some(term) => {
            for c in term {
                let Some(c) = c else {
                    out.extend(dots());
                    continue;
                };
                let label = Label::Letter(*c);
                if out.contains(&label) {
                    return fail(format!(
                        "output subscript {c} appears more than once in the output"
                    ));
                }
                if !terms.iter().any(|t| t.contains(&Some(*c))) {
                    return fail(format!(
                        "output subscript {c} does not appear in the equation for any input operand"
                    ));
                }
                out.push(label);
            }
        }
    }
    all.dedup();
    let summed = all.into_iter().filter(|l| !out.contains(l)).collect();
    Ok((out, summed))
}

/// Diagonals for letters that come twice.
fn diagonals(x: &Tensor, labels: Vec<Label>, operand: usize) -> Result<(Tensor, Vec<Label>)> {
    let (mut x, mut labels) = (x.clone(), labels);
    let mut i = 0;
    while i < labels.len() {
        let Some(j) = (i + 1..labels.len()).find(|&j| labels[j] == labels[i]) else {
            i += 1;
            continue;
        };
        let (m, n) = (x.shape()[i], x.shape()[j]);
        if let (Label::Letter(c), true) = (labels[i], m != n) {
            return fail(format!(
                "subscript {c} is repeated for operand {operand} but the sizes don't match, {n} != {m}"
            ));
        }
        x = x.diagonal(0, i as i64, j as i64)?;
        let label = labels.remove(j);
        labels.remove(i);
        labels.push(label);
    }
    Ok((x, labels))
}

/// The product of two operands in canonical order, summed over `summed` (kept as size 1).
fn pair(a: &Tensor, b: &Tensor, summed: &[usize], site: Site) -> Result<Tensor> {
    if summed.is_empty() {
        return a.mul(b);
    }
    if a.dtype() != b.dtype() {
        let name = |d: DType| d.scalar_type_name();
        bail!(
            DType,
            "expected scalar type {} but found {}",
            name(a.dtype()),
            name(b.dtype())
        );
    }
    let rank = a.ndim();
    let (mut both, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
    for d in (0..rank).filter(|d| !summed.contains(d)) {
        match (a.shape()[d], b.shape()[d]) {
            (_, 1) => left.push(d),
            (1, _) => right.push(d),
            _ => both.push(d),
        }
    }
    let size =
        |t: &Tensor, dims: &[usize]| -> usize { dims.iter().map(|&d| t.shape()[d]).product() };
    let put = |t: &Tensor, groups: [&[usize]; 4]| {
        let order: Vec<i64> = groups.concat().iter().map(|&d| d as i64).collect();
        t.permute(&order)
    };
    let (n, m, k, p) = (
        size(a, &both),
        size(a, &left),
        size(a, summed),
        size(b, &right),
    );
    let rows = put(a, [&both, &left, summed, &right])?.reshape([n, m, k])?;
    let cols = put(b, [&both, summed, &right, &left])?.reshape([n, k, p])?;
    let product = apply(Matmul, &[&rows, &cols], site)?;
    let groups = [&both[..], &left, &right, summed].concat();
    let sizes: Vec<usize> = groups
        .iter()
        .map(|&d| match () {
            () if summed.contains(&d) => 1,
            () if right.contains(&d) => b.shape()[d],
            () => a.shape()[d],
        })
        .collect();
    let mut back = vec![0; rank];
    groups
        .iter()
        .enumerate()
        .for_each(|(k, &d)| back[d] = k as i64);
    product.reshape(sizes)?.permute(&back)
}

/// Σ of products by letters: `einsum("bij,bjk->bik", &[a, b])`. Each operand has a letter for each dimension, or an ellipsis
/// for several; repeated letters are diagonals, letters that are not in the output are summed. Without `->` the output
/// has the letters that come once, in alphabetical order. PyTorch's `torch.einsum`.
///
/// # Errors
/// PyTorch's sentences for equations that cannot be read and operands that do not fit them.
///
/// ```
/// # use pullback::{Tensor, ops::einsum};
/// let a = Tensor::arange(6)?.reshape([2, 3])?;
/// assert_eq!(einsum("ij->j", &[&a])?.to_vec::<i64>()?, [3, 5, 7]);
/// assert_eq!(einsum("ij,kj", &[&a, &a])?.to_vec::<i64>()?, [5, 14, 14, 50]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[pullback_macros::called]
#[track_caller]
pub fn einsum<T: Borrow<Tensor>>(equation: &str, operands: &[T]) -> Result<Tensor> {
    let site = Location::caller();
    contract(equation, &borrowed(operands), site)
}

fn contract(equation: &str, operands: &[&Tensor], site: Site) -> Result<Tensor> {
    if operands.is_empty() {
        bail!(
            Value,
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts list"
        );
    }
    let (terms, output) = parse(equation, operands.len())?;
    let labelled: Vec<Vec<Label>> = (terms.iter().zip(operands).enumerate())
        .map(|(i, (term, x))| labels(term, x.ndim(), i))
        .collect::<Result<_>>()?;
    let (out, summed) = order(output.as_ref(), &labelled, &terms)?;
    let canon: Vec<Label> = [&out[..], &summed].concat();
    let ready = aligned(operands, labelled, &canon)?;
    let summed: Vec<usize> = (out.len()..canon.len()).collect();
    let result = multiplied(&ready, &summed, site)?;
    let shape: Vec<usize> = result.shape()[..out.len()].to_vec();
    result.reshape(shape)
}

/// The operands with one dimension for each label, of size 1 where they have none.
fn aligned(
    operands: &[&Tensor],
    labelled: Vec<Vec<Label>>,
    canon: &[Label],
) -> Result<Vec<Tensor>> {
    let mut sizes: Vec<Option<usize>> = vec![None; canon.len()];
    let mut ready = Vec::new();
    for (i, (x, own)) in operands.iter().zip(labelled).enumerate() {
        let (x, own) = diagonals(x, own, i)?;
        let at = |l: &Label| own.iter().position(|o| o == l);
        for (slot, label) in sizes.iter_mut().zip(canon) {
            let Some(n) = at(label).map(|d| x.shape()[d]) else {
                continue;
            };
            match *slot {
                Some(seen) if seen != 1 && n != 1 && seen != n => {
                    let which = match label {
                        Label::Letter(c) => c.to_string(),
                        Label::Dots(_) => "...".to_string(),
                    };
                    return fail(format!(
                        "subscript {which} has size {n} for operand {i} which does not broadcast with previously seen size {seen}"
                    ));
                }
                Some(seen) if seen != 1 => {}
                _ => *slot = Some(n),
            }
        }
        let order: Vec<i64> = canon.iter().filter_map(at).map(|d| d as i64).collect();
        let shape: Vec<usize> = (canon.iter())
            .map(|l| at(l).map_or(1, |d| x.shape()[d]))
            .collect();
        let x = if order.is_empty() {
            x
        } else {
            x.permute(&order)?
        };
        ready.push(x.reshape(shape)?);
    }
    Ok(ready)
}

/// The product of all, one after the other; a summed dimension goes as soon as no later operand has it.
fn multiplied(ready: &[Tensor], summed: &[usize], site: Site) -> Result<Tensor> {
    let needed = |from: usize, d: usize| ready[from..].iter().any(|x| x.shape()[d] != 1);
    let mut result = ready[0].clone();
    for k in 0..ready.len() {
        // Whatever no later operand has is summed now.
        let over = |x: &Tensor, dims: Vec<usize>| match dims.is_empty() {
            true => Ok(x.clone()),
            false => x.sum_dims(&dims.iter().map(|&d| d as i64).collect::<Vec<_>>(), true),
        };
        let free: Vec<usize> = (summed.iter().copied())
            .filter(|&d| !needed(k + 1, d))
            .collect();
        if k == 0 {
            if ready.len() == 1 || free.iter().any(|&d| result.shape()[d] != 1) {
                let own = free
                    .into_iter()
                    .filter(|&d| ready.len() == 1 || result.shape()[d] != 1);
                result = over(&result, own.collect())?;
            }
            continue;
        }
        let (mut a, mut b) = (result, ready[k].clone());
        let sizes = |d: usize, a: &Tensor, b: &Tensor| (a.shape()[d] != 1, b.shape()[d] != 1);
        let of = |want: (bool, bool), a: &Tensor, b: &Tensor| -> Vec<usize> {
            (free.iter().copied())
                .filter(|&d| sizes(d, a, b) == want)
                .collect()
        };
        let (only_a, only_b) = (of((true, false), &a, &b), of((false, true), &a, &b));
        (a, b) = (over(&a, only_a)?, over(&b, only_b)?);
        let together = of((true, true), &a, &b);
        result = pair(&a, &b, &together, site)?;
    }
    Ok(result)
}
