//! From rows to a model and what it is worth: split, scale, learn, calibrate, judge beside the baseline.
//!
//! The same rows, settings and seed give the same bytes: libtorch runs on one thread, and no chance but the seed's is used.

use std::collections::BTreeSet;
use std::sync::Once;

use tch::nn::VarStore;
use tch::{Device, Tensor, no_grad};

use super::calibrate::{calibrate, calibrated};
use super::dataset::Dataset;
use super::error::Error;
use super::logistic::{Examples, Logistic, PENALTY, sigmoid};
use super::matrix::Matrix;
use super::member::{self, Learnt, Progress};
use super::report::{Judgement, Part, Report};
use super::scale::{self, Chosen};
use super::settings::FitSettings;
use super::split::Split;
use crate::model::manifest::FORMAT;
use crate::model::{Artefact, Calibration, Golden, Inputs, Manifest, Network, Start, Training, Weights};

/// Rows that are scored together.
const SCORED_TOGETHER: usize = 4_096;

/// Learns a model from rows and judges it; tells `progress` after every epoch.
///
/// Errors: a row or a setting is not legal; a part of the rows has one class only; no feature ever changes; the loss runs away.
pub fn fit(
    data: &Dataset,
    settings: &FitSettings,
    progress: &mut dyn FnMut(&Progress),
) -> Result<(Artefact, Report), Error> {
    settings.check()?;
    data.check()?;
    one_thread();
    let split = Split::of(data, settings)?;
    let chosen = scale::choose(data, &split.train, settings)?;
    let inputs = Inputs::new(chosen.inputs.clone())?;
    let matrix = |places: &[usize]| Matrix::of(data, places, |row, out| inputs.normalise(row, out));
    let parts = (&matrix(&split.train), &matrix(&split.validation));
    let learn = |number| member::learn(number, parts, settings, progress);
    let members = (0..settings.members).map(learn).collect::<Result<Vec<Learnt>, Error>>()?;

    let calibration = calibrate(&parts.1.answered(&logits(&members, settings, parts.1)));
    let mut manifest = manifest(data, settings, &split, (&chosen, calibration));
    let sample = &data.rows[split.validation[0]].features;
    let artefact =
        |manifest: Manifest| Artefact::new(manifest, assembled(&members, settings, inputs.len()), sample);
    let judges = if split.test.is_empty() { &split.validation } else { &split.test };
    let network = judge(data, judges, &scored(&artefact(manifest.clone())?, data, judges))?;
    let baseline = judge(data, judges, &by_baseline(parts, &matrix(judges)))?;
    manifest.metrics = Some(network.measures);

    let part = |places: &[usize]| Part::of(data, places);
    let mut report = Report {
        head: data.head,
        horizon: data.horizon,
        version: manifest.version.clone(),
        data_fingerprint: fingerprint(data),
        cut: split.cut,
        train: part(&split.train),
        validation: part(&split.validation),
        test: (!split.test.is_empty()).then(|| part(&split.test)),
        features: chosen.inputs.iter().map(|input| input.feature.to_string()).collect(),
        constant: chosen.constant.iter().map(|name| (*name).to_owned()).collect(),
        members: members.iter().map(|learnt| learnt.member).collect(),
        calibration,
        network,
        baseline,
        warnings: Vec::new(),
    };
    report.warn();
    Ok((artefact(manifest)?, report))
}

/// Makes libtorch run on one thread, for the whole process: sums of several threads come in any order.
fn one_thread() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tch::set_num_threads(1));
}

/// Returns the variables of a network of all members.
fn assembled(members: &[Learnt], settings: &FitSettings, inputs: usize) -> VarStore {
    let store = VarStore::new(Device::Cpu);
    // The network only tells the names and shapes; the store keeps the variables.
    drop(Network::new(&store.root(), &settings.architecture(members.len()), inputs, Start::Zero));
    let mut variables = store.variables();
    for (number, learnt) in members.iter().enumerate() {
        for (name, value) in &learnt.variables {
            // Apart, each was member 0.
            let name = name.strip_prefix('0').map(|rest| format!("{number}{rest}"));
            let variable =
                name.and_then(|name| variables.get_mut(&name)).expect("a member is a network of one");
            no_grad(|| variable.copy_(value));
        }
    }
    store
}

/// Returns the mean log-odds of the members.
fn logits(members: &[Learnt], settings: &FitSettings, rows: &Matrix) -> Vec<f64> {
    let store = assembled(members, settings, rows.width);
    let network = Network::new(&store.root(), &settings.architecture(members.len()), rows.width, Start::Zero);
    let logits = no_grad(|| {
        let inputs = Tensor::from_slice(&rows.inputs).view([rows.rows() as i64, rows.width as i64]);
        network.logits(&inputs).to_kind(tch::Kind::Double)
    });
    Vec::try_from(logits).expect("one dimension of doubles")
}

/// Returns the probabilities of rows as the model will serve them.
fn scored(artefact: &Artefact, data: &Dataset, places: &[usize]) -> Vec<f32> {
    let rows: Vec<&[f32]> = places.iter().map(|place| &*data.rows[*place].features).collect();
    rows.chunks(SCORED_TOGETHER).flat_map(|rows| artefact.score(rows)).collect()
}

/// Returns the probabilities of a logistic regression, learnt and calibrated as the network is.
fn by_baseline((train, validation): (&Matrix, &Matrix), judges: &Matrix) -> Vec<f32> {
    let targets: Vec<f64> = train.labels.iter().map(|label| f64::from(u8::from(*label))).collect();
    let examples = Examples { inputs: &train.inputs, targets: &targets, weights: &train.weights };
    let line = Logistic::fit(&examples, PENALTY);
    let logits = |matrix: &Matrix| -> Vec<f64> {
        matrix.inputs.chunks_exact(matrix.width).map(|row| line.logit(row)).collect()
    };
    let calibration = calibrate(&validation.answered(&logits(validation)));
    logits(judges).into_iter().map(|logit| sigmoid(calibrated(calibration, logit)) as f32).collect()
}

fn judge(data: &Dataset, places: &[usize], probabilities: &[f32]) -> Result<Judgement, Error> {
    let rows = || places.iter().map(|place| &data.rows[*place]);
    let labels: Vec<bool> = rows().map(|row| row.label).collect();
    let weights: Vec<f32> = rows().map(|row| row.weight).collect();
    Judgement::of(probabilities, &labels, Some(&weights))
}

fn manifest(
    data: &Dataset,
    settings: &FitSettings,
    split: &Split,
    (chosen, calibration): (&Chosen, Calibration),
) -> Manifest {
    let (from_ms, until_ms) = data.window().unwrap_or_default();
    let training = Training {
        seed: settings.seed,
        from_ms,
        until_ms,
        rows: data.rows.len(),
        fingerprint: fingerprint(data),
        source: settings.source.clone(),
        code: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Manifest {
        format: FORMAT,
        head: data.head,
        version: settings.version_of(data),
        architecture: settings.architecture(settings.members),
        inputs: chosen.inputs.clone(),
        horizon_ms: data.horizon,
        calibration,
        prior: base_rate(data, split),
        metrics: None,
        training: Some(training),
        golden: Golden::default(),
        weights: Weights::default(),
    }
}

fn fingerprint(data: &Dataset) -> String {
    format!("{:016x}", data.fingerprint())
}

/// Returns the share of the rows that the calibration knows that came to pass.
fn base_rate(data: &Dataset, split: &Split) -> f32 {
    let rows = || split.validation.iter().map(|place| &data.rows[*place]);
    let positive: f32 = rows().filter(|row| row.label).map(|row| row.weight).sum();
    positive / rows().map(|row| row.weight).sum::<f32>()
}

impl Part {
    fn of(data: &Dataset, places: &[usize]) -> Self {
        let rows = || places.iter().map(|place| &data.rows[*place]);
        Self {
            rows: places.len(),
            customers: rows().map(|row| row.customer).collect::<BTreeSet<u64>>().len(),
            positives: rows().filter(|row| row.label).count(),
            from: rows().map(|row| row.at).min().unwrap_or_default(),
            until: rows().map(|row| row.at).max().unwrap_or_default(),
        }
    }
}
