//! `pullback check lab` and `pullback bench`, run as a user runs them.

use serde_json::Value;
use std::process::{Command, Output};

fn pullback(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pullback"))
        .args(args)
        .output()
        .expect("the program runs")
}

fn json(args: &[&str]) -> Value {
    let out = pullback(args);
    serde_json::from_slice(&out.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stdout)))
}

fn count(report: &Value, verdict: &str) -> usize {
    report["coordinates"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["verdict"] == verdict)
        .count()
}

#[test]
fn the_seed_in_f32_is_certified_and_its_gap_is_forward_rounding() {
    let r = json(&["check", "lab", "--json", "-"]);
    assert_eq!(r["status"], "pass");
    assert_eq!((count(&r, "agree"), count(&r, "round-off limited")), (8, 9));
    let worst = r["coordinates"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["name"] == "W2[0,3]")
        .unwrap();
    let (gap, forward) = (
        worst["gap"].as_f64().unwrap(),
        worst["ledger"]["forward"].as_f64().unwrap(),
    );
    assert!(
        (gap.abs() - 4.57e-3).abs() < 1e-5 && forward / gap > 0.99,
        "{worst}"
    );
    assert!((r["nearest_kink"]["steps"].as_f64().unwrap() - 535.0).abs() < 1.0);
    assert_eq!(r["guilty"], Value::Null);
    assert!(r["evaluations"].as_u64().unwrap() > 0);
    assert_eq!(r["manual"]["status"], "pass");
    for c in r["coordinates"].as_array().unwrap() {
        let sum: f64 = c["ledger"]
            .as_object()
            .unwrap()
            .values()
            .map(|t| t.as_f64().unwrap())
            .sum();
        assert!((sum - c["gap"].as_f64().unwrap()).abs() < 1e-15, "{c}");
    }
}

/// What programs read: these keys, with these names.
#[test]
fn the_keys_for_programs() {
    let keys = |value: &Value| -> Vec<String> {
        let map = value.as_object().unwrap_or_else(|| panic!("{value}"));
        map.keys().cloned().collect()
    };
    let r = json(&[
        "check",
        "lab",
        "--samples",
        "2",
        "--all-samples",
        "--json",
        "-",
    ]);
    for key in "status coordinates nearest_kink guilty evaluations manual samples".split(' ') {
        assert!(keys(&r).iter().any(|k| k == key), "{key}");
    }
    for list in [&r["coordinates"], &r["manual"]["coordinates"]] {
        let first = &list[0];
        for key in "name input index claimed numeric oracle gap ledger budget mde verdict status"
            .split(' ')
        {
            assert!(keys(first).iter().any(|k| k == key), "{key} in {first}");
        }
        let terms = "back formula truncation kink step forward";
        assert_eq!(keys(&first["ledger"]).join(" "), terms);
    }
    assert_eq!(r["samples"].as_array().unwrap().len(), 2);
    for key in ["name", "steps"] {
        assert!(keys(&r["nearest_kink"]).iter().any(|k| k == key), "{key}");
    }
}

#[test]
fn the_seed_in_f64_agrees_everywhere_and_a_kink_is_named_where_one_is_crossed() {
    assert_eq!(
        count(
            &json(&["check", "lab", "--dtype", "f64", "--json", "-"]),
            "agree"
        ),
        17
    );
    let r = json(&[
        "check", "lab", "--sample", "415", "--eps", "1e-4", "--dtype", "f64", "--json", "-",
    ]);
    assert_eq!((count(&r, "kink crossed"), count(&r, "agree")), (1, 16));
    let crossed = r["coordinates"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["verdict"] == "kink crossed")
        .unwrap();
    assert_eq!(crossed["name"], "b1[2]");
}

#[test]
fn the_report_is_text_without_colour_codes_and_names_its_conclusion_first() {
    let out = pullback(&["check", "lab"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0));
    assert!(
        text.starts_with("gradcheck  17 parameters, float32"),
        "{text}"
    );
    assert!(
        text.contains("PASS (certified)") && text.contains("census: 8 agree"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn wrong_options_end_with_2_and_say_what_is_allowed() {
    for (args, needle) in [
        (&["check", "lab", "--sample", "500"][..], "0 to 499"),
        (&["check", "lab", "--eps", "nan"], "1e-5"),
        (&["check", "nothing"], "nothing"),
        (&["bench", "no_such"], "sample_grad"),
        (&["bench", "--seconds", "0"], "seconds"),
    ] {
        let out = pullback(args);
        let message = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {message}");
        assert!(message.contains(needle), "{args:?}: {message}");
    }
    let out = pullback(&[
        "check",
        "lab",
        "--quiet",
        "--json",
        "/no/such/folder/x.json",
    ]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("/no/such/folder/x.json"));
}

#[test]
fn the_page_is_written_whole_and_what_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.html");
    let path = path.to_str().unwrap();
    let out = pullback(&["check", "lab", "--quiet", "--html", path]);
    assert_eq!(out.status.code(), Some(0));
    assert!(out.stdout.is_empty() && out.stderr.is_empty());
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for name in ["W1[3,1]", "b1[0]", "W2[0,3]", "b2[0]", "by hand", "seed 42"] {
        assert!(page.contains(name), "{name}");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);

    let out = pullback(&[
        "check",
        "lab",
        "--quiet",
        "--html",
        "/no/such/folder/x.html",
    ]);
    let message = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{message}");
    assert!(
        message.contains("cannot write /no/such/folder/x.html"),
        "{message}"
    );
    let out = pullback(&["check", "lab", "--html"]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn bench_measures_what_it_names() {
    let rows = json(&[
        "bench",
        "sample_grad",
        "batch32_step",
        "--seconds",
        "0.05",
        "--json",
        "-",
    ]);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let of = |key: &str| {
            row[key]
                .as_f64()
                .unwrap_or_else(|| panic!("{key} in {row}"))
        };
        assert!(of("median_ns") > 0.0 && of("spread_ns") >= 0.0 && of("runs") >= 5.0);
        assert!(row["name"].is_string());
        assert!((of("throughput") * of("median_ns") * 1e-9 - 1.0).abs() < 1e-9);
        assert_eq!(
            row["peak_bytes"].is_u64(),
            cfg!(target_os = "linux"),
            "{row}"
        );
    }
}
