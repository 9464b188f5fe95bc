"""How each server is configured and started: one folder per server, with its settings and its data.

Everything was measured on Kafka 4.1 and Cassandra 5.0; both refuse settings that they do not know.
"""

import base64
import itertools
import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ports import HOST, free

HERE = Path(__file__).resolve().parent
USER = "care"
MECHANISM = "SCRAM-SHA-512"
STORE_PASSWORD = "changeit"  # of key stores that lie in a folder only their owner reads, and die with the cluster


class Failure(Exception):
    """What could not be done, in words for the user."""


@dataclass(frozen=True)
class Shape:
    """What was asked for: how many brokers, whether with TLS, how many doors of each broker."""

    brokers: int
    tls: bool
    doors: int = 0

    def covers(self, wanted: "Shape") -> bool:
        return self.brokers == wanted.brokers and (self.tls or not wanted.tls) and self.doors >= wanted.doors

    def __str__(self) -> str:
        doors = f", {self.doors} doors" if self.doors else ""
        return f"{self.brokers} broker{'s' if self.brokers > 1 else ''}, {'TLS' if self.tls else 'no TLS'}{doors}"

    @property
    def min_insync(self) -> int:
        return 2 if self.brokers > 2 else 1


@dataclass(frozen=True)
class Java:
    """The Java to run, and the folder of each server's jars."""

    program: str
    kafka: Path
    cassandra: Path

    def run(self, folder: Path, heap: str, jars: Path) -> list[str]:
        """The first words of every server's command. Libraries that unpack themselves do so in the server's folder, not in /tmp."""
        temporary = folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        words = [self.program, f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseG1GC", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError"]
        return [*words, f"-Djava.io.tmpdir={temporary}", "-cp", f"{jars}/*"]


@dataclass(frozen=True)
class Tls:
    """A certificate for 127.0.0.1, and who may come in. Its own authority: what is to be trusted is the certificate itself."""

    key_store: Path
    ca: Path
    password: str

    @classmethod
    def make(cls, java: Java, folder: Path) -> "Tls":
        folder.mkdir(parents=True)
        made = cls(folder / "server.p12", folder / "ca.pem", secrets.token_urlsafe(16))
        tool = [str(Path(java.program).parent / "keytool"), "-J-XX:-UsePerfData", "-keystore", str(made.key_store)]
        tool += ["-storepass", STORE_PASSWORD, "-alias", "server"]
        what = ["-keyalg", "EC", "-groupname", "secp256r1", "-validity", "30", "-dname", "CN=care local cluster"]
        _run([*tool, "-genkeypair", *what, "-ext", "bc:critical=ca:true", "-ext", f"san=ip:{HOST},dns:localhost"])
        _run([*tool, "-exportcert", "-rfc", "-file", str(made.ca)])
        return made


@dataclass(frozen=True)
class Server:
    """A server that is configured: what starts it, and how its log and its port tell that it is ready."""

    name: str
    command: list[str]
    ready: str
    port: int


def configure(java: Java, folder: Path, shape: Shape) -> tuple[dict, Iterator[Server]]:
    """Chooses ports and certificate; returns addresses for clients, and the servers, each configured when it is asked for."""
    count = shape.brokers
    numbers = iter(free((3 + 2 * shape.doors) * count + 3))

    def take(count: int) -> Iterator[int]:
        return itertools.islice(numbers, count)

    ports = [Ports(*take(3), tuple(Door(*take(2)) for _ in range(shape.doors))) for _ in range(count)]
    store_ports = StorePorts(*take(3))
    tls = Tls.make(java, folder / "tls") if shape.tls else None
    addresses = {
        "brokers": ",".join(f"{HOST}:{own.plain}" for own in ports),
        "cql": f"{HOST}:{store_ports.cql}",
        "replication": count,
        "min_insync": shape.min_insync,
        "tls": tls and {
            "brokers": ",".join(f"{HOST}:{own.tls}" for own in ports),
            "mechanism": MECHANISM,
            "user": USER,
            "password": tls.password,
            "ca": str(tls.ca),
        },
        # By broker. Where the broker listens, and where it tells those who come by there to come to.
        "doors": [
            [{"listen": f"{HOST}:{door.listen}", "advertised": f"{HOST}:{door.advertised}"} for door in own.doors] for own in ports
        ],
        "shape": asdict(shape),
    }

    def all_servers() -> Iterator[Server]:
        # The store takes longest: it starts while the brokers' folders are formatted.
        yield store(java, folder, store_ports, tls)
        yield from brokers(java, folder, ports, tls)

    return addresses, all_servers()


def _run(command: list[str]) -> None:
    """Failure: the command failed; its output is told."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")


# ---- Kafka -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Door:
    """A listener that tells whoever comes by it to come to another port."""

    listen: int
    advertised: int


@dataclass(frozen=True)
class Ports:
    """The ports of one broker."""

    plain: int
    controller: int
    tls: int
    doors: tuple[Door, ...]


def brokers(java: Java, root: Path, ports: list[Ports], tls: Tls | None) -> list[Server]:
    """Configures brokers and formats their folders, all at once: each is broker and controller."""
    cluster_id = base64.urlsafe_b64encode(b"care" + os.urandom(12)).decode().rstrip("=")
    servers, formats = [], []
    for number, own in enumerate(ports, 1):
        folder = root / f"broker-{number}"
        run = java.run(folder, "512m", java.kafka)
        settings = folder / "server.properties"
        settings.write_text(_kafka_settings(number, own, ports, folder, tls))
        word = [f"{MECHANISM}=[name={USER},password={tls.password}]"] if tls else []
        add = ["--add-scram", *word] if tls else []
        formats.append([*run, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(settings), *add])
        date = ["-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS"]
        command = [run[0], *date, *run[1:], "kafka.Kafka", str(settings)]
        servers.append(Server(folder.name, command, "Kafka Server started", own.plain))
    running = [
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for command in formats
    ]
    for process in running:
        out, _ = process.communicate()
        if process.returncode != 0:
            raise Failure(f"a broker's folder could not be formatted:\n{out}")
    return servers


def _kafka_settings(number: int, own: Ports, all_ports: list[Ports], folder: Path, tls: Tls | None) -> str:
    factor = len(all_ports)
    in_sync = Shape(factor, tls is not None).min_insync
    voters = ",".join(f"{voter}@{HOST}:{ports.controller}" for voter, ports in enumerate(all_ports, 1))
    listeners = f"PLAINTEXT://{HOST}:{own.plain}"
    protocols = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"
    if tls:
        listeners += f",SASL_SSL://{HOST}:{own.tls}"
        protocols += ",SASL_SSL:SASL_SSL"
    advertised = listeners
    for place, door in enumerate(own.doors, 1):
        listeners += f",DOOR{place}://{HOST}:{door.listen}"
        advertised += f",DOOR{place}://{HOST}:{door.advertised}"
        protocols += f",DOOR{place}:PLAINTEXT"
    settings = f"""\
process.roles=broker,controller
node.id={number}
listeners={listeners},CONTROLLER://{HOST}:{own.controller}
advertised.listeners={advertised}
controller.listener.names=CONTROLLER
listener.security.protocol.map={protocols}
controller.quorum.voters={voters}
log.dirs={folder / "data"}
auto.create.topics.enable=false
default.replication.factor={factor}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={factor}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={factor}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={factor}
share.coordinator.state.topic.min.isr={in_sync}
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=1
num.io.threads=2
log.segment.bytes=67108864
# Members of a group are missed soon, so that tests of it are quick; a broker that was killed is let in again soon.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=3000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""
    if tls:
        settings += f"""\
sasl.enabled.mechanisms={MECHANISM}
listener.name.sasl_ssl.{MECHANISM.lower()}.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PKCS12
ssl.keystore.location={tls.key_store}
ssl.keystore.password={STORE_PASSWORD}
"""
    return settings


# ---- Cassandra -------------------------------------------------------------------------------------------------------------------

_EXPORTS = """
    java.base/jdk.internal.misc java.base/java.lang.ref java.sql/java.sql java.management.rmi/com.sun.jmx.remote.internal.rmi
    java.rmi/sun.rmi.registry java.rmi/sun.rmi.server jdk.unsupported/sun.misc jdk.compiler/com.sun.tools.javac.file
    jdk.attach/sun.tools.attach
"""
_OPENS = """
    java.base/java.lang java.base/java.lang.module java.base/java.lang.reflect java.base/java.io java.base/java.util java.base/java.nio
    java.base/sun.nio.ch java.base/jdk.internal.loader java.base/jdk.internal.ref java.base/jdk.internal.reflect
    java.base/jdk.internal.math java.base/jdk.internal.module java.base/jdk.internal.util.jar
    jdk.management/com.sun.management.internal jdk.compiler/com.sun.tools.javac
"""


@dataclass(frozen=True)
class StorePorts:
    """The ports of the one node."""

    cql: int
    between_nodes: int
    jmx: int


def store(java: Java, root: Path, ports: StorePorts, tls: Tls | None) -> Server:
    """Configures Cassandra."""
    folder = root / "store"
    run = java.run(folder, "1G", java.cassandra)
    settings = folder / "cassandra.yaml"
    settings.write_text(_cassandra_settings(folder, ports, tls))
    (agent,) = java.cassandra.glob("jamm-*.jar")
    flags = ["-XX:MaxDirectMemorySize=512m", "-Xss384k", f"-javaagent:{agent}"]
    flags += [f"--add-exports={name}=ALL-UNNAMED" for name in _EXPORTS.split()]
    flags += [f"--add-opens={name}=ALL-UNNAMED" for name in _OPENS.split()]
    properties = {
        "jdk.attach.allowAttachSelf": "true",
        "io.netty.tryReflectionSetAccessible": "true",
        "java.net.preferIPv4Stack": "true",
        "logback.configurationFile": (HERE / "logback.xml").as_uri(),
        "cassandra.config": settings.as_uri(),
        "cassandra.storagedir": str(folder / "data"),
        "cassandra-foreground": "yes",
        "cassandra.jmx.local.port": str(ports.jmx),
        # A cluster of one waits for nobody.
        "cassandra.ring_delay_ms": "1000",
        "cassandra.skip_wait_for_gossip_to_settle": "0",
    }
    flags += [f"-D{name}={value}" for name, value in properties.items()]
    command = [run[0], *flags, *run[1:], "org.apache.cassandra.service.CassandraDaemon"]
    return Server("store", command, "Starting listening for CQL clients", ports.cql)


def _cassandra_settings(folder: Path, ports: StorePorts, tls: Tls | None) -> str:
    data = folder / "data"
    settings = f"""\
cluster_name: care-local
num_tokens: 1
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
listen_address: {HOST}
rpc_address: {HOST}
storage_port: {ports.between_nodes}
native_transport_port: {ports.cql}
start_native_transport: true
seed_provider: [{{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{{seeds: "{HOST}:{ports.between_nodes}"}}]}}]
data_file_directories: ["{data / 'rows'}"]
commitlog_directory: "{data / 'commitlog'}"
saved_caches_directory: "{data / 'caches'}"
hints_directory: "{data / 'hints'}"
cdc_raw_directory: "{data / 'cdc'}"
# Acknowledged is fsynced: tests kill it and count.
commitlog_sync: batch
commitlog_segment_size: 8MiB
memtable_allocation_type: heap_buffers
disk_access_mode: standard
auto_snapshot: false
concurrent_writes: 8
concurrent_reads: 8
batch_size_warn_threshold: 64KiB
batch_size_fail_threshold: 1024KiB
"""
    if tls:
        settings += f"""\
client_encryption_options:
  enabled: true
  optional: true
  store_type: PKCS12
  keystore: "{tls.key_store}"
  keystore_password: {STORE_PASSWORD}
  require_client_auth: false
"""
    return settings
