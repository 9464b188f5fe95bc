import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The job of the benchmark as a Kafka Streams program: a profile per customer, a decision after every second order, exactly once.
 *
 * Prints a line of JSON with how far it is, many times a second. Takes two lines: `state FILE` writes what it knows of each customer and
 * answers with a line; the end of its input ends it.
 */
public final class Job {
    static final String STORE = "profiles";
    private static final int THREADS = 2;
    private static final long CACHE_BYTES = 256L << 20;
    private static final long TOLD_MS = 50;

    private final Map<String, String> given;
    private final LongAdder applied = new LongAdder();
    private final CqlSession session;
    private final KafkaStreams streams;

    private Job(Map<String, String> given) {
        this.given = given;
        session = given.get("state").equals("cassandra") ? connect(given.get("cql")) : null;
        streams = new KafkaStreams(topology(), settings());
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    }

    public static void main(String[] words) throws Exception {
        var job = new Job(Options.parse(words, "brokers", "events", "outreach", "state", "commit_ms", "dir", "cql"));
        job.streams.start();
        var teller = new Thread(job::tell, "teller");
        teller.setDaemon(true);
        teller.start();
        try (var input = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line; (line = input.readLine()) != null; ) job.answer(line);
        }
        job.streams.close();
        if (job.session != null) job.session.close();
    }

    private Properties settings() {
        var settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "peer-" + given.get("state"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, given.get("brokers"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, given.get("commit_ms"));
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, THREADS);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, CACHE_BYTES);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, given.get("dir"));
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        return settings;
    }

    private Topology topology() {
        var store = store();
        Function<StateStore, Profiles> open = session == null ? Job::kept : opened -> (Profiles) opened;
        var topology = new Topology();
        topology.addSource("events", new StringDeserializer(), new ByteArrayDeserializer(), given.get("events"));
        topology.addProcessor("fold", () -> new Fold(open, applied), "events");
        topology.addStateStore(store, "fold");
        topology.addSink("outreach", given.get("outreach"), new StringSerializer(), new ByteArraySerializer(), "fold");
        return topology;
    }

    private StoreBuilder<?> store() {
        return switch (given.get("state")) {
            case "memory" -> logged(Stores.inMemoryKeyValueStore(STORE));
            case "rocksdb" -> logged(Stores.persistentKeyValueStore(STORE));
            case "cassandra" -> CassandraStore.builder(STORE, session);
            default -> throw new IllegalArgumentException("state=" + given.get("state") + ": legal are memory, rocksdb, cassandra");
        };
    }

    /** A store whose changes are a topic; a row that changes often is written there once per commit. */
    private static StoreBuilder<?> logged(KeyValueBytesStoreSupplier supplier) {
        return Stores.keyValueStoreBuilder(supplier, Serdes.String(), Profile.serde()).withCachingEnabled().withLoggingEnabled(Map.of());
    }

    @SuppressWarnings("unchecked")
    private static Profiles kept(StateStore opened) {
        var store = (KeyValueStore<String, Profile>) opened;
        return new Profiles() {
            @Override
            public Profile get(String customer) {
                return store.get(customer);
            }

            @Override
            public void put(String customer, Profile profile) {
                store.put(customer, profile);
            }
        };
    }

    private void tell() {
        // A client that gave up never comes back: whoever waits for this program learns it by its end.
        while (streams.state() != KafkaStreams.State.ERROR) {
            long committed = streams.metadataForLocalThreads().stream()
                .flatMap(thread -> thread.activeTasks().stream())
                .flatMap(task -> task.committedOffsets().values().stream())
                .mapToLong(Long::longValue).filter(offset -> offset > 0).sum();
            System.out.println("{\"state\":\"" + streams.state() + "\",\"applied\":" + applied.sum() + ",\"committed\":" + committed + "}");
            try {
                Thread.sleep(TOLD_MS);
            } catch (InterruptedException stopped) {
                return;
            }
        }
        Runtime.getRuntime().halt(1);
    }

    private void answer(String line) throws IOException {
        if (!line.startsWith("state ")) throw new IllegalArgumentException("not understood: " + line);
        try (var to = new PrintWriter(Files.newBufferedWriter(Path.of(line.substring("state ".length()))))) {
            if (session == null) writeStore(to); else writeTable(to);
        }
        System.out.println("{\"wrote\":true}");
    }

    private void writeStore(PrintWriter to) {
        var type = QueryableStoreTypes.<String, Profile>keyValueStore();
        try (var all = streams.store(StoreQueryParameters.fromNameAndType(STORE, type)).all()) {
            all.forEachRemaining(one -> to.println(one.key + "\t" + one.value.summary()));
        }
    }

    private void writeTable(PrintWriter to) {
        for (var row : session.execute("SELECT customer, state FROM peer.profile")) {
            ByteBuffer state = row.getByteBuffer("state");
            to.println(row.getString("customer") + "\t" + Profile.decode(state).summary());
        }
    }

    private static CqlSession connect(String address) {
        int colon = address.lastIndexOf(':');
        var node = new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
        // Longer than the server's own bounds, so that it tells what was wrong.
        var bounds = DriverConfigLoader.programmaticBuilder().withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(12));
        return CqlSession.builder().addContactPoint(node).withLocalDatacenter("datacenter1").withConfigLoader(bounds.build()).build();
    }
}
