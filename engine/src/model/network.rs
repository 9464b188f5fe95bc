//! The network as it is learnt: feed-forward, with a straight line beside it, alone or several that answer with their mean.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tch::{Tensor, nn};

use super::error::Error;
use super::exact::FAN_IN_MAX;

/// Most networks of one model.
pub const MEMBERS_MAX: usize = 32;

/// The shape of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Architecture {
    /// Layers of units, each reading all of the layer before; none hidden is a logistic regression.
    Mlp {
        /// Units of each hidden layer.
        hidden: Vec<usize>,
        /// What a hidden unit makes of its sum.
        activation: Activation,
        /// What goes past the hidden layers.
        skip: Skip,
        /// Networks of this shape, each with its own weights, whose log-odds are averaged.
        members: usize,
    },
}

/// What a hidden unit makes of its sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(0, x)
    Relu,
    /// x · sigmoid(x)
    Silu,
    /// tanh(x)
    Tanh,
}

impl Activation {
    fn of(self, xs: &Tensor) -> Tensor {
        match self {
            Activation::Relu => xs.relu(),
            Activation::Silu => xs.silu(),
            Activation::Tanh => xs.tanh(),
        }
    }
}

/// What goes past the hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// Nothing.
    None,
    /// The inputs, weighted, into the log-odds.
    Linear,
}

impl Architecture {
    pub(super) fn check(&self) -> Result<(), Error> {
        let Architecture::Mlp { hidden, members, .. } = self;
        if let Some(found) = hidden.iter().copied().find(|units| !(1..=FAN_IN_MAX).contains(units)) {
            return Err(Error::Architecture { field: "hidden", found });
        }
        if !(1..=MEMBERS_MAX).contains(members) {
            return Err(Error::Architecture { field: "members", found: *members });
        }
        Ok(())
    }
}

/// Where the weights of a new network stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At 0, until they are loaded.
    Zero,
    /// Drawn as PyTorch draws them, uniformly within ±1/√(inputs of the layer), from this seed and nothing else.
    Drawn(u64),
}

/// Networks of one shape whose log-odds are averaged.
#[derive(Debug)]
pub struct Network {
    members: Vec<Member>,
}

/// One network.
#[derive(Debug)]
pub struct Member {
    pub(super) hidden: Vec<Layer>,
    pub(super) activation: Activation,
    pub(super) last: Layer,
    pub(super) skip: Option<Tensor>,
}

/// One layer.
#[derive(Debug)]
pub(super) struct Layer {
    /// Shape: outputs, inputs.
    pub(super) weight: Tensor,
    /// Shape: outputs.
    pub(super) bias: Tensor,
}

impl Layer {
    pub(super) fn of(&self, xs: &Tensor) -> Tensor {
        xs.linear(&self.weight, Some(&self.bias))
    }
}

impl Network {
    /// Returns a network whose weights stand in the variable store under `path`, as `M.hidden.L.weight`, `M.hidden.L.bias`,
    /// `M.last.weight`, `M.last.bias` and `M.skip.weight` for member M and hidden layer L.
    pub fn new(path: &nn::Path<'_>, architecture: &Architecture, inputs: usize, start: Start) -> Self {
        let Architecture::Mlp { hidden, activation, skip, members } = architecture;
        let mut make = Make { start, chance: ChaCha8Rng::seed_from_u64(0) };
        if let Start::Drawn(seed) = start {
            make.chance = ChaCha8Rng::seed_from_u64(seed);
        }
        let members = (0..*members).map(|number| {
            let path = path / number;
            let mut fan_in = inputs;
            let mut layers = Vec::with_capacity(hidden.len());
            for (place, units) in hidden.iter().enumerate() {
                layers.push(make.layer(&(&path / "hidden" / place), *units, fan_in));
                fan_in = *units;
            }
            Member {
                hidden: layers,
                activation: *activation,
                last: make.layer(&(&path / "last"), 1, fan_in),
                skip: match skip {
                    Skip::None => None,
                    Skip::Linear => Some(make.variable(&(&path / "skip"), "weight", &[1, inputs])),
                },
            }
        });
        Self { members: members.collect() }
    }

    /// Returns the networks, to be learnt apart.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns the mean of the members' log-odds.
    ///
    /// Shape: in rows × inputs, normalised; out rows.
    pub fn logits(&self, xs: &Tensor) -> Tensor {
        let each: Vec<Tensor> = self.members.iter().map(|member| member.logits(xs, |units| units)).collect();
        Tensor::stack(&each, 0).mean_dim(Some([0].as_slice()), false, None)
    }
}

impl Member {
    /// Returns log-odds; `hidden` sees what each hidden layer hands on and may change it, as dropout does.
    ///
    /// Shape: in rows × inputs, normalised; out rows.
    pub fn logits(&self, xs: &Tensor, hidden: impl Fn(Tensor) -> Tensor) -> Tensor {
        let mut units = xs.shallow_clone();
        for layer in &self.hidden {
            units = hidden(self.activation.of(&layer.of(&units)));
        }
        let logits = match &self.skip {
            Some(weight) => self.last.of(&units) + xs.linear::<Tensor>(weight, None),
            None => self.last.of(&units),
        };
        logits.squeeze_dim(1)
    }
}

/// Makes variables.
struct Make {
    start: Start,
    chance: ChaCha8Rng,
}

impl Make {
    fn layer(&mut self, path: &nn::Path<'_>, outputs: usize, inputs: usize) -> Layer {
        let weight = self.variable(path, "weight", &[outputs, inputs]);
        let within = bound(inputs);
        let bias = self.filled(path, "bias", &[outputs], within);
        Layer { weight, bias }
    }

    /// Returns a matrix whose second dimension is what each of its outputs reads.
    fn variable(&mut self, path: &nn::Path<'_>, name: &str, shape: &[usize; 2]) -> Tensor {
        self.filled(path, name, shape, bound(shape[1]))
    }

    fn filled(&mut self, path: &nn::Path<'_>, name: &str, shape: &[usize], within: f32) -> Tensor {
        let count = shape.iter().product();
        let values: Vec<f32> = match self.start {
            Start::Zero => vec![0.0; count],
            Start::Drawn(_) => (0..count).map(|_| self.chance.random_range(-within..=within)).collect(),
        };
        let dimensions: Vec<i64> = shape.iter().map(|length| *length as i64).collect();
        path.var_copy(name, &Tensor::from_slice(&values).view(dimensions.as_slice()))
    }
}

fn bound(fan_in: usize) -> f32 {
    1.0 / (fan_in as f32).sqrt()
}
