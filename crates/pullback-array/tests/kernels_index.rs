//! Taking by flat positions and adding at them, each the transpose of the other.

mod support;

use proptest::prelude::*;
use pullback_array::{Array, DType, ErrorKind, Shape, dispatch, kernels};
use support::{Sample, all_bits, raw, shape};

proptest! {
    #[test]
    fn take(sizes in shape(3, 4), raw_a in raw(), positions in proptest::collection::vec(any::<u8>(), 0..12), raw_i in raw()) {
        let view = raw_a.lay(&sizes, true);
        let places = view.places();
        let n = places.len() as i64;
        let index = raw_i.lay(&[positions.len()], false);
        // From -1 (nothing) to the last element.
        let wanted: Vec<i64> = positions.iter().map(|&p| i64::from(p) % (n + 1) - 1).collect();
        let mut stored = vec![-1; index.len];
        index.places().iter().zip(&wanted).for_each(|(&place, &p)| stored[place] = p);
        let index = index.array_of(&stored);
        for &dtype in DType::ALL {
            dispatch!(stored dtype, T => {
                let expected: Vec<T> = wanted.iter()
                    .map(|&p| if p < 0 { T::default() } else { T::sample(places[p as usize]) })
                    .collect();
                let taken = kernels::take(&view.array::<T>(), &index)?;
                prop_assert_eq!(all_bits(&taken.to_vec::<T>()?), all_bits(&expected));
                prop_assert_eq!(taken.shape(), index.shape());
            });
        }
    }

    #[test]
    fn put_add(sizes in shape(2, 4), to in shape(3, 3), raw_v in raw(), spread in any::<u8>()) {
        let values = raw_v.lay(&sizes, true);
        let n: usize = to.iter().product();
        let places = values.places();
        let wanted: Vec<i64> = (0..places.len())
            .map(|i| (i * (1 + spread as usize % 5)) as i64 % (n as i64 + 1) - 1)
            .collect();
        let index = Array::from_slice(&wanted, sizes.clone())?;
        let mut expected = vec![0i64; n];
        for (&p, &place) in wanted.iter().zip(&places) {
            if p >= 0 {
                expected[p as usize] += i64::sample(place);
            }
        }
        let shape = Shape::from(to);
        let put = kernels::put_add(&values.array::<i64>(), &index, &shape)?;
        prop_assert_eq!(put.shape(), &shape);
        prop_assert_eq!(put.to_vec::<i64>()?, expected);
        // <u, take(v)> = <put_add(u), v>
        let v = Array::from_slice(&support::samples::<i64>(n), shape.clone())?;
        let taken = kernels::take(&v, &index)?.to_vec::<i64>()?;
        let u = values.array::<i64>().to_vec::<i64>()?;
        let left: i64 = u.iter().zip(&taken).map(|(x, y)| x * y).sum();
        let right: i64 = put.to_vec::<i64>()?.iter().zip(v.to_vec::<i64>()?).map(|(x, y)| x * y).sum();
        prop_assert_eq!(left, right);
    }
}

#[test]
fn what_is_out_of_bounds_is_an_error() {
    let a = Array::zeros([2, 3], DType::F32).unwrap();
    let index = |p: i64| Array::from_slice(&[0, p], [2]).unwrap();
    let e = kernels::take(&a, &index(6)).unwrap_err();
    assert_eq!(e.message(), "index 6 is out of bounds for size 6");
    assert_eq!(e.kind(), ErrorKind::Index);
    assert!(kernels::take(&a, &index(i64::MAX)).is_err());
    assert!(kernels::take(&a, &index(i64::MIN)).is_ok());
    let values = Array::zeros([2], DType::F32).unwrap();
    assert!(kernels::put_add(&values, &index(6), a.shape()).is_err());
    let e = kernels::put_add(&a, &index(0), a.shape()).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Shape);
    let bools = Array::zeros([2], DType::Bool).unwrap();
    assert_eq!(
        kernels::put_add(&bools, &index(0), a.shape())
            .unwrap_err()
            .kind(),
        ErrorKind::DType
    );
    assert_eq!(
        kernels::take(&a, &values).unwrap_err().kind(),
        ErrorKind::DType
    );
    let huge = Shape::new(&[1 << 50]);
    assert_eq!(
        kernels::put_add(&values, &index(0), &huge)
            .unwrap_err()
            .kind(),
        ErrorKind::Alloc
    );
}
