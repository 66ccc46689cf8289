//! Operations by name through the methods that people call, with attributes as `Debug` prints them: what errors are checked with.

use pullback::{DType, Error, ErrorKind, Result, Tensor, cat};
use pullback::{apply_op, ops};
use serde_json::Value;

/// Runs an operation by name, through the tensor's methods where there are any.
pub(crate) fn run(op: &str, attrs: &Value, x: &[Tensor]) -> Result<Tensor> {
    let (a, last) = (&x[0], &x[x.len() - 1]);
    let number = |k: &str| attrs[k].as_f64().expect("a number");
    let int = |k: &str| attrs[k].as_i64().expect("an integer");
    let flag = |k: &str| attrs[k].as_bool().expect("a truth value");
    let ints = |k: &str| -> Vec<i64> {
        let list = attrs[k].as_array().expect("a list");
        list.iter()
            .map(|v| v.as_i64().expect("an integer"))
            .collect()
    };
    let sizes = |k: &str| -> Vec<usize> { ints(k).into_iter().map(|n| n as usize).collect() };
    /// Methods of two tensors, by their own names.
    macro_rules! of_two {
        ($($name:ident)*) => {
            match op {
                $(stringify!($name) => return a.$name(last),)*
                _ => {}
            }
        };
    }
    of_two! {
        minimum fmax fmin remainder fmod atan2 hypot logaddexp logaddexp2 xlogy copysign nextafter heaviside
        bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift gcd lcm
    }
    match op {
        "special_xlog1py" => a.xlog1py(last),
        "pow_tensor" => a.pow(last),
        "div_rounded" => a.floor_divide(last),
        "bitwise_not" => a.bitwise_not(),
        "clamp_tensor" => a.clamp(Some((&x[1]).into()), Some(last.into())),
        "lerp" => a.lerp(&x[1], last),
        "addcmul" => a.addcmul(&x[1], last, 1),
        "addcdiv" => a.addcdiv(&x[1], last, 1),
        "add" => a.add(last),
        "add_scaled" => a.add_scaled(last, number("alpha")),
        "sub" => a.sub(last),
        "mul" => a.mul(last),
        "div" => a.div(last),
        "neg" => a.neg(),
        "pow" => a.pow(number("exponent")),
        "exp" => a.exp(),
        "log" => a.log(),
        "sqrt" => a.sqrt(),
        "sin" => a.sin(),
        "cos" => a.cos(),
        "tanh" => a.tanh(),
        "sigmoid" => a.sigmoid(),
        "relu" => a.relu(),
        "threshold_backward" => apply_op(ops::ThresholdBackward, &[a, last]),
        "abs" => a.abs(),
        "maximum" => a.maximum(last),
        "amax" => a.amax(&ints("dims"), flag("keepdim")),
        "sum" => a.sum_dims(&ints("dims"), flag("keepdim")),
        "mean" => a.mean_dims(&ints("dims"), flag("keepdim")),
        "matmul" => a.matmul(last),
        "outer" => a.outer(last),
        "softmax" => a.softmax(int("dim")),
        "log_softmax" => a.log_softmax(int("dim")),
        "reshape" => a.reshape(sizes("shape").as_slice()),
        "permute" => a.permute(&ints("dims")),
        "expand" => a.expand(sizes("shape").as_slice()),
        "select" => a.select(int("dim"), int("index")),
        "slice" if attrs.get("len").is_some() => {
            a.narrow(int("dim"), int("start") as usize, int("len") as usize)
        }
        "slice" => a.slice(
            int("dim"),
            Some(int("start")),
            Some(int("end")),
            int("step"),
        ),
        "slice_backward" => {
            let (dim, start, step) = (
                int("dim") as usize,
                int("start") as usize,
                int("step") as usize,
            );
            let shape = sizes("shape").as_slice().into();
            apply_op(
                ops::Embed {
                    shape,
                    dim,
                    start,
                    step,
                },
                &[a],
            )
        }
        "cat" => cat(&[a, last], int("dim")),
        "take" => a.take(last),
        "put" => apply_op(
            ops::Put {
                shape: sizes("shape").as_slice().into(),
            },
            &[a, last],
        ),
        "where" => x[1].where_(a, last),
        "clone" => a.copy(),
        "copy_" => apply_op(ops::Copy, &[a, last]),
        "to" => a.to(DType::from_name(attrs["dtype"].as_str().expect("a dtype")).expect("a dtype")),
        "floor" => a.floor(),
        "sign" => a.sign(),
        "gt" => a.gt(last),
        "ge" => a.ge(last),
        "lt" => a.lt(last),
        "le" => a.le(last),
        "eq" => a.eq(last),
        "ne" => a.ne(last),
        "argmax" => a.argmax(int("dim"), flag("keepdim")),
        "argsort" => a.argsort(int("dim"), flag("descending")),
        "detach" => Ok(a.detach()),
        other => Err(Error::new(
            ErrorKind::Unsupported,
            format!("the test does not know {other:?}"),
        )),
    }
}
