//! Pullback
