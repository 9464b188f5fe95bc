import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.BatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.StateStoreContext;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.internals.AbstractStoreBuilder;
import org.apache.kafka.streams.state.internals.CacheFlushListener;
import org.apache.kafka.streams.state.internals.CachedStateStore;

/**
 * Profiles of one partition: all on the heap, and in Cassandra as they were at the last commit.
 *
 * A commit begins with what was changed since the last one: batches of rows of one bucket, all acknowledged before the transaction of
 * the log is. Should that fail, records are read again whose effects are in the rows: each row says up to which offset it has them, and
 * which decisions to send again. A former owner that wakes late hurts nobody: the offset is the write's timestamp too, and a row is the
 * same bytes whoever makes it from the same records.
 *
 * That a commit begins Kafka Streams tells only to stores that cache, by an interface of its own.
 */
final class CassandraStore implements StateStore, CachedStateStore<String, Profile>, Profiles {
    /** Rows of one batch, and batches in flight of all partitions together. */
    private static final int ROWS_MAX = 50;
    private static final Semaphore IN_FLIGHT = new Semaphore(128);
    private static final int BUCKETS = 16;
    private static final int TRIES = 5;

    private final String name;
    private final CqlSession session;
    private final PreparedStatement write;
    private final Map<String, Profile> profiles = new HashMap<>();
    private final Set<String> changed = new HashSet<>();
    private int partition;
    private boolean open;

    private CassandraStore(String name, CqlSession session) {
        this.name = name;
        this.session = session;
        write = session.prepare("INSERT INTO peer.profile (partition, bucket, customer, state) VALUES (?, ?, ?, ?) USING TIMESTAMP ?");
    }

    /** Makes keyspace and table if need be; returns what makes the store of each partition. */
    static StoreBuilder<CassandraStore> builder(String name, CqlSession session) {
        session.execute("CREATE KEYSPACE IF NOT EXISTS peer WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1}");
        session.execute("CREATE TABLE IF NOT EXISTS peer.profile (partition int, bucket int, customer text, state blob,"
            + " PRIMARY KEY ((partition, bucket), customer))");
        return new AbstractStoreBuilder<String, Profile, CassandraStore>(name, Serdes.String(), Profile.serde(), Time.SYSTEM) {
            @Override
            public CassandraStore build() {
                return new CassandraStore(name, session);
            }
        }.withLoggingDisabled();
    }

    @Override
    public void init(StateStoreContext context, StateStore root) {
        partition = context.taskId().partition();
        var read = session.prepare("SELECT customer, state FROM peer.profile WHERE partition = ? AND bucket = ?");
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            for (var row : session.execute(read.bind(partition, bucket))) {
                profiles.put(row.getString("customer"), Profile.decode(row.getByteBuffer("state")));
            }
        }
        context.register(root, (key, value) -> {});
        open = true;
    }

    @Override
    public Profile get(String customer) {
        return profiles.get(customer);
    }

    @Override
    public void put(String customer, Profile profile) {
        profiles.put(customer, profile);
        changed.add(customer);
    }

    @Override
    public void flushCache() {
        var buckets = new HashMap<Integer, List<String>>();
        for (var customer : changed) buckets.computeIfAbsent(bucket(customer), bucket -> new ArrayList<>()).add(customer);
        var written = new ArrayList<CompletionStage<AsyncResultSet>>();
        buckets.forEach((bucket, customers) -> {
            for (int from = 0; from < customers.size(); from += ROWS_MAX) {
                written.add(write(bucket, customers.subList(from, Math.min(from + ROWS_MAX, customers.size()))));
            }
        });
        for (var one : written) one.toCompletableFuture().join();
        changed.clear();
    }

    private CompletionStage<AsyncResultSet> write(int bucket, List<String> customers) {
        BatchStatementBuilder batch = BatchStatement.builder(BatchType.UNLOGGED).setIdempotence(true);
        for (var customer : customers) {
            var profile = profiles.get(customer);
            var state = ByteBuffer.wrap(profile.encode());
            // 0 is no timestamp that the server takes.
            batch.addStatement(write.bind(partition, bucket, customer, state, profile.offset() + 1));
        }
        IN_FLIGHT.acquireUninterruptibly();
        return write(batch.build(), TRIES).whenComplete((done, error) -> IN_FLIGHT.release());
    }

    /** Writes again what a busy server did not take in time: it is the same however often it is written. */
    private CompletionStage<AsyncResultSet> write(BatchStatement batch, int tries) {
        return session.executeAsync(batch).exceptionallyCompose(error ->
            tries > 1 ? write(batch, tries - 1) : CompletableFuture.failedStage(error));
    }

    private static int bucket(String customer) {
        return Math.floorMod(customer.hashCode() * 31, BUCKETS);
    }

    @Override
    public void flush() {
        flushCache();
    }

    @Override
    public void clearCache() {
        // Asked of tasks that become standbys; there are none.
    }

    @Override
    public boolean setFlushListener(CacheFlushListener<String, Profile> listener, boolean sendOldValues) {
        return false;
    }

    @Override
    public void close() {
        open = false;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public boolean persistent() {
        return false;
    }

    @Override
    public String name() {
        return name;
    }
}
