import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends a file of events, a line each (key, tab, value), as fast as it goes (rate=0) or at a rate, whatever becomes of them.
 *
 * Prints when the first one was due, and how far the sender fell behind its rate at most: the nth event was due n / rate later.
 */
public final class Produce {
    private static final long TICK_NANOS = 1_000_000;

    public static void main(String[] words) throws Exception {
        var given = Options.parse(words, "brokers", "topic", "file", "rate");
        double rate = Double.parseDouble(given.get("rate"));
        // No partitioner: what Java does with a key is the rule that all others follow.
        Map<String, Object> settings = Map.of("bootstrap.servers", given.get("brokers"), "acks", "all", "compression.type", "lz4",
            "linger.ms", 2, "batch.size", 128 << 10, "buffer.memory", 64L << 20);
        var failed = new AtomicReference<Exception>();
        long behind = 0;
        long sent = 0;
        Instant start;
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer());
            var lines = Files.newBufferedReader(Path.of(given.get("file")))) {
            producer.partitionsFor(given.get("topic"));
            start = Instant.now();
            long from = System.nanoTime();
            for (String line; (line = lines.readLine()) != null && failed.get() == null; sent++) {
                if (rate > 0) behind = Math.max(behind, await(from + (long) (sent * 1e9 / rate)));
                int tab = line.indexOf('\t');
                var record = new ProducerRecord<>(given.get("topic"), line.substring(0, tab), line.substring(tab + 1).getBytes(UTF_8));
                producer.send(record, (done, error) -> {
                    if (error != null) failed.compareAndSet(null, error);
                });
            }
        }
        if (failed.get() != null) throw failed.get();
        System.out.println("{\"sent\":" + sent + ",\"start_us\":" + ChronoUnit.MICROS.between(Instant.EPOCH, start)
            + ",\"behind_ms\":" + behind / 1_000_000 + "}");
    }

    /** Waits until an instant, a tick at least if it is not over; returns by how much it is over then. */
    private static long await(long due) {
        long now = System.nanoTime();
        while (now < due) {
            LockSupport.parkNanos(Math.max(due - now, TICK_NANOS));
            now = System.nanoTime();
        }
        return now - due;
    }
}
