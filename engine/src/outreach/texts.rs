//! What outreach says: a text per template and language, with places for facts.
//!
//! `{{ name }}` stands for a fact of that name. A fact that is missing makes no message, never half of one. What is written so is Liquid, of
//! which more is to come. The ready triggers have texts in the program; a folder of the shop's adds to them or takes their place.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use schemas::value::{Properties, Value};
use smol_str::SmolStr;

/// Texts of the ready triggers: template, language, text.
const READY: &[(&str, &str, &str)] = &[
    ("big-spender-refund", "en", include_str!("../../texts/big-spender-refund.en.txt")),
    ("big-spender-refund", "zh", include_str!("../../texts/big-spender-refund.zh.txt")),
    ("cart-at-risk", "en", include_str!("../../texts/cart-at-risk.en.txt")),
    ("cart-at-risk", "zh", include_str!("../../texts/cart-at-risk.zh.txt")),
    ("cart-idle", "en", include_str!("../../texts/cart-idle.en.txt")),
    ("cart-idle", "zh", include_str!("../../texts/cart-idle.zh.txt")),
    ("churn-risk", "en", include_str!("../../texts/churn-risk.en.txt")),
    ("churn-risk", "zh", include_str!("../../texts/churn-risk.zh.txt")),
    ("good-customer-gone-silent", "en", include_str!("../../texts/good-customer-gone-silent.en.txt")),
    ("good-customer-gone-silent", "zh", include_str!("../../texts/good-customer-gone-silent.zh.txt")),
    ("late-delivery", "en", include_str!("../../texts/late-delivery.en.txt")),
    ("late-delivery", "zh", include_str!("../../texts/late-delivery.zh.txt")),
    ("low-rating", "en", include_str!("../../texts/low-rating.en.txt")),
    ("low-rating", "zh", include_str!("../../texts/low-rating.zh.txt")),
    ("order-cancelled-twice", "en", include_str!("../../texts/order-cancelled-twice.en.txt")),
    ("order-cancelled-twice", "zh", include_str!("../../texts/order-cancelled-twice.zh.txt")),
    ("payment-failed", "en", include_str!("../../texts/payment-failed.en.txt")),
    ("payment-failed", "zh", include_str!("../../texts/payment-failed.zh.txt")),
];

/// Texts in one language.
pub struct Texts {
    lang: SmolStr,
    by_template: BTreeMap<SmolStr, String>,
}

/// Why there is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lacks {
    /// There is no text.
    #[error(
        "there is no text of template {template} in {lang}: TEMPLATE.{lang}.txt in the folder of channels.*.texts"
    )]
    Text {
        /// Of this template.
        template: SmolStr,
        /// In this language.
        lang: SmolStr,
    },
    /// The text wants a fact that the outreach does not bring.
    #[error("the text of template {template} wants {fact}, which is no fact of the outreach (action.facts)")]
    Fact {
        /// The template.
        template: SmolStr,
        /// The fact.
        fact: String,
    },
}

impl Texts {
    /// Returns the texts of a language: those of the program, and over them those of a folder, where one is named.
    ///
    /// Errors: the folder or a file of it cannot be read, or has a place that does not end.
    pub fn open(lang: &str, folder: &Path) -> Result<Self> {
        let ready = READY.iter().filter(|(_, of, _)| *of == lang);
        let mut by_template: BTreeMap<SmolStr, String> =
            ready.map(|(template, _, text)| (SmolStr::new(template), text.trim().to_owned())).collect();
        if !folder.as_os_str().is_empty() {
            let told = || format!("failed to read {} (channels.*.texts)", folder.display());
            for entry in fs::read_dir(folder).with_context(told)? {
                let path = entry.with_context(told)?.path();
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let Some(template) = name.strip_suffix(&format!(".{lang}.txt")) else { continue };
                let text = fs::read_to_string(&path);
                let text = text.with_context(|| format!("failed to read {}", path.display()))?;
                if text.matches("{{").count() != text.matches("}}").count() {
                    bail!("{} has a place for a fact that does not begin or end", path.display());
                }
                by_template.insert(template.into(), text.trim().to_owned());
            }
        }
        Ok(Self { lang: lang.into(), by_template })
    }

    /// Returns language and text of a template, filled with facts.
    pub fn fill(&self, template: &str, facts: &Properties) -> Result<(SmolStr, String), Lacks> {
        let lang = self.lang.clone();
        let text = self.by_template.get(template);
        let text = text.ok_or_else(|| Lacks::Text { template: template.into(), lang: lang.clone() })?;
        let mut filled = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").unwrap_or((after, ""));
            let fact =
                facts.0.iter().find(|(known, _)| known == name.trim()).and_then(|(_, value)| shown(value));
            let lacks = || Lacks::Fact { template: template.into(), fact: name.trim().to_owned() };
            filled += before;
            filled += &fact.ok_or_else(lacks)?;
            rest = after;
        }
        Ok((lang, filled + rest))
    }
}

/// Returns a fact as people read it.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(((number * 100.0).round() / 100.0).to_string()),
        Value::Text(text) => Some(text.to_string()),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
    }
}

#[cfg(test)]
impl Texts {
    /// Returns texts that say something of the templates of the test kit.
    pub(super) fn any() -> Self {
        let template = actors::kit::contract::sample::outreach("ada", 1).template;
        Self { lang: "en".into(), by_template: BTreeMap::from([(template, "Hello!".to_owned())]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triggers;

    fn facts(list: &[(&str, Value)]) -> Properties {
        Properties(list.iter().map(|(name, value)| (SmolStr::new(name), value.clone())).collect())
    }

    #[test]
    fn every_ready_trigger_has_a_text_in_both_languages_that_its_facts_fill() {
        for checked in triggers::check(&triggers::ready(), ["log", "in_app"].into_iter()) {
            let trigger = checked.trigger.expect("ready triggers are right");
            let names = trigger.action.facts.iter().map(|fact| fact.path());
            let facts = Properties(names.map(|name| (name, Value::Number(3.0))).collect());
            for lang in ["en", "zh"] {
                let texts = Texts::open(lang, Path::new("")).expect("there is no folder");
                let (_, text) = texts.fill(&trigger.action.template, &facts).expect("it says something");
                assert!(text.len() > 20 && !text.contains('{'), "{text}");
            }
        }
    }

    #[test]
    fn facts_stand_in_their_places_and_one_that_is_missing_makes_no_message() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        write("hello.en.txt", "Hello {{ name }}, {{cart.items}} things for {{ cart.value }}.\n");
        write("hello.zh.txt", "您好 {{ name }}");
        let texts = Texts::open("en", folder.path()).expect("read");
        let name = ("name", Value::Text("Ada {{ x }}".into()));
        let all =
            facts(&[name.clone(), ("cart.items", Value::Number(2.0)), ("cart.value", Value::Number(59.999))]);
        let (lang, text) = texts.fill("hello", &all).expect("all is there");
        assert_eq!((lang.as_str(), text.as_str()), ("en", "Hello Ada {{ x }}, 2 things for 60."));
        let lacks = texts.fill("hello", &facts(&[name])).expect_err("not all is there");
        assert_eq!(lacks, Lacks::Fact { template: "hello".into(), fact: "cart.items".to_owned() });
        assert!(matches!(texts.fill("other", &all), Err(Lacks::Text { .. })));
        write("broken.en.txt", "{{ name");
        assert!(Texts::open("en", folder.path()).is_err());
    }
}
