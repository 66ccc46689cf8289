//! The layout: nested brackets, lines broken at the width, edges of what is too large to show.

use super::PrintOptions;
use super::column::Column;
use crate::{Array, Number, Result};
use pullback_array::dispatch;

/// The numbers of an array that has some, in brackets, beginning `indent` characters into the line.
///
/// # Errors
/// Where the numbers cannot be read.
pub(super) fn body(array: &Array, indent: usize, options: &PrintOptions) -> Result<String> {
    let edge = (array.numel() > options.threshold).then_some(options.edgeitems);
    let mut numbers = Vec::new();
    gather(array, edge, &mut numbers)?;
    let Column { texts, width } = Column::of(&numbers, options);
    let mut writer = Writer {
        shape: array.shape(),
        edge,
        texts: texts.into_iter(),
        width,
        linewidth: options.linewidth,
        out: String::new(),
    };
    writer.block(0, indent);
    Ok(writer.out)
}

/// What is shown of a dimension: so many elements from its start, whether `...` follows, and so many from its end.
fn parts(size: usize, edge: Option<usize>) -> (usize, bool, usize) {
    match edge {
        Some(edge) if size > edge.saturating_mul(2) => (edge, true, edge),
        _ => (size, false, 0),
    }
}

/// The numbers that are shown, in row-major order.
fn gather(array: &Array, edge: Option<usize>, out: &mut Vec<Number>) -> Result<()> {
    if edge.is_none() || array.rank() == 0 {
        return dispatch!(stored array.dtype(), T => {
            out.extend(array.to_vec::<T>()?.into_iter().map(Number::of::<T>));
            Ok(())
        });
    }
    let size = array.shape()[0];
    let (head, _, tail) = parts(size, edge);
    if array.rank() == 1 {
        gather(&array.slice(0, 0, head, 1)?, None, out)?;
        return gather(&array.slice(0, size - tail, tail, 1)?, None, out);
    }
    for index in (0..head).chain(size - tail..size) {
        gather(&array.select(0, index)?, edge, out)?;
    }
    Ok(())
}

struct Writer<'a> {
    shape: &'a [usize],
    edge: Option<usize>,
    /// What `gather` found, which is used up in its order.
    texts: std::vec::IntoIter<String>,
    width: usize,
    linewidth: usize,
    out: String,
}

impl Writer<'_> {
    /// What dimension `dim` and those behind it hold.
    fn block(&mut self, dim: usize, indent: usize) {
        let Some(&size) = self.shape.get(dim) else {
            return self.number();
        };
        let (head, gap, tail) = parts(size, self.edge);
        let inner = self.shape.len() - dim - 1;
        // Rows hold several elements in a line and break it at the width; blocks have lines of their own.
        let per_line = match inner {
            0 => (self.linewidth.saturating_sub(indent) / (self.width + 2)).max(1),
            _ => 1,
        };
        let ellipsis = match (inner, head) {
            (0, 1..) => " ...",
            _ => "...",
        };
        self.out.push('[');
        for k in 0..head + usize::from(gap) + tail {
            if k > 0 && k % per_line == 0 {
                self.out.push(',');
                (0..inner.max(1)).for_each(|_| self.out.push('\n'));
                self.spaces(indent + 1);
            } else if k > 0 {
                self.out.push_str(", ");
            }
            if gap && k == head {
                self.out.push_str(ellipsis);
            } else {
                self.block(dim + 1, indent + 1);
            }
        }
        self.out.push(']');
    }

    fn number(&mut self) {
        if let Some(text) = self.texts.next() {
            self.spaces(self.width.saturating_sub(text.len()));
            self.out.push_str(&text);
        }
    }

    fn spaces(&mut self, n: usize) {
        self.out.extend(std::iter::repeat_n(' ', n));
    }
}
