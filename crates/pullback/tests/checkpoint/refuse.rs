//! Files that do not fit: the error says what and where, and the run is what it was.

use super::run::{Data, Kind, Run, loader};
use super::{Folder, alone};
use pullback::checkpoint::{Checkpoint, Keep};
use pullback::io::safetensors;
use pullback::nn::{Linear, Module, NamedTensors};
use pullback::optim::{Adam, Optimizer, SGD};
use pullback::{DType, Result, Tensor, random};
use std::path::Path;

fn bits(run: &mut Run, data: &Data, folder: &Folder) -> Result<Vec<u8>> {
    let path = folder.0.join("now");
    run.parts(data).save(&path)?;
    Ok(std::fs::read(&path).unwrap())
}

/// The file with another tensor, or with none, in the place of one.
fn changed(path: &Path, name: &str, to: Option<Tensor>) -> Result<()> {
    let file = safetensors::load(path)?;
    let mut tensors = file.tensors;
    match to {
        Some(t) => tensors.insert(name, t),
        None => drop(tensors.remove(name)),
    }
    let notes: Vec<(&str, &str)> = (file.metadata.iter()).map(|(n, t)| (&**n, &**t)).collect();
    safetensors::save(path, &tensors, &notes)
}

/// Every lie in a file is found before, or undone after, anything of the run changed: bits of all parts and of the default generator.
#[test]
fn what_does_not_fit_leaves_the_run_as_it_was() -> Result<()> {
    let _alone = alone();
    let folder = Folder::new("refuse");
    let path = folder.0.join("run.safetensors");
    let data = loader(Kind::Sampler, 23)?;
    let mut other = Run::new(4)?;
    other.stopped(&data, 8, &path)?;
    let whole = std::fs::read(&path).unwrap();

    let data = loader(Kind::Sampler, 23)?;
    let mut run = Run::new(4)?;
    run.stopped(&data, 3, &folder.0.join("other"))?;
    let before = bits(&mut run, &data, &folder)?;
    let f32s = |n: usize| Tensor::ones([n], DType::F32).map(Some);
    let u64s = |v: &[u64]| Tensor::from_slice(v, [v.len()]).map(Some);
    let lies = [
        (
            "model.first.bias",
            f32s(5)?,
            "size mismatch for first.bias: copying a param with shape [5] from checkpoint, the shape in current model is [4].",
        ),
        (
            "model.first.bias",
            Some(Tensor::ones([4], DType::F64)?),
            "dtype mismatch for first.bias: float64 in the checkpoint, float32 in current model",
        ),
        ("model.first.bias", None, "Missing key \"first.bias\""),
        ("model.extra", f32s(1)?, "Unexpected key \"extra\""),
        (
            "adam.state.first.weight.exp_avg",
            f32s(3)?,
            "size mismatch for state.first.weight.exp_avg",
        ),
        (
            "adam.param_groups.0.lr",
            None,
            "Missing key(s) in state_dict: \"param_groups.0.lr\"",
        ),
        (
            "sgd.state.other.momentum_buffer",
            f32s(1)?,
            "Unexpected key(s) in state_dict",
        ),
        (
            "schedule.base_lrs",
            f32s(2)?,
            "`base_lrs` holds 2 numbers where 1 are needed",
        ),
        ("plateau.best", None, "best"),
        (
            "loader.sampler",
            Some(Tensor::zeros([7], DType::U8)?),
            "Expected a CPUGeneratorImplState of size 5056",
        ),
        (
            "loader.samples",
            u64s(&[24])?,
            "the loader was saved with samples 24, and this one has 23",
        ),
        (
            "loader.batch_size",
            u64s(&[6])?,
            "the loader was saved with batch_size 6, and this one has 5",
        ),
        (
            "loader.order",
            u64s(&[99])?,
            "`order` names sample 99 of 23",
        ),
        (
            "loader.position",
            u64s(&[9])?,
            "`position` is 9 in an epoch of 5 batches",
        ),
        ("noise.value", u64s(&[1, 2])?, "no 6 numbers"),
        (
            "losses.value",
            u64s(&[1])?,
            "`value` is uint64 in the checkpoint, and float32 here",
        ),
        ("epoch.value", u64s(&[1, 2])?, "one number was to be kept"),
        (
            "random.torch",
            Some(Tensor::zeros([5056], DType::U8)?),
            "Invalid mt19937 state",
        ),
        ("random.torch", None, "the checkpoint has no `random.torch`"),
        ("stranger.x", f32s(1)?, "the file has tensors of `stranger`"),
    ];
    for (name, to, want) in lies {
        std::fs::write(&path, &whole).unwrap();
        changed(&path, name, to)?;
        let e = run.parts(&data).load(&path).expect_err(name).to_string();
        assert!(e.contains(want), "{name}: {e}");
        assert!(e.contains("run.safetensors"), "{name}: {e}");
        assert!(
            bits(&mut run, &data, &folder)? == before,
            "{name} changed the run"
        );
    }
    // The file as it was is taken.
    std::fs::write(&path, &whole).unwrap();
    run.parts(&data).load(&path)?;
    assert_eq!(run.losses.len(), 8);
    Ok(())
}

#[test]
fn files_that_are_none_are_errors_with_their_path() -> Result<()> {
    let _alone = alone();
    let folder = Folder::new("none");
    let path = folder.0.join("c.safetensors");
    let layer = Linear::new(2, 3)?;
    let say = |parts: Checkpoint<'_>| parts.load(&path).unwrap_err().to_string();
    let e = say(Checkpoint::new().module("model", &layer));
    assert!(
        e.contains("cannot read") && e.contains("c.safetensors"),
        "{e}"
    );
    // No file is nothing to go on from, and no error of `resume`.
    assert!(!Checkpoint::new().module("model", &layer).resume(&path)?);

    pullback::io::save(&path, &layer.state())?;
    let e = say(Checkpoint::new().module("model", &layer));
    assert!(e.contains("the file is no checkpoint"), "{e}");
    Checkpoint::new().module("model", &layer).save(&path)?;
    let e = say(Checkpoint::new().module("net", &layer));
    assert!(
        e.contains("the checkpoint has no part `net`: it has `model`"),
        "{e}"
    );
    let e = say(Checkpoint::new());
    assert!(e.contains("a part `model` that is not asked for"), "{e}");

    let file = safetensors::load(&path)?;
    let notes = [
        ("format", "pullback.checkpoint"),
        ("version", "2"),
        ("parts", "model"),
    ];
    safetensors::save(&path, &file.tensors, &notes)?;
    let e = say(Checkpoint::new().module("model", &layer));
    assert!(
        e.contains("of version 2, and this library reads version 1"),
        "{e}"
    );

    for names in [["a.b", "c"], ["", "c"], ["random", "c"], ["c", "c"]] {
        let [one, two] = names;
        let parts = Checkpoint::new().module(one, &layer).module(two, &layer);
        let e = parts.save(folder.0.join("never")).unwrap_err().to_string();
        assert!(e.contains("name") || e.contains("called"), "{names:?}: {e}");
    }
    assert_eq!(folder.names(), ["c.safetensors"]);
    Ok(())
}

/// A file cut anywhere is an error, and the run is what it was.
#[test]
fn a_file_that_is_cut_is_an_error() -> Result<()> {
    let _alone = alone();
    let folder = Folder::new("cut");
    let path = folder.0.join("c.safetensors");
    let layer = Linear::new(2, 3)?;
    let mut optim = Adam::new(layer.named_parameters(), 0.1)?;
    let mut parts = |path: &Path, load: bool| {
        let parts = Checkpoint::new()
            .module("model", &layer)
            .optimizer("optimizer", &mut optim);
        match load {
            true => parts.load(path),
            false => parts.save(path),
        }
    };
    parts(&path, false)?;
    let whole = std::fs::read(&path).unwrap();
    for end in (0..whole.len()).step_by(37) {
        std::fs::write(&path, &whole[..end]).unwrap();
        assert!(parts(&path, true).is_err(), "{end}");
    }
    std::fs::write(&path, &whole).unwrap();
    parts(&path, true)
}

/// What other tools see, and what is kept besides.
#[test]
fn the_file_is_one_of_safetensors() -> Result<()> {
    let _alone = alone();
    let folder = Folder::new("file");
    let path = folder.0.join("c.safetensors");
    let layer = Linear::new(2, 3)?;
    let mut optim = SGD::new(layer.named_parameters(), 0.1)?;
    let mut text = String::from("é, after");
    let mut buffer = Tensor::from_slice(&[1i64, 2], [2])?;
    let (mut yes, mut count) = (true, 7usize);
    let mut named: NamedTensors = [("ema", Tensor::ones([2], DType::F32)?)]
        .into_iter()
        .collect();
    random::manual_seed(11);
    (Checkpoint::new().module("model", &layer))
        .optimizer("optimizer", &mut optim)
        .keep("text", &mut text)
        .keep("buffer", &mut buffer)
        .keep("yes", &mut yes)
        .keep("count", &mut count)
        .keep("named", &mut named)
        .save(&path)?;
    let drawn = random::draw(|g| g.rand(3));
    let file = safetensors::load(&path)?;
    assert_eq!(
        file.metadata,
        [
            ("format".into(), "pullback.checkpoint".into()),
            ("version".into(), "1".into()),
            (
                "parts".into(),
                "model,optimizer,text,buffer,yes,count,named".to_string()
            ),
        ]
    );
    let state = file.tensors.under("model");
    assert!(state["weight"].equal(&layer.weight)?);

    let fresh = Linear::new(2, 3)?;
    let mut other = SGD::new(fresh.named_parameters(), 0.5)?;
    let held = buffer.clone();
    buffer.fill_(0)?;
    (text, yes, count) = (String::new(), false, 0);
    (Checkpoint::new().module("model", &fresh))
        .optimizer("optimizer", &mut other)
        .keep("text", &mut text)
        .keep("buffer", &mut buffer)
        .keep("yes", &mut yes)
        .keep("count", &mut count)
        .keep("named", &mut named)
        .load(&path)?;
    assert!(fresh.weight.equal(&layer.weight)? && fresh.weight.requires_grad());
    assert_eq!((text.as_str(), yes, count), ("é, after", true, 7));
    // A tensor is written over: its other handles see that.
    assert_eq!(held.to_vec::<i64>()?, [1, 2]);
    assert_eq!(other.lr(0), 0.1);
    assert_eq!(random::draw(|g| g.rand(3)), drawn);
    let mut wrong = Tensor::zeros([3], DType::I64)?;
    assert!(Keep::load(&mut wrong, &Keep::state(&buffer)?).is_err());
    Ok(())
}

/// A loader that gives two epochs at once has no place; one that gives none has one.
#[test]
fn a_loader_has_one_place() -> Result<()> {
    let _alone = alone();
    let data = loader(Kind::Default, 10)?;
    let mut one = data.iter()?;
    let two = data.iter()?;
    let e = data.state().unwrap_err();
    assert!(e.message().contains("several epochs at once"), "{e}");
    drop(two);
    one.next();
    let state = data.state()?;
    assert_eq!(state["position"].to_vec::<u64>()?, [1]);
    let e = data.load(&state).unwrap_err();
    assert!(
        e.message().contains("giving the batches of an epoch"),
        "{e}"
    );
    // An epoch that was left is over.
    drop(one);
    assert!(data.state()?.get("position").is_none());
    data.load(&state)?;
    assert_eq!(data.state()?["position"].to_vec::<u64>()?, [1]);
    assert_eq!(data.iter()?.count(), 1);
    Ok(())
}

/// A tensor that is kept has its numbers again where another part refuses.
#[test]
fn a_kept_tensor_is_put_back() -> Result<()> {
    let _alone = alone();
    let folder = Folder::new("kept");
    let path = folder.0.join("c.safetensors");
    let (layer, wide) = (Linear::new(2, 3)?, Linear::new(2, 3)?);
    let mut optim = SGD::new(layer.named_parameters(), 0.1)?;
    let mut mean = Tensor::ones([2], DType::F32)?;
    let mut list: NamedTensors = [("x", Tensor::ones([2], DType::F32)?)]
        .into_iter()
        .collect();
    (Checkpoint::new().keep("mean", &mut mean))
        .keep("list", &mut list)
        .optimizer("optimizer", &mut optim)
        .module("model", &layer)
        .save(&path)?;
    mean.fill_(5.0)?;
    list["x"].fill_(6.0)?;
    let mut other = Adam::new(wide.named_parameters(), 0.1)?;
    let parts = (Checkpoint::new().keep("mean", &mut mean))
        .keep("list", &mut list)
        .optimizer("optimizer", &mut other)
        .module("model", &wide);
    let e = parts.load(&path).unwrap_err().to_string();
    assert!(e.contains("of the part `optimizer`"), "{e}");
    assert_eq!(mean.to_vec::<f32>()?, [5.0; 2]);
    assert_eq!(list["x"].to_vec::<f32>()?, [6.0; 2]);
    assert!(!wide.weight.equal(&layer.weight)?);
    Ok(())
}
