//! The functions by PyTorch's names, folder by folder: the list that [`crate::registry`] walks.

use super::{
    activation, conv, create, image, index, linalg, loss, math, norm, random, reduce, shape,
};
use crate::call::Function;

/// The lists, by the names of their files.
pub(crate) static LISTS: &[(&str, &[Function])] = &[
    ("create", create::functions::create::LIST),
    ("random", random::functions::random::LIST),
    ("pointwise", math::functions::pointwise::LIST),
    ("smooth", math::functions::smooth::LIST),
    ("logic", math::functions::logic::LIST),
    ("activation", activation::functions::activation::LIST),
    ("loss", loss::functions::loss::LIST),
    ("margin", loss::functions::margin::LIST),
    ("sequence", loss::functions::sequence::LIST),
    ("network", norm::functions::network::LIST),
    ("convolve", conv::functions::convolve::LIST),
    ("pool", conv::functions::pool::LIST),
    ("blocks", conv::functions::blocks::LIST),
    ("image", image::functions::image::LIST),
    ("grid", image::functions::grid::LIST),
    ("channels", norm::functions::channels::LIST),
    ("reduce", reduce::functions::reduce::LIST),
    ("order", reduce::functions::order::LIST),
    ("norm", norm::functions::norm::LIST),
    ("product", linalg::functions::product::LIST),
    ("diagonal", linalg::functions::diagonal::LIST),
    ("solve", linalg::functions::solve::LIST),
    ("factor", linalg::functions::factor::LIST),
    ("spectrum", linalg::functions::spectrum::LIST),
    ("determinant", linalg::functions::determinant::LIST),
    ("shape", shape::functions::shape::LIST),
    ("strided", shape::functions::strided::LIST),
    ("repeat", shape::functions::repeat::LIST),
    ("join", shape::functions::join::LIST),
    ("index", index::functions::index::LIST),
    ("sort", index::functions::sort::LIST),
    ("copies", shape::functions::copies::LIST),
    ("parts", shape::functions::parts::LIST),
    ("lookup", index::functions::lookup::LIST),
    ("calculus", math::functions::calculus::LIST),
    ("slopes", math::functions::slopes::LIST),
    ("draw", random::functions::draw::LIST),
    ("special", math::functions::special::LIST),
];
