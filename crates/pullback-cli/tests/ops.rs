//! `pullback ops` and `pullback check --all`, as users run them; and that docs/ops.md is what the program says.

use serde_json::Value;
use std::process::{Command, Output};

fn pullback(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pullback"))
        .args(args)
        .env("NO_COLOR", "1")
        .output()
        .expect("the program runs")
}

fn stdout(o: &Output) -> String {
    String::from_utf8(o.stdout.clone()).expect("text")
}

#[test]
fn the_page_in_docs_is_not_stale() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ops.md");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let now = stdout(&pullback(&["ops", "--markdown", "-"]));
    assert!(
        committed == now,
        "docs/ops.md is stale: cargo run --release -- ops --markdown docs/ops.md"
    );
}

#[test]
fn the_list_and_one_function() {
    let all = pullback(&["ops"]);
    assert!(all.status.success());
    let text = stdout(&all);
    for name in ["softmax", "exp", "mul"] {
        assert!(text.contains(name), "{name} is not listed");
    }
    let one = stdout(&pullback(&["ops", "softmax"]));
    for words in [
        "softmax(input, dim, *, dtype=None) -> Tensor",
        "formula",
        "torch.nn.functional.softmax",
        "samples",
    ] {
        assert!(one.contains(words), "{words:?} is not in:\n{one}");
    }
    let json: Value =
        serde_json::from_slice(&pullback(&["ops", "softmax", "--json"]).stdout).expect("JSON");
    assert_eq!(json["functions"][0]["family"], "general");
    assert_eq!(json["primitives"][0]["name"], "softmax");
}

#[test]
fn an_unknown_operation_is_a_wrong_command_line() {
    for args in [&["ops", "sofmax"][..], &["check", "--op", "sofmax"]] {
        let out = pullback(args);
        assert_eq!(out.status.code(), Some(2));
        let text = String::from_utf8_lossy(&out.stderr).to_string();
        assert!(text.contains("did you mean \"softmax\"?"), "{text}");
    }
    assert_eq!(
        pullback(&["check", "--dtype", "f32"]).status.code(),
        Some(2)
    );
}

#[test]
fn one_operation_is_proven() {
    let out = pullback(&["check", "--op", "softmax", "--dtype", "f64", "--json", "-"]);
    assert_eq!(out.status.code(), Some(0));
    let json: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(json["status"], "pass");
    let proven = json["proven"].as_array().expect("a list");
    assert!(proven.len() >= 2, "the primitive and the function");
    assert!(proven.iter().all(|p| p["checks"].as_u64() > Some(10)));
    let table = stdout(&pullback(&["check", "--op", "exp"]));
    assert!(table.contains("PASS"), "{table}");
}
