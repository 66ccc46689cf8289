//! Tensors as they stand in a program, and numbers out of them.

use pullback::{DType, ErrorKind, Result, Tensor, tensor};

#[test]
fn nested_arrays_are_tensors() -> Result<()> {
    let x = Tensor::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    assert_eq!((x.dtype(), &x.shape()[..]), (DType::F32, &[2, 3][..]));
    assert_eq!(x.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(
        Tensor::from([[[1u8], [2]], [[3], [4]]]).shape()[..],
        [2, 2, 1]
    );
    assert_eq!(
        Tensor::from([[[[true; 2]; 3]; 4]; 5]).shape()[..],
        [5, 4, 3, 2]
    );
    assert_eq!(Tensor::from([[0f64; 0]; 2]).shape()[..], [2, 0]);
    Ok(())
}

/// As `torch.tensor` has it: floats of the default dtype, integers of 64 bits.
#[test]
fn literals_have_pytorch_s_dtypes() -> Result<()> {
    assert_eq!(tensor![1.5, 2.0].dtype(), DType::F32);
    assert_eq!(tensor![[1, 2], [3, 4]].dtype(), DType::I64);
    assert_eq!(tensor![1f32].dtype(), DType::F32);
    assert_eq!(tensor![1u8, 2].dtype(), DType::U8);
    assert_eq!(tensor![true].dtype(), DType::Bool);
    let (a, b) = (2.0, 3.0);
    assert_eq!(tensor![a, b, a * b].to_vec::<f32>()?, [2.0, 3.0, 6.0]);
    Ok(())
}

#[test]
fn numbers_come_out() -> Result<()> {
    let x = tensor![1.5, 2.0];
    assert_eq!(Vec::<f32>::try_from(&x)?, [1.5, 2.0]);
    assert_eq!(f64::try_from(&x.sum()?)?, 3.5);
    assert_eq!(i64::try_from(&tensor![7])?, 7);
    assert_eq!(
        Vec::<f64>::try_from(&x).unwrap_err().kind(),
        ErrorKind::DType
    );
    assert!(f32::try_from(&x).is_err());
    Ok(())
}

/// In place: every handle sees it, and a leaf that requires a gradient refuses, with the caller's line.
#[test]
fn assignments_write_in_place() -> Result<()> {
    let mut x = tensor![1.0, 2.0];
    let same = x.clone();
    x += &tensor![1.0, 1.0];
    x *= 3.0;
    x -= 1;
    x /= tensor![5.0, 8.0];
    assert_eq!(same.to_vec::<f32>()?, [1.0, 1.0]);
    let said = std::panic::catch_unwind(|| {
        let mut w = tensor![1.0].requires_grad_(true).unwrap();
        w += 1.0;
    });
    let said = said.unwrap_err();
    let said = said.downcast_ref::<String>().unwrap();
    assert!(
        said.starts_with(
            "a leaf Variable that requires grad is being used in an in-place operation"
        ),
        "{said}"
    );
    Ok(())
}

#[test]
fn sums_of_tensors() -> Result<()> {
    let all = [tensor![1.0, 2.0], tensor![3.0, 4.0], tensor![10.0]];
    assert_eq!(all.iter().sum::<Tensor>().to_vec::<f32>()?, [14.0, 16.0]);
    let sum: Result<Tensor> = all.iter().map(|t| t.mul(2.0)).sum();
    assert_eq!(sum?.to_vec::<f32>()?, [28.0, 32.0]);
    assert_eq!(
        std::iter::empty::<Tensor>().sum::<Tensor>().item_f64()?,
        0.0
    );
    Ok(())
}

#[test]
fn dtypes_are_parsed() -> Result<()> {
    assert_eq!("float64".parse::<DType>()?, DType::F64);
    assert_eq!("torch.long".parse::<DType>()?, DType::I64);
    let e = "float65".parse::<DType>().unwrap_err();
    assert_eq!(e.message(), "no dtype is called \"float65\"");
    Ok(())
}
