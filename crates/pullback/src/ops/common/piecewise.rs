//! Functions of one number made of smooth pieces: which piece holds where, and what follows for rules, decisions and margins.
//!
//! A definition names the kinks, each piece as a smooth function of all numbers, and the pieces' derivatives; it also has
//! value and gradient as loops, which a plain backward uses. The functions themselves are in `rectifier` and `loss_pieces`.

use crate::core::apply::apply_dyn;
use crate::core::op::{Ctx, Op};
use crate::core::tensor::Tensor;
use crate::ops::Where;
use crate::ops::common::anchor::anchored;
use crate::ops::common::constant::{number_like, times};
use crate::ops::common::gate::no_form;
use crate::{Array, Real, Result, Shape};
use pullback_array::{dispatch, kernels};
use smallvec::SmallVec;

/// Where two pieces meet.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Kink {
    /// The number.
    pub at: f64,
    /// Whether the number itself belongs to the piece above.
    pub above: bool,
    /// Whether NaN does.
    pub nan: bool,
}

impl Kink {
    /// NaN counts as above it, as in PyTorch's loops that ask whether a number is below.
    pub(in crate::ops) fn nan_above(self) -> Kink {
        Kink { nan: true, ..self }
    }

    /// Where `x` is above.
    fn passed(&self, x: &Tensor) -> Result<Tensor> {
        match (self.above, self.nan) {
            (true, false) => x.ge(self.at),
            (false, false) => x.gt(self.at),
            (true, true) => x.lt(self.at)?.logical_not(),
            (false, true) => x.le(self.at)?.logical_not(),
        }
    }
}

/// A kink that belongs to the piece below.
pub(in crate::ops) fn below(at: f64) -> Kink {
    Kink {
        at,
        above: false,
        nan: false,
    }
}

/// A kink that belongs to the piece above.
pub(in crate::ops) fn above(at: f64) -> Kink {
    Kink {
        at,
        above: true,
        nan: false,
    }
}

pub(in crate::ops) type Kinks = SmallVec<[Kink; 2]>;

/// The derivative of a piece.
pub(in crate::ops) enum Slope {
    /// 0 everywhere: passes +0, even for a gradient that is not finite.
    None,
    /// The same everywhere; 1 passes the gradient as it is.
    Number(f64),
    /// Depends on x.
    Of(Tensor),
}

/// A function of one number in pieces, counted from below.
pub(in crate::ops) trait Pieces: Op {
    /// Where pieces meet, ascending.
    fn kinks(&self) -> Kinks;
    /// Piece `k`, going on beyond its kinks.
    fn piece(&self, k: usize, x: &Tensor) -> Result<Tensor>;
    /// The derivative of piece `k`. `x` gives the input with what belongs to other pieces replaced by a number of this one,
    /// so that what overflows there does not become NaN in a gradient's gradient. Kinks are replaced too, by themselves: there the
    /// second derivative is 0, as in PyTorch.
    fn slope_of(&self, k: usize, x: &dyn Fn() -> Result<Tensor>) -> Result<Slope>;
    /// `g` times the derivative, in one loop.
    fn gradient(&self, g: &Array, x: &Array) -> Result<Array>;
}

/// The number of the piece that each element is in; NaN is where its kinks say.
pub(in crate::ops) fn decide(p: &dyn Pieces, x: &Array) -> Result<Array> {
    let kinks = p.kinks();
    dispatch!(float x.dtype(), T => kernels::map(x, |a: T| {
        let passed = |k: &&Kink| {
            (if k.above { a >= T::lit(k.at) } else { a > T::lit(k.at) }) || k.nan && a.is_nan()
        };
        kinks.iter().filter(passed).count() as i64
    }), else Err(no_form(p.def().name, x)))
}

/// The distance to the nearest kink.
pub(in crate::ops) fn margin(p: &dyn Pieces, x: &Array) -> Result<Array> {
    let kinks = p.kinks();
    dispatch!(float x.dtype(), T => kernels::map(x, |a: T| {
        let far = T::lit(f64::INFINITY);
        kinks.iter().map(|k| (a - T::lit(k.at)).abs()).fold(far, |m, d| if d < m { d } else { m })
    }), else Err(no_form(p.def().name, x)))
}

/// The smooth function that is left when each element stays in its piece.
pub(in crate::ops) fn frozen(p: &dyn Pieces, x: &Tensor, decision: &Tensor) -> Result<Tensor> {
    let mut out = p.piece(0, x)?;
    for k in 1..=p.kinks().len() {
        out = p.piece(k, x)?.where_(&decision.ge(k as i64)?, &out)?;
    }
    Ok(out)
}

/// `v` times the derivative, in operations that can be recorded and differentiated.
fn rule(p: &dyn Pieces, cx: &Ctx<'_>, x: &Tensor, v: &Tensor) -> Result<Tensor> {
    let kinks = p.kinks();
    let masks = (kinks.iter())
        .map(|k| k.passed(x))
        .collect::<Result<SmallVec<[Tensor; 2]>>>()?;
    let part = |k: usize| {
        let inside = || {
            let mut inside = x.clone();
            if let Some(kink) = kinks.get(k) {
                let beyond = masks[k].logical_or(&x.ge(kink.at)?)?;
                inside = number_like(x, kink.at)?.where_(&beyond, &inside)?;
            }
            if k > 0 {
                let kink = kinks[k - 1];
                let there = masks[k - 1].logical_and(&x.ne(kink.at)?)?;
                inside = inside.where_(&there, kink.at)?;
            }
            Ok(inside)
        };
        match p.slope_of(k, &inside)? {
            Slope::None => Tensor::zeros_of(&Shape::scalar(), v.dtype()),
            Slope::Number(1.0) => Ok(v.clone()),
            Slope::Number(a) => times(v, a),
            Slope::Of(slope) => v.mul(&slope),
        }
    };
    let mut out = part(0)?;
    for (k, mask) in masks.iter().enumerate() {
        out = apply_dyn(&Where, &[mask, &part(k + 1)?, &out], cx.site())?;
    }
    anchored(cx, p.def().name, out.expand(v.shape())?, x)
}

/// The reverse rule.
pub(in crate::ops) fn pull(p: &dyn Pieces, cx: &Ctx<'_>, g: &Tensor) -> Result<Tensor> {
    let x = cx.input(0)?;
    if !cx.unobserved() {
        rule(p, cx, &x, g)
    } else {
        p.gradient(&g.array(), &x.array()).map(Tensor::from_array)
    }
}

/// Defines functions in pieces. `value` is the formula, `fused` that of the gradient; `integers` gives the loop's closure for those
/// that PyTorch also has for integers.
macro_rules! pieces {
    ($(
        $(#[$doc:meta])*
        $op:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty),* } $name:literal, $torch:literal, $kernel:expr;
        $summary:literal;
        $formula:literal, $derivative:literal;
        $convention:literal;
        value |$s:ident, $v:ident: $T:ident| $value:expr;
        $(integers |$is:ident, $I:ident| $int:expr;)?
        fused |$fs:ident, $g:ident, $f:ident: $F:ident| $fused:expr;
        kinks |$ks:ident| [$($kink:expr),*];
        piece |$ps:ident, $pk:ident, $px:ident| $piece:expr;
        slope |$ss:ident, $sk:ident, $sx:ident| $slope:expr;
        samples $samples:expr, points $points:expr;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op {
            $($(#[$field_doc])* pub $field: $ty),*
        }
        crate::ops::define! { $op: Gate $name, $torch;
            summary: $summary;
            formula: $formula;
            derivative: $derivative;
            convention: $convention;
            proof: { samples: $samples, points: $points }
        }

        impl crate::core::op::Op for $op {
            crate::ops::common!();
            fn eval(&self, x: &[&Array]) -> Result<Array> {
                dispatch!(float x[0].dtype(), T => kernels::map(x[0], |x: T| self.at([x])), else
                    crate::core::define::or!($({
                        let $is = self;
                        dispatch!(number x[0].dtype(), $I => kernels::map(x[0], $int), else Err($kernel(x[0])))
                    })?, Err($kernel(x[0]))))
            }
            fn expression(&self) -> Option<pullback_array::Expression> {
                Some(pullback_array::Expression::of(self))
            }
            fn gradient_expression(&self) -> Option<pullback_array::Expression> {
                Some(pullback_array::Expression::of(&crate::ops::common::formula::Gradient(self)))
            }
            fn reads(&self, _: usize) -> Reads {
                Reads::input(0)
            }
        }

        impl crate::core::rules::Gate for $op {
            fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
                crate::ops::common::piecewise::pull(self, cx, g)
            }
            fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
                crate::ops::common::piecewise::decide(self, x[0]).map(Some)
            }
            fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
                crate::ops::common::piecewise::frozen(self, &x[0], decision)
            }
            fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
                crate::ops::common::piecewise::margin(self, x[0]).map(Some)
            }
        }

        impl crate::ops::common::piecewise::Pieces for $op {
            fn kinks(&self) -> crate::ops::common::piecewise::Kinks {
                let $ks = self;
                smallvec::smallvec![$($kink),*]
            }
            fn piece(&self, $pk: usize, $px: &Tensor) -> Result<Tensor> {
                let $ps = self;
                $piece
            }
            fn slope_of(&self, $sk: usize, $sx: &dyn Fn() -> Result<Tensor>) -> Result<crate::ops::common::piecewise::Slope> {
                let $ss = self;
                $slope
            }
            fn gradient(&self, g: &Array, x: &Array) -> Result<Array> {
                dispatch!(float x.dtype(), T => kernels::zip(g, x, |g: T, x: T| self.pull_at(g, x)), else Err($kernel(x)))
            }
        }

        impl pullback_array::Formula<1> for $op {
            #[inline(always)]
            fn at<$T: Scalar>(&self, [$v]: [$T; 1]) -> $T {
                let $s = self;
                $value
            }
        }

        impl crate::ops::common::formula::Pulled for $op {
            #[inline(always)]
            fn pull_at<$F: Scalar>(&self, $g: $F, $f: $F) -> $F {
                let $fs = self;
                $fused
            }
        }
    )*};
}
pub(in crate::ops) use pieces;
