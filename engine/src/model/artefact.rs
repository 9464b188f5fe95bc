//! A model with its weights: made by whoever trains, saved and loaded whole, asked for probabilities.

use std::fs;
use std::path::Path;

use tch::Device;
use tch::nn::VarStore;
use xxhash_rust::xxh3::xxh3_128;

use super::error::Error;
use super::exact::Exact;
use super::input::Inputs;
use super::manifest::{Golden, Manifest, Weights};
use super::network::{Network, Start};
use super::weights;
use crate::files::replace;

/// Name of the manifest in a model's folder.
pub const MANIFEST_FILE: &str = "model.json";

/// Name of the weights in a model's folder.
pub const WEIGHTS_FILE: &str = "weights.safetensors";

/// Most that the golden pair may be off: what grids, single precision and another machine's logarithm make, far below what a wrong order,
/// unit or normalisation makes.
///
/// Units: probability.
pub const GOLDEN_TOLERANCE: f32 = 1e-3;

/// A model that answers.
#[derive(Debug)]
pub struct Artefact {
    manifest: Manifest,
    inputs: Inputs,
    /// The weights by name, which [`Self::network`] shares.
    store: VarStore,
    /// As it was learnt; for explanations.
    network: Network,
    /// As it answers.
    exact: Exact,
}

impl Artefact {
    /// Makes a model of a network that was learnt, whose weights are in `store`. The golden pair is made of `sample`; what the manifest
    /// says of golden pair and weights is overwritten.
    ///
    /// Shape: sample in the order of [`schemas::feature::TABLE`].
    ///
    /// Errors: the manifest, its inputs or a weight is not legal; the weights are not those of the architecture.
    pub fn new(manifest: Manifest, store: VarStore, sample: &[f32]) -> Result<Self, Error> {
        let inputs = Inputs::new(manifest.inputs.clone())?;
        let file = weights::write(&store, &inputs)?;
        let mut artefact = Self::of_parts(manifest, &file)?;
        let features: Vec<f32> = artefact.inputs.select(sample).collect();
        let probability = artefact.score(&[sample])[0];
        artefact.manifest.golden = Golden { features, probability };
        artefact.manifest.weights = described(&file);
        artefact.check_golden()?;
        Ok(artefact)
    }

    /// Reads the model of a folder.
    ///
    /// Errors: a file cannot be read, or says what disagrees with the engine, the other file or the golden pair.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        let read = |name: &str| {
            let path = dir.join(name);
            fs::read(&path).map_err(|source| Error::Io { path, source })
        };
        Self::from_bytes(&read(MANIFEST_FILE)?, &read(WEIGHTS_FILE)?)
    }

    /// Reads a model.
    ///
    /// Errors: as for a folder.
    pub fn from_bytes(manifest: &[u8], weights: &[u8]) -> Result<Self, Error> {
        let manifest = Manifest::from_json(manifest)?;
        if manifest.weights.file != WEIGHTS_FILE {
            return Err(Error::WeightsFile(manifest.weights.file));
        }
        let found = described(weights);
        if found != manifest.weights {
            let stated = manifest.weights;
            return Err(Error::Checksum {
                found: found.xxh3,
                found_bytes: found.bytes,
                stated: stated.xxh3,
                stated_bytes: stated.bytes,
            });
        }
        let artefact = Self::of_parts(manifest, weights)?;
        artefact.check_golden()?;
        Ok(artefact)
    }

    fn of_parts(manifest: Manifest, file: &[u8]) -> Result<Self, Error> {
        manifest.check()?;
        let inputs = Inputs::new(manifest.inputs.clone())?;
        let mut store = VarStore::new(Device::Cpu);
        let network = Network::new(&store.root(), &manifest.architecture, inputs.len(), Start::Zero);
        weights::read(file, &inputs, &store)?;
        store.freeze();
        let exact = Exact::of(&network);
        Ok(Self { manifest, inputs, store, network, exact })
    }

    fn check_golden(&self) -> Result<(), Error> {
        let Golden { features, probability: stated } = &self.manifest.golden;
        let (found, legal) = (features.len(), self.inputs.len());
        if found != legal {
            return Err(Error::GoldenShape { found, legal });
        }
        let mut row = Vec::with_capacity(legal);
        self.inputs.normalise_selected(features.iter().copied(), &mut row);
        let said = self.probabilities(&row)[0];
        // Written so that NaN is refused.
        if (said - stated).abs() <= GOLDEN_TOLERANCE {
            Ok(())
        } else {
            Err(Error::Golden { stated: *stated, said })
        }
    }

    /// Writes the model into a folder, which is made; a crash leaves the old files, the new ones, or files that are refused by checksum.
    ///
    /// Errors: the system refuses.
    pub fn save(&self, dir: &Path) -> Result<(), Error> {
        let failed = |source| Error::Io { path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(failed)?;
        let file = weights::write(&self.store, &self.inputs)?;
        replace(&dir.join(WEIGHTS_FILE), &file).map_err(failed)?;
        replace(&dir.join(MANIFEST_FILE), self.manifest.to_json().as_bytes()).map_err(failed)
    }

    /// Returns what is said about the model.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns what it reads.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Returns the network as it was learnt.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Returns the calibrated probability of each row, the same in whatever batch; NaN where an input is no number.
    ///
    /// Shape: rows in the order of [`schemas::feature::TABLE`].
    pub fn score(&self, rows: &[&[f32]]) -> Vec<f32> {
        let mut values = Vec::with_capacity(rows.len() * self.inputs.len());
        rows.iter().for_each(|row| self.inputs.normalise(row, &mut values));
        self.probabilities(&values)
    }

    /// Returns the probability of each row.
    ///
    /// Shape: rows × inputs, normalised, row by row.
    fn probabilities(&self, rows: &[f32]) -> Vec<f32> {
        let logits = self.exact.logits(rows, self.inputs.len());
        logits.into_iter().map(|logit| self.manifest.calibration.probability(logit)).collect()
    }
}

fn described(weights: &[u8]) -> Weights {
    let xxh3 = format!("{:032x}", xxh3_128(weights));
    Weights { file: WEIGHTS_FILE.to_owned(), bytes: weights.len() as u64, xxh3 }
}
