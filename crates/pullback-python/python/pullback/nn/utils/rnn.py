"""Sequences of unequal lengths: padded, and packed one step after the other."""

from collections import namedtuple

from ... import arange, cat, int64, tensor


PackedSequence_ = namedtuple("PackedSequence_", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])


class PackedSequence(PackedSequence_):
    """The steps of several sequences one after the other: `batch_sizes[t]` rows of `data` for step t, longest sequence first."""

    __slots__ = ()

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if batch_sizes is None:
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, data):
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def to(self, *args, **kwargs):
        """With its data converted."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._with(data)

    def double(self):
        """In float64."""
        return self._with(self.data.double())

    def float(self):
        """In float32."""
        return self._with(self.data.float())

    def cpu(self, *args, **kwargs):
        """Itself."""
        return self

    @property
    def is_cuda(self):
        """Never here."""
        return False

    def is_pinned(self):
        """Never here."""
        return False


def invert_permutation(permutation):
    """The order that undoes an order; None of None."""
    if permutation is None:
        return None
    output = permutation.new_empty(permutation.size())
    output.scatter_(0, permutation, arange(0, permutation.numel()))
    return output


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Sequences of shape (length, …) beside each other, the shorter ones filled up."""
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("pad_sequence expects a non-empty list of sequences")
    longest = max(s.size(0) for s in sequences)
    rest = tuple(sequences[0].size()[1:])
    shape = (len(sequences), longest, *rest) if batch_first else (longest, len(sequences), *rest)
    out = sequences[0].new_full(shape, padding_value)
    for i, sequence in enumerate(sequences):
        n = sequence.size(0)
        place = slice(0, n) if padding_side == "right" else slice(longest - n, longest)
        if batch_first:
            out[i, place] = sequence
        else:
            out[place, i] = sequence
    return out


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """What `pad_sequence` was given."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [row[: int(n)] for row, n in zip(padded_sequences, lengths)]


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Packs padded sequences, (length, samples, …) or (samples, length, …), of the lengths given."""
    lengths = lengths if hasattr(lengths, "tolist") else tensor(list(lengths), dtype=int64)
    if enforce_sorted:
        sorted_indices = None
    else:
        lengths, sorted_indices = lengths.sort(descending=True)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    counts = lengths.tolist()
    if batch_first:
        input = input.transpose(0, 1)
    if len(counts) != input.size(1):
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} (batch_size={input.size(1)})")
    if not counts or counts[-1] <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0")
    if any(a < b for a, b in zip(counts, counts[1:])):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` to "
            "pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not need ONNX exportability."
        )
    if counts[0] > input.size(0):
        raise RuntimeError(f"Expected `lengths` to be at most the padded length {input.size(0)}, but got {counts[0]}")
    sizes = [sum(n > t for n in counts) for t in range(counts[0])]
    data = cat([input[t, :size] for t, size in enumerate(sizes)])
    return PackedSequence(data, tensor(sizes, dtype=int64), sorted_indices, None)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """Unpacks: the padded sequences and their lengths, in the order that they were given in."""
    sizes = sequence.batch_sizes.tolist()
    longest = len(sizes)
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                f"Expected total_length to be at least the length of the longest sequence in input, but got total_length={total_length} and max sequence length being {longest}"
            )
        longest = total_length
    samples = sizes[0]
    rest = tuple(sequence.data.size()[1:])
    rows, start = [], 0
    for size in sizes:
        row = sequence.data[start : start + size]
        start += size
        if size < samples:
            row = cat([row, sequence.data.new_full((samples - size, *rest), padding_value)])
        rows.append(row.unsqueeze(0))
    if longest > len(sizes):
        rows.append(sequence.data.new_full((longest - len(sizes), samples, *rest), padding_value))
    padded = cat(rows)
    lengths = tensor([sum(size > i for size in sizes) for i in range(samples)], dtype=int64)
    if batch_first:
        padded = padded.transpose(0, 1)
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(0 if batch_first else 1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices]
    return padded, lengths


def pack_sequence(sequences, enforce_sorted=True):
    """Packs sequences of shape (length, …)."""
    lengths = tensor([s.size(0) for s in sequences], dtype=int64)
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """What `pack_sequence` was given."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
