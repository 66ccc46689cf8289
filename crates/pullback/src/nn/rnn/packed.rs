//! Sequences of several lengths: padded, and packed one step after the other. PyTorch's `nn.utils.rnn`.

use crate::core::fail::{bail, ensure};
use crate::{Number, Result, Tensor, cat, stack};

/// The steps of several sequences one after the other: for each step the rows of all sequences that are so long, the longest sequence first.
#[derive(Clone, Debug)]
pub struct PackedSequence {
    data: Tensor,
    sizes: Vec<usize>,
    sorted: Option<Tensor>,
    unsorted: Option<Tensor>,
}

impl PackedSequence {
    /// All rows, step after step.
    pub fn data(&self) -> &Tensor {
        &self.data
    }

    /// How many rows each step has. PyTorch's `batch_sizes`.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The order in which the sequences stand, where it is not that in which they were given.
    pub fn sorted_indices(&self) -> Option<&Tensor> {
        self.sorted.as_ref()
    }

    /// The order that undoes it.
    pub fn unsorted_indices(&self) -> Option<&Tensor> {
        self.unsorted.as_ref()
    }

    /// The same sequences of other rows: what a layer makes of them.
    #[must_use]
    pub fn with_data(&self, data: Tensor) -> PackedSequence {
        PackedSequence {
            data,
            ..self.clone()
        }
    }
}

/// Numbers as a tensor.
fn indices(all: &[usize]) -> Result<Tensor> {
    let all: Vec<i64> = all.iter().map(|&n| n as i64).collect();
    Tensor::from_slice(&all, [all.len()])
}

/// Packs padded sequences, (length, samples, …) or, with `batch_first`, (samples, length, …), of these lengths.
///
/// # Errors
/// PyTorch's sentences: another number of lengths than samples, a length of 0 or beyond the padding, lengths that do not fall where `enforce_sorted` says that they do.
///
/// ```
/// use pullback::nn::{GRU, pack_padded_sequence, pad_packed_sequence};
/// use pullback::{DType, randn};
/// let gru = GRU::new(3, 4)?;
/// let packed = pack_padded_sequence(&randn([5, 2, 3], DType::F32)?, &[2, 5], false, false)?;
/// let (y, h) = gru.forward_packed(&packed, None)?;
/// let (padded, lengths) = pad_packed_sequence(&y, false, 0.0, None)?;
/// assert_eq!((&padded.shape()[..], &lengths[..]), (&[5, 2, 4][..], &[2, 5][..]));
/// // The state is that after each sequence's own last step.
/// assert!(padded.select(1, 0)?.select(0, 1)?.equal(&h.select(0, 0)?.select(0, 0)?)?);
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn pack_padded_sequence(
    input: &Tensor,
    lengths: &[usize],
    batch_first: bool,
    enforce_sorted: bool,
) -> Result<PackedSequence> {
    ensure!(
        input.ndim() >= 2,
        Argument,
        "padded sequences have two dimensions at least, but these have {}",
        input.ndim()
    );
    let input = if batch_first {
        input.transpose(0, 1)?
    } else {
        input.clone()
    };
    let samples = input.shape()[1];
    ensure!(
        lengths.len() == samples,
        Argument,
        "Expected `len(lengths)` to be equal to batch_size, but got {} (batch_size={samples})",
        lengths.len()
    );
    let mut order: Vec<usize> = (0..samples).collect();
    if !enforce_sorted {
        order.sort_by_key(|&i| std::cmp::Reverse(lengths[i]));
    }
    let lengths: Vec<usize> = order.iter().map(|&i| lengths[i]).collect();
    if lengths.is_empty() || lengths.contains(&0) {
        bail!(
            Argument,
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        );
    }
    ensure!(
        lengths.is_sorted_by(|a, b| a >= b),
        Argument,
        "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not need ONNX exportability."
    );
    ensure!(
        lengths[0] <= input.shape()[0],
        Argument,
        "Expected `lengths` to be at most the padded length {}, but got {}",
        input.shape()[0],
        lengths[0]
    );
    let (sorted, unsorted) = match enforce_sorted {
        true => (None, None),
        false => {
            let mut back = vec![0; samples];
            order.iter().enumerate().for_each(|(at, &i)| back[i] = at);
            (Some(indices(&order)?), Some(indices(&back)?))
        }
    };
    let input = match &sorted {
        Some(order) => input.index_select(1, order)?,
        None => input,
    };
    let sizes: Vec<usize> = (0..lengths[0])
        .map(|t| lengths.iter().filter(|&&n| n > t).count())
        .collect();
    let rows: Vec<Tensor> = (sizes.iter().enumerate())
        .map(|(t, &n)| input.select(0, t as i64)?.narrow(0, 0, n))
        .collect::<Result<_>>()?;
    Ok(PackedSequence {
        data: cat(&rows.iter().collect::<Vec<_>>(), 0)?,
        sizes,
        sorted,
        unsorted,
    })
}

/// Unpacks: the padded sequences and their lengths, in the order in which they were given.
///
/// # Errors
/// PyTorch's sentence where `total_length` is less than the longest.
#[track_caller]
pub fn pad_packed_sequence(
    sequence: &PackedSequence,
    batch_first: bool,
    padding_value: f64,
    total_length: Option<usize>,
) -> Result<(Tensor, Vec<usize>)> {
    let (data, sizes) = (&sequence.data, &sequence.sizes);
    let longest = total_length.unwrap_or(sizes.len());
    ensure!(
        longest >= sizes.len(),
        Value,
        "Expected total_length to be at least the length of the longest sequence in input, but got total_length={longest} and max sequence length being {}",
        sizes.len()
    );
    let samples = sizes.first().copied().unwrap_or(0);
    let blank = |front: &[usize]| {
        let shape = [front, &data.shape()[1..]].concat();
        Tensor::full(shape, Number::Float(padding_value), data.dtype())
    };
    let (mut steps, mut start) = (Vec::new(), 0);
    for &size in sizes {
        let row = data.narrow(0, start, size)?;
        start += size;
        steps.push(match samples - size {
            0 => row,
            more => cat(&[&row, &blank(&[more])?], 0)?,
        });
    }
    let mut padded = stack(&steps.iter().collect::<Vec<_>>(), 0)?;
    if longest > sizes.len() {
        padded = cat(&[&padded, &blank(&[longest - sizes.len(), samples])?], 0)?;
    }
    let mut lengths: Vec<usize> = (0..samples)
        .map(|i| sizes.iter().filter(|&&n| n > i).count())
        .collect();
    if let Some(back) = &sequence.unsorted {
        padded = padded.index_select(1, back)?;
        let order = back.to_vec::<i64>()?;
        lengths = order.iter().map(|&i| lengths[i as usize]).collect();
    }
    let padded = if batch_first {
        padded.transpose(0, 1)?
    } else {
        padded
    };
    Ok((padded, lengths))
}

/// Sequences of shape (length, …) beside each other, the shorter ones filled up behind.
///
/// # Errors
/// PyTorch's sentence for none; for sequences of different widths.
#[track_caller]
pub fn pad_sequence(
    sequences: &[&Tensor],
    batch_first: bool,
    padding_value: f64,
) -> Result<Tensor> {
    let Some(longest) = sequences.iter().filter_map(|s| s.shape().first()).max() else {
        bail!(
            Argument,
            "pad_sequence expects a non-empty list of sequences"
        );
    };
    let filled = |s: &&Tensor| -> Result<Tensor> {
        let n = s.size(0)?;
        if n == *longest {
            return Ok((*s).clone());
        }
        let shape = [&[longest - n][..], &s.shape()[1..]].concat();
        let rest = Tensor::full(shape, Number::Float(padding_value), s.dtype())?;
        cat(&[s, &rest], 0)
    };
    let all: Vec<Tensor> = sequences.iter().map(filled).collect::<Result<_>>()?;
    stack(
        &all.iter().collect::<Vec<_>>(),
        if batch_first { 0 } else { 1 },
    )
}

/// Packs sequences of shape (length, …).
///
/// # Errors
/// As [`pad_sequence`] and [`pack_padded_sequence`].
#[track_caller]
pub fn pack_sequence(sequences: &[&Tensor], enforce_sorted: bool) -> Result<PackedSequence> {
    let lengths: Vec<usize> = sequences.iter().map(|s| s.size(0)).collect::<Result<_>>()?;
    pack_padded_sequence(
        &pad_sequence(sequences, false, 0.0)?,
        &lengths,
        false,
        enforce_sorted,
    )
}
