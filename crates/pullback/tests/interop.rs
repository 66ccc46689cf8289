//! Tensors to other crates' arrays and formats, and back: every bit, every layout, and what is refused.

use ndarray::{Array2, ArrayD, IxDyn, arr0, array, s};
use pullback::nn::{Linear, Module, NamedTensors};
use pullback::optim::{Adam, AdamOptions, LBFGSOptions};
use pullback::{DType, ErrorKind, Result, Tensor, random};

#[test]
fn arrays_of_any_layout() -> Result<()> {
    let a = array![[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let t = Tensor::try_from(&a)?;
    assert_eq!((t.dtype(), &t.shape()[..]), (DType::F64, &[2, 3][..]));
    assert_eq!(t.to_vec::<f64>()?, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    // Views: transposed, backwards, every other, in Fortran's order.
    assert_eq!(
        Tensor::try_from(&a.t())?.to_vec::<f64>()?,
        [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    );
    let part = a.slice(s![..;-1, ..;2]);
    assert_eq!(
        Tensor::try_from(&part)?.to_vec::<f64>()?,
        [4.0, 6.0, 1.0, 3.0]
    );
    let mut fortran = Array2::<f64>::zeros((2, 3).into_shape_order());
    fortran.assign(&a);
    assert_eq!(
        Tensor::try_from(&fortran)?.to_vec::<f64>()?,
        t.to_vec::<f64>()?
    );
    // No dimension, no elements.
    assert_eq!(Tensor::try_from(&arr0(7i64))?.item::<i64>()?, 7);
    assert_eq!(
        Tensor::try_from(&Array2::<f32>::zeros((0, 5)))?.shape()[..],
        [0, 5]
    );
    // A tensor of its own: what is written to the array later does not reach it.
    let mut own = array![true, false];
    let t = Tensor::try_from(&own)?;
    own[0] = false;
    assert_eq!(t.to_vec::<bool>()?, [true, false]);
    Ok(())
}

trait Fortran {
    fn into_shape_order(self) -> ndarray::Shape<ndarray::Ix2>;
}

impl Fortran for (usize, usize) {
    fn into_shape_order(self) -> ndarray::Shape<ndarray::Ix2> {
        use ndarray::ShapeBuilder;
        self.f()
    }
}

#[test]
fn tensors_as_arrays() -> Result<()> {
    let t = Tensor::arange(6)?.reshape([2, 3])?;
    let a = ArrayD::<i64>::try_from(&t)?;
    assert_eq!((a.shape(), a[[1, 2]]), (&[2, 3][..], 5));
    // Read by its own order, whatever the strides.
    let a = ArrayD::<f32>::try_from(&t.to(DType::F32)?.t()?)?;
    assert_eq!(a, array![[0f32, 3.0], [1.0, 4.0], [2.0, 5.0]].into_dyn());
    let e = ArrayD::<f32>::try_from(&t).unwrap_err();
    assert_eq!(e.message(), "expected scalar type Float but found Long");
    let scalar = ArrayD::<f64>::try_from(&Tensor::scalar(2.5f64))?;
    assert_eq!((scalar.ndim(), scalar[IxDyn(&[])]), (0, 2.5));
    // There and back.
    let x = random_of(DType::F64, &[3, 1, 4])?;
    let y = Tensor::try_from(&ArrayD::<f64>::try_from(&x)?)?;
    assert_eq!(x.to_vec::<f64>()?, y.to_vec::<f64>()?);
    Ok(())
}

fn random_of(dtype: DType, shape: &[usize]) -> Result<Tensor> {
    random::manual_seed(1);
    Tensor::randn(shape, DType::F64)?.to(dtype)
}

#[test]
fn json_has_every_bit() -> Result<()> {
    for dtype in DType::ALL.iter().copied().filter(|&d| d != DType::Dd) {
        let t = match dtype.is_float() {
            true => random_of(dtype, &[5, 40])?.mul(1e3)?,
            false => Tensor::arange(200)?
                .remainder(2)?
                .mul(127)?
                .reshape([5, 40])?
                .to(dtype)?,
        };
        let text = serde_json::to_string(&t).unwrap();
        let back: Tensor = serde_json::from_str(&text).unwrap();
        assert_eq!((back.dtype(), back.shape()), (dtype, t.shape()));
        let same = back.eq(&t)?.all(&[], false)?.item::<bool>()?;
        assert!(same, "{dtype}: {text}");
    }
    // The ends of each range, signs of zero, and what is no number.
    let ends = Tensor::from_slice(
        &[
            f32::MIN_POSITIVE,
            f32::MAX,
            -0.0,
            f32::NAN,
            f32::INFINITY,
            -f32::INFINITY,
            1e-45,
        ],
        [7],
    )?;
    let text = serde_json::to_string(&ends).unwrap();
    let back: Tensor = serde_json::from_str(&text).unwrap();
    let bits = |t: &Tensor| {
        t.to_vec::<f32>()
            .map(|v| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
    };
    assert_eq!(bits(&ends)?, bits(&back)?, "{text}");
    let wide = Tensor::from_slice(&[u64::MAX, 0, 1 << 63], [3])?;
    let back: Tensor = serde_json::from_str(&serde_json::to_string(&wide).unwrap()).unwrap();
    assert_eq!(back.to_vec::<u64>()?, [u64::MAX, 0, 1 << 63]);
    let t = Tensor::from_slice(&[0.1f32, 2.0], [1, 2])?;
    assert_eq!(
        serde_json::to_string(&t).unwrap(),
        r#"{"dtype":"float32","shape":[1,2],"values":[0.1,2.0]}"#
    );
    Ok(())
}

#[test]
fn names_may_come_in_any_order() -> Result<()> {
    let t: Tensor =
        serde_json::from_str(r#"{"values": [1, 2.5], "shape": [2], "dtype": "float64"}"#).unwrap();
    assert_eq!(
        (t.dtype(), t.to_vec::<f64>()?),
        (DType::F64, vec![1.0, 2.5])
    );
    let t: Tensor = serde_json::from_str(r#"["int8", [2], [1, -2]]"#).unwrap();
    assert_eq!((t.dtype(), t.to_vec::<i8>()?), (DType::I8, vec![1, -2]));
    Ok(())
}

#[test]
fn what_is_refused_says_what_and_where() {
    let said = |text: &str| {
        serde_json::from_str::<Tensor>(text)
            .unwrap_err()
            .to_string()
    };
    for (text, part) in [
        (
            r#"{"dtype":"float32","shape":[2,2],"values":[1,2,3]}"#,
            "3 values for a tensor of shape [2, 2]",
        ),
        (
            r#"{"dtype":"float33","shape":[1],"values":[1]}"#,
            "no dtype is called \"float33\"",
        ),
        (
            r#"{"dtype":"float64x2","shape":[1],"values":[1]}"#,
            "32 digits",
        ),
        (
            r#"{"dtype":"int8","shape":[2],"values":[1,300]}"#,
            "value 1 is no int8: Unsigned(300)",
        ),
        (
            r#"{"dtype":"float32","shape":[1],"values":[1e300]}"#,
            "value 0 is no float32",
        ),
        (
            r#"{"dtype":"bool","shape":[1],"values":[1]}"#,
            "value 0 is no bool",
        ),
        (
            r#"{"dtype":"int64","shape":[1],"values":[1.5]}"#,
            "value 0 is no int64",
        ),
        (
            r#"{"dtype":"int64","shape":[-1],"values":[]}"#,
            "integer `-1`",
        ),
        (
            r#"{"dtype":"int64","shape":[1],"values":["one"]}"#,
            "\"nan\"",
        ),
        (r#"{"dtype":"int64","shape":[1]}"#, "missing field `values`"),
        (
            r#"{"dtype":"int64","dtype":"int64"}"#,
            "`dtype` is there twice",
        ),
        (
            r#"{"dtype":"int64","shape":[1],"values":[1],"more":1}"#,
            "unknown field `more`",
        ),
        (r#"{"dtype":"int64","shape":[1],"values":[1"#, "EOF"),
        (r#"["int64",[1]]"#, "invalid length 2"),
        // Nothing is allocated from what a shape says.
        (
            r#"{"dtype":"int64","shape":[4611686018427387904,4],"values":[]}"#,
            "0 values for a tensor of shape",
        ),
        (
            r#"{"dtype":"int64","shape":[1000000000000],"values":[1]}"#,
            "1 values for a tensor of shape",
        ),
    ] {
        let e = said(text);
        assert!(e.contains(part), "{text}: {e}");
    }
    let wide = Tensor::scalar(1.0f64).to(DType::Dd).unwrap();
    assert!(
        serde_json::to_string(&wide)
            .unwrap_err()
            .to_string()
            .contains("32 digits")
    );
}

#[test]
fn states_dtypes_and_options() -> Result<()> {
    random::manual_seed(0);
    let layer = Linear::new(3, 2)?;
    let text = serde_json::to_string(&layer.state()).unwrap();
    let state: NamedTensors = serde_json::from_str(&text).unwrap();
    assert_eq!(state.names().collect::<Vec<_>>(), ["weight", "bias"]);
    let other = Linear::new(3, 2)?;
    other.load(&state)?;
    assert_eq!(other.weight.to_vec::<f32>()?, layer.weight.to_vec::<f32>()?);
    let twice = r#"{"a":{"dtype":"bool","shape":[],"values":[true]},"a":{"dtype":"bool","shape":[],"values":[true]}}"#;
    let e = serde_json::from_str::<NamedTensors>(twice).unwrap_err();
    assert!(e.to_string().contains("`a` is there twice"), "{e}");
    let e = serde_json::from_str::<NamedTensors>(r#"{"w":{"dtype":"f99"}}"#).unwrap_err();
    assert!(e.to_string().contains("`w`"), "{e}");

    assert_eq!(serde_json::to_string(&DType::BF16).unwrap(), "\"bfloat16\"");
    assert_eq!(
        serde_json::from_str::<DType>("\"half\"").unwrap(),
        DType::F16
    );

    let options = AdamOptions::default().lr(0.01).betas((0.8, 0.99));
    let text = serde_json::to_string(&options).unwrap();
    assert_eq!(serde_json::from_str::<AdamOptions>(&text).unwrap(), options);
    // What is left out is PyTorch's default; what there is not is an error; what is out of range is one where the optimiser is made.
    assert_eq!(
        serde_json::from_str::<AdamOptions>(r#"{"lr":0.01,"betas":[0.8,0.99]}"#).unwrap(),
        options
    );
    let e = serde_json::from_str::<AdamOptions>(r#"{"beta":0.9}"#).unwrap_err();
    assert!(e.to_string().contains("unknown field `beta`"), "{e}");
    let below: AdamOptions = serde_json::from_str(r#"{"lr":-1.0}"#).unwrap();
    let e = Adam::with(layer.named_parameters(), below).unwrap_err();
    assert_eq!(
        (e.kind(), e.message()),
        (ErrorKind::Value, "Invalid learning rate: -1.0")
    );
    let all = LBFGSOptions::default();
    let text = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<LBFGSOptions>(&text).unwrap(), all);
    Ok(())
}
