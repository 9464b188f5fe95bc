//! `care migrate` on a real server.

use actors::metrics::Metrics;
use engine::store::cql::{self, CqlStore, Error, Mode};
use futures_util::future;

use super::{PARTITIONS, behind, migrate, run, settings, shared};
use crate::care;
use crate::cluster::Cluster;

/// An authority that signed nothing.
const OTHER_AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBhzCCAS2gAwIBAgIUQeakw77e7XJ8n44gzBeK6aR45AowCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNc29tZWJvZHkgZWxzZTAgFw0yNjExMjUxOTM4MzJaGA8yMTI2
MTEwMTE5MzgzMlowGDEWMBQGA1UEAwwNc29tZWJvZHkgZWxzZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABAjIWUoXczyMMUn1DjxB2FOylYDuf4GSMg0H25fz6HUn
K5O++84Jx0jrPZEjqc9hZBs2EMwOxLVDNOhr47fbAOWjUzBRMB0GA1UdDgQWBBRy
PPYqdA2XAUbHHXZNV3ZuCdj/4TAfBgNVHSMEGDAWgBRyPPYqdA2XAUbHHXZNV3Zu
Cdj/4TAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDPbjc+C6Pq
3Rcn55X+GHyZl5pbPli+cm+fFzMrmZgHcwIgGOyKbXc+ogpqfErp+OOMHbl6GAWG
2764hdKsUtX+UgE=
-----END CERTIFICATE-----
";

#[test]
fn migrations_that_run_at_once_make_the_tables_once_and_run_again_find_nothing_to_do() {
    let cluster = Cluster::shared();
    let settings = settings(&cluster.cql, &cluster.names("migrated").keyspace);
    run(async {
        let refused =
            CqlStore::connect(&settings, PARTITIONS, &Metrics::new()).await.err().expect("no keyspace");
        assert!(matches!(&refused, Error::NotMigrated { found: 0, .. }), "{refused}");
        assert!(refused.to_string().contains("care migrate"), "{refused}");

        let planned = cql::migrate(&settings, PARTITIONS, Mode::DryRun).await.expect("a plan");
        assert_eq!((planned.from, planned.steps.len()), (0, 3));
        assert!(planned.steps[0].statements[0].starts_with("CREATE KEYSPACE"), "{planned:?}");
        let again = cql::migrate(&settings, PARTITIONS, Mode::DryRun).await.expect("a plan");
        assert_eq!(again, planned, "a plan changes nothing");

        let at_once = future::join_all((0..3).map(|_| migrate(&settings))).await;
        assert!(at_once.iter().all(|done| done.to == planned.to), "{at_once:?}");
        let done = migrate(&settings).await;
        assert_eq!((done.from, done.steps.len()), (planned.to, 0));
        CqlStore::connect(&settings, PARTITIONS, &Metrics::new()).await.expect("an open store");

        cut_off_is_finished(&settings).await;
        newer_schema_is_refused(&settings).await;
    });
}

/// A migration that was cut off between its statements is run again from its first.
async fn cut_off_is_finished(settings: &cql::Settings) {
    let session = behind(settings).await;
    for undo in ["DROP TABLE {}.link", "TRUNCATE {}.migration"] {
        session.query_unpaged(undo.replace("{}", &settings.keyspace), ()).await.expect("undone");
    }
    let done = migrate(settings).await;
    assert_eq!((done.from, done.steps.len()), (0, 2));
    CqlStore::connect(settings, PARTITIONS, &Metrics::new()).await.expect("an open store");
}

async fn newer_schema_is_refused(settings: &cql::Settings) {
    let newer = format!("INSERT INTO {}.migration (version, name) VALUES (99, 'later')", settings.keyspace);
    behind(settings).await.query_unpaged(newer, ()).await.expect("a later version");
    let refused = cql::migrate(settings, PARTITIONS, Mode::Apply).await.expect_err("a newer schema");
    assert!(matches!(refused, Error::Newer { found: 99, .. }), "{refused}");
    let refused =
        CqlStore::connect(settings, PARTITIONS, &Metrics::new()).await.err().expect("a newer schema");
    assert!(matches!(refused, Error::Newer { found: 99, .. }), "{refused}");
}

#[test]
fn what_is_fixed_for_a_keyspace_cannot_be_set_otherwise() {
    run(async {
        let settings = shared();
        let buckets = cql::Settings { buckets: settings.buckets * 2, ..settings.clone() };
        let other = [(&buckets, PARTITIONS, "cql.buckets = 16"), (settings, 8, "log.partitions = 1024")];
        for (settings, partitions, remedy) in other {
            let migrated = cql::migrate(settings, partitions, Mode::Apply).await.expect_err("refused");
            let opened =
                CqlStore::connect(settings, partitions, &Metrics::new()).await.err().expect("refused");
            for refused in [migrated, opened] {
                assert!(matches!(refused, Error::Fixed { .. }), "{refused}");
                assert!(refused.to_string().contains(remedy), "{refused}");
            }
        }
    });
}

#[test]
fn servers_have_to_be_there_and_in_the_data_centre_and_show_a_certificate_that_is_trusted() {
    let cluster = Cluster::shared();
    run(async {
        let settings = shared().clone();
        let open = async |settings: cql::Settings| {
            CqlStore::connect(&settings, PARTITIONS, &Metrics::new()).await.map(drop)
        };
        let nobody = open(cql::Settings { nodes: "127.0.0.1:1".to_owned(), ..settings.clone() }).await;
        assert!(matches!(nobody, Err(Error::Connect { .. })), "{nobody:?}");
        let elsewhere = open(cql::Settings { datacenter: "elsewhere".to_owned(), ..settings.clone() }).await;
        let elsewhere = elsewhere.expect_err("no such data centre").to_string();
        assert!(elsewhere.contains("datacenter1"), "{elsewhere}");

        open(cql::Settings { tls_ca: cluster.tls.ca.clone(), ..settings.clone() }).await.expect("trusted");
        let other = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(other.path(), OTHER_AUTHORITY).expect("written");
        let untrusted = open(cql::Settings { tls_ca: other.path().into(), ..settings.clone() }).await;
        assert!(matches!(untrusted, Err(Error::Connect { .. })), "{untrusted:?}");
        let missing = open(cql::Settings { tls_ca: "missing.pem".into(), ..settings }).await;
        assert!(matches!(missing, Err(Error::Tls { .. })), "{missing:?}");
    });
}

#[test]
fn command_tells_people_and_machines_what_it_would_run() {
    let cluster = Cluster::shared();
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("care.toml");
    let keyspace = cluster.names("planned").keyspace;
    let text = format!("[cql]\nnodes = \"{}\"\nkeyspace = \"{keyspace}\"\npassword = \"\"\n", cluster.cql);
    std::fs::write(&config, text).expect("written");
    let config = config.to_str().expect("a path of text");
    let told = care::run(["migrate", "--dry-run", "--json", "--config", config]).summary();
    assert_eq!((&told["dry_run"], &told["from"]), (&true.into(), &0.into()), "{told}");
    let plan = care::run(["migrate", "--dry-run", "--config", config]);
    assert!(plan.success && plan.out.contains("CREATE KEYSPACE"), "{plan:?}");
}
