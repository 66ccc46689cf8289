//! `pullback::nn`: what is done with whole models. Its layers are in `layers`.

mod module;
mod repr;
mod sequential;
mod summary;
mod utils;
