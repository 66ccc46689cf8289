//! `pullback::nn`: what is done with whole models. Its layers are in `layers`.

mod bad_input;
mod derive;
mod module;
mod repr;
mod sequential;
mod summary;
mod utils;
