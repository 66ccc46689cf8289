//! `pullback::optim` against PyTorch's trajectories (`golden/optim.json`), resumed in the middle, and what it refuses.

mod lbfgs;
mod refused;
mod schedules;
mod state;
mod support;
mod trajectories;
