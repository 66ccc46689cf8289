//! `pullback lab`: computes the experiment, explains it, and hands it to the story and to the JSON.
//!
//! | file | holds |
//! |---|---|
//! | `experiment.rs` | the computation, as the page has it |
//! | `explain.rs`, `rounding.rs` | why finite differences differ, and what must be expected |
//! | `findings.rs` | the answer, as data |
//! | `survey.rs` | the same on every sample |
//! | `words.rs` | numbers and findings in words |
//! | `story.rs`, `ending.rs` | what is printed |
//! | `json.rs` | what is written |

mod ending;
pub(crate) mod experiment;
mod explain;
mod findings;
mod json;
mod rounding;
mod story;
mod survey;
#[cfg(test)]
mod tests;
mod words;

use crate::{args, output};
use experiment::{Comparison, Config, Setup};
use explain::{Problem, explain};
use findings::Explanation;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command.
pub(crate) fn run(args: &args::Lab) -> anyhow::Result<ExitCode> {
    args.check();
    let setup = setup(args)?;
    let comparison = setup.compare(args.sample)?;
    let explanation = explanation(&setup, &comparison)?;
    let survey = match args.all_samples {
        true => Some(survey::survey(&setup)?),
        false => None,
    };
    let told = Told {
        seed: &args.seed.text,
        setup: &setup,
        comparison: &comparison,
        explanation: &explanation,
        survey: survey.as_ref(),
    };
    if let Some(path) = &args.json {
        output::write(path, &json::json(&told)?)?;
    }
    if !args.quiet && args.json.as_deref() != Some(Path::new("-")) {
        output::print(&story::story(&told)?)?;
    }
    let right = explanation.certified.right && survey.is_none_or(|s| s.right);
    Ok(ExitCode::from(u8::from(!right)))
}

/// The experiment that the options describe.
pub(crate) fn setup(args: &args::Lab) -> anyhow::Result<Setup> {
    Setup::new(Config {
        seed: args.seed.seed.clone(),
        samples: args.samples,
        hidden: args.hidden,
        eps: args.eps,
        dtype: args.dtype.dtype(),
    })
}

/// All there is to tell.
struct Told<'a> {
    seed: &'a str,
    setup: &'a Setup,
    comparison: &'a Comparison,
    explanation: &'a Explanation,
    survey: Option<&'a survey::Survey>,
}

/// Explains one sample's comparison.
fn explanation(setup: &Setup, c: &Comparison) -> pullback::Result<Explanation> {
    explain(&Problem {
        loss: &|theta| setup.loss_from_theta(theta, &c.x, &c.y),
        theta: &c.theta,
        names: &setup.params.names(),
        eps: setup.config.eps,
        gradient: &c.g_auto,
        numeric: &c.g_num,
    })
}
