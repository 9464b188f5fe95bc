//! Tests of the settings: the documented file and the list of keys agree, and every fault is told at once.

use std::collections::BTreeSet;

use super::legal::{Legal, keys};
use super::load::{DEFAULTS, Layers, Origin, load};
use super::*;
use schemas::score::Head;

fn with_environment(variables: &[(&str, &str)]) -> Layers<'static> {
    let environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Layers { environment, ..Layers::default() }
}

/// Returns the faults of a file with this text, one line each.
fn faults_of(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("care.toml");
    std::fs::write(&path, text).expect("written");
    let faults = load(&Layers { file: Some(&path), ..Layers::default() }).expect_err("faults");
    faults.0.iter().map(|fault| format!("{}: {}", fault.path, fault.problem)).collect()
}

#[test]
fn defaults_are_legal_and_equal_to_those_of_partition_and_fold() {
    let settings = Settings::defaults();
    let partition = PartitionSettings {
        memory_max_bytes: 128 << 20,
        replay_margin: Duration::ZERO,
        ..PartitionSettings::default()
    };
    assert_eq!(settings.partition(), partition);
    assert_eq!(settings.profile_policy(), ProfilePolicy::default());
}

#[test]
fn every_key_stands_in_the_documented_file_with_its_bounds_and_a_reason() {
    let (mut section, mut comment, mut seen) = (String::new(), Vec::new(), BTreeSet::new());
    for line in DEFAULTS.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            comment.push(text);
        } else if line.is_empty() {
            comment.clear();
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
            comment.clear();
        } else {
            let key = line.split('=').next().expect("a key").trim();
            let path = format!("{section}.{key}");
            let legal = Legal::of(&path).unwrap_or_else(|| panic!("{path} is not in the list of keys"));
            assert!(
                comment.contains(&format!("Legal: {legal}.").as_str()),
                "{path} lacks: # Legal: {legal}."
            );
            assert!(comment.len() >= 2, "{path} lacks a meaning");
            let path = path.replace("channels.log.", "channels.*.");
            seen.insert(path.replace("generation.backends.extractive.", "generation.backends.*."));
        }
    }
    let listed: BTreeSet<String> = keys().map(|(key, _)| (*key).to_owned()).collect();
    assert_eq!(seen, listed);
}

#[test]
fn environment_lies_above_the_file_and_options_above_both() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("care.toml");
    let file = "[partition]\nfetch_max = 10\nrelay_max = 20\n[channels.in_app]\nkind = \"log\"\n";
    std::fs::write(&path, file).expect("written");
    let layers = Layers {
        file: Some(&path),
        options: vec![("data.dir", "elsewhere".to_owned())],
        ..with_environment(&[
            ("CARE__PARTITION__FETCH_MAX", "30"),
            ("CARE__DATA__DIR", "here"),
            ("HOME", "x"),
        ])
    };
    let loaded = load(&layers).expect("legal");
    assert_eq!(loaded.settings.partition.fetch_max, 30);
    assert_eq!(loaded.settings.partition.relay_max, 20);
    assert_eq!(loaded.settings.data.dir, PathBuf::from("elsewhere"));
    assert!(loaded.settings.channels.contains_key("in_app"));
    let origin = |path: &str| loaded.effective[path].origin.clone();
    assert_eq!(origin("partition.fetch_max"), Origin::Environment("CARE__PARTITION__FETCH_MAX".into()));
    assert_eq!(origin("partition.relay_max"), Origin::File(path.display().to_string()));
    assert_eq!(origin("data.dir"), Origin::Option);
    assert_eq!(origin("log.partitions"), Origin::Default);
}

#[test]
fn all_faults_are_told_at_once_with_what_would_be_legal() {
    let faults = faults_of(
        "[partition]\nfetch_max = 0\nfetch_maxx = 3\n[policy]\nzone = \"Mars/Base\"\nbase_currency = 5\n[nowhere]\nx = 1\n",
    );
    assert_eq!(
        faults,
        [
            "nowhere.x: no such setting; `care check-config` lists all",
            "partition.fetch_max: 0 is out of range; legal: 1 to 100000 records",
            "partition.fetch_maxx: no such setting; nearest is partition.fetch_max",
            "policy.base_currency: 5 is not legal; legal: three capital letters (ISO 4217)",
            "policy.zone: \"Mars/Base\" is not legal; legal: an IANA time zone",
        ]
    );
}

#[test]
fn keys_that_contradict_each_other_are_faults() {
    let faults = faults_of("[partition]\nlease_ms = 1000\nflush_quiet_max_ms = 10\n");
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].contains("flush_quiet_max_ms (10)") && faults[1].contains("lease_ms (1000)"),
        "{faults:?}"
    );
    let faults = faults_of("[channels.paper]\nkind = \"file\"\n");
    assert_eq!(faults, ["channels: channels.paper.path is needed where channels.paper.kind is file"]);
}

#[test]
fn a_section_given_as_a_value_and_a_file_that_is_not_toml_are_faults() {
    assert_eq!(faults_of("partition = 3\n").len(), 1);
    assert!(faults_of("[partition\n")[0].contains("TOML"), "{:?}", faults_of("[partition\n"));
}

#[test]
fn a_list_holds_its_words_only_and_is_written_with_commas_in_the_environment() {
    let of = |text| {
        load(&with_environment(&[("CARE__PREDICTOR__HEADS", text)])).map(|of| of.settings.predictor.heads)
    };
    assert_eq!(of("churn, return"), Ok(vec![Head::Churn, Head::Return]));
    assert_eq!(of(""), Ok(vec![]));
    assert!(
        of("churn, luck")
            .expect_err("a fault")
            .to_string()
            .contains("\"luck\" is not legal; legal: a list of")
    );
    assert_eq!(faults_of("[predictor]\nheads = [3]\n").len(), 1);
    assert_eq!(faults_of("[predictor]\nheads = true\n").len(), 1);
}

#[test]
fn text_in_the_environment_counts_as_a_number() {
    let loaded = load(&with_environment(&[("CARE__POLICY__CONTROL_SHARE", "0.25")])).expect("legal");
    assert_eq!(loaded.settings.policy.control_share, 0.25);
    let faults = load(&with_environment(&[("CARE__POLICY__CONTROL_SHARE", "much")])).expect_err("a fault");
    assert!(faults.to_string().contains("CARE__POLICY__CONTROL_SHARE"), "{faults}");
}

#[test]
fn log_and_store_of_two_worlds_are_refused_with_the_reason() {
    let kinds = |log, store| format!("[log]\nkind = \"{log}\"\n[store]\nkind = \"{store}\"\n");
    let faults = faults_of(&kinds("embedded", "cql"));
    assert!(
        faults.len() == 1 && faults[0].starts_with("store.kind: cql goes with log.kind = kafka only"),
        "{faults:?}"
    );
    let faults = faults_of(&kinds("kafka", "embedded"));
    assert!(faults.len() == 1 && faults[0].contains("moves between processes"), "{faults:?}");
    assert_eq!(Settings::defaults().world(), Ok(World::Embedded));
}

#[test]
fn the_margin_of_a_replay_is_for_stores_that_acknowledge_before_they_sync() {
    let mut settings = Settings::defaults();
    assert_eq!(settings.partition().replay_margin, Duration::ZERO);
    (settings.log.kind, settings.store.kind) = (log::Kind::Kafka, store::Kind::Cql);
    assert_eq!(settings.partition().replay_margin, Duration::ZERO, "its servers sync before they answer");
    settings.cql.durability = store::cql::Durability::Periodic;
    assert_eq!(settings.partition().replay_margin, PartitionSettings::default().replay_margin);
}

#[test]
fn addresses_are_checked_in_full() {
    let check = |legal: Legal, text: &str| legal.check(&config::Value::from(text)).is_ok();
    for good in ["broker-1:9092", "10.0.0.1:9042, [::1]:9042", "a:1,b.c:65535"] {
        assert!(check(Legal::Servers, good), "{good}");
    }
    for bad in ["", "broker", "broker:", ":9092", "a:0", "a:70000", "a:1,", "a b:1", "kafka://a:1", "[x]:1"] {
        assert!(!check(Legal::Servers, bad), "{bad}");
    }
    assert!(check(Legal::Listen, "0.0.0.0:9464") && check(Legal::Listen, "[::1]:0"));
    assert!(!check(Legal::Listen, "localhost:9464") && !check(Legal::Listen, "127.0.0.1"));
    assert!(check(Legal::OptionalListen, "") && check(Legal::OptionalListen, "0.0.0.0:8080"));
    assert!(!check(Legal::OptionalListen, ":8080"));
    for good in ["", "*", "https://shop.example", "http://localhost:3000, https://[::1]:8443"] {
        assert!(check(Legal::Origins, good), "{good}");
    }
    for bad in ["shop.example", "https://", "https://Shop.example", "https://a/b", "https://a,*", "ftp://a"] {
        assert!(!check(Legal::Origins, bad), "{bad}");
    }
}

#[test]
fn a_secret_is_in_force_and_never_shown() {
    let secret = Secret::new("hunter2");
    assert_eq!((secret.reveal(), format!("{secret:?}").as_str()), ("hunter2", "***"));
    let fault = Legal::Secret.check(&config::Value::from(4_711)).expect_err("a number is no text");
    assert!(!fault.contains("4711"), "{fault}");
}

#[test]
fn what_contradicts_the_durability_of_servers_or_the_life_of_timers_is_told() {
    assert!(faults_of("[cql]\nkeyspace = \"Shop; DROP\"\n")[0].contains("a small letter"));
    let cql = "[cql]\ntimer_days = 43\ndurability = \"periodic\"\nusername = \"care\"\n";
    let margin = "[partition]\nreplay_margin_ms = 10000\n";
    let faults = faults_of(&format!("[log]\nkind = \"kafka\"\n[store]\nkind = \"cql\"\n{cql}{margin}"));
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults[0].contains("partition.replay_margin_ms above 10000"), "{faults:?}");
    assert!(faults[1].contains("at least 44"), "{faults:?}");
    assert!(faults[2].contains("together with cql.password"), "{faults:?}");
}

#[test]
fn the_ledger_outlives_what_the_log_keeps() {
    let servers = "[log]\nkind = \"kafka\"\n[store]\nkind = \"cql\"\n";
    let faults = faults_of(&format!("{servers}[cql]\nledger_days = 30\n"));
    assert!(faults.len() == 1 && faults[0].contains("at least 31"), "{faults:?}");
}

#[test]
fn a_password_of_kafka_is_in_force_and_never_shown() {
    let secret = ("CARE__KAFKA__SASL_PASSWORD", "hush");
    let loaded = load(&with_environment(&[
        secret,
        ("CARE__KAFKA__SASL_USERNAME", "care"),
        ("CARE__KAFKA__SASL_MECHANISM", "SCRAM-SHA-512"),
        ("CARE__KAFKA__SECURITY_PROTOCOL", "sasl_ssl"),
    ]))
    .expect("legal");
    assert_eq!(loaded.settings.kafka.sasl_password.reveal(), "hush");
    assert_eq!(loaded.effective["kafka.sasl_password"].value, "***");
    assert_eq!(loaded.effective["kafka.ssl_key_password"].value, "");
    let servers = [("CARE__LOG__KIND", "kafka"), ("CARE__STORE__KIND", "cql"), secret];
    let faults = load(&with_environment(&servers)).expect_err("a password without a mechanism");
    assert!(faults.to_string().contains("needs kafka.sasl_mechanism"), "{faults}");
    assert!(!faults.to_string().contains("hush"), "{faults}");
}

#[test]
fn a_lease_outlasts_one_slow_answer_of_the_store() {
    let servers = "[log]\nkind = \"kafka\"\n[store]\nkind = \"cql\"\n";
    let faults = faults_of(&format!("{servers}[cql]\nrequest_timeout_ms = 20000\n"));
    assert!(
        faults.len() == 1 && faults[0].starts_with("partition.lease_ms: has to be above 30000"),
        "{faults:?}"
    );
    assert!(
        load(&with_environment(&[("CARE__CQL__REQUEST_TIMEOUT_MS", "20000")])).is_ok(),
        "embedded asks no servers"
    );
}

#[test]
fn a_back_end_on_a_server_needs_an_address_that_keeps_nothing_private_and_its_key_is_never_shown() {
    let openai = "[generation.backends.main]\nkind = \"openai\"\n";
    let faults = faults_of(openai);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].contains("generation.backends.main.base_url is needed"), "{faults:?}");
    assert_eq!(
        faults_of("[generation.backends.main]\npermits = 2\n"),
        faults,
        "it is the kind of a section that names none"
    );
    for bad in
        ["example.com", "ftp://example.com", "https://", "https://me:pw@example.com", "https://a/?key=1"]
    {
        let faults = faults_of(&format!("{openai}base_url = \"{bad}\"\nmodel = \"m\"\n"));
        assert!(faults[0].contains("base_url") && faults[0].contains("legal: http://"), "{bad}: {faults:?}");
    }
    let loaded = load(&with_environment(&[
        ("CARE__GENERATION__BACKENDS__MAIN__KIND", "openai"),
        ("CARE__GENERATION__BACKENDS__MAIN__BASE_URL", "http://[::1]:8080/v1"),
        ("CARE__GENERATION__BACKENDS__MAIN__MODEL", "m"),
        ("CARE__GENERATION__BACKENDS__MAIN__KEY", "hush"),
    ]));
    let loaded = loaded.expect("legal");
    assert_eq!(loaded.settings.generation.backends["main"].key.reveal(), "hush");
    assert_eq!(loaded.effective["generation.backends.main.key"].value, "***");
    assert!(!format!("{:?}", loaded.settings).contains("hush"));
}

#[test]
fn the_ladder_of_generation_goes_down() {
    let faults = faults_of("[generation]\nfull_share = 0.8\n");
    assert!(faults.len() == 1 && faults[0].contains("at most generation.short_share (0.75)"), "{faults:?}");
}
