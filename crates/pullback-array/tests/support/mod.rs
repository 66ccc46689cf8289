//! What the test files share: golden values, pseudo-random numbers, and arrays with every kind of strides together with
//! the plain index arithmetic that says what they hold.
#![allow(dead_code, unreachable_pub)]

use proptest::prelude::*;
use pullback_array::dd::Dd;
use pullback_array::{
    Array, Element, Layout, MemoryUse, Result, bf16, f16, memory_use, release_memory,
};
use serde_json::Value;

/// Most bytes in use while `f` runs, beyond those before; of the whole process, so that one test at a time may ask.
pub fn peak<R>(f: impl FnOnce() -> Result<R>) -> usize {
    release_memory();
    let before = memory_use().now;
    f().unwrap();
    let MemoryUse { peak, .. } = memory_use();
    peak - before
}

/// What PyTorch answered, written by `golden/make_array_golden.py`.
pub fn golden(list: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../golden/array.json")).expect("json");
    all[list].as_array().expect("a list").clone()
}

/// A JSON list of sizes.
pub fn sizes(list: &Value) -> Vec<usize> {
    let size = |n: &Value| n.as_u64().expect("a size") as usize;
    list.as_array().expect("a list").iter().map(size).collect()
}

/// Knuth's MMIX generator: numbers with 53 significant bits and exponents over 16 binades, as the golden script makes.
pub fn numbers(seed: u64, n: usize) -> Vec<f64> {
    let mut x = seed;
    let next = || {
        x = x
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let fraction = (x >> 11) as f64 - 2.0f64.powi(52);
        fraction * 2.0f64.powi((x >> 33 & 15) as i32 - 60)
    };
    std::iter::repeat_with(next).take(n).collect()
}

/// A type the tests can make distinct elements of, and whose bits they can compare.
pub trait Sample: Element {
    /// Element number `i` of a list without short repetitions.
    fn sample(i: usize) -> Self;
    /// Bits, for comparisons in which NaN equals itself and 0 is not -0.
    fn bits(self) -> u128;
}

macro_rules! sample {
    ($($t:ty: $make:expr, $bits:expr;)*) => {$(
        impl Sample for $t {
            fn sample(i: usize) -> Self {
                let make: fn(i64) -> $t = $make;
                make(i as i64)
            }
            fn bits(self) -> u128 {
                let bits: fn($t) -> u128 = $bits;
                bits(self)
            }
        }
    )*};
}
sample! {
    bool: |i| i % 3 == 1, |x| x.into();
    u8: |i| (i * 7 + 1) as u8, |x| x.into();
    i8: |i| (i * 7 - 50) as i8, |x| x as u8 as u128;
    i16: |i| (i * 7 - 50) as i16, |x| x as u16 as u128;
    u16: |i| (i * 7 + 1) as u16, |x| x.into();
    u32: |i| (i * 7 + 1) as u32, |x| x.into();
    u64: |i| (i * 7 + 1) as u64, |x| x.into();
    f16: |i| f16::from_f32((i * 7 - 50) as f32 / 3.0), |x| x.to_bits().into();
    bf16: |i| bf16::from_f32((i * 7 - 50) as f32 / 3.0), |x| x.to_bits().into();
    i32: |i| (i * 7 - 50) as i32, |x| x as u32 as u128;
    i64: |i| i * 7 - 50, |x| x as u64 as u128;
    f32: |i| (i * 7 - 50) as f32 / 3.0, |x| x.to_bits().into();
    f64: |i| (i * 7 - 50) as f64 / 3.0, |x| x.to_bits().into();
    Dd: |i| Dd::from(i * 7 - 50) / Dd::from(3.0), |x| (x.hi().to_bits() as u128) << 64 | x.lo().to_bits() as u128;
}

/// `n` distinct elements.
pub fn samples<T: Sample>(n: usize) -> Vec<T> {
    (0..n).map(T::sample).collect()
}

/// Bits of all elements.
pub fn all_bits<T: Sample>(list: &[T]) -> Vec<u128> {
    list.iter().map(|x| x.bits()).collect()
}

/// Every index of a shape, in row-major order.
pub fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &n in shape {
        all = all
            .iter()
            .flat_map(|index| (0..n).map(move |i| [&index[..], &[i]].concat()))
            .collect();
    }
    all
}

/// A strided view as plain numbers: what `Layout` says, without `Layout`.
#[derive(Debug, Clone)]
pub struct Strided {
    pub shape: Vec<usize>,
    pub strides: Vec<isize>,
    pub offset: usize,
    /// Elements the storage has.
    pub len: usize,
}

impl Strided {
    /// Place of one element.
    pub fn place(&self, index: &[usize]) -> usize {
        let reach: isize = index
            .iter()
            .zip(&self.strides)
            .map(|(&i, &s)| i as isize * s)
            .sum();
        usize::try_from(self.offset as isize + reach).expect("inside the storage")
    }

    /// Places of all elements in row-major order.
    pub fn places(&self) -> Vec<usize> {
        indices(&self.shape).iter().map(|i| self.place(i)).collect()
    }

    /// The place broadcasting reads for `index` of a shape this one is stretched to.
    pub fn stretched(&self, index: &[usize]) -> usize {
        let tail = &index[index.len() - self.shape.len()..];
        let own: Vec<usize> = tail
            .iter()
            .zip(&self.shape)
            .map(|(&i, &n)| if n == 1 { 0 } else { i })
            .collect();
        self.place(&own)
    }

    /// The same as a layout.
    pub fn layout(&self) -> Layout {
        Layout::new(self.shape.clone().into(), &self.strides, self.offset)
    }

    /// An array that lies so in a storage holding `data`.
    pub fn array_of<T: Element>(&self, data: &[T]) -> Array {
        assert_eq!(data.len(), self.len);
        let flat = Array::from_slice(data, [data.len()]).expect("memory");
        flat.view(self.layout()).expect("inside the storage")
    }

    /// An array that lies so in a storage of samples.
    pub fn array<T: Sample>(&self) -> Array {
        self.array_of(&samples::<T>(self.len))
    }
}

/// How to lay out a shape: raw numbers, so that proptest can shrink them.
#[derive(Debug, Clone)]
pub struct Raw {
    order: [u8; 5],
    gap: [u8; 5],
    flip: [bool; 5],
    still: [bool; 5],
    offset: u8,
    plain: bool,
}

impl Raw {
    /// Strides for `shape`: dimensions in any order of memory, gaps between neighbours, some backwards; some expanded
    /// where `expanded` allows it.
    pub fn lay(&self, shape: &[usize], expanded: bool) -> Strided {
        let mut order: Vec<usize> = (0..shape.len()).rev().collect();
        if !self.plain {
            order.sort_by_key(|&k| self.order[k]);
        }
        let mut strides = vec![0isize; shape.len()];
        let (mut offset, mut step) = (if self.plain { 0 } else { self.offset as usize }, 1);
        for k in order {
            let n = shape[k];
            if self.plain {
                strides[k] = step as isize;
                step *= n.max(1);
                continue;
            }
            if expanded && self.still[k] {
                continue;
            }
            step *= 1 + self.gap[k] as usize;
            strides[k] = step as isize;
            if self.flip[k] && n > 0 {
                strides[k] = -(step as isize);
                offset += step * (n - 1);
            }
            step *= n.max(1);
        }
        let mut view = Strided {
            shape: shape.to_vec(),
            strides,
            offset,
            len: 0,
        };
        view.len = view.places().iter().max().map_or(offset, |&p| p + 1);
        view
    }
}

/// Any [`Raw`]; one in three is plain row-major.
pub fn raw() -> impl Strategy<Value = Raw> {
    let few = || prop_oneof![3 => Just(0u8), 1 => 1..3u8];
    let rarely = || proptest::bool::weighted(0.25);
    (
        any::<[u8; 5]>(),
        [few(), few(), few(), few(), few()],
        [rarely(), rarely(), rarely(), rarely(), rarely()],
        [rarely(), rarely(), rarely(), rarely(), rarely()],
        0..4u8,
        proptest::bool::weighted(0.33),
    )
        .prop_map(|(order, gap, flip, still, offset, plain)| Raw {
            order,
            gap,
            flip,
            still,
            offset,
            plain,
        })
}

/// A shape of up to `rank` dimensions of up to `size`, sometimes empty.
pub fn shape(rank: usize, size: usize) -> impl Strategy<Value = Vec<usize>> {
    let one = prop_oneof![1 => Just(0), 2 => Just(1), 12 => 1..=size];
    proptest::collection::vec(one, 0..=rank)
}

/// A shape that broadcasts to `shape`: leading dimensions left out by `drop`, others made 1 by `ones`.
pub fn narrower(shape: &[usize], drop: u8, ones: u8) -> Vec<usize> {
    let drop = if drop < 8 {
        0
    } else {
        drop as usize % (shape.len() + 1)
    };
    (shape.iter().enumerate().skip(drop))
        .map(|(k, &n)| if ones >> k & 3 == 3 { 1 } else { n })
        .collect()
}
