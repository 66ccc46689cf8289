//! Recurrent layers and their cells: RNN, LSTM, GRU. How one step goes is in `step`, how steps follow each other in `layers`, cells in `cell`, sequences of several
//! lengths in `packed`.

mod cell;
mod layers;
mod packed;
mod step;

pub use cell::{GRUCell, LSTMCell, RNNCell, RecurrentCell, RecurrentCellBuilder};
pub use layers::{GRU, LSTM, RNN, Recurrent, RecurrentBuilder};
pub use packed::{
    PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence, pad_sequence,
};
pub use step::{Elman, Gru, Lstm, Step};
