//! Printing and reading decimal numbers.
//!
//! Both go through exact decimal expansions: every `f64` has a finite one, which the standard
//! library prints in full, so a pair is two digit strings added. The digits printed are those of
//! the exact value rounded half to even; reading gives the pair nearest to the text. Made for
//! being right, not for speed.

use super::Dd;
use super::eft::quick_two_sum;
use std::fmt;
use std::str::FromStr;

/// Digits after the point in the expansion of the smallest `f64`.
const FRACTION: usize = 1074;

/// The number `0.d1 d2 d3 ... * 10^point`, with `d1 != 0` unless there are no digits.
struct Decimal {
    digits: Vec<u8>,
    point: i32,
}

/// The digits of `|x|` with `FRACTION` after the point.
fn expansion(x: f64) -> Vec<u8> {
    let text = format!("{:.*}", FRACTION, x.abs());
    text.bytes()
        .filter(u8::is_ascii_digit)
        .map(|b| b - b'0')
        .collect()
}

/// `a - b` or `a + b` for digit strings that end at the same place, `a >= b`.
fn combine(mut a: Vec<u8>, b: &[u8], subtract: bool) -> Vec<u8> {
    if a.len() <= b.len() {
        let mut wide = vec![0; b.len() + 1 - a.len()];
        wide.append(&mut a);
        a = wide;
    }
    let offset = a.len() - b.len();
    let mut carry = 0i8;
    for i in (0..a.len()).rev() {
        let other = if i >= offset { b[i - offset] as i8 } else { 0 };
        let mut d = a[i] as i8 + carry + if subtract { -other } else { other };
        carry = 0;
        if d > 9 {
            (d, carry) = (d - 10, 1);
        } else if d < 0 {
            (d, carry) = (d + 10, -1);
        }
        a[i] = d as u8;
    }
    a
}

impl Decimal {
    /// From a digit string with `fraction` digits after the point.
    fn new(digits: &[u8], fraction: usize) -> Decimal {
        let zeros = digits.iter().take_while(|&&d| d == 0).count();
        let kept = digits
            .iter()
            .rposition(|&d| d != 0)
            .map_or(zeros, |i| i + 1);
        Decimal {
            digits: digits[zeros..kept.max(zeros)].to_vec(),
            point: (digits.len() - fraction) as i32 - zeros as i32,
        }
    }

    /// The exact absolute value of a finite number.
    fn exact(x: Dd) -> Decimal {
        let hi = expansion(x.hi);
        if x.lo == 0.0 {
            return Decimal::new(&hi, FRACTION);
        }
        let mixed = (x.hi < 0.0) != (x.lo < 0.0);
        let sum = combine(hi, &expansion(x.lo), mixed);
        Decimal::new(&sum, FRACTION)
    }

    /// Rounded half to even to `count` digits (none or fewer: to zero or one unit above).
    fn round(&mut self, count: i32) {
        if count < 0 {
            self.digits.clear();
            return;
        }
        let count = count as usize;
        if self.digits.len() <= count {
            return;
        }
        let first = self.digits[count];
        let beyond = self.digits[count + 1..].iter().any(|&d| d != 0);
        let odd = count > 0 && self.digits[count - 1] % 2 == 1;
        self.digits.truncate(count);
        if first > 5 || (first == 5 && (beyond || odd)) {
            while self.digits.last() == Some(&9) {
                self.digits.pop();
            }
            match self.digits.last_mut() {
                Some(d) => *d += 1,
                None => {
                    self.digits.push(1);
                    self.point += 1;
                }
            }
        }
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
    }

    /// The digit of weight `10^(point - 1 - i)`, as a character.
    fn at(&self, i: i32) -> char {
        let d = usize::try_from(i).ok().and_then(|i| self.digits.get(i));
        char::from(b'0' + d.copied().unwrap_or(0))
    }
}

/// Positional, as `f64` prints: up to 32 significant digits, or exactly as many digits after the
/// point as the precision asks for.
///
/// ```
/// use pullback_array::dd::Dd;
/// assert_eq!(Dd::PI.to_string(), "3.1415926535897932384626433832795");
/// assert_eq!(format!("{:.3}", Dd::PI), "3.142");
/// ```
impl fmt::Display for Dd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_finite() {
            return fmt::Display::fmt(&self.hi, f);
        }
        let mut d = Decimal::exact(*self);
        let count = match f.precision() {
            Some(p) => d.point.saturating_add(i32::try_from(p).unwrap_or(i32::MAX)),
            None => Dd::DIGITS as i32,
        };
        d.round(count);
        let whole = d.point.max(1);
        let fraction = match f.precision() {
            Some(p) => p as i32,
            None => (d.digits.len() as i32 - d.point).max(0),
        };
        let mut text = String::new();
        let start = d.point - whole;
        text.extend((0..whole).map(|i| d.at(start + i)));
        if fraction > 0 && !(d.digits.is_empty() && f.precision().is_none()) {
            text.push('.');
            text.extend((0..fraction).map(|i| d.at(d.point + i)));
        }
        f.pad_integral(!self.is_sign_negative(), "", &text)
    }
}

fn scientific(x: Dd, f: &mut fmt::Formatter<'_>, letter: char) -> fmt::Result {
    if !x.is_finite() {
        return fmt::LowerExp::fmt(&x.hi, f);
    }
    let mut d = Decimal::exact(x);
    let count = f.precision().map_or(Dd::DIGITS as i32, |p| p as i32 + 1);
    d.round(count);
    let fraction = f
        .precision()
        .map_or(d.digits.len() as i32 - 1, |p| p as i32);
    let power = if d.digits.is_empty() { 0 } else { d.point - 1 };
    let mut text = String::from(d.at(0));
    if fraction > 0 {
        text.push('.');
        text.extend((1..=fraction).map(|i| d.at(i)));
    }
    text.push(letter);
    text.push_str(&power.to_string());
    f.pad_integral(!x.is_sign_negative(), "", &text)
}

/// Scientific: up to 32 significant digits, or as many after the point as the precision asks for.
///
/// ```
/// use pullback_array::dd::Dd;
/// assert_eq!(format!("{:e}", Dd::from(1500.0)), "1.5e3");
/// ```
impl fmt::LowerExp for Dd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        scientific(*self, f, 'e')
    }
}

/// As `LowerExp` with a capital letter.
///
/// ```
/// use pullback_array::dd::Dd;
/// assert_eq!(format!("{:.2E}", Dd::PI), "3.14E0");
/// ```
impl fmt::UpperExp for Dd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        scientific(*self, f, 'E')
    }
}

/// Text that is not a number.
///
/// ```
/// use pullback_array::dd::{Dd, ParseDdError};
/// assert_eq!("1.2.3".parse::<Dd>(), Err(ParseDdError));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseDdError;

impl fmt::Display for ParseDdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid double-double literal")
    }
}

impl std::error::Error for ParseDdError {}

/// The grammar of `f64`; the pair nearest to the decimal number, however many digits it has.
///
/// ```
/// use pullback_array::dd::Dd;
/// let tenth: Dd = "0.1".parse()?;
/// assert_eq!(tenth, Dd::from(1.0) / Dd::from(10.0));
/// # Ok::<(), pullback_array::dd::ParseDdError>(())
/// ```
impl FromStr for Dd {
    type Err = ParseDdError;

    fn from_str(text: &str) -> Result<Dd, ParseDdError> {
        let hi: f64 = text.parse().map_err(|_| ParseDdError)?;
        if hi == 0.0 || !hi.is_finite() {
            return Ok(Dd::whole(hi));
        }
        let (number, power) = match text.find(['e', 'E']) {
            Some(at) => (
                &text[..at],
                text[at + 1..].parse::<i64>().map_err(|_| ParseDdError)?,
            ),
            None => (text, 0),
        };
        let after = number.find('.').map_or(0, |at| number.len() - at - 1) as i64;
        let given: Vec<u8> = number
            .bytes()
            .filter(u8::is_ascii_digit)
            .map(|b| b - b'0')
            .collect();
        let zeros = given.iter().take_while(|&&d| d == 0).count();
        let mut given = given[zeros..].to_vec();
        // Both numbers to the same last place, 10^-places.
        let last = power - after;
        let mut rounded = expansion(hi);
        let places = FRACTION as i64;
        if -last < places {
            given.resize(given.len() + (places + last) as usize, 0);
        } else {
            rounded.resize(rounded.len() + (-last - places) as usize, 0);
        }
        let places = places.max(-last);
        let width = given.len().max(rounded.len());
        let pad = |d: Vec<u8>| {
            let mut wide = vec![0; width - d.len()];
            wide.extend(d);
            wide
        };
        let (given, rounded) = (pad(given), pad(rounded));
        let below = given < rounded;
        let rest = if below {
            combine(rounded, &given, true)
        } else {
            combine(given, &rounded, true)
        };
        // The rest is the nearest f64 to an exact decimal: the standard library's parser again.
        let rest = Decimal::new(&rest, 0);
        let mut literal: String = (0..rest.digits.len() as i32).map(|i| rest.at(i)).collect();
        literal.insert_str(0, "0.");
        literal.push_str(&format!("e{}", i64::from(rest.point) - places));
        let size: f64 = literal.parse().map_err(|_| ParseDdError)?;
        let lo = if below == (hi > 0.0) { -size } else { size };
        let (hi, lo) = quick_two_sum(hi, lo);
        Ok(Dd { hi, lo })
    }
}
