//! A file is there whole or not at all.

use super::Folder;
use pullback::nn::{Linear, Module, NamedTensors};
use pullback::{DType, ErrorKind, Result, Tensor, io};

#[test]
fn what_fails_leaves_what_was_there() -> Result<()> {
    let folder = Folder::new("fails");
    let path = folder.0.join("model.safetensors");
    let model = Linear::new(2, 3)?;
    io::save(&path, &model.state())?;
    let before = std::fs::read(&path).unwrap();
    // The second tensor has no place in the format, and the first was being written.
    let dd = Tensor::zeros([2], DType::Dd)?;
    let bad: NamedTensors = [("a", Tensor::ones([1000], DType::F32)?), ("b", dd)]
        .into_iter()
        .collect();
    let e = io::save(&path, &bad).unwrap_err();
    assert!(e.message().contains("`b` is float64x2"), "{e}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(folder.names(), ["model.safetensors"]);
    let e = io::save(folder.0.join("no/such/folder"), &model.state()).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Io);
    assert!(
        e.message().starts_with("cannot write ") && e.message().contains("no/such/folder"),
        "{e}"
    );
    // A folder in the file's place.
    let e = io::save(&folder.0, &model.state()).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Io);
    assert_eq!(folder.names(), ["model.safetensors"]);
    Ok(())
}

/// Whoever reads while another writes finds one state or the other.
#[test]
fn readers_see_no_half_of_a_file() -> Result<()> {
    let folder = Folder::new("readers");
    let path = folder.0.join("x.safetensors");
    let state = |v: f64| -> Result<NamedTensors> {
        Ok([("x", Tensor::full([5000], v, DType::F32)?)]
            .into_iter()
            .collect())
    };
    io::save(&path, &state(0.0)?)?;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| -> Result<()> {
            for i in 0..60 {
                io::save(&path, &state(f64::from(i))?)?;
            }
            Ok(())
        });
        while !writer.is_finished() {
            let x = io::load(&path).unwrap()["x"].to_vec::<f32>().unwrap();
            assert!(x.len() == 5000 && x.iter().all(|v| *v == x[0]));
        }
        writer.join().unwrap()
    })?;
    assert_eq!(folder.names(), ["x.safetensors"]);
    Ok(())
}
