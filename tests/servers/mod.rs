//! What only real servers can show: Kafka and a CQL server, started by `ops/local-cluster`. Last what hurts them.

mod cql;
mod kafka;
mod producing;
mod serve;
mod strays;

mod chaos;
mod outage;
mod rebalance;
mod upgrade;
mod zombie;
