//! Truth values in memory that others write as bytes: every byte but 0 is true, for every kernel and in every layout, and no
//! Rust `bool` is ever made of another byte than 0 and 1.
#![allow(unsafe_code)]

mod support;

use pullback_array::kernels::{self, Run, Running};
use pullback_array::{Array, DType, Layout, Number, Result, Shape, dispatch};
use std::hint::black_box;

/// Bytes of which there are bools of 0 and of 1 and many of neither.
fn bytes(seed: usize, n: usize) -> Vec<u8> {
    let mut all: Vec<u8> = (0..n).map(|i| (i * 37 + seed * 101 + 2) as u8).collect();
    all.iter_mut()
        .skip(seed % 3)
        .step_by(3)
        .for_each(|b| *b = 0);
    all
}

/// An array of the bytes as somebody else's memory, and the same truth values in our own.
fn pair(bytes: Vec<u8>, layout: Layout) -> (Array, Array) {
    let truths: Vec<bool> = bytes.iter().map(|&b| b != 0).collect();
    let own = Array::from_slice(&truths, [truths.len()]).unwrap();
    let own = own.view(layout.clone()).unwrap();
    let mut bytes: Box<[u8]> = bytes.into();
    let (data, n) = (bytes.as_mut_ptr(), bytes.len());
    // SAFETY: the box's memory stays where it is while the owner lives, and nobody else uses it.
    let theirs = unsafe { Array::foreign(data, n, layout, DType::Bool, Box::new(bytes)) };
    (theirs.unwrap(), own)
}

/// Row-major, spaced, turned, stretched, backwards; long enough for every loop, threads and turned copies.
fn layouts(rows: usize, cols: usize) -> Vec<Layout> {
    let (m, n) = (rows as isize, cols as isize);
    let shape = || Shape::new(&[rows, cols]);
    vec![
        Layout::row_major(shape()),
        Layout::new(shape(), &[n, 1], 3),
        Layout::new(shape(), &[2 * n, 2], 1),
        Layout::new(shape(), &[1, m], 0),
        Layout::new(shape(), &[0, 1], 2),
        Layout::new(shape(), &[1, 0], 0),
        Layout::new(shape(), &[-n, -1], rows * cols - 1),
    ]
}

fn pairs(seed: usize, rows: usize, cols: usize) -> Vec<(Array, Array)> {
    let make = |layout: Layout| {
        let len = layout.extent().map_or(1, |(_, high)| high as usize + 1);
        pair(bytes(seed, len), layout)
    };
    layouts(rows, cols).into_iter().map(make).collect()
}

/// Bytes of the elements, as a kernel sees them: a table read past its end would be somebody else's number.
fn seen(a: &Array) -> Vec<u8> {
    let see = |b: bool| black_box(b) as u8;
    kernels::map(a, see).unwrap().to_vec::<u8>().unwrap()
}

fn content(a: &Array) -> Vec<u8> {
    let mut out = vec![0; a.numel() * a.dtype().size()];
    a.copy_bytes(&mut out).unwrap();
    out
}

type Use = fn(&Array, &Array) -> Result<Array>;

/// Everything that reads elements of two arrays of one shape.
const USES: &[(&str, Use)] = &[
    ("copy", |a, _| a.copy()),
    ("contiguous", |a, _| a.contiguous()),
    ("map", |a, _| {
        kernels::map(a, |x: bool| [5u8, 7][x as usize])
    }),
    ("map_wide", |a, _| {
        kernels::map_wide(a, |x: bool| [5i64, 7][x as usize])
    }),
    ("zip", |a, b| {
        kernels::zip(a, b, |x: bool, y: bool| {
            [5u8, 7, 9, 11][x as usize * 2 + y as usize]
        })
    }),
    ("zip_wide", |a, b| {
        kernels::zip_wide(a, b, |x: bool, y: bool| {
            [5u8, 7, 9, 11][x as usize * 2 + y as usize]
        })
    }),
    ("zip3", |a, b| {
        kernels::zip3(a, b, a, |x: bool, y: bool, z: bool| {
            x as u8 + 2 * (y as u8) + 4 * (z as u8)
        })
    }),
    ("a number beside", |a, b| {
        kernels::zip(a, &b.select(0, 0)?.select(0, 1)?, |x: bool, y: bool| {
            x as u8 + 2 * (y as u8)
        })
    }),
    ("a row beside", |a, b| {
        kernels::zip(a, &b.select(0, 1)?, |x: bool, y: bool| {
            x as u8 + 2 * (y as u8)
        })
    }),
    ("sum", |a, _| kernels::sum(a, &[0, 1], false)),
    ("sum of rows", |a, _| kernels::sum(a, &[1], false)),
    ("sum of columns", |a, _| kernels::sum(a, &[0], false)),
    ("prod", |a, _| kernels::prod(a, &[1], false)),
    ("reduce by fold", |a, _| {
        kernels::reduce(a, &[0], false, |run: Run<'_, bool>| {
            run.fold(0u8, |s, x| s.wrapping_mul(3).wrapping_add(x as u8))
        })
    }),
    ("reduce by next", |a, _| {
        kernels::reduce(a, &[1, 0], false, |run: Run<'_, bool>| {
            let mut sum = 0i64;
            for x in run {
                sum = sum.wrapping_mul(3) + i64::from(x as u8);
            }
            sum
        })
    }),
    ("max", |a, _| kernels::extreme(a, &[1], false, true)),
    ("min", |a, _| kernels::extreme(a, &[0], true, false)),
    ("argmax", |a, _| kernels::arg_extreme(a, &[1], false, true)),
    ("argmin", |a, _| {
        kernels::arg_extreme(a, &[0, 1], false, false)
    }),
    ("count_nonzero", |a, _| {
        kernels::count_nonzero(a, &[0], false)
    }),
    ("median", |a, _| kernels::arg_median(a, &[1], false, false)),
    ("cumsum", |a, _| {
        kernels::cumulate(a, 1, false, Running::Sum)
    }),
    ("cumprod", |a, _| {
        kernels::cumulate(a, 0, true, Running::Product)
    }),
    ("cummax", |a, _| kernels::cumulate_extreme(a, 0, true)),
    ("scan", |a, b| {
        kernels::scan([a, b], 1, false, 0u8, |s, _, [x, y]: [bool; 2]| {
            (s ^ x as u8, s ^ (2 * (y as u8)))
        })
    }),
    ("lines", |a, b| {
        kernels::lines(a, [b], a.shape()[1], |_, run: &mut [bool], [other]| {
            run.iter_mut()
                .zip(other)
                .for_each(|(x, y)| *x = [true, false, false, true][*x as usize * 2 + *y as usize]);
        })
    }),
    ("take", |a, _| {
        kernels::take(a, &Array::from_slice(&[5i64, 0, -1, 7], [4])?)
    }),
    ("index", |a, _| {
        kernels::index(a, 1, 1, &Array::from_slice(&[2i64, 0, 2], [3])?)
    }),
    ("index, elements", |a, _| {
        kernels::index(a, 0, 2, &Array::from_slice(&[2i64, 0, 9], [3])?)
    }),
    ("index_put", |a, b| {
        let to = b.copy()?;
        let i = Array::from_slice(&[1i64, 0], [2])?;
        kernels::index_put(&to, 0, 1, &i, &a.slice(0, 0, 2, 1)?, false)?;
        Ok(to)
    }),
    ("index_add", |a, b| {
        let to = b.copy()?;
        let i = Array::from_slice(&[1i64, 1], [2])?;
        kernels::index_put(&to, 0, 1, &i, &a.slice(0, 0, 2, 1)?, true)?;
        Ok(to)
    }),
    ("index_add_up", |a, _| {
        kernels::index_add_up(
            &a.slice(0, 0, 2, 1)?,
            a.shape(),
            0,
            1,
            &Array::from_slice(&[0i64, 0], [2])?,
        )
    }),
    ("assign", |a, b| {
        let to = b.copy()?;
        kernels::assign(&to, a)?;
        Ok(to)
    }),
    ("assign to columns", |a, _| {
        let to = Array::zeros([a.shape()[1], a.shape()[0]], DType::Bool)?.transpose(0, 1)?;
        kernels::assign(&to, a)?;
        Ok(to)
    }),
    ("assign to numbers", |a, _| {
        let to = Array::zeros(a.shape().clone(), DType::F32)?;
        kernels::assign(&to, a)?;
        Ok(to)
    }),
    ("reshape", |a, _| {
        a.transpose(0, 1)?.reshape(&Shape::new(&[a.numel()]))
    }),
];

fn same(name: &str, theirs: Result<Array>, own: Result<Array>) {
    let (theirs, own) = (theirs.expect(name), own.expect(name));
    if theirs.dtype() == DType::Bool {
        assert_eq!(seen(&theirs), seen(&own), "{name}");
    }
    assert_eq!(content(&theirs), content(&own), "{name}");
    assert!(theirs.bits_equal(&own).unwrap(), "{name}");
}

#[test]
fn every_byte_but_0_is_true() {
    // Small ones stay on one thread and in short loops, large ones do not.
    for (rows, cols) in [(3, 4), (33, 40), (300, 250)] {
        let (first, second) = (pairs(1, rows, cols), pairs(2, rows, cols));
        for (at, (a, own_a)) in first.iter().enumerate() {
            assert!(seen(a).iter().all(|&b| b <= 1));
            let (b, own_b) = &second[(at + rows) % second.len()];
            for (name, run) in USES {
                same(name, run(a, b), run(own_a, own_b));
            }
            for &dtype in DType::ALL {
                same("cast", kernels::cast(a, dtype), kernels::cast(own_a, dtype));
            }
            assert_eq!(a.to_vec::<bool>().unwrap(), own_a.to_vec::<bool>().unwrap());
            assert_eq!(a.to_f64_vec().unwrap(), own_a.to_f64_vec().unwrap());
            assert_eq!(format!("{a:?}"), format!("{own_a:?}"));
        }
    }
}

/// Writes over such memory read it first.
#[test]
fn writes_read_bytes_as_truth_values() {
    type Write = fn(&Array, &Array) -> Result<()>;
    let writes: &[(&str, Write)] = &[
        ("map_assign", |a, _| {
            kernels::map_assign(a, |x: bool| [true, false][x as usize])
        }),
        ("zip_assign", |a, b| {
            kernels::zip_assign(a, b, |x: bool, y: bool| {
                [true, false, false, true][x as usize * 2 + y as usize]
            })
        }),
        ("zip3_assign", |a, b| {
            kernels::zip3_assign(a, b, b, |x: bool, y: bool, z: bool| {
                [true, false][x as usize] ^ y ^ z
            })
        }),
        ("fill", |a, _| {
            kernels::fill(&a.slice(1, 0, 2, 1)?, Number::Bool(true))
        }),
        ("index_put, or", |a, b| {
            let i = Array::from_slice(&[1i64, 0], [2])?;
            kernels::index_put(a, 0, 1, &i, &b.slice(0, 0, 2, 1)?, true)
        }),
    ];
    for (name, write) in writes {
        for at in [0, 1, 2, 3, 6] {
            let (a, own_a) = &pairs(3, 30, 40)[at];
            let (b, own_b) = &pairs(4, 30, 40)[at];
            write(a, b).expect(name);
            write(own_a, own_b).expect(name);
            assert_eq!(seen(a), seen(own_a), "{name}");
        }
    }
}

/// One element at a time, of each of the 256 bytes; and after somebody has written another one.
#[test]
fn single_elements() {
    for byte in 0..=255u8 {
        let (a, _) = pair(vec![byte], Layout::row_major(Shape::scalar()));
        assert_eq!(a.item().unwrap(), Number::Bool(byte != 0));
        assert_eq!(a.to_vec::<bool>().unwrap(), [byte != 0]);
        let data = a.host_address().unwrap() as *mut u8;
        // SAFETY: the memory is the test's own, and no kernel is at work.
        unsafe { data.write(!byte) };
        assert_eq!(a.item().unwrap(), Number::Bool(byte != 255));
        assert_eq!(seen(&a), [u8::from(byte != 255)]);
    }
}

/// Our own memory can be written by others too, once it was lent out.
#[test]
fn own_memory_that_others_wrote() {
    let a = Array::zeros([100], DType::Bool).unwrap();
    let data = a.host_address().unwrap() as *mut u8;
    for i in 0..100 {
        // SAFETY: inside of the storage, and no kernel is at work.
        unsafe { data.add(i).write(i as u8) };
    }
    let expected: Vec<u8> = (0..100).map(|i| u8::from(i != 0)).collect();
    assert_eq!(seen(&a), expected);
    assert_eq!(content(&a), expected);
    assert_eq!(content(&a.copy().unwrap()), expected);
    assert_eq!(seen(&a.copy().unwrap()), expected);
}

/// Elements of no other dtype are changed by being copied.
#[test]
fn other_bytes_stay() {
    for &dtype in DType::ALL.iter().filter(|&&d| d != DType::Bool) {
        let n = 64;
        let all: Vec<u8> = (0..n * dtype.size()).map(|i| (i * 37 + 11) as u8).collect();
        let a = Array::zeros([n], dtype).unwrap();
        let data = a.host_address().unwrap() as *mut u8;
        // SAFETY: the storage has as many bytes, any of which make elements, and no kernel is at work.
        unsafe { std::ptr::copy_nonoverlapping(all.as_ptr(), data, all.len()) };
        assert_eq!(content(&a), all);
        let spaced = a.slice(0, 0, n / 2, 2).unwrap();
        assert_eq!(content(&spaced.copy().unwrap()), content(&spaced));
        dispatch!(stored dtype, T => assert_eq!(a.to_vec::<T>().unwrap().len(), n));
    }
}
