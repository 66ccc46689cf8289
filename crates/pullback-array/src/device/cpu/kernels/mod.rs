//! Loops over numbers. They know shapes and dtypes, never gradients.
//!
//! Every kernel reads through guards, writes memory that nobody else holds (or holds the write guard), and gives the
//! same bits whatever the number of threads: work is cut into fixed blocks, never into as many as there are threads.

mod assign;
mod cascade;
mod cast;
mod convolve;
mod copy;
mod direct;
mod drive;
mod fold;
mod gemm;
mod index;
mod linear;
mod lines;
mod map;
mod matmul;
mod matmul_long;
mod matmul_narrow;
mod matmul_tiny;
mod median;
mod narrow;
mod nest;
mod operand;
mod outer;
mod peaks;
mod planes;
mod recurrent;
mod reduce;
mod rows;
mod scan;
mod stored;
mod sum;
mod sum_narrow;
mod update;
mod wide;
mod windows;

pub use assign::{assign, fill, map_assign, zip_assign, zip3_assign};
pub use cast::cast;
pub use convolve::{Sizes, Window, convolve, convolve_input, convolve_weight};

pub use fold::{arg_extreme, count_nonzero, extreme, logsumexp, prod, variance};
pub use index::{positions_along, put_add, take};
pub use linear::linear;
pub use lines::lines;
pub use map::{
    add_scaled, add_scaled_assign, cos, cos_times, map, map_wide, minus_sin_times, sin, zip,
    zip_wide, zip3,
};
pub use matmul::{dot_shapes, matmul};
pub use median::arg_median;
pub use narrow::{computing, rounded, settled};
pub use outer::outer;
pub use peaks::{Windows as PeakWindows, peaks};
pub use planes::{planes, planes_numbered, runs};
pub use recurrent::{
    Cell, Recurrence, RecurrenceGradients, RecurrenceInputs, RecurrenceResults, recurrence_back,
    recurrence_over,
};
pub use reduce::{Run, reduce, reduced_shape};
pub use rows::{fold, index, index_add_up, index_put, index_shape};
pub use scan::{Running, cumulate, cumulate_extreme, recurrence, scan};
pub use sum::{sum, total};
pub use update::{Update, UpdateRule, plus_product, update};
