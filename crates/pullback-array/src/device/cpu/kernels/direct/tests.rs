//! Direct convolutions against their definition, on every kernel that this machine has.

use super::tile::Direct;
use super::*;

/// Sizes of one convolution: how each dimension goes, samples, groups, channels and results' channels of each.
struct Case {
    dims: [[usize; 5]; 3],
    samples: usize,
    groups: usize,
    channels: usize,
    outs: usize,
}

/// Size, kernel, stride, dilation, padding.
const NO: [usize; 5] = [1, 1, 1, 1, 0];

fn cases() -> Vec<Case> {
    let of = |dims, [samples, groups, channels, outs]: [usize; 4]| Case {
        dims,
        samples,
        groups,
        channels,
        outs,
    };
    vec![
        of([NO, [9, 3, 1, 1, 1], [11, 3, 1, 1, 1]], [2, 1, 3, 20]),
        of([NO, [28, 5, 1, 1, 0], [28, 5, 1, 1, 0]], [3, 1, 2, 16]),
        of([NO, [12, 3, 2, 2, 2], [10, 2, 3, 1, 1]], [2, 2, 3, 33]),
        of([NO, NO, [70, 4, 2, 1, 3]], [5, 1, 4, 24]),
        of(
            [[4, 2, 1, 1, 1], [5, 3, 2, 1, 0], [6, 2, 1, 2, 1]],
            [2, 1, 3, 9],
        ),
        of([NO, [3, 3, 1, 1, 0], [3, 3, 1, 1, 0]], [7, 1, 40, 17]),
        of([NO, [2, 1, 1, 1, 4], [2, 1, 1, 1, 3]], [1, 1, 5, 48]),
    ]
}

impl Case {
    fn way(&self) -> Way {
        let axes = self
            .dims
            .map(|[size, kernel, stride, dilation, padding]| Axis {
                size,
                kernel,
                count: (size + 2 * padding - (kernel - 1) * dilation - 1) / stride + 1,
                stride,
                dilation,
                shift: -(padding as isize),
            });
        Way {
            axes,
            samples: self.samples,
            groups: self.groups,
            channels: self.channels,
            outs: self.outs,
        }
    }
}

/// Calls `f` with the places of x, w and y of every product there is.
fn each(way: &Way, mut f: impl FnMut(usize, usize, usize)) {
    let [a, b, c] = way.axes;
    let at = |a: &Axis, o: usize, k: usize| {
        let i = (o * a.stride + k * a.dilation) as isize + a.shift;
        usize::try_from(i).ok().filter(|&i| i < a.size)
    };
    let kernel = way.terms() / way.channels;
    for sg in 0..way.samples * way.groups {
        for (out, channel) in (0..way.outs).flat_map(|o| (0..way.channels).map(move |c| (o, c))) {
            let x = (sg * way.channels + channel) * way.area();
            let w = ((sg % way.groups * way.outs + out) * way.channels + channel) * kernel;
            let y = (sg * way.outs + out) * way.plane();
            for window in 0..way.plane() {
                let o = [
                    window / (b.count * c.count),
                    window / c.count % b.count,
                    window % c.count,
                ];
                for k in 0..kernel {
                    let e = [
                        k / (b.kernel * c.kernel),
                        k / c.kernel % b.kernel,
                        k % c.kernel,
                    ];
                    let i = (at(&a, o[0], e[0]), at(&b, o[1], e[1]), at(&c, o[2], e[2]));
                    if let (Some(i), Some(j), Some(l)) = i {
                        f(x + (i * b.size + j) * c.size + l, w + k, y + window);
                    }
                }
            }
        }
    }
}

fn numbers(n: usize, seed: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 7 + seed) % 13) as f64 - 6.0).collect()
}

fn array<T: Direct>(x: &[f64]) -> Array {
    let x: Vec<T> = x.iter().map(|&x| T::lit(x)).collect();
    Array::from_slice(&x, [x.len()]).unwrap()
}

/// Whole numbers, so that every order of sums gives the same.
fn check<T: Direct>() {
    for kernel in T::kernels().into_iter().flatten() {
        for case in cases() {
            let way = case.way();
            let x = numbers(way.samples * way.groups * way.channels * way.area(), 1);
            let w = numbers(way.groups * way.outs * way.terms(), 5);
            let g = numbers(way.samples * way.groups * way.outs * way.plane(), 3);
            let (mut y, mut dw) = (vec![0.0; g.len()], vec![0.0; w.len()]);
            each(&way, |i, k, o| {
                y[o] += x[i] * w[k];
                dw[k] += x[i] * g[o];
            });
            let [ax, aw, ag] = [&x, &w, &g].map(|a| array::<T>(a));
            let got = convolved(
                &kernel,
                &way,
                &ax,
                &aw,
                Of::Windows,
                &Shape::new(&[y.len()]),
            );
            assert_eq!(
                got.unwrap().to_vec::<T>().unwrap(),
                array::<T>(&y).to_vec::<T>().unwrap()
            );
            let got = weight::convolved_weight(&kernel, &way, &ax, &ag, &Shape::new(&[w.len()]));
            assert_eq!(
                got.unwrap().to_vec::<T>().unwrap(),
                array::<T>(&dw).to_vec::<T>().unwrap()
            );
        }
    }
}

#[test]
fn convolutions_and_weights_gradients_are_those_of_the_definition() {
    check::<f32>();
    check::<f64>();
}

/// Weights whose kernel is turned round: results' channels change places with the input's, and padding with what is left of the kernel's reach.
fn check_gradient<T: Direct>() {
    for kernel in T::kernels().into_iter().flatten() {
        for case in cases() {
            let way = case.way();
            if way.axes.iter().any(|a| a.stride > 1) {
                continue;
            }
            let back = Way {
                axes: way.axes.map(|a| Axis {
                    size: a.count,
                    count: a.size,
                    shift: -a.shift - ((a.kernel - 1) * a.dilation) as isize,
                    ..a
                }),
                channels: way.outs,
                outs: way.channels,
                ..way
            };
            let w = numbers(way.groups * way.outs * way.terms(), 5);
            let g = numbers(way.samples * way.groups * way.outs * way.plane(), 3);
            let mut dx = vec![0.0; way.samples * way.groups * way.channels * way.area()];
            each(&way, |i, k, o| dx[i] += w[k] * g[o]);
            let [aw, ag] = [&w, &g].map(|a| array::<T>(a));
            let got = convolved(
                &kernel,
                &back,
                &ag,
                &aw,
                Of::Gradient,
                &Shape::new(&[dx.len()]),
            );
            assert_eq!(
                got.unwrap().to_vec::<T>().unwrap(),
                array::<T>(&dx).to_vec::<T>().unwrap()
            );
        }
    }
}

#[test]
fn gradients_of_inputs_are_those_of_the_definition() {
    check_gradient::<f32>();
    check_gradient::<f64>();
}

/// The kernels agree to the bit.
#[test]
fn kernels_with_fused_steps_agree() {
    let [Some(wide), Some(narrow)] = f32::kernels() else {
        return;
    };
    for case in cases() {
        let way = case.way();
        let third = |x: Vec<f64>| array::<f32>(&x.iter().map(|x| x / 3.0).collect::<Vec<_>>());
        let x = third(numbers(
            way.samples * way.groups * way.channels * way.area(),
            1,
        ));
        let w = third(numbers(way.groups * way.outs * way.terms(), 5));
        let out = Shape::new(&[way.samples * way.groups * way.outs * way.plane()]);
        let bits = |kernel| {
            let y = convolved(kernel, &way, &x, &w, Of::Windows, &out).unwrap();
            y.to_vec::<f32>()
                .unwrap()
                .iter()
                .map(|x| x.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(bits(&wide), bits(&narrow));
    }
}

/// Packed matrices, and that no row depends on which others are multiplied with it.
fn check_panels<T: Direct>() {
    for (k, cols, rows) in [(7, 16, 80), (300, 48, 13), (64, 32, 5)] {
        let m: Vec<T> = numbers(k * cols, 2)
            .iter()
            .map(|&x| T::lit(x / 3.0))
            .collect();
        let a: Vec<T> = numbers(rows * k, 9).iter().map(|&x| T::lit(x)).collect();
        let matrix = Mat {
            ptr: m.as_ptr(),
            rows: k,
            cols,
            rs: 1,
            cs: k as isize,
        };
        // SAFETY: the matrix lies in its vector.
        let Some(panels) = unsafe { Panels::of(matrix, rows) }.unwrap() else {
            assert!(T::kernel().is_none());
            continue;
        };
        let product = |first: usize, n: usize| {
            let mut c = vec![T::lit(7.0); n * cols];
            // SAFETY: the rows lie in their vectors.
            unsafe { panels.product(a[first * k..].as_ptr(), n, c.as_mut_ptr()) };
            c
        };
        let all = product(0, rows);
        for (i, row) in all.chunks(cols).enumerate() {
            for (j, &x) in row.iter().enumerate() {
                let sum: f64 = (0..k).map(|p| (a[i * k + p] * m[j * k + p]).to_f64()).sum();
                assert!(
                    (x.to_f64() - sum).abs() < 1e-3 * (1.0 + sum.abs()),
                    "{x:?} {sum}"
                );
            }
        }
        for first in 0..rows {
            for n in 1..=rows - first {
                assert!(product(first, n) == all[first * cols..][..n * cols]);
            }
        }
    }
}

#[test]
fn products_with_packed_matrices_are_row_by_row_the_same() {
    check_panels::<f32>();
    check_panels::<f64>();
}
