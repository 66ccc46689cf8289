//! Rows picked, written and added: every count of dimensions, layouts, overlaps, what is refused.

use pullback_array::{Array, DType, ErrorKind, Result, Shape, kernels};

fn array(shape: &[usize]) -> Array {
    let n = shape.iter().product::<usize>();
    let list: Vec<f64> = (0..n).map(|i| i as f64 + 1.0).collect();
    Array::from_slice(&list, shape).expect("numbers that fill the shape")
}

fn rows(index: &[i64]) -> Array {
    Array::from_slice(index, [index.len()]).expect("a vector")
}

/// What the documentation says, element by element.
fn by_hand(x: &Array, at: usize, count: usize, index: &[i64]) -> Result<Vec<f64>> {
    let (shape, list) = (x.shape(), x.to_f64_vec()?);
    let size = |dims: &[usize]| dims.iter().product::<usize>();
    let (outer, n) = (size(&shape[..at]), size(&shape[at..at + count]));
    let inner = size(&shape[at + count..]);
    let mut out = Vec::new();
    for block in 0..outer {
        for &row in index {
            let start = (block * n + row as usize) * inner;
            out.extend(&list[start..start + inner]);
        }
    }
    Ok(out)
}

#[test]
fn rows_of_every_shape_are_picked() -> Result<()> {
    let x = array(&[2, 3, 4]);
    for (at, count, index) in [
        (0, 1, vec![1, 0, 1]),
        (1, 1, vec![2, 2]),
        (2, 1, vec![3, 0]),
        (0, 2, vec![5, 0]),
        (1, 2, vec![11, 7, 0]),
        (0, 3, vec![23, 1]),
        (1, 0, vec![0, 0]),
        (0, 1, vec![]),
    ] {
        let want = by_hand(&x, at, count, &index)?;
        for dtype in [DType::F64, DType::F32, DType::I32, DType::U8, DType::Dd] {
            let x = kernels::cast(&x, dtype)?;
            let turned = x.transpose(0, 2)?.contiguous()?.transpose(0, 2)?;
            for x in [&x, &turned] {
                let y = kernels::index(x, at, count, &rows(&index))?;
                let shape = kernels::index_shape(x.shape(), at, count, &[index.len()].into());
                assert_eq!(*y.shape(), shape);
                assert_eq!(y.to_f64_vec()?, want, "{dtype} {at} {count} {index:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn rows_are_written_and_added_in_order() -> Result<()> {
    let index = rows(&[2, 0, 2]);
    let src = Array::from_slice(&[1.0f64, 2.0, 10.0, 20.0, 100.0, 200.0], [3, 2])?;
    let written = Array::zeros([3, 2], DType::F64)?;
    kernels::index_put(&written, 0, 1, &index, &src, false)?;
    assert_eq!(written.to_f64_vec()?, [10.0, 20.0, 0.0, 0.0, 100.0, 200.0]);
    let summed = kernels::index_add_up(&src, &Shape::new(&[3, 2]), 0, 1, &index)?;
    assert_eq!(summed.to_f64_vec()?, [10.0, 20.0, 0.0, 0.0, 101.0, 202.0]);
    // In a view, and from the memory that is written.
    let wide = array(&[3, 4]);
    let view = wide.transpose(0, 1)?.slice(0, 1, 2, 2)?;
    kernels::index_put(&view, 0, 1, &rows(&[0]), &view.slice(0, 1, 1, 1)?, false)?;
    assert_eq!(view.to_f64_vec()?, [4.0, 8.0, 12.0, 4.0, 8.0, 12.0]);
    assert_eq!(wide.select(1, 0)?.to_f64_vec()?, [1.0, 5.0, 9.0]);
    // Truth values are added by "or".
    let truth = Array::from_slice(&[true, false], [2])?;
    let more = Array::from_slice(&[false, true], [2])?;
    kernels::index_put(&truth, 0, 1, &rows(&[0, 1]), &more, true)?;
    assert_eq!(truth.to_vec::<bool>()?, [true, true]);
    Ok(())
}

#[test]
fn windows_fold_where_they_overlap() -> Result<()> {
    let windows = array(&[3, 2]);
    let sum = kernels::fold(&windows, &Shape::new(&[4]), 0, 1)?;
    assert_eq!(sum.to_f64_vec()?, [1.0, 5.0, 9.0, 6.0]);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<()> {
    let x = array(&[2, 3]);
    for bad in [-1, 2] {
        let e = kernels::index(&x, 0, 1, &rows(&[bad])).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Index);
        let e = kernels::index_put(&x, 0, 1, &rows(&[bad]), &array(&[1, 3]), false).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Index);
    }
    assert!(kernels::index(&x, 1, 2, &rows(&[0])).is_err());
    assert!(kernels::index_put(&x, 0, 1, &rows(&[0]), &array(&[2, 3]), false).is_err());
    let single = kernels::cast(&array(&[1, 3]), DType::F32)?;
    assert_eq!(
        kernels::index_put(&x, 0, 1, &rows(&[0]), &single, true)
            .unwrap_err()
            .kind(),
        ErrorKind::DType
    );
    Ok(())
}
