//! `pullback lab` as a user meets it: the story, the JSON to the last bit, wrong command lines. Files, pipes and colour
//! are in `output.rs`.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn lab(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pullback"));
    command.arg("lab").args(arguments.split_whitespace());
    command.env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command
}

fn run(arguments: &str) -> Output {
    lab(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a run that must succeed prints.
fn story(arguments: &str) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout)
}

fn json(arguments: &str) -> Value {
    serde_json::from_str(&story(&format!("{arguments} --json -"))).unwrap()
}

fn golden(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pullback/tests/golden");
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn the_story_has_every_section() {
    let story = story("");
    let sections = [
        "1 Seeds",
        "2 Data",
        "3 Parameters",
        "4 Forward on sample 0",
        "5 Loss",
        "6 Backward",
        "7 Gradients by autograd",
        "8 Against the chain rule by hand",
        "9 Against finite differences",
        "10 Conclusion",
    ];
    let mut rest = story.as_str();
    for section in sections {
        let at = rest.find(&format!("\n{section}"));
        rest = &rest[at.unwrap_or_else(|| panic!("{section} comes next in\n{rest}"))..];
    }
    assert!(!story.contains('\x1b'), "no colour in a pipe");
    assert!(!story.contains("11 Every sample"));
    for line in story.lines() {
        assert!(
            line.chars().count() <= 110 && line == line.trim_end(),
            "{line:?}"
        );
    }
}

#[test]
fn the_conclusion_of_the_published_experiment() {
    let story = story("");
    for fact in [
        "max |autograd - manual| = 0 ",
        "max |autograd - numeric| = 4.566e-3",
        "Forward round-off makes the gap: 100 % of 4.57e-3 at W2[0,3]. Kinks have no part in it.",
        "a loss of 0.506 is stored in float32 steps of 6.0e-8",
        "divided by 2ε = 2e-5 each is 3.0e-3",
        "no ReLU switched in any of the 34 evaluations",
        "the nearest is 535 steps of b1[1] away (unit 1)",
        "the same point and step: largest gap 8.32e-12: it was the arithmetic",
        "The 17 coordinates: 8 equal (both exactly 0), 9 off by forward round-off",
    ] {
        assert!(story.contains(fact), "{fact}\nis missing in\n{story}");
    }
}

#[test]
fn other_steps_other_conclusions() {
    let explanation = |arguments: &str| {
        let conclusion = json(arguments)["conclusion"].take();
        (
            conclusion["cause"].as_str().unwrap().to_string(),
            conclusion,
        )
    };
    // Unit 2 of sample 415 is 3.7 steps of 1e-5 away from its kink.
    let (cause, c) = explanation("--sample 415 --eps 1e-4");
    assert_eq!(cause, "kinks");
    assert_eq!(c["verdict"], "differences_off");
    assert_eq!(c["worst"]["name"], "b1[2]");
    assert_eq!(c["crossings"].as_array().unwrap().len(), 1);
    assert_eq!(c["nearest_kink"]["name"], "unit 2");
    // A huge step crosses every kink; truncation there is none, since the pieces are parabolas.
    let (cause, c) = explanation("--eps 0.5 --dtype f64");
    assert_eq!(cause, "kinks");
    assert_eq!(c["census"]["kinks"], 12);
    for coordinate in c["coordinates"].as_array().unwrap() {
        assert!(coordinate["truncation"].as_f64().unwrap().abs() < 1e-20);
    }
    // A step that float32 cannot hold, and that the loss cannot show.
    let (_, c) = explanation("--eps 1e-9");
    assert_eq!(c["census"]["step_rounding"], 4);
    assert_eq!(c["census"]["forward_rounding"], 5);
    // A longer step, a smaller gap.
    let (cause, c) = explanation("--eps 1e-3");
    assert_eq!(cause, "forward_rounding");
    assert!(c["worst"]["gap"].as_f64().unwrap().abs() < 6e-5);
    // What was predicted from the values bounds what was measured, at any step.
    for arguments in [
        "",
        "--eps 1e10",
        "--eps 1e-9",
        "--eps 0.5",
        "--sample 1",
        "--dtype f64",
        "--hidden 64",
    ] {
        let (_, c) = explanation(arguments);
        let (predicted, worst) = (&c["predicted_roundoff"], &c["worst"]);
        let measured = worst["forward_rounding"].as_f64().unwrap().abs();
        assert!(
            measured <= predicted["bound"].as_f64().unwrap(),
            "{arguments}: {c}"
        );
        assert_eq!(predicted["name"], worst["name"]);
    }
    let (_, c) = explanation("--dtype f64");
    assert_eq!(c["verdict"], "agree");
}

#[test]
fn every_sample() {
    let all = json("--all-samples")["all_samples"].take();
    assert_eq!(all["crossed"], 0);
    assert_eq!(all["manual_gap"], 0.0);
    assert_eq!(all["nearest_kink"]["sample"], 415);
    assert_eq!(
        format!("{:.1}", all["nearest_kink"]["steps"].as_f64().unwrap()),
        "3.7"
    );
    assert_eq!(all["samples"].as_array().unwrap().len(), 500);
    let expected = [(1.0, 245, "4.6e-3"), (0.0, 255, "4.8e-8")];
    for (class, (y, count, gap)) in all["by_label"].as_array().unwrap().iter().zip(expected) {
        assert_eq!((&class["y"], &class["count"]), (&y.into(), &count.into()));
        assert_eq!(
            format!("{:.1e}", class["median_gap"].as_f64().unwrap()),
            gap
        );
    }
    let golden = golden("experiment_f32.json");
    assert_eq!(
        all["mean_gradient"]["bits"],
        golden["data"]["mean_grad"]["data"]
    );
    let story = story("--all-samples");
    assert!(
        story.contains("no stencil of any of the 500 samples crosses one"),
        "{story}"
    );
    assert!(
        story.contains("the nearest is 3.7 steps away (sample 415, unit 2)"),
        "{story}"
    );
}

#[test]
fn the_json_is_golden() {
    for dtype in ["f32", "f64"] {
        let golden = &golden(&format!("experiment_{dtype}.json"))["data"];
        let found = json(&format!("--dtype {dtype}"));
        let same = |at: &str, name: &str| {
            let t = found.pointer(at).unwrap_or_else(|| panic!("{at}"));
            for (key, expected) in [("bits", "data"), ("shape", "shape"), ("dtype", "dtype")] {
                assert_eq!(t[key], golden[name][expected], "{at} {key}");
            }
        };
        for name in ["W1", "b1", "W2", "b2"] {
            same(&format!("/parameters/{name}"), name);
            same(
                &format!("/gradients/autograd/{name}"),
                &format!("grad_{name}"),
            );
            same(
                &format!("/gradients/manual/{name}"),
                &format!("grad_{name}"),
            );
        }
        for name in ["a1", "h", "f"] {
            same(&format!("/forward/{name}"), name);
        }
        same("/forward/loss", "loss");
        same("/gradients/numeric/theta", "grad_numeric");
        let x = golden["X"]["data"].as_array().unwrap();
        assert_eq!(
            found["data"]["first_x"]["bits"].as_array().unwrap()[..],
            x[..10]
        );
        assert_eq!(found["data"]["class_counts"]["one"], 245);
        assert_eq!(found["config"]["seed"], "42");
        assert_eq!(found["top5"].as_array().unwrap().len(), 5);
        // The readable values are the same numbers.
        let loss = &found["forward"]["loss"];
        let (values, bits) = (&loss["values"][0], &loss["bits"][0]);
        let value: f64 = values.to_string().parse().unwrap();
        let again = match dtype {
            "f32" => format!("{:08x}", (value as f32).to_bits()),
            _ => format!("{:016x}", value.to_bits()),
        };
        assert_eq!(*bits, again);
    }
}

/// The shape of nested arrays, and all their numbers as bits of the dtype, read back from the decimals that are printed.
fn unnested(value: &Value, dtype: &str) -> (Vec<usize>, Vec<String>) {
    match value {
        Value::Array(rows) => {
            let parts: Vec<_> = rows.iter().map(|row| unnested(row, dtype)).collect();
            let mut shape = vec![rows.len()];
            shape.extend_from_slice(&parts[0].0);
            assert!(parts.iter().all(|(s, _)| s[..] == shape[1..]), "ragged");
            (
                shape,
                parts.into_iter().flat_map(|(_, bits)| bits).collect(),
            )
        }
        number => {
            let x: f64 = number.to_string().parse().unwrap();
            let bits = match dtype {
                "f32" => {
                    assert!(x == f64::from(x as f32), "{x} is no f32");
                    format!("{:08x}", (x as f32).to_bits())
                }
                _ => format!("{:016x}", x.to_bits()),
            };
            (vec![], vec![bits])
        }
    }
}

/// The keys that programs were promised: each value of the page under its name, as nested arrays of numbers, to the bit.
#[test]
fn the_values_for_programs_are_golden() {
    for dtype in ["f32", "f64"] {
        let golden = &golden(&format!("experiment_{dtype}.json"))["data"];
        let text = story(&format!("--dtype {dtype} --json -"));
        let found: Value = serde_json::from_str(&text).unwrap();
        for name in
            "X y W1 b1 W2 b2 a1 h f loss grad_W1 grad_b1 grad_W2 grad_b2 grad_numeric".split(' ')
        {
            let (shape, bits) = unnested(&found[name], dtype);
            let expected = &golden[name];
            assert_eq!(serde_json::json!(shape), expected["shape"], "{name}");
            assert_eq!(serde_json::json!(bits), expected["data"], "{name}");
        }
        // By hand: the same numbers but for the sign of a zero, which a product has and a choice has not.
        let (shape, bits) = unnested(&found["grad_manual"], dtype);
        assert_eq!(shape, [17]);
        let expected =
            ["W1", "b1", "W2", "b2"].map(|p| golden[format!("grad_{p}")]["data"].clone());
        let expected = expected.iter().flat_map(|data| data.as_array().unwrap());
        for (found, expected) in bits.iter().zip(expected) {
            let magnitude = |bits: &str| u64::from_str_radix(bits, 16).unwrap() << 1;
            let zero = |bits: &str| magnitude(bits) as u32 == 0 && magnitude(bits) >> 33 == 0;
            let expected = expected.as_str().unwrap();
            assert!(
                found == expected || (zero(found) && zero(expected)),
                "{found} {expected}"
            );
        }
        assert_eq!(found["max_abs_diff_manual"], 0.0);
        if dtype == "f32" {
            assert_eq!(found["max_abs_diff_numeric"], 0.00456634908914566);
        }
        assert!(text.contains("-0.0"), "a negative zero keeps its sign");
        // First things first.
        assert!(text.starts_with("{\n  \"X\": [\n"), "{}", &text[..40]);
    }
}

#[test]
fn every_value_keeps_its_key_whatever_the_options() {
    let found = json("--samples 3 --hidden 5 --sample 2 --seed 7");
    for (name, shape) in [
        ("X", &[3, 2][..]),
        ("y", &[3]),
        ("W1", &[5, 2]),
        ("W2", &[1, 5]),
        ("grad_W2", &[1, 5]),
        ("b2", &[1]),
        ("f", &[]),
        ("grad_manual", &[21]),
        ("grad_numeric", &[21]),
        ("max_abs_diff_numeric", &[]),
    ] {
        assert_eq!(unnested(&found[name], "f32").0, shape, "{name}");
    }
    // JSON has no infinity: null, and a note.
    let output = run("--hidden 64 --eps 1e10 --json -");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let nulls = (found["grad_numeric"].as_array().unwrap().iter()).filter(|x| x.is_null());
    let nulls = nulls.count() + usize::from(found["max_abs_diff_numeric"].is_null());
    let note = text(&output.stderr);
    match nulls {
        0 => assert_eq!(note, ""),
        n => assert!(
            note.starts_with(&format!("note: {n} of the page's values")),
            "{note}"
        ),
    }
}

#[test]
fn other_seeds_are_golden() {
    for case in golden("experiment_more.json")["data"].as_array().unwrap() {
        let dtype = if case["dtype"] == "float32" {
            "f32"
        } else {
            "f64"
        };
        let option = |name: &str| format!(" --{name} {}", case[name].to_string().trim_matches('"'));
        let options: String = ["seed", "samples", "hidden", "sample", "eps"]
            .map(option)
            .concat();
        let found = json(&format!("--dtype {dtype}{options}"));
        assert_eq!(found["data"]["sample_x"]["bits"], case["x"], "{options}");
        assert_eq!(found["forward"]["a1"]["bits"], case["a1"], "{options}");
        let conclusion = &found["conclusion"];
        assert_eq!(conclusion["certified"]["right"], true, "{options}");
        assert_eq!(found["differences"]["manual"]["max"], 0.0, "{options}");
        // PyTorch's own order of additions ends at 12 products.
        if case["hidden"].as_u64().unwrap() < 12 {
            assert_eq!(
                found["gradients"]["numeric"]["theta"]["bits"], case["numeric"],
                "{options}"
            );
        }
    }
}

#[test]
fn wrong_command_lines() {
    for (arguments, message) in [
        ("--samples 0", "give a whole number from 1 to 10000000"),
        ("--samples many", "give a whole number from 1 to 10000000"),
        (
            "--sample 500",
            "with --samples 500, samples are numbered from 0 to 499",
        ),
        ("--samples 1 --sample 1", "the only sample is 0"),
        (
            "--sample -1",
            "give a whole number from 0 to one below --samples",
        ),
        ("--eps 0", "give a number from 1e-20 to 1e10"),
        ("--eps nan", "give a number from 1e-20 to 1e10"),
        ("--eps inf", "give a number from 1e-20 to 1e10"),
        ("--eps -1e-5", "give a number from 1e-20 to 1e10"),
        ("--hidden 0", "give a whole number from 1 to 1024"),
        (
            "--seed -1",
            "a seed is a whole number, 0 or larger, of any size",
        ),
        (
            "--seed 1.5",
            "a seed is a whole number, 0 or larger, of any size",
        ),
        ("--seed", "a value is required for '--seed <N>'"),
        ("--dtype f16", "[possible values: f32, f64]"),
        ("--frobnicate", "unexpected argument '--frobnicate' found"),
        ("something", "unexpected argument 'something' found"),
    ] {
        let output = run(arguments);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(stderr.contains(message), "{arguments} says\n{stderr}");
        assert_eq!(stderr.matches("error:").count(), 1, "{stderr}");
        assert!(output.stdout.is_empty(), "{arguments}");
    }
}

#[test]
fn help_and_version() {
    let program = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pullback"));
        command.args(arguments).output().unwrap()
    };
    let version = program(&["--version"]);
    assert_eq!(
        text(&version.stdout),
        concat!("pullback ", env!("CARGO_PKG_VERSION"), "\n")
    );
    assert_eq!(program(&[]).status.code(), Some(2));
    assert!(text(&program(&["--help"]).stdout).contains("Examples:"));
    let help = text(&program(&["lab", "--help"]).stdout);
    for part in [
        "Examples:",
        "Exit code",
        "--all-samples",
        "all_samples",
        "NO_COLOR",
        "[default: 1e-5]",
    ] {
        assert!(help.contains(part), "{part}");
    }
    assert!(help.lines().all(|l| l.chars().count() <= 100), "{help}");
    // Every key of the JSON is documented.
    let all = json("--all-samples --samples 3 --sample 2");
    for (section, value) in all.as_object().unwrap() {
        assert!(help.contains(section), "{section}");
        for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
            assert!(help.contains(key), "{section}.{key}");
        }
    }
}
