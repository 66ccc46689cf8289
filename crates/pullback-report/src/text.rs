//! Text for HTML: escaping, and numbers as people read them.

use std::fmt::Write;

/// Escapes what HTML would read as its own, in text and in attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Control characters have no business in a page, and some are forbidden.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A sentence, escaped; numbers with a power of ten are not torn apart at a line's end.
pub(crate) fn prose(text: &str) -> String {
    let words: Vec<String> = (text.split(' '))
        .map(|word| {
            let number = word.contains("e-") && word.contains(|c: char| c.is_ascii_digit());
            if number && word.len() < 20 {
                format!("<span class=\"nb\">{}</span>", escape(word))
            } else {
                escape(word)
            }
        })
        .collect();
    words.join(" ")
}

/// JSON inside a script element: `<` would end it, and two line separators end strings in old engines.
pub(crate) fn script_safe(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// At most so many characters; `…` says that some are missing.
pub(crate) fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{}…", kept.trim_end_matches([' ', '…']))
}

/// `n` significant digits; plain where that is short, otherwise with a power of ten.
pub(crate) fn digits(x: f64, n: usize) -> String {
    if x.is_nan() {
        return "NaN".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "∞" } else { "-∞" }.into();
    }
    if x == 0.0 {
        return "0".into();
    }
    let power = x.abs().log10().floor() as i32;
    if (-2..5).contains(&power) {
        return format!("{x:.*}", (n as i32 - 1 - power).max(0) as usize);
    }
    format!("{x:.*e}", n - 1)
}

/// A number with the shortest text that gives it back.
pub(crate) fn whole(x: f64) -> String {
    if x.is_finite() && x != 0.0 && !(1e-3..1e5).contains(&x.abs()) {
        format!("{x:e}")
    } else if x.is_finite() {
        x.to_string()
    } else {
        digits(x, 3)
    }
}

/// `4×2`, or `number`.
pub(crate) fn shape(dims: &[usize]) -> String {
    if dims.is_empty() {
        return "number".into();
    }
    let text: Vec<String> = dims.iter().map(usize::to_string).collect();
    text.join("×")
}

/// Numbers side by side, with an ellipsis where there are more.
pub(crate) fn list(values: &[f64], total: usize, most: usize, n: usize) -> String {
    let mut out = String::new();
    for (i, v) in values.iter().take(most).enumerate() {
        let _ = write!(out, "{}{}", if i > 0 { "  " } else { "" }, digits(*v, n));
    }
    if total > most.min(values.len()) {
        out.push_str(if out.is_empty() { "…" } else { "  …" });
    }
    out
}

/// A word as the name of a CSS class.
pub(crate) fn class(word: &str) -> String {
    (word.chars())
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_html_would_read_is_escaped() {
        assert_eq!(
            escape("a<b & \"c'\u{0}"),
            "a&lt;b &amp; &quot;c&#39;\u{fffd}"
        );
        assert_eq!(
            script_safe("\"</script>\u{2028}\""),
            "\"\\u003c/script>\\u2028\""
        );
    }

    #[test]
    fn numbers_are_short() {
        for (x, text) in [
            (0.0, "0"),
            (-0.0462896, "-0.0463"),
            (1.0, "1.00"),
            (535.2, "535"),
            (4.57e-3, "4.57e-3"),
            (123456.0, "1.23e5"),
            (f64::INFINITY, "∞"),
            (f64::NAN, "NaN"),
            (9.999, "10.00"),
        ] {
            assert_eq!(digits(x, 3), text);
        }
        assert_eq!(whole(1e-5), "1e-5");
        assert_eq!(whole(0.25), "0.25");
        assert_eq!(list(&[1.0, 2.0, 3.0], 9, 2, 2), "1.0  2.0  …");
    }
}
