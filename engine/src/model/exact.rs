//! The network as it answers: a row's log-odds are the same to the last bit, in whatever batch, on whatever machine.
//!
//! A sum of floating-point products depends on the order of its terms, and matrix products order them by the size of the batch, the
//! processor and the alignment of memory: the same row would score differently alone and among others, and a replay would not come to
//! what the first run came to. So inputs, hidden units and weights are put on grids so coarse that every product and every partial
//! sum is a number that double precision holds without loss. What is never rounded does not depend on the order. The grids are finer
//! than what a model knows: scores differ from single precision by less than a ten-thousandth.

use tch::{Kind, Tensor, no_grad};

use super::network::{Layer, Member, Network};

/// Bits of an input or hidden unit below the point.
const VALUE_BITS: i32 = 15;

/// Most that an input or hidden unit stands from 0, in bits; what is further is taken as standing there.
const VALUE_TOP_BITS: i32 = 6;

/// Bits of a weight below the point.
const WEIGHT_BITS: i32 = 17;

/// Most that a weight stands from 0, in bits.
const WEIGHT_TOP_BITS: i32 = 6;

/// Most terms of a sum, in bits.
const TERMS_BITS: i32 = 9;

const _: () = assert!(
    VALUE_BITS + VALUE_TOP_BITS + WEIGHT_BITS + WEIGHT_TOP_BITS + TERMS_BITS <= f64::MANTISSA_DIGITS as i32,
    "every sum of products is a number that double precision holds"
);

/// Most inputs of a layer: with its bias they are as many terms as a sum may have.
pub const FAN_IN_MAX: usize = (1 << TERMS_BITS) - 1;

/// Most that a weight stands from 0.
pub const WEIGHT_MAX: f32 = (1 << WEIGHT_TOP_BITS) as f32;

/// A network whose answers do not depend on the batch.
#[derive(Debug)]
pub(super) struct Exact {
    members: Vec<Member>,
}

impl Exact {
    /// Takes the weights as they are now.
    pub(super) fn of(network: &Network) -> Self {
        let weight = |of: &Tensor| on_grid(&of.to_kind(Kind::Double), WEIGHT_BITS, WEIGHT_TOP_BITS);
        let layer = |of: &Layer| Layer { weight: weight(&of.weight), bias: weight(&of.bias) };
        let member = |of: &Member| Member {
            hidden: of.hidden.iter().map(layer).collect(),
            activation: of.activation,
            last: layer(&of.last),
            skip: of.skip.as_ref().map(weight),
        };
        no_grad(|| Self { members: network.members().iter().map(member).collect() })
    }

    /// Returns the log-odds of each row; NaN where an input is no number.
    ///
    /// Shape: rows × inputs, normalised, row by row.
    pub(super) fn logits(&self, rows: &[f32], inputs: usize) -> Vec<f64> {
        no_grad(|| {
            let xs = Tensor::from_slice(rows).view([-1, inputs as i64]).to_kind(Kind::Double);
            let xs = value(xs);
            // Term by term, not by a reduction that may order them by the batch.
            let mut members = self.members.iter().map(|member| member.logits(&xs, value));
            let first = members.next().expect("a model has a network");
            let sum = members.fold(first, |sum, logits| sum + logits);
            let mean = sum / self.members.len() as f64;
            Vec::try_from(mean).expect("one dimension of doubles")
        })
    }
}

fn value(of: Tensor) -> Tensor {
    on_grid(&of, VALUE_BITS, VALUE_TOP_BITS)
}

fn on_grid(of: &Tensor, bits: i32, top_bits: i32) -> Tensor {
    let (step, top) = (f64::from(2_i32.pow(bits as u32)), f64::from(2_i32.pow(top_bits as u32)));
    (of.clamp(-top, top) * step).round() / step
}
