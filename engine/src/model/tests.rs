//! Tests of models: what is saved comes back, answers do not depend on the batch, and whatever disagrees is refused by name.

use std::fs;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use schemas::feature::{self, TABLE};
use schemas::score::Head;
use schemas::time::Span;
use serde_json::{Value, json};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};

use super::artefact::{MANIFEST_FILE, WEIGHTS_FILE};
use super::manifest::{FORMAT, is_version};
use super::*;

const FEATURES: [&str; 4] = ["order_recency", "order_count", "cancellation_share", "cart_value"];

fn inputs(names: &[&str]) -> Vec<Input> {
    let input = |(place, name): (usize, &&str)| Input {
        feature: (*name).into(),
        unit: TABLE[feature::place(name).expect("a feature")].unit.into(),
        transform: [Transform::Identity, Transform::Log1p, Transform::SignedLog1p][place % 3],
        mean: place as f32 * 0.1,
        scale: 1.0 + place as f32,
    };
    names.iter().enumerate().map(input).collect()
}

fn manifest(architecture: Architecture, names: &[&str]) -> Manifest {
    Manifest {
        format: FORMAT,
        head: Head::Churn,
        version: "test-1".into(),
        architecture,
        inputs: inputs(names),
        horizon_ms: Some(Span::days(90)),
        calibration: Calibration { slope: 0.9, intercept: -0.2 },
        prior: 0.3,
        metrics: None,
        training: None,
        golden: Golden::default(),
        weights: Weights::default(),
    }
}

fn mlp(hidden: &[usize], activation: Activation, members: usize) -> Architecture {
    Architecture::Mlp { hidden: hidden.to_vec(), activation, skip: Skip::Linear, members }
}

fn artefact_of(architecture: Architecture, names: &[&str], seed: u64) -> Artefact {
    let store = VarStore::new(Device::Cpu);
    Network::new(&store.root(), &architecture, names.len(), Start::Drawn(seed));
    // Not near 0, where every transform is a straight line.
    let sample: Vec<f32> = (0..TABLE.len()).map(|place| (place % 5) as f32 + 2.5).collect();
    Artefact::new(manifest(architecture, names), store, &sample).expect("a legal model")
}

/// Returns a small model of a head; each seed another one.
pub(crate) fn model(head: Head, version: &str, seed: u64) -> Artefact {
    let store = VarStore::new(Device::Cpu);
    let architecture = mlp(&[8, 4], Activation::Relu, 2);
    Network::new(&store.root(), &architecture, FEATURES.len(), Start::Drawn(seed));
    let manifest = Manifest { head, version: version.into(), ..manifest(architecture, &FEATURES) };
    Artefact::new(manifest, store, &[1.0; TABLE.len()]).expect("a legal model")
}

fn artefact() -> Artefact {
    artefact_of(mlp(&[8, 4], Activation::Relu, 2), &FEATURES, 7)
}

/// Returns rows as wild as profiles can be.
pub(crate) fn random_rows(count: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut value = move || chance.random_range(-1.0_f32..1.0) * 10.0_f32.powi(chance.random_range(-2..5));
    (0..count).map(|_| TABLE.iter().map(|_| value()).collect()).collect()
}

fn views(rows: &[Vec<f32>]) -> Vec<&[f32]> {
    rows.iter().map(Vec::as_slice).collect()
}

#[test]
fn what_is_saved_comes_back_and_says_the_same() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (saved, dir) = (artefact(), folder.path().join("churn").join("test-1"));
    saved.save(&dir).expect("saved");
    let loaded = Artefact::load(&dir).expect("loaded");
    assert_eq!(loaded.manifest(), saved.manifest());
    let rows = random_rows(64, 1);
    assert_eq!(loaded.score(&views(&rows)), saved.score(&views(&rows)));
    let bytes = |name: &str| fs::read(dir.join(name)).expect("a file");
    let before = (bytes(MANIFEST_FILE), bytes(WEIGHTS_FILE));
    loaded.save(&dir).expect("saved again");
    assert_eq!((bytes(MANIFEST_FILE), bytes(WEIGHTS_FILE)), before, "the same model is the same bytes");
    assert_eq!(fs::read_dir(&dir).expect("a folder").count(), 2, "nothing temporary is left");
}

#[test]
fn a_row_scores_the_same_to_the_last_bit_in_whatever_batch() {
    let names: Vec<&str> = TABLE.iter().take(24).map(|feature| feature.name).collect();
    for activation in [Activation::Relu, Activation::Silu, Activation::Tanh] {
        let artefact = artefact_of(mlp(&[32, 16], activation, 3), &names, 3);
        let rows = random_rows(256, 2);
        let alone: Vec<f32> = rows.iter().map(|row| artefact.score(&[row])[0]).collect();
        let mut chance = ChaCha8Rng::seed_from_u64(4);
        for _ in 0..200 {
            let size = chance.random_range(1..=64);
            let places: Vec<usize> = (0..size).map(|_| chance.random_range(0..rows.len())).collect();
            let batch: Vec<&[f32]> = places.iter().map(|place| rows[*place].as_slice()).collect();
            for (said, place) in artefact.score(&batch).into_iter().zip(&places) {
                assert_eq!(said.to_bits(), alone[*place].to_bits(), "{activation:?}, batch of {size}");
            }
        }
    }
}

#[test]
fn answers_are_those_of_single_precision_but_for_a_ten_thousandth() {
    let names: Vec<&str> = TABLE.iter().map(|feature| feature.name).collect();
    let artefact = artefact_of(mlp(&[64, 32], Activation::Relu, 5), &names, 5);
    let mut chance = ChaCha8Rng::seed_from_u64(6);
    let mut worst = 0.0_f32;
    for _ in 0..50 {
        // Around the mean customer, where single precision is at its best.
        let row: Vec<f32> = TABLE.iter().map(|_| chance.random_range(-3.0..3.0)).collect();
        let mut xs = Vec::new();
        artefact.inputs().normalise(&row, &mut xs);
        let logits = no_grad(|| artefact.network().logits(&Tensor::from_slice(&xs).view([1, -1])));
        let single = artefact.manifest().calibration.probability(logits.double_value(&[0]));
        worst = worst.max((single - artefact.score(&[&row])[0]).abs());
    }
    assert!(worst < 1e-4, "{worst}");
}

#[test]
fn a_value_that_is_no_number_spoils_its_own_row_only() {
    let artefact = artefact();
    let rows = random_rows(3, 8);
    let good = artefact.score(&views(&rows));
    let mut spoilt = rows.clone();
    spoilt[1][feature::place("order_count").expect("a feature")] = f32::NAN;
    let said = artefact.score(&views(&spoilt));
    assert!(said[1].is_nan());
    assert_eq!((said[0], said[2]), (good[0], good[2]));
    for value in [f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN] {
        let said = artefact.score(&[&vec![value; TABLE.len()]])[0];
        assert!((0.0..=1.0).contains(&said), "{value}: {said}");
    }
    assert!(artefact.score(&[&[1.0]])[0].is_nan(), "a row of an older table is not taken for a whole one");
}

#[test]
fn weights_begin_as_those_of_pytorch_and_come_from_the_seed_alone() {
    let architecture =
        Architecture::Mlp { hidden: vec![400], activation: Activation::Relu, skip: Skip::None, members: 1 };
    let drawn = |seed| {
        let store = VarStore::new(Device::Cpu);
        Network::new(&store.root(), &architecture, 25, Start::Drawn(seed));
        let weight =
            |name: &str| Vec::<f32>::try_from(store.variables()[name].flatten(0, -1)).expect("floats");
        (weight("0.hidden.0.weight"), weight("0.hidden.0.bias"), weight("0.last.weight"))
    };
    let (hidden, bias, last) = drawn(1);
    // torch.nn.Linear draws weight and bias uniformly within ±1/√fan_in: a variance of 1 / (3 · fan_in).
    for (values, fan_in) in [(&hidden, 25.0_f32), (&bias, 25.0), (&last, 400.0)] {
        let bound = 1.0 / fan_in.sqrt();
        assert!(values.iter().all(|value| value.abs() <= bound));
        let most = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        assert!(most > 0.95 * bound, "{most} of {bound}");
        let variance = values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32;
        assert!((variance * 3.0 * fan_in - 1.0).abs() < 0.15, "{variance} of {}", 1.0 / (3.0 * fan_in));
    }
    assert_eq!(drawn(1), (hidden.clone(), bias, last));
    assert_ne!(drawn(2).0, hidden);
}

#[test]
fn a_straight_line_is_explained_exactly_and_the_largest_part_comes_first() {
    let artefact = artefact_of(mlp(&[], Activation::Relu, 1), &FEATURES, 9);
    let row = vec![0.7; TABLE.len()];
    let parts = artefact.explain(&row);
    assert!(parts.iter().map(|part| part.adds.abs()).is_sorted_by(|a, b| a >= b), "{parts:?}");
    let logit = |probability: f32| f64::from(probability / (1.0 - probability)).ln();
    let mut mean = vec![0.0; TABLE.len()];
    for input in artefact.inputs().list() {
        // The value that is made ready as 0.
        let value = match input.transform {
            Transform::Identity => input.mean,
            Transform::Log1p | Transform::SignedLog1p => input.mean.exp_m1(),
        };
        mean[feature::place(&input.feature).expect("a feature")] = value;
    }
    let adds: f32 = parts.iter().map(|part| part.adds).sum();
    let away = logit(artefact.score(&[&row])[0]) - logit(artefact.score(&[&mean])[0]);
    assert!((f64::from(adds) - away).abs() < 1e-3, "{adds} {away}");
    let part = parts.iter().find(|part| part.feature == "cart_value").expect("an input");
    assert_eq!((part.unit, part.value), ("currency", 0.7));
    assert!(artefact.explain(&[f32::NAN; 1]).iter().all(|part| part.adds == 0.0));
}

/// Saves a model, lets `harm` change its folder, and returns why it is refused.
fn refusal(harm: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().expect("temporary folder");
    artefact().save(folder.path()).expect("saved");
    harm(folder.path());
    Artefact::load(folder.path()).expect_err("refused").to_string()
}

/// Changes the manifest of a folder.
fn edit(dir: &Path, change: impl FnOnce(&mut Value)) {
    let path = dir.join(MANIFEST_FILE);
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).expect("a manifest")).expect("JSON");
    change(&mut manifest);
    fs::write(path, manifest.to_string()).expect("written");
}

/// Changes the tensors of a folder and states the new checksum in its manifest, as one who makes a model by other means would.
fn edit_weights(dir: &Path, change: impl FnOnce(&mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>)) {
    let path = dir.join(WEIGHTS_FILE);
    let file = fs::read(&path).expect("weights");
    let (_, metadata) = SafeTensors::read_metadata(&file).expect("a header");
    let file_tensors = SafeTensors::deserialize(&file).expect("tensors");
    let owned = |(name, view): (String, TensorView<'_>)| {
        (name, view.dtype(), view.shape().to_vec(), view.data().to_vec())
    };
    let mut tensors: Vec<_> = file_tensors.tensors().into_iter().map(owned).collect();
    change(&mut tensors);
    let views = tensors.iter().map(|(name, kind, shape, bytes)| {
        (name.as_str(), TensorView::new(*kind, shape.clone(), bytes).expect("bytes of the shape"))
    });
    let file = serialize(views, metadata.metadata()).expect("a file");
    state(dir, &file);
}

/// Writes weights and states their checksum.
fn state(dir: &Path, file: &[u8]) {
    fs::write(dir.join(WEIGHTS_FILE), file).expect("written");
    edit(dir, |manifest| {
        manifest["weights"]["bytes"] = json!(file.len());
        manifest["weights"]["xxh3"] = json!(format!("{:032x}", xxhash_rust::xxh3::xxh3_128(file)));
    });
}

#[track_caller]
fn check_manifest(change: impl FnOnce(&mut Value), expected: &str) {
    let refused = refusal(|dir| edit(dir, change));
    assert!(refused.contains(expected), "{refused}\n  lacks: {expected}");
}

#[test]
fn a_manifest_that_disagrees_is_refused_with_the_field_and_what_would_be_legal() {
    check_manifest(|m| m["format"] = json!(2), "format is 2; this version of the engine reads 1");
    check_manifest(|m| m["head"] = json!("churm"), "unknown variant `churm`, expected one of");
    check_manifest(|m| m["colour"] = json!(1), "unknown field `colour`");
    check_manifest(|m| m["version"] = json!("../x"), "version is \"../x\"; legal: 1 to 64 of a-z");
    check_manifest(|m| m["version"] = json!("rules-2"), "version is \"rules-2\"");
    check_manifest(|m| m["architecture"]["kind"] = json!("gru"), "unknown variant `gru`, expected `mlp`");
    check_manifest(|m| m["architecture"]["members"] = json!(0), "architecture.members has 0; legal: 1 to 32");
    check_manifest(
        |m| m["architecture"]["hidden"] = json!([8, 1000]),
        "architecture.hidden has 1000; legal: 1 to 511",
    );
    check_manifest(|m| m["inputs"] = json!([]), "inputs has 0 entries; legal: 1 to 511");
    check_manifest(
        |m| m["inputs"][1]["feature"] = json!("order_cuont"),
        "inputs[1].feature is \"order_cuont\", which is no feature; nearest is order_count",
    );
    check_manifest(
        |m| m["inputs"][1] = m["inputs"][0].clone(),
        "inputs[1].feature is order_recency, which is an input already",
    );
    check_manifest(
        |m| m["inputs"][0]["unit"] = json!("hours"),
        "inputs[0].unit of order_recency is \"hours\"; the feature table has \"days\"",
    );
    check_manifest(
        |m| m["inputs"][2]["scale"] = json!(0.0),
        "inputs[2].scale of cancellation_share is 0; legal: a finite number above 0",
    );
    check_manifest(|m| m["inputs"][3]["mean"] = Value::Null, "invalid type: null, expected f32");
    check_manifest(|m| m["inputs"][3]["mean"] = json!(1e300), "number out of range at line 1 column");
    check_manifest(
        |m| m["calibration"]["slope"] = json!(-1.0),
        "calibration.slope is -1; legal: a finite number above 0",
    );
    check_manifest(|m| m["prior"] = json!(1.5), "prior is 1.5; legal: 0 to 1");
    check_manifest(|m| m["horizon_ms"] = json!(0), "horizon_ms is 0; legal: above 0, or null");
    check_manifest(
        |m| m["weights"]["file"] = json!("../../etc/passwd"),
        "weights.file is \"../../etc/passwd\"; legal: weights.safetensors",
    );
}

#[test]
fn means_and_scales_that_are_no_numbers_make_no_model() {
    for (mean, scale, field) in [
        (f32::NAN, 1.0, "mean"),
        (f32::INFINITY, 1.0, "mean"),
        (0.0, f32::NAN, "scale"),
        (0.0, -1.0, "scale"),
    ] {
        let mut list = inputs(&FEATURES);
        (list[3].mean, list[3].scale) = (mean, scale);
        let refused = Inputs::new(list).expect_err("refused").to_string();
        assert!(refused.contains(&format!("inputs[3].{field} of cart_value is")), "{refused}");
    }
}

#[test]
fn a_missing_feature_is_refused() {
    check_manifest(
        |m| drop(m["inputs"].as_array_mut().expect("a list").remove(2)),
        "inputs lacks cancellation_share, with which the weights were trained as input 2",
    );
}

#[test]
fn an_additional_feature_is_refused() {
    check_manifest(
        |m| {
            let more = json!({"feature": "tenure", "unit": "days", "transform": "identity", "mean": 0.0, "scale": 1.0});
            m["inputs"].as_array_mut().expect("a list").push(more);
        },
        "inputs[4] is tenure, with which the weights were not trained",
    );
}

#[test]
fn another_order_is_refused() {
    check_manifest(
        |m| m["inputs"].as_array_mut().expect("a list").swap(0, 1),
        "inputs[0] is order_count; the weights were trained with order_recency in this place",
    );
}

#[test]
fn a_golden_pair_that_does_not_reproduce_is_refused() {
    let stated = artefact().manifest().golden.probability;
    check_manifest(|m| m["golden"]["probability"] = json!(stated + 0.01), "legal: within 0.001");
    check_manifest(|m| m["golden"]["features"][0] = json!(-9.0), "golden.probability is");
    check_manifest(|m| m["golden"]["features"] = json!([1.0]), "golden.features has 1 values; inputs has 4");
    check_manifest(|m| m["inputs"][0]["mean"] = json!(-30.0), "golden.probability is");
    check_manifest(|m| m["inputs"][3]["transform"] = json!("log1p"), "golden.probability is");
    check_manifest(|m| m["calibration"]["slope"] = json!(0.5), "golden.probability is");
    check_manifest(|m| m["architecture"]["activation"] = json!("tanh"), "golden.probability is");
}

#[test]
fn truncated_or_damaged_weights_are_refused_at_every_byte() {
    let folder = tempfile::tempdir().expect("temporary folder");
    artefact().save(folder.path()).expect("saved");
    let manifest = fs::read(folder.path().join(MANIFEST_FILE)).expect("a manifest");
    let weights = fs::read(folder.path().join(WEIGHTS_FILE)).expect("weights");
    let refused = |weights: &[u8]| Artefact::from_bytes(&manifest, weights).expect_err("refused").to_string();
    for length in 0..weights.len() {
        let said = refused(&weights[..length]);
        assert!(said.contains("it is truncated, damaged or of another model"), "{length}: {said}");
    }
    for place in (0..weights.len()).step_by(7) {
        let mut damaged = weights.clone();
        damaged[place] ^= 1;
        assert!(refused(&damaged).contains("checksum"), "{place}");
    }
}

#[test]
fn files_that_are_not_what_they_are_named_are_refused() {
    let refused = refusal(|dir| state(dir, b"not a model"));
    assert!(refused.contains("weights.safetensors: not in the safetensors format"), "{refused}");
    let refused = refusal(|dir| fs::write(dir.join(MANIFEST_FILE), "{\"format\": 1").expect("written"));
    assert!(refused.contains("model.json: EOF"), "{refused}");
    let refused = refusal(|dir| fs::remove_file(dir.join(WEIGHTS_FILE)).expect("removed"));
    assert!(refused.contains(WEIGHTS_FILE), "{refused}");
}

#[track_caller]
fn check_weights(change: impl FnOnce(&mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>), expected: &str) {
    let refused = refusal(|dir| edit_weights(dir, change));
    assert!(refused.contains(expected), "{refused}\n  lacks: {expected}");
}

#[test]
fn tensors_that_disagree_with_the_architecture_are_refused() {
    fn of<'a>(
        tensors: &'a mut [(String, Dtype, Vec<usize>, Vec<u8>)],
        name: &str,
    ) -> &'a mut (String, Dtype, Vec<usize>, Vec<u8>) {
        tensors.iter_mut().find(|(known, ..)| known == name).expect("a tensor")
    }
    check_weights(
        |tensors| of(tensors, "0.hidden.1.weight").2 = vec![8, 4],
        "tensor 0.hidden.1.weight has shape [8, 4]; the architecture has [4, 8]",
    );
    check_weights(
        |tensors| tensors.retain(|(name, ..)| name != "1.last.bias"),
        "tensor 1.last.bias is missing",
    );
    check_weights(
        |tensors| tensors.push(("2.last.bias".to_owned(), Dtype::F32, vec![1], vec![0; 4])),
        "tensor 2.last.bias is there, which the architecture does not have",
    );
    check_weights(
        |tensors| of(tensors, "0.last.bias").1 = Dtype::I32,
        "tensor 0.last.bias holds I32; legal: F32",
    );
    for (value, shown) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        check_weights(
            |tensors| of(tensors, "0.skip.weight").3[8..12].copy_from_slice(&value.to_le_bytes()),
            &format!("tensor 0.skip.weight holds {shown} at 2; legal: finite numbers"),
        );
    }
    check_weights(
        |tensors| of(tensors, "0.skip.weight").3[..4].copy_from_slice(&65.0_f32.to_le_bytes()),
        "tensor 0.skip.weight holds 65 at 0; legal: at most 64 from 0",
    );
}

#[test]
fn weights_that_do_not_name_their_inputs_are_refused() {
    let refused = refusal(|dir| {
        let file = fs::read(dir.join(WEIGHTS_FILE)).expect("weights");
        let tensors = SafeTensors::deserialize(&file).expect("tensors");
        state(dir, &serialize(tensors.tensors(), &None).expect("a file"));
    });
    assert!(refused.contains("metadata lacks \"inputs\""), "{refused}");
}

#[test]
fn a_model_with_weights_that_are_no_numbers_is_not_made() {
    let (architecture, store) = (mlp(&[2], Activation::Relu, 1), VarStore::new(Device::Cpu));
    Network::new(&store.root(), &architecture, FEATURES.len(), Start::Drawn(1));
    let mut bias = store.variables()["0.last.bias"].shallow_clone();
    no_grad(|| bias.copy_(&Tensor::from_slice(&[f32::NAN])));
    let refused = Artefact::new(manifest(architecture, &FEATURES), store, &vec![0.0; TABLE.len()]);
    assert!(matches!(refused, Err(Error::NotFinite { .. })), "{refused:?}");
}

#[test]
fn networks_learn_through_what_they_are_given_between_layers() {
    let (architecture, store) = (mlp(&[3], Activation::Silu, 2), VarStore::new(Device::Cpu));
    let network = Network::new(&store.root(), &architecture, 2, Start::Drawn(3));
    let xs = Tensor::from_slice(&[1.0_f32, 2.0, -1.0, 0.5]).view([2, 2]);
    let silent = network.members()[0].logits(&xs, |units| units * 0.0);
    assert_eq!(silent.size(), [2]);
    let loss = network.logits(&xs).sum(Kind::Float);
    loss.backward();
    for (name, variable) in store.variables() {
        assert!(variable.grad().defined(), "{name} is not learnt");
    }
}

#[test]
fn versions_are_names_of_folders() {
    for good in ["1", "churn-2011-06-01.2", "v_1"] {
        assert!(is_version(good), "{good}");
    }
    for bad in ["", ".", "..", "-x", "a/b", "A", "prior", "rules", "rules-1", "ä", &"x".repeat(65)] {
        assert!(!is_version(bad), "{bad}");
    }
}
