//! The page in a real browser: nothing on the console, every picture drawn, nothing wider than a phone.
//!
//! Chromium is looked for in `PULLBACK_CHROMIUM` and on the PATH; where there is none, the test says so and is passed over.

mod support;

use pullback::check::Check;
use pullback::{DType, Result, Tensor};
use pullback_report::{gather, render};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::lab;

/// A browser that can be started.
fn chromium() -> Option<String> {
    let named = std::env::var("PULLBACK_CHROMIUM").ok();
    let usual = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    named
        .into_iter()
        .chain(usual.map(String::from))
        .find(|program| {
            let mut command = Command::new(program);
            command
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.status().is_ok_and(|s| s.success())
        })
}

/// What a page's document becomes, and what was said on the console.
fn open(browser: &str, html: &str, width: u32) -> (String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.html");
    std::fs::write(&page, html).expect("the page is written");
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let file = |path: &Path| Stdio::from(std::fs::File::create(path).expect("a file"));
    let mut child = Command::new(browser)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--enable-logging=stderr",
            "--v=0",
            "--virtual-time-budget=5000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("--window-size={width},900"))
        .arg(format!("file://{}", page.display()))
        .stdout(file(&out))
        .stderr(file(&err))
        .spawn()
        .expect("the browser starts");
    let start = Instant::now();
    while child.try_wait().expect("it can be asked").is_none() {
        if start.elapsed() > Duration::from_secs(240) {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the browser did not end in 240 seconds");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let read =
        |path: &Path| String::from_utf8_lossy(&std::fs::read(path).expect("output")).into_owned();
    let console: Vec<String> = (read(&err).lines())
        .filter(|line| line.contains("CONSOLE"))
        .map(str::to_string)
        .collect();
    (read(&out), console.join("\n"))
}

/// Presses every button at every step, and writes down what is wider than the window and how much was drawn.
const PROBE: &str = r##"<script>
{
  const out = [], root = document.documentElement;
  const note = what => { if (root.scrollWidth > root.clientWidth) out.push(what + ": " + root.scrollWidth + " in " + root.clientWidth); };
  note("at first");
  for (const b of document.querySelectorAll("button")) { b.click(); note(b.textContent); }
  const slider = document.getElementById("step");
  for (let k = 0; k <= Number(slider.max); k++) { slider.value = k; slider.dispatchEvent(new Event("input")); note("step " + k); }
  document.querySelectorAll(".picker button").forEach((_, k) => document.querySelectorAll(".picker button")[k].click());
  for (const id of ["ledger", "curves", "stencil"]) root.dataset[id] = document.querySelectorAll("#" + id + " svg *").length;
  root.dataset.wide = out.join("; ") || "nothing";
}
</script></body>"##;

#[test]
fn in_a_browser() -> Result<()> {
    let Some(browser) = chromium() else {
        eprintln!(
            "skipped: no Chromium in PULLBACK_CHROMIUM or on the PATH (Debian: apt-get install chromium)"
        );
        return Ok(());
    };
    // That the console is heard at all.
    let (_, console) = open(&browser, "<script>throw new Error('planted')</script>", 800);
    assert!(
        console.contains("planted"),
        "an error in a page must be seen: {console}"
    );

    let (f, inputs) = lab(DType::F32)?;
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let check = Check::new(f, &inputs)
        .names(&["W1", "b1", "W2", "b2"])
        .step(1e-5);
    // A kink at the very point, a name of many letters, a quotient that leaves the domain.
    let x = Tensor::from_slice(&[0.0f64, 1e-3, 2.0], [3])?;
    let odd = Check::new(|x| x[0].relu()?.add(&x[0].add(1e-4)?.log()?)?.sum(), &[&x])
        .names(&["a_module.with_a_long_name.<weight>"])
        .step(1e-2);
    let smooth = Tensor::from_slice(&[0.5f32], [1])?;
    let smooth = Check::new(|x| x[0].exp()?.sum(), &[&smooth]);
    let wrong = Tensor::from_slice(&[0.5f32, 0.25], [2])?;
    let wrong = Check::new(|x| x[0].square()?.sum(), &[&wrong]).gradients(&[&wrong]);
    for check in [check, odd, smooth, wrong] {
        let html = render(&gather(&check)?.titled("test", "in a browser"));
        for width in [1280, 360] {
            let (dom, console) = open(&browser, &html.replace("</body>", PROBE), width);
            assert_eq!(console, "", "at width {width}");
            assert!(
                dom.contains("data-wide=\"nothing\""),
                "{width}: {}",
                dom.lines().nth(1).unwrap_or_default()
            );
            for picture in ["ledger", "curves", "stencil"] {
                let drawn = dom.split(&format!("data-{picture}=\"")).nth(1);
                let drawn: usize = drawn
                    .and_then(|t| t.split('"').next()?.parse().ok())
                    .expect("a count");
                assert!(drawn > 5 || picture == "stencil", "{picture}: {drawn}");
            }
        }
    }
    Ok(())
}
