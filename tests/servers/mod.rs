//! What only real servers can show: Kafka and a CQL server, started by `ops/local-cluster`.

mod chat;
mod cql;
mod hurt;
mod kafka;
mod producing;
mod serve;
mod strays;
