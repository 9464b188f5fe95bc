//! `weights.safetensors`: the tensors of a network by name, and the inputs that they were trained with.

use std::collections::HashMap;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use tch::nn::VarStore;
use tch::{Tensor, no_grad};

use super::error::Error;
use super::exact::WEIGHT_MAX;
use super::input::Inputs;

/// Key of the file's metadata under which the inputs stand: names of features in the order of training, joined by commas.
const INPUTS: &str = "inputs";

/// Returns the file of a network's weights.
///
/// Errors: a weight is not finite, or too large.
pub(super) fn write(store: &VarStore, inputs: &Inputs) -> Result<Vec<u8>, Error> {
    let mut tensors = Vec::new();
    for (name, tensor) in store.variables() {
        let shape: Vec<usize> = tensor.size().iter().map(|length| *length as usize).collect();
        let values: Vec<f32> = Vec::try_from(tensor.flatten(0, -1)).expect("single precision");
        check(&name, &values)?;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensors.push((name, shape, bytes));
    }
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (name.as_str(), view.expect("bytes of the shape"))
    });
    let names: Vec<&str> = inputs.list().iter().map(|input| input.feature.as_str()).collect();
    let metadata = HashMap::from([(INPUTS.to_owned(), names.join(","))]);
    Ok(serialize(views, &Some(metadata)).expect("tensors of one file have names of their own"))
}

/// Fills a network's variables from the file of its weights.
///
/// Errors: it is no such file; was trained with other inputs; lacks, adds or reshapes a tensor; holds what is no weight.
pub(super) fn read(file: &[u8], inputs: &Inputs, store: &VarStore) -> Result<(), Error> {
    let refused = |error| Error::Safetensors(format!("{error}"));
    let (_, metadata) = SafeTensors::read_metadata(file).map_err(refused)?;
    let stated = metadata.metadata().as_ref().and_then(|stated| stated.get(INPUTS));
    compare(inputs, &stated.ok_or(Error::InputsUnstated)?.split(',').collect::<Vec<_>>())?;
    let tensors = SafeTensors::deserialize(file).map_err(refused)?;
    let variables = store.variables();
    if let Some(name) = tensors.names().into_iter().filter(|name| !variables.contains_key(*name)).min() {
        return Err(Error::AdditionalTensor(name.clone()));
    }
    let mut ordered: Vec<_> = variables.into_iter().collect();
    ordered.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, mut variable) in ordered {
        let view = tensors.tensor(&name).map_err(|_| Error::MissingTensor(name.clone()))?;
        let values = values(&name, &view, &variable.size())?;
        no_grad(|| variable.copy_(&Tensor::from_slice(&values).view(variable.size().as_slice())));
    }
    Ok(())
}

/// Returns the numbers of a tensor that has this shape.
fn values(name: &str, view: &TensorView<'_>, legal: &[i64]) -> Result<Vec<f32>, Error> {
    let found: Vec<i64> = view.shape().iter().map(|length| *length as i64).collect();
    if found != legal {
        return Err(Error::Shape { name: name.to_owned(), found, legal: legal.to_vec() });
    }
    if view.dtype() != Dtype::F32 {
        return Err(Error::Kind { name: name.to_owned(), found: format!("{:?}", view.dtype()) });
    }
    let numbers = view.data().chunks_exact(4);
    let values: Vec<f32> =
        numbers.map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes"))).collect();
    check(name, &values)?;
    Ok(values)
}

fn check(name: &str, values: &[f32]) -> Result<(), Error> {
    for (place, found) in values.iter().copied().enumerate() {
        if !found.is_finite() {
            return Err(Error::NotFinite { name: name.to_owned(), place, found });
        }
        if found.abs() > WEIGHT_MAX {
            return Err(Error::TooLarge { name: name.to_owned(), place, found });
        }
    }
    Ok(())
}

/// Checks that the manifest has the inputs that the weights were trained with, in their order.
fn compare(inputs: &Inputs, trained: &[&str]) -> Result<(), Error> {
    let named: Vec<&str> = inputs.list().iter().map(|input| input.feature.as_str()).collect();
    if let Some((place, missing)) = trained.iter().enumerate().find(|(_, name)| !named.contains(name)) {
        return Err(Error::MissingFeature { place, feature: (*missing).to_owned() });
    }
    if let Some((place, more)) = named.iter().enumerate().find(|(_, name)| !trained.contains(name)) {
        return Err(Error::AdditionalFeature { place, feature: (*more).to_owned() });
    }
    for (place, (found, legal)) in named.iter().zip(trained).enumerate() {
        if found != legal {
            return Err(Error::Order { place, found: (*found).to_owned(), legal: (*legal).to_owned() });
        }
    }
    Ok(())
}
