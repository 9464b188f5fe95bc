//! How one network learns: in small steps over shuffled rows, until the validation part says that it gets no better.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::nn::{self, OptimizerConfig};
use tch::{Device, Reduction, Tensor, no_grad};

use super::error::Error;
use super::matrix::Matrix;
use super::report::Member;
use super::settings::FitSettings;
use crate::model::{Network, Start};

/// How far learning is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Which network learns, from 0.
    pub member: usize,
    /// How many will.
    pub members: usize,
    /// Times that it has seen every row of training.
    pub epoch: usize,
    /// Most times that it will.
    pub epochs_max: usize,
    /// Mean loss on the training rows.
    pub train_loss: f64,
    /// Mean loss on the validation rows.
    pub validation_loss: f64,
}

/// A network that has learnt.
pub(super) struct Learnt {
    /// Its variables as they were when the validation part liked them best, by name.
    pub(super) variables: BTreeMap<String, Tensor>,
    /// How it went.
    pub(super) member: Member,
}

/// Rows as tensors.
struct Rows {
    inputs: Tensor,
    labels: Tensor,
    weights: Tensor,
}

impl Rows {
    fn of(matrix: &Matrix) -> Self {
        let shape = [matrix.rows() as i64, matrix.width as i64];
        let labels: Vec<f32> = matrix.labels.iter().map(|label| f32::from(u8::from(*label))).collect();
        Self {
            inputs: Tensor::from_slice(&matrix.inputs).view(shape),
            labels: Tensor::from_slice(&labels),
            weights: Tensor::from_slice(&matrix.weights),
        }
    }

    fn select(&self, places: &[i64]) -> Self {
        let places = Tensor::from_slice(places);
        let of = |tensor: &Tensor| tensor.index_select(0, &places);
        Self { inputs: of(&self.inputs), labels: of(&self.labels), weights: of(&self.weights) }
    }

    /// Returns the mean loss of log-odds: binary cross-entropy.
    fn loss(&self, logits: &Tensor) -> Tensor {
        let none: Option<&Tensor> = None;
        logits.binary_cross_entropy_with_logits(&self.labels, Some(&self.weights), none, Reduction::Mean)
    }
}

/// Lets member number `number` learn.
///
/// Errors: the loss is no number from the first epoch on, or libtorch refuses the settings.
pub(super) fn learn(
    number: usize,
    (train, validation): (&Matrix, &Matrix),
    settings: &FitSettings,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Learnt, Error> {
    // Every chance comes from here, none from libtorch, whose generator all threads of the process share.
    let mut chance = ChaCha8Rng::seed_from_u64(settings.seed);
    chance.set_stream(number as u64);
    let store = nn::VarStore::new(Device::Cpu);
    let start = Start::Drawn(chance.random());
    let network = Network::new(&store.root(), &settings.architecture(1), train.width, start);
    let of_one = &network.members()[0];
    let adam = nn::AdamW { wd: settings.weight_decay, ..nn::AdamW::default() };
    let mut optimizer = adam.build(&store, settings.learning_rate)?;
    let (train, validation) = (Rows::of(train), Rows::of(validation));
    let mut order: Vec<i64> = (0..train.labels.numel() as i64).collect();
    let mut best: Option<Learnt> = None;
    for epoch in 1..=settings.epochs_max {
        order.shuffle(&mut chance);
        let masks = RefCell::new(&mut chance);
        let mut lost = 0.0;
        for places in order.chunks(settings.batch) {
            let batch = train.select(places);
            let silenced = |units| dropout(units, settings.dropout, *masks.borrow_mut());
            let loss = batch.loss(&of_one.logits(&batch.inputs, silenced));
            optimizer.backward_step(&loss);
            lost += loss.double_value(&[]) * places.len() as f64;
        }
        let train_loss = lost / order.len() as f64;
        let validation_loss =
            no_grad(|| validation.loss(&network.logits(&validation.inputs))).double_value(&[]);
        let (members, epochs_max) = (settings.members, settings.epochs_max);
        progress(&Progress { member: number, members, epoch, epochs_max, train_loss, validation_loss });
        let best_loss = best.as_ref().map_or(f64::INFINITY, |best| best.member.validation_loss);
        if validation_loss < best_loss {
            let variables =
                store.variables().into_iter().map(|(name, value)| (name, value.detach().copy())).collect();
            best = Some(Learnt {
                variables,
                member: Member { epochs: epoch, best_epoch: epoch, train_loss, validation_loss },
            });
        }
        let Some(best) = &mut best else { return Err(Error::Diverged) };
        best.member.epochs = epoch;
        if epoch - best.member.best_epoch >= settings.patience {
            break;
        }
    }
    best.ok_or(Error::Diverged)
}

/// Returns units with a share of them silent, others in each row, and the rest the louder.
fn dropout(units: Tensor, share: f64, chance: &mut ChaCha8Rng) -> Tensor {
    if share <= 0.0 {
        return units;
    }
    let loud = (1.0 / (1.0 - share)) as f32;
    let silent_below = (share * f64::from(u32::MAX)) as u32;
    let of_unit = |_| if chance.random::<u32>() < silent_below { 0.0 } else { loud };
    let mask: Vec<f32> = (0..units.numel()).map(of_unit).collect();
    &units * Tensor::from_slice(&mask).view_as(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropout_silences_its_share_and_keeps_the_mean() {
        let units = Tensor::ones([100, 200], (tch::Kind::Float, Device::Cpu));
        let mut chance = ChaCha8Rng::seed_from_u64(9);
        let out = dropout(units.shallow_clone(), 0.25, &mut chance);
        let silent = out.eq(0.0).to_kind(tch::Kind::Double).mean(tch::Kind::Double).double_value(&[]);
        assert!((silent - 0.25).abs() < 0.01, "{silent}");
        let mean = out.mean(tch::Kind::Double).double_value(&[]);
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert_eq!(dropout(units.shallow_clone(), 0.0, &mut chance), units);
    }
}
