import java.io.IOException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/** Takes each event into its customer's profile, and passes on the decisions. */
final class Fold implements Processor<String, byte[], String, byte[]> {
    private final Function<StateStore, Profiles> open;
    private final LongAdder applied;
    private ProcessorContext<String, byte[]> context;
    private Profiles profiles;

    Fold(Function<StateStore, Profiles> open, LongAdder applied) {
        this.open = open;
        this.applied = applied;
    }

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
        this.context = context;
        profiles = open.apply(context.getStateStore(Job.STORE));
    }

    @Override
    public void process(Record<String, byte[]> record) {
        var event = parse(record.value());
        long offset = context.recordMetadata().orElseThrow().offset();
        var profile = profiles.get(record.key());
        if (profile == null) profile = new Profile();
        Decision decision;
        if (profile.has(offset)) {
            decision = profile.decidedAt(offset);
        } else {
            decision = profile.apply(event, offset);
            profiles.put(record.key(), profile);
        }
        if (decision != null) context.forward(record.withValue(decision.json(event)));
        applied.increment();
    }

    private static Event parse(byte[] json) {
        try {
            return Event.parse(json);
        } catch (IOException error) {
            throw new IllegalArgumentException("an event is not what the benchmark makes", error);
        }
    }
}
