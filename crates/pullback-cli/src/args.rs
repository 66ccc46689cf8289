//! The options of `pullback lab`, and what is accepted for each.
//!
//! Every value is checked here, so that a wrong one ends with exit code 2 and one message that says what is allowed;
//! the commands themselves may trust what they get.

use clap::error::ErrorKind;
use clap::{CommandFactory, ValueEnum};
use pullback::DType;
use pullback_random::numpy::Seed;
use std::path::PathBuf;

/// The experiment, told as a story: a small ReLU network, its gradients by autograd, by the chain rule and by finite
/// differences, and why the last ones differ.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = DETAILS)]
pub(crate) struct Lab {
    /// Seed of the data and the weights: a whole number, 0 or larger, of any size, as NumPy's default_rng takes it
    #[arg(long, value_name = "N", default_value = "42", value_parser = seed, allow_negative_numbers = true)]
    pub(crate) seed: SeedArg,

    /// How many samples are drawn: from 1 to 10000000
    #[arg(long, value_name = "N", default_value = "500", value_parser = samples, allow_negative_numbers = true)]
    pub(crate) samples: usize,

    /// Hidden units: from 1 to 1024
    #[arg(long, value_name = "N", default_value = "4", value_parser = hidden, allow_negative_numbers = true)]
    pub(crate) hidden: usize,

    /// The sample whose gradients are compared: from 0 to one below --samples
    #[arg(long, value_name = "I", default_value = "0", value_parser = sample, allow_negative_numbers = true)]
    pub(crate) sample: usize,

    /// Step of the finite differences: from 1e-20 to 1e10
    #[arg(long, value_name = "STEP", default_value = "1e-5", value_parser = eps, allow_hyphen_values = true)]
    pub(crate) eps: f64,

    /// Arithmetic of the experiment
    #[arg(long, value_name = "DTYPE", value_enum, default_value_t = Precision::F32)]
    pub(crate) dtype: Precision,

    /// Compare on every sample, not only on one: the experiment that decides
    #[arg(long)]
    pub(crate) all_samples: bool,

    /// Write all values as JSON to FILE, or with `-` to stdout, where the story then makes room
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Tell no story
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// The floating types the experiment runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    /// 24 bits, as on the page
    F32,
    /// 53 bits
    F64,
}

impl Precision {
    /// The library's name for it.
    pub(crate) fn dtype(self) -> DType {
        match self {
            Precision::F32 => DType::F32,
            Precision::F64 => DType::F64,
        }
    }
}

/// A seed with the text it was given as.
#[derive(Clone, Debug)]
pub(crate) struct SeedArg {
    pub(crate) text: String,
    pub(crate) seed: Seed,
}

impl Lab {
    /// Checks what no option can check alone.
    ///
    /// Ends the program with exit code 2 where `--sample` names no sample.
    pub(crate) fn check(&self) {
        if self.sample >= self.samples {
            let allowed = match self.samples {
                1 => "the only sample is 0".to_string(),
                n => format!(
                    "with --samples {n}, samples are numbered from 0 to {}",
                    n - 1
                ),
            };
            let mut command = crate::Cli::command();
            command.build();
            // The command that was called: `lab`, or `lab` below `check`.
            let path: &[&str] = match std::env::args().nth(1).as_deref() {
                Some("check") => &["check", "lab"],
                _ => &["lab"],
            };
            let mut lab = &mut command;
            for name in path {
                lab = lab.find_subcommand_mut(name).expect("it is a command");
            }
            lab.error(
                ErrorKind::ValueValidation,
                format!(
                    "invalid value '{}' for '--sample <I>': {allowed}",
                    self.sample
                ),
            )
            .exit();
        }
    }
}

fn seed(text: &str) -> Result<SeedArg, String> {
    match text.parse() {
        Ok(seed) => Ok(SeedArg {
            text: text.to_string(),
            seed,
        }),
        Err(_) => Err("a seed is a whole number, 0 or larger, of any size".into()),
    }
}

/// A whole number in a range; one sentence for everything else.
fn whole(text: &str, min: usize, max: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (min..=max).contains(&n) => Ok(n),
        _ => Err(format!("give a whole number from {min} to {max}")),
    }
}

fn samples(text: &str) -> Result<usize, String> {
    whole(text, 1, 10_000_000)
}

fn hidden(text: &str) -> Result<usize, String> {
    whole(text, 1, 1024)
}

fn sample(text: &str) -> Result<usize, String> {
    (text.parse()).map_err(|_| "give a whole number from 0 to one below --samples".into())
}

fn eps(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(eps) if (1e-20..=1e10).contains(&eps) => Ok(eps),
        _ => Err("give a number from 1e-20 to 1e10, such as 1e-5".into()),
    }
}

macro_rules! examples {
    () => {
        "\
Examples:
  pullback lab                             as it was published: seed 42, f32, step 1e-5
  pullback lab --dtype f64                 in 53 bits the gap is gone
  pullback lab --eps 1e-3                  a longer step, a smaller gap: no kink does that
  pullback lab --sample 415 --eps 1e-4     here a kink is crossed, and it says so
  pullback lab --all-samples --quiet --json lab.json
  pullback lab --json - | jq .conclusion.explanation
"
    };
}

const EXAMPLES: &str = concat!(examples!(), "\n`--help` lists the keys of the JSON.");

const DETAILS: &str = concat!(
    examples!(),
    "
Output:
  The story goes to stdout, coloured on a terminal (NO_COLOR is honoured), messages go to stderr.
  With `--json -` the JSON is all that stdout gets. A file appears whole or not at all.
  Exit code 0: done. 1: failed, or a gradient is wrong. 2: wrong command line.

JSON:
  First the values, each under the page's own name, as Python's tolist() gives them: a number, a
  list, a list of rows; in the shortest decimals that give the same number again.
    X y W1 b1 W2 b2 a1 h f loss grad_W1 grad_b1 grad_W2 grad_b2 grad_manual grad_numeric
    max_abs_diff_manual max_abs_diff_numeric
  They are the same on every processor. PyTorch's own are equal to the bit where its matrix-vector
  product rounds every product (AMD's processors); where it uses fused steps (Intel's, ARM's) its
  last bits differ, and a unit in the loss's last place is 3e-3 in grad_numeric.
  What is not finite is null, with a note on stderr. Then, in sections, what they mean. There, a
  tensor is {dtype, shape, values, bits}: `values` row by row, `bits` the same in hexadecimal.

  config       seed (a string: it may be of any size), samples, hidden, sample, eps, dtype
  data         x_shape, y_shape, class_counts {zero, one};
               tensors first_x, first_y, sample_x, sample_y
  parameters   names (of all coordinates, in order); tensors W1, b1, W2, b2
  forward      tensors a1, h, f, loss
  gradients    autograd, manual: tensors W1, b1, W2, b2; numeric: tensor theta
  differences  |autograd - other|: manual, numeric: max, tensor values
  top5         the five largest, the largest last: name, index, autograd, numeric, difference
  conclusion   verdict (agree, differences_off, gradient_wrong), cause, explanation (a sentence);
               worst: name, index, autograd, numeric, exact, gap, agrees, cause, and the terms
                 that add up to the gap: back_rounding, formula, truncation, kinks,
                 step_rounding, forward_rounding; the checker's verdict, status and mde
                 (the smallest relative error of the gradient that would have been noticed);
               coordinates: the same for each; census: how many for which cause;
               predicted_roundoff (of the worst): name, loss, ulp, per_ulp, typical, bound;
               kinks: unit, margin, steps, by (the coordinate that gets there first);
               nearest_kink: name, unit, steps, by; crossings: coordinate, unit, side;
               evaluations; wider, half_radius (repetitions): dtype, eps, gap; f64_gap;
               certified (autograd against the exact derivative): error, relative, right,
                 status, mde
  all_samples  with --all-samples: by_label: y, count, median_gap, largest_gap, median_loss,
                 median_wider_gap; nearest_kink: sample, unit, steps, by; crossed; manual_gap;
               tensor mean_gradient; census; samples: sample, y, loss, gap, name, cause,
                 agrees, wider_gap, nearest_kink, crossings"
);
