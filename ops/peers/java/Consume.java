import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Prints the records of a topic that are committed, a line each: when it came (microseconds), partition, offset, value.
 *
 * Says `ready` once it reads; from=start or from=end. When its input ends, it reads what the topic holds by then and ends.
 */
public final class Consume {
    public static void main(String[] words) {
        var given = Options.parse(words, "brokers", "topic", "from");
        Map<String, Object> settings = Map.of("bootstrap.servers", given.get("brokers"), "isolation.level", "read_committed",
            "enable.auto.commit", false);
        var out = new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16), false, UTF_8);
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            var partitions = consumer.partitionsFor(given.get("topic")).stream()
                .map(one -> new TopicPartition(one.topic(), one.partition())).collect(Collectors.toList());
            consumer.assign(partitions);
            if (given.get("from").equals("end")) consumer.seekToEnd(partitions); else consumer.seekToBeginning(partitions);
            partitions.forEach(consumer::position);
            out.println("ready");
            out.flush();
            var ended = inputEnded();
            Map<TopicPartition, Long> ends = null;
            while (ends == null || ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                print(consumer, out);
                if (ends == null && ended.get()) ends = consumer.endOffsets(partitions);
            }
        }
        out.flush();
    }

    private static void print(KafkaConsumer<String, byte[]> consumer, PrintStream out) {
        var records = consumer.poll(Duration.ofMillis(100));
        long now = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
        for (var record : records) {
            // Records without a value are marks of the engine's own, and concern nobody else.
            if (record.value() != null && record.value().length > 0) {
                out.println(now + "\t" + record.partition() + "\t" + record.offset() + "\t" + new String(record.value(), UTF_8));
            }
        }
    }

    /** Notes the end of the input, without making the reader wait for it. */
    private static AtomicBoolean inputEnded() {
        var ended = new AtomicBoolean();
        var waiting = new Thread(() -> {
            try {
                System.in.transferTo(OutputStream.nullOutputStream());
            } catch (IOException unreadable) {
                // Nobody can say more: the same as its end.
            }
            ended.set(true);
        });
        waiting.setDaemon(true);
        waiting.start();
        return ended;
    }
}
