//! Views without elements: they start at the start of their storage, whoever made them and however, and every kernel takes
//! them. Where their first element would have lain, there need be no memory to point into.

use pullback_array::kernels::{self, Run, Running};
use pullback_array::{Array, DType, Layout, Number, Result, Shape, dispatch};

/// Shapes without elements, with sizes that no memory has beside the 0.
const SHAPES: &[&[usize]] = &[
    &[0],
    &[0, 3],
    &[3, 0],
    &[2, 0, 3],
    &[0, 1 << 40],
    &[1 << 40, 0],
    &[0, 1 << 20, 1 << 40],
    &[1 << 20, 0, 1 << 40],
    &[1 << 40, 1 << 20, 0],
    &[1, 0, 1 << 40, 1],
    &[0, 0, 7],
];

/// Every view that an array, or its layout, gives of itself, each with its name.
fn views(a: &Array) -> Vec<(String, Array)> {
    let mut all: Vec<(String, Array)> = vec![];
    let layout = a.layout();
    let mut keep = |name: String, view: Result<Array>| {
        if let Ok(view) = view {
            all.push((name, view));
        }
    };
    let rank = a.rank();
    for d in 0..rank {
        let n = a.shape()[d];
        for at in [0, 1, n / 2, n.saturating_sub(1), n, usize::MAX] {
            keep(format!("select {d} {at}"), a.select(d, at));
            for len in [0, 1, 2, n, n - n.min(at)] {
                for step in [1, 2, 1 << 39] {
                    keep(
                        format!("slice {d} {at} {len} {step}"),
                        a.slice(d, at, len, step),
                    );
                }
            }
            if at < n {
                keep(
                    format!("layout.select {d} {at}"),
                    a.view(layout.select(d, at)),
                );
                keep(
                    format!("layout.slice {d} {at}"),
                    a.view(layout.slice(d, at, n - at, 1)),
                );
            }
        }
        for e in 0..rank {
            keep(
                format!("transpose {d} {e}"),
                a.transpose(d as i64, e as i64),
            );
            keep(
                format!("layout.transpose {d} {e}"),
                a.view(layout.transpose(d, e)),
            );
        }
    }
    let back: Vec<usize> = (0..rank).rev().collect();
    keep("permute".into(), a.view(layout.permute(&back)));
    for shape in SHAPES {
        let shape = Shape::new(shape);
        keep(format!("reshape {shape}"), a.reshape(&shape));
        keep(format!("expand {shape}"), a.expand(&shape));
        keep(
            format!("row-major {shape}"),
            a.view(Layout::row_major(shape.clone())),
        );
        if let Some(layout) = layout.reshape(&shape) {
            keep(format!("layout.reshape {shape}"), a.view(layout));
        }
        for offset in [0, 1, 1 << 40, usize::MAX] {
            let strides = vec![1 << 40; shape.len()];
            keep(
                format!("any {shape} {offset}"),
                a.view(Layout::new(shape.clone(), &strides, offset)),
            );
        }
    }
    all
}

/// Everything there is to do with it; what is refused is an error.
fn use_all(a: &Array) -> Result<()> {
    let all: Vec<usize> = (0..a.rank()).collect();
    let small = |shape: &Shape| shape.numel() <= 1 << 10;
    assert!(a.item().is_err());
    assert_eq!(a.to_f64_vec()?, []);
    a.copy_bytes(&mut [])?;
    assert!(a.bits_equal(a)?);
    for made in [
        a.copy()?,
        a.contiguous()?,
        kernels::cast(a, DType::F64)?,
        kernels::cast(a, DType::Bool)?,
    ] {
        assert_eq!(made.shape(), a.shape());
    }
    kernels::fill(a, Number::Int(1))?;
    kernels::assign(a, a)?;
    dispatch!(a.dtype(), T => {
        kernels::map(a, |x: T| x)?;
        kernels::zip(a, a, |x: T, _: T| x)?;
        kernels::zip3(a, a, a, |x: T, _: T, _: T| x)?;
        kernels::map_assign(a, |x: T| x)?;
        kernels::zip_assign(a, &a.copy()?, |x: T, _: T| x)?;
        kernels::lines(a, [a], 4, |_, _: &mut [T], _| ()).ok();
        for d in 0..a.rank() {
            kernels::scan([a], d, false, 0i64, |s, _, [_]: [T; 1]| (s, s))?;
        }
        let none = kernels::reduce(a, &all, false, |run: Run<'_, T>| run.count() as i64)?;
        assert_eq!(none.to_vec::<i64>()?, [0]);
    });
    let index = Array::zeros([0], DType::I64)?;
    kernels::take(a, &index)?;
    for dims in (0..1usize << a.rank()).map(|bits| {
        (all.iter().copied())
            .filter(|d| bits >> d & 1 == 1)
            .collect::<Vec<_>>()
    }) {
        if !small(&kernels::reduced_shape(a.shape(), &dims, false)) {
            continue;
        }
        kernels::sum(a, &dims, false)?;
        kernels::prod(a, &dims, true)?;
        kernels::extreme(a, &dims, false, true)?;
        kernels::arg_extreme(a, &dims, false, true)?;
        kernels::count_nonzero(a, &dims, false)?;
        kernels::arg_median(a, &dims, false, false)?;
        if a.dtype().is_float() {
            kernels::variance(a, &dims, false, 1.0, true)?;
            kernels::logsumexp(a, &dims, false)?;
        }
    }
    for d in 0..a.rank() {
        kernels::cumulate(a, d, true, Running::Sum)?;
        kernels::cumulate_extreme(a, d, true)?;
        if small(&kernels::index_shape(a.shape(), d, 1, index.shape())) {
            let picked = kernels::index(a, d, 1, &index)?;
            kernels::index_put(a, d, 1, &index, &picked, false)?;
            kernels::index_put(a, d, 1, &index, &picked, true)?;
            kernels::index_add_up(&picked, a.shape(), d, 1, &index)?;
        }
    }
    if a.rank() > 1 && a.dtype() != DType::Bool {
        kernels::fold(a, &Shape::new(&a.shape()[..a.rank() - 1]), 0, 1).ok();
    }
    if a.rank() == 2 && a.dtype() != DType::Bool {
        let turned = a.transpose(0, 1)?;
        for (x, y) in [(a, &turned), (&turned, a)] {
            if x.shape()[0] <= 1 << 10 {
                kernels::matmul(x, y)?;
            }
        }
    }
    Ok(())
}

#[test]
fn views_without_elements_start_at_the_start() {
    for &dtype in DType::ALL {
        let mut sources: Vec<Array> = SHAPES
            .iter()
            .map(|&s| Array::zeros(s, dtype).unwrap())
            .collect();
        // Arrays with elements, of which views may have none, and an empty view in the middle of one.
        let full = Array::zeros([4, 5, 6], dtype).unwrap();
        sources.push(full.slice(1, 3, 2, 1).unwrap());
        sources.push(full.select(0, 3).unwrap().transpose(0, 1).unwrap());
        sources.push(full.slice(0, 3, 0, 1).unwrap());
        for source in &sources {
            for (name, view) in views(source) {
                if view.numel() > 0 {
                    continue;
                }
                assert_eq!(
                    view.layout().offset(),
                    0,
                    "{dtype} {}: {name}",
                    source.shape()
                );
                // Views of views, too.
                for (next, again) in views(&view) {
                    assert_eq!(again.numel(), 0);
                    assert_eq!(
                        again.layout().offset(),
                        0,
                        "{dtype} {}: {name}, {next}",
                        source.shape()
                    );
                }
            }
        }
    }
}

#[test]
fn kernels_take_views_without_elements() {
    // The larger unsigned integers have no products.
    let larger = [DType::U16, DType::U32, DType::U64];
    for &dtype in DType::ALL.iter().filter(|d| !larger.contains(d)) {
        let mut seen: Vec<Shape> = vec![];
        for shape in SHAPES {
            for (name, view) in views(&Array::zeros(*shape, dtype).unwrap()) {
                if seen.contains(view.shape()) {
                    continue;
                }
                seen.push(view.shape().clone());
                use_all(&view).unwrap_or_else(|e| panic!("{dtype} {shape:?}, {name}: {e}"));
            }
        }
    }
}

/// Products with no rows, no columns or nothing to sum, beside sizes that would take forever to count to.
#[test]
fn products_of_nothing() {
    const FAR: usize = 1 << 40;
    let without = [DType::Bool, DType::U16, DType::U32, DType::U64];
    for &dtype in DType::ALL.iter().filter(|d| !without.contains(d)) {
        let make = |shape: &[usize]| Array::zeros(shape, dtype).unwrap();
        for (a, b, out) in [
            (&[FAR, 0][..], &[0, 0][..], &[FAR, 0][..]),
            (&[FAR, 7], &[7, 0], &[FAR, 0]),
            (&[0, 7], &[7, FAR], &[0, FAR]),
            (&[3, 0], &[0, 4], &[3, 4]),
            (&[FAR, 0, 2], &[2, 5], &[FAR, 0, 5]),
            (&[FAR, 2, 0], &[FAR, 0, 0], &[FAR, 2, 0]),
            (&[FAR, 1, 0, 2], &[5, 2, 3], &[FAR, 5, 0, 3]),
        ] {
            // What has elements can be stretched to, not made.
            let of = |shape: &[usize]| match shape.contains(&0) {
                true => make(shape),
                false => make(&vec![1; shape.len()]).expand(&shape.into()).unwrap(),
            };
            let c = kernels::matmul(&of(a), &of(b)).unwrap();
            assert_eq!(&c.shape()[..], out);
        }
        let far = make(&[1]).expand(&[FAR].into()).unwrap();
        assert_eq!(
            kernels::outer(&far, &make(&[0])).unwrap().shape()[..],
            [FAR, 0]
        );
        assert_eq!(
            kernels::outer(&make(&[0]), &far).unwrap().shape()[..],
            [0, FAR]
        );
    }
}
