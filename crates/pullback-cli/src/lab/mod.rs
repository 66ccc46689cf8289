//! `pullback lab`: computes the experiment, explains it, and hands it to the story and to the JSON.
//!
//! | file | holds |
//! |---|---|
//! | `experiment.rs` | the computation, as the page has it |
//! | `explanation.rs` | why finite differences differ: the gradient checker's answer, as data |
//! | `survey.rs` | the same on every sample |
//! | `words.rs` | numbers and findings in words |
//! | `story.rs`, `ending.rs` | what is printed |
//! | `json.rs` | what is written |

mod ending;
pub(crate) mod experiment;
mod explanation;
mod json;
mod story;
mod survey;
#[cfg(test)]
mod tests;
mod words;

use crate::{args, output};
use experiment::{Comparison, Config, Setup, loss_of, manual_of};
use explanation::{Explanation, explain};
use pullback::check::Check;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command.
pub(crate) fn run(args: &args::Lab) -> anyhow::Result<ExitCode> {
    args.check();
    let setup = setup(args)?;
    let comparison = setup.compare(args.sample)?;
    let explanation = explanation(&setup, args.sample)?;
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
        let json = json::json(&told)?;
        output::write(path, &json.text)?;
        if json.nulls > 0 {
            output::note(&format!(
                "{} of the page's values are not finite; JSON has no number for them, they are null",
                json.nulls
            ));
        }
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

/// Explains one sample's comparison, coordinate by coordinate.
fn explanation(setup: &Setup, sample: usize) -> pullback::Result<Explanation> {
    explain(&check(setup, sample, false)?.examine_at_most(usize::MAX))
}

/// The gradient check of one sample's loss by W1, b1, W2, b2: of what autograd claims, or of the chain rule by hand.
pub(crate) fn check(
    setup: &Setup,
    sample: usize,
    by_hand: bool,
) -> pullback::Result<Check<'static>> {
    let at = sample as i64;
    let (x, y) = (setup.x.select(0, at)?, setup.y.select(0, at)?);
    let params = setup.params.each().map(|(_, t)| t.detach());
    let refs: Vec<&pullback::Tensor> = params.iter().collect();
    let (hand_x, hand_y) = (x.clone(), y.clone());
    let check = Check::new(move |p| loss_of(p, &x, &y), &refs)
        .names(&setup.params.each().map(|(name, _)| name))
        .step(setup.config.eps);
    Ok(match by_hand {
        true => check.formula(move |p| manual_of(p, &hand_x, &hand_y)),
        false => check,
    })
}
