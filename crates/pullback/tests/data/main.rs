//! `pullback::data`: order, batches, splits, threads.

use pullback::data::*;
use pullback::random::{self, torch::manual_seed};
use pullback::{DType, Error, ErrorKind, Result, Tensor};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The default generator is one for the process.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The numbers below n.
struct Numbers(usize);

impl Dataset for Numbers {
    type Item = usize;
    fn len(&self) -> usize {
        self.0
    }
    fn get(&self, index: usize) -> Result<usize> {
        // The later the number, the sooner it is there.
        std::thread::sleep(Duration::from_micros(((self.0 - index) * 50) as u64));
        match index {
            13 => Err(Error::new(ErrorKind::Io, "sample 13 cannot be read")),
            17 => panic!("sample 17 is cursed"),
            _ => Ok(index),
        }
    }
}

/// All numbers of an epoch.
fn epoch<D>(loader: &DataLoader<D>) -> Result<Vec<Vec<i64>>>
where
    D: Dataset<Item = usize> + Send + Sync + 'static,
{
    loader.iter()?.map(|b| b?.to_vec::<i64>()).collect()
}

/// From PyTorch: `torch.manual_seed(3); loader = DataLoader(range(7), batch_size=3, shuffle=True)`, two epochs, then `torch.randint(1000, (1,))`.
#[test]
fn orders_are_those_of_the_default_generator() -> Result<()> {
    let _alone = alone();
    random::manual_seed(3);
    let loader = DataLoader::builder(Numbers(7))
        .batch_size(3)
        .shuffle(true)
        .build()?;
    assert_eq!(loader.len(), 3);
    assert_eq!(epoch(&loader)?, GLOBAL_FIRST.map(<[i64]>::to_vec));
    assert_eq!(epoch(&loader)?, GLOBAL_SECOND.map(<[i64]>::to_vec));
    let after = pullback::randint(0, 1000, [1], DType::I64)?.to_vec::<i64>()?;
    assert_eq!(after, [GLOBAL_AFTER]);
    Ok(())
}

/// From PyTorch: `g = torch.Generator().manual_seed(3)`, the same with `generator=g`: with a last batch that is whole, and one that is not.
#[test]
fn orders_are_those_of_a_generator() -> Result<()> {
    for (n, batch, first, second) in OWN {
        let loader = DataLoader::builder(Numbers(n))
            .batch_size(batch)
            .shuffle(true);
        let loader = loader.generator(manual_seed(3)).build()?;
        assert_eq!(epoch(&loader)?.concat(), first, "{n} by {batch}");
        assert_eq!(epoch(&loader)?.concat(), second, "{n} by {batch}");
    }
    Ok(())
}

/// From PyTorch: a sequential loader draws one seed an epoch.
#[test]
fn an_epoch_without_order_draws_a_seed() -> Result<()> {
    let _alone = alone();
    random::manual_seed(3);
    let loader = DataLoader::builder(Numbers(5))
        .batch_size(2)
        .drop_last(true)
        .build()?;
    assert_eq!(loader.len(), 2);
    assert_eq!(epoch(&loader)?, [vec![0, 1], vec![2, 3]]);
    let after = pullback::randint(0, 1000, [1], DType::I64)?.to_vec::<i64>()?;
    assert_eq!(after, [SEQUENTIAL_AFTER]);
    Ok(())
}

#[test]
fn samplers_are_those_of_there() -> Result<()> {
    let of = |s: &dyn Sampler| s.order();
    assert_eq!(
        of(&RandomSampler::new(4)
            .num_samples(6)
            .generator(manual_seed(3)))?,
        RANDOM_MORE
    );
    assert_eq!(
        of(&RandomSampler::new(4)
            .replacement(true)
            .num_samples(6)
            .generator(manual_seed(3)))?,
        RANDOM_AGAIN
    );
    assert_eq!(
        of(&SubsetRandomSampler::new([5, 7, 9, 11]).generator(manual_seed(3)))?,
        SUBSET
    );
    assert_eq!(
        of(&WeightedRandomSampler::new([0.1, 0.7, 0.2], 6)?.generator(manual_seed(3)))?,
        WEIGHTED
    );
    let batches = BatchSampler::new(vec![4, 5, 6], 2, false)?;
    assert_eq!(
        (batches.len(), batches.get(1), batches.get(2)),
        (2, Some(&[6][..]), None)
    );
    assert_eq!(BatchSampler::new(vec![4, 5, 6], 2, true)?.len(), 1);
    assert!(RandomSampler::new(0).order().is_err());
    Ok(())
}

#[test]
fn splits_are_those_of_there() -> Result<()> {
    let data = TensorDataset::new([&Tensor::arange(7)?])?;
    let parts = random_split_fractions(&data, &[0.5, 0.3, 0.2], Some(&mut manual_seed(3)))?;
    let parts: Vec<&[usize]> = parts.iter().map(Subset::indices).collect();
    assert_eq!(parts, SPLIT);
    let e = random_split(&data, &[3, 3], None).unwrap_err();
    assert_eq!(
        e.message(),
        "Sum of input lengths does not equal the length of the input dataset!"
    );
    assert!(random_split_fractions(&data, &[0.5, 0.6], None).is_err());
    let e = Subset::new(&data, [7]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Index);
    Ok(())
}

/// Threads make batches in any order, and they are taken in theirs; what goes wrong goes wrong at its place.
#[test]
fn threads_keep_the_order() -> Result<()> {
    let _alone = alone();
    for workers in [1, 3, 8] {
        let data = Numbers(12);
        let loader = DataLoader::builder(data)
            .batch_size(2)
            .num_workers(workers)
            .build()?;
        for _ in 0..3 {
            assert_eq!(epoch(&loader)?.concat(), (0..12).collect::<Vec<i64>>());
        }
        // Left early, and passed over.
        assert_eq!(loader.iter()?.next().unwrap()?.to_vec::<i64>()?, [0, 1]);
        let rest = loader.iter()?.skip_batches(4);
        assert_eq!((rest.position(), rest.size_hint().0), (4, 2));
        let rest: Vec<Vec<i64>> = rest.map(|b| b?.to_vec::<i64>()).collect::<Result<_>>()?;
        assert_eq!(rest, [vec![8, 9], vec![10, 11]]);
    }
    let loader = DataLoader::builder(Numbers(20))
        .batch_size(2)
        .num_workers(3)
        .build()?;
    let all: Vec<Result<Tensor>> = loader.iter()?.collect();
    for (k, batch) in all.iter().enumerate() {
        match k {
            6 => {
                let e = batch.as_ref().unwrap_err().to_string();
                assert!(
                    e.contains("sample 13 cannot be read") && e.contains("of batch 6"),
                    "{e}"
                );
            }
            8 => {
                let e = batch.as_ref().unwrap_err().to_string();
                assert!(
                    e.contains("the data set panicked: sample 17 is cursed"),
                    "{e}"
                );
            }
            _ => assert_eq!(
                batch.as_ref().unwrap().to_vec::<i64>()?,
                [2 * k as i64, 2 * k as i64 + 1]
            ),
        }
    }
    Ok(())
}

#[test]
fn samples_become_batches() -> Result<()> {
    let x = Tensor::arange(6)?.to(DType::F32)?.reshape([3, 2])?;
    let data = TensorDataset::new([&x, &Tensor::arange(3)?])?;
    let mapped = data
        .clone()
        .map(|[x, y]| Ok((x.mul(2.0)?, y, 1.5f64, "name".to_string())));
    let (x2, y, number, names) = mapped.batch(&[2, 0])?;
    assert_eq!(x2.to_vec::<f32>()?, [8.0, 10.0, 0.0, 2.0]);
    assert_eq!(y.to_vec::<i64>()?, [2, 0]);
    assert_eq!(number.to_vec::<f64>()?, [1.5, 1.5]);
    assert_eq!(names, ["name", "name"]);
    // Rows at once are what samples one by one are.
    let [a, b] = data.batch(&[1, 1])?;
    let [first, second] = data.get(1)?;
    assert!(a.equal(&pullback::stack(&[&first, &first], 0)?)?);
    assert!(b.equal(&pullback::stack(&[&second, &second], 0)?)?);
    let both = Concat::new([data.clone(), data.clone()]);
    assert_eq!(both.len(), 6);
    assert_eq!(both.get(4)?[1].to_vec::<i64>()?, [1]);
    for e in [
        both.get(6).unwrap_err(),
        data.get(3).unwrap_err(),
        data.batch(&[3]).unwrap_err(),
    ] {
        assert_eq!(e.kind(), ErrorKind::Index);
    }
    let e = TensorDataset::new([&x, &Tensor::arange(4)?]).unwrap_err();
    assert_eq!(e.message(), "Size mismatch between tensors: 3 rows and 4");
    Ok(())
}

#[test]
fn loaders_of_nothing_are_errors_or_empty() -> Result<()> {
    let _alone = alone();
    let e = DataLoader::builder(Numbers(3))
        .batch_size(0)
        .build()
        .err()
        .unwrap();
    assert_eq!(
        e.message(),
        "batch_size should be a positive integer value, but got batch_size=0"
    );
    let e = DataLoader::builder(Numbers(0))
        .shuffle(true)
        .build()
        .err()
        .unwrap();
    assert_eq!(
        e.message(),
        "num_samples should be a positive integer value, but got num_samples=0"
    );
    assert_eq!(epoch(&DataLoader::builder(Numbers(0)).build()?)?.len(), 0);
    Ok(())
}

#[test]
fn features_are_standardised_as_the_training_part_says() -> Result<()> {
    use pullback::nn::Module;
    let x = Tensor::from_slice(&[1.0f64, 5.0, 3.0, 5.0], [2, 2])?;
    let scale = Standardize::fit(&x)?;
    // A feature that is the same everywhere becomes 0, and nothing is divided by 0.
    assert_eq!(scale.transform(&x)?.to_vec::<f64>()?, [-1.0, 0.0, 1.0, 0.0]);
    let other = Standardize::fit(&x.mul(3.0)?)?;
    other.load(&scale.state())?;
    assert_eq!(other.mean.to_vec::<f64>()?, [2.0, 5.0]);
    assert!(Standardize::fit(&Tensor::zeros([0, 2], DType::F64)?).is_err());
    Ok(())
}

include!("../golden/loader.rs");
