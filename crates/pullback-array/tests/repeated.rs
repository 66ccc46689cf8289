//! Reductions of arrays with a repeated dimension: stride 0 inside a stride that is not.

use pullback_array::kernels::{self, Run};
use pullback_array::{Array, Shape};

#[test]
fn a_repeated_inner_dimension_is_counted_as_often_as_it_is_there() {
    let column = Array::from_slice(&[1.0f64, 10.0, 100.0], [3, 1]).unwrap();
    let x = column.expand(&Shape::new(&[3, 2])).unwrap();
    assert_eq!(
        kernels::sum(&x, &[0, 1], false)
            .unwrap()
            .to_vec::<f64>()
            .unwrap(),
        [222.0]
    );
    let row = Array::from_slice(&[1.0f64, 10.0, 100.0], [1, 3]).unwrap();
    let y = row.expand(&Shape::new(&[2, 3])).unwrap();
    assert_eq!(
        kernels::sum(&y, &[0, 1], false)
            .unwrap()
            .to_vec::<f64>()
            .unwrap(),
        [222.0]
    );
    let elements = kernels::reduce(&x, &[0, 1], false, |run: Run<'_, f64>| run.count() as i64);
    assert_eq!(elements.unwrap().to_vec::<i64>().unwrap(), [6]);
    let product = kernels::reduce(&x, &[0, 1], false, |run: Run<'_, f64>| run.product::<f64>());
    assert_eq!(product.unwrap().to_vec::<f64>().unwrap(), [1e6]);
}
