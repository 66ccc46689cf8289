//! The experiment's function, and what no page may have.
#![allow(dead_code)]

use pullback::random::numpy::default_rng;
use pullback::{DType, Result, Tensor};

/// A function to check.
pub(crate) type Loss = Box<dyn Fn(&[Tensor]) -> Result<Tensor>>;

/// The loss of one sample as a function of W1, b1, W2, b2, and these.
pub(crate) fn lab(dtype: DType) -> Result<(Loss, Vec<Tensor>)> {
    let mut rng = default_rng(42u64);
    let x = rng.uniform(-1.0, 1.0, 1000).expect("a range");
    let mut weight = |n: usize, shape: &[usize]| {
        Tensor::from_slice(&rng.normal(0.0, 0.1, n).expect("a deviation"), shape)?.to(dtype)
    };
    let (w1, w2) = (weight(8, &[4, 2])?, weight(4, &[1, 4])?);
    let (b1, b2) = (Tensor::zeros([4], dtype)?, Tensor::zeros([1], dtype)?);
    let x = Tensor::from_slice(&x[..2], [2])?.to(dtype)?;
    let loss = move |p: &[Tensor]| {
        let h = p[0].matmul(&x)?.add(&p[1])?.relu()?;
        let f = p[2].matmul(&h)?.add(&p[3])?.squeeze()?;
        f.sub(1.0)?.pow(2.0)?.mul(0.5)
    };
    Ok((Box::new(loss), vec![w1, b1, w2, b2]))
}

/// Elements without an end tag.
const VOID: [&str; 4] = ["meta", "link", "input", "br"];

/// What is wrong with a page as a document: tags that do not match, ids twice, anything from elsewhere.
pub(crate) fn problems(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !html.starts_with("<!doctype html>\n<html lang=\"en\">") || !html.ends_with("</html>\n") {
        found.push("it does not start or end as a page does".into());
    }
    let (mut open, mut ids) = (Vec::new(), std::collections::HashSet::new());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if rest.starts_with('!') {
            continue;
        }
        let Some(end) = rest.find('>') else {
            found.push("a tag does not end".into());
            break;
        };
        let tag = &rest[..end];
        let name: String = (tag.trim_start_matches('/').chars())
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        if name.is_empty() {
            found.push(format!(
                "a < that is no tag: {}",
                tag.chars().take(40).collect::<String>()
            ));
            continue;
        }
        rest = &rest[end + 1..];
        if tag.starts_with('/') {
            if open.pop() != Some(name.clone()) {
                found.push(format!("</{name}> ends what is not open"));
            }
            continue;
        }
        for (attribute, value) in attributes(tag) {
            if attribute == "id" && !ids.insert(value.clone()) {
                found.push(format!("the id {value} twice"));
            }
            if ["src", "href", "action", "data", "poster", "srcset"].contains(&attribute.as_str())
                && value != "data:,"
            {
                found.push(format!("{attribute}=\"{value}\" asks for something else"));
            }
        }
        if tag.ends_with('/') || VOID.contains(&name.as_str()) {
            continue;
        }
        // Raw text runs to its own end tag.
        if name == "script" || name == "style" {
            let close = format!("</{name}>");
            match rest.find(&close) {
                Some(end) => {
                    for bad in [
                        "http:",
                        "https:",
                        "fetch(",
                        "XMLHttpRequest",
                        "@import",
                        "import(",
                        "WebSocket",
                    ] {
                        // The one name space that SVG needs is no address that is asked.
                        let text = rest[..end].replace("http://www.w3.org/2000/svg", "");
                        if text.contains(bad) {
                            found.push(format!("{bad} in a {name}"));
                        }
                    }
                    rest = &rest[end + close.len()..];
                }
                None => found.push(format!("<{name}> does not end")),
            }
            continue;
        }
        open.push(name);
    }
    found.extend(
        open.into_iter()
            .map(|name| format!("<{name}> is never closed")),
    );
    found
}

/// The attributes of a tag's text.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut parts = tag.split('"');
    while let (Some(before), Some(value)) = (parts.next(), parts.next()) {
        let name = before.trim_end_matches('=');
        let name = name.rsplit(char::is_whitespace).next().unwrap_or_default();
        out.push((name.to_string(), value.to_string()));
    }
    out
}
