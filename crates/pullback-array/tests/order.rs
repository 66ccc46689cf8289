//! Where elementwise results lie in memory: the rule against an implementation of its own, and the numbers against row-major ones.

use pullback_array::{Array, Layout, MemoryFormat, Shape, kernels, memory_order};

/// A small generator: the tests say which layouts they try.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = (self.0.wrapping_mul(6364136223846793005)).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

/// Numbers of a shape in a random layout: any order of dimensions, gaps, stretched dimensions, dimensions of size 1.
fn operand(r: &mut Random, shape: &[usize]) -> Array {
    let rank = shape.len();
    let sizes: Vec<usize> = shape
        .iter()
        .map(|&n| if r.below(5) == 0 { 1 } else { n })
        .collect();
    let steps: Vec<usize> = shape
        .iter()
        .map(|_| if r.below(4) == 0 { 2 } else { 1 })
        .collect();
    let mut order: Vec<usize> = (0..rank).collect();
    for k in (1..rank).rev() {
        order.swap(k, r.below(k + 1));
    }
    let room: Vec<usize> = order.iter().map(|&k| sizes[k] * steps[k]).collect();
    let numbers: Vec<f64> = (0..room.iter().product::<usize>())
        .map(|_| r.below(1000) as f64 - 500.0)
        .collect();
    let back: Vec<usize> = (0..rank)
        .map(|k| order.iter().position(|&o| o == k).unwrap())
        .collect();
    let whole = Array::from_slice(&numbers, room).unwrap();
    let mut x = whole.view(whole.layout().permute(&back)).unwrap();
    for k in 0..rank {
        x = x.slice(k, 0, sizes[k], steps[k]).unwrap();
    }
    if r.below(3) == 0 {
        let at = r.below(rank);
        let mut wide = x.shape().clone();
        wide.dims_mut()[at] = shape[at];
        x = x
            .slice(at, 0, 1, 1)
            .unwrap()
            .expand(&wide)
            .unwrap_or(x.clone());
    }
    while x.rank() > 1 && x.shape()[0] == 1 && r.below(2) == 0 {
        x = x.select(0, 0).unwrap();
    }
    x
}

/// The rule as PyTorch's source writes it: `perm` starts as the dimensions from the last to the first; each is moved in front of
/// those that it should swap with, passing over those of which nothing can be said.
fn pytorch(shape: &[usize], operands: &[&Array]) -> Vec<isize> {
    let rank = shape.len();
    let stride = |a: &Array, d: usize| -> isize {
        let lead = rank - a.rank();
        if d < lead || a.shape()[d - lead] != shape[d] {
            return 0;
        }
        a.layout().strides()[d - lead]
    };
    let should_swap = |d0: usize, d1: usize| -> i32 {
        for a in operands {
            let (s0, s1) = (stride(a, d0), stride(a, d1));
            if s0 == 0 || s1 == 0 {
                continue;
            }
            if s0 < s1 {
                return -1;
            }
            if s0 > s1 || shape[d0] > shape[d1] {
                return 1;
            }
        }
        0
    };
    let mut perm: Vec<usize> = (0..rank).rev().collect();
    for i in 1..rank {
        let mut dim1 = i;
        let mut dim0 = i as isize - 1;
        while dim0 >= 0 {
            let c = should_swap(perm[dim0 as usize], perm[dim1]);
            if c > 0 {
                perm.swap(dim0 as usize, dim1);
                dim1 = dim0 as usize;
            } else if c < 0 {
                break;
            }
            dim0 -= 1;
        }
    }
    let (mut strides, mut step) = (vec![0; rank], 1);
    for d in perm {
        strides[d] = step;
        step *= shape[d] as isize;
    }
    strides
}

/// Strides of the dimensions that have several elements.
fn told(shape: &[usize], strides: &[isize]) -> Vec<isize> {
    let several = shape.iter().zip(strides).filter(|(n, _)| **n > 1);
    several.map(|(_, &s)| s).collect()
}

fn check(result: &Array, operands: &[&Array], flat: &Array, what: &str) {
    let shape = &result.shape()[..];
    assert!(result.layout().is_dense(), "{what}");
    assert_eq!(
        result.to_vec::<f64>().unwrap(),
        flat.to_vec::<f64>().unwrap(),
        "{what}"
    );
    if shape.iter().product::<usize>() > 1 {
        let want = pytorch(shape, operands);
        assert_eq!(
            told(shape, &result.layout().strides()),
            told(shape, &want),
            "{what}: {operands:?}"
        );
    }
}

#[test]
fn results_lie_as_their_operands_by_pytorchs_rule() {
    let mut r = Random(11);
    let mut turned = 0;
    for number in 0..4000 {
        // Some are longer than a block of work.
        let large = number % 500 == 0;
        let shape: Vec<usize> = (0..1 + r.below(5))
            .map(|_| match large {
                true => 9 + r.below(5),
                false => 1 + r.below(4),
            })
            .collect();
        let [a, b, c] = [(); 3].map(|()| operand(&mut r, &shape));
        let [p, q, s] = [&a, &b, &c].map(|x| x.contiguous().unwrap());
        let f1 = |x: f64| 3.0 * x - 1.0;
        let f2 = |x: f64, y: f64| x - 2.0 * y;
        let f3 = |x: f64, y: f64, z: f64| x - 2.0 * y + 5.0 * z;
        let y = kernels::map(&a, f1).unwrap();
        check(&y, &[&a], &kernels::map(&p, f1).unwrap(), "map");
        turned += usize::from(!y.is_contiguous());
        let y = kernels::zip(&a, &b, f2).unwrap();
        check(&y, &[&a, &b], &kernels::zip(&p, &q, f2).unwrap(), "zip");
        let y = kernels::zip3(&a, &b, &c, f3).unwrap();
        let flat = kernels::zip3(&p, &q, &s, f3).unwrap();
        check(&y, &[&a, &b, &c], &flat, "zip3");
        check(&a.copy_as_it_lies().unwrap(), &[&a], &p, "copy");
        // In place, in the order of what is written.
        let (x, flat) = (a.copy_as_it_lies().unwrap(), p.copy().unwrap());
        if b.layout().expand(x.shape()).is_ok() {
            kernels::zip_assign(&x, &b, f2).unwrap();
            kernels::zip_assign(&flat, &q, f2).unwrap();
            check(&x, &[&a], &flat, "zip_assign");
        }
    }
    assert!(turned > 1000);
}

#[test]
fn a_row_major_result_is_recognised() {
    let x = Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]).unwrap();
    assert!(memory_order(x.shape(), [x.layout()]).is_none());
    // A stretched operand says nothing about the dimension, so it stays where it is.
    let row = x
        .select(0, 0)
        .unwrap()
        .expand(&Shape::new(&[2, 3]))
        .unwrap();
    assert!(memory_order(row.shape(), [row.layout()]).is_none());
    let t = x.transpose(0, 1).unwrap();
    assert_eq!(
        memory_order(t.shape(), [t.layout(), x.layout()]).map(|o| o.to_vec()),
        Some(vec![0, 1])
    );
}

#[test]
fn copies_lie_as_a_format_says() {
    let x = Array::from_slice(&(0..120).collect::<Vec<i64>>(), [2, 3, 4, 5]).unwrap();
    for (format, strides) in [
        (MemoryFormat::Preserve, [60, 20, 5, 1]),
        (MemoryFormat::Contiguous, [60, 20, 5, 1]),
        (MemoryFormat::ChannelsLast, [60, 1, 15, 3]),
    ] {
        let copy = x.copy_like(&format.of(x.layout()).unwrap()).unwrap();
        assert_eq!(copy.layout().strides()[..], strides);
        assert_eq!(copy.to_vec::<i64>().unwrap(), x.to_vec::<i64>().unwrap());
    }
    assert!(MemoryFormat::ChannelsLast3d.of(x.layout()).is_err());
    let gaps = x.slice(3, 0, 2, 2).unwrap();
    assert!(x.copy_like(gaps.layout()).is_err());
    let gaps = Layout::new(Shape::new(&[2, 3, 4, 5]), &[240, 80, 20, 4], 0);
    assert!(x.copy_like(&gaps).is_err());
}
