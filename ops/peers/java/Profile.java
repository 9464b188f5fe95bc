import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * What is known of one customer, about 850 bytes: counts and last times per kind of event, orders, what was looked at lately, when the
 * customer is about, message ids seen lately. The same records in the same order always make the same bytes.
 */
final class Profile {
    private static final List<String> KINDS =
        List.of("Product Viewed", "Product Added", "Products Searched", "Cart Viewed", "Checkout Started", "Order Completed");
    private static final int RECENT_MAX = 22;
    private static final int SEEN = 16;
    /** Decisions remembered. More than one customer can come to within one commit, see {@link #decidedAt}. */
    private static final int DECIDED = 4;
    private static final int HOURS = 24;
    private static final long HOUR_MS = 3_600_000;
    private static final long SESSION_MS = 1_800_000;

    private record Item(long millis, String product) {}

    /** Offset of the last record that is in here. */
    private long offset = -1;
    private long events;
    private long firstMillis;
    private long lastMillis;
    private long sessions;
    private long orders;
    private long cents;
    private final long[] counts = new long[KINDS.size()];
    private final long[] lastOf = new long[KINDS.size()];
    private final int[] hours = new int[HOURS];
    private final long[] seen = new long[SEEN];
    private final ArrayList<Item> recent = new ArrayList<>(RECENT_MAX);
    private final ArrayList<Decision> decided = new ArrayList<>(DECIDED);

    /** True for a record that is in here already: the row was written, and then the commit of the log failed. */
    boolean has(long at) {
        return at <= offset;
    }

    /** The decision to which a record led that is in here already, or null. */
    Decision decidedAt(long at) {
        return decided.stream().filter(decision -> decision.offset() == at).findFirst().orElse(null);
    }

    /** Takes the next record; returns the decision to which it leads, or null. */
    Decision apply(Event event, long at) {
        offset = at;
        long id = hash(event.messageId());
        for (long known : seen) {
            if (known == id) return null;
        }
        long millis = event.millis();
        seen[(int) (events % SEEN)] = id;
        if (events == 0) firstMillis = millis;
        if (events == 0 || millis - lastMillis > SESSION_MS) sessions++;
        events++;
        lastMillis = Math.max(lastMillis, millis);
        hours[(int) (millis / HOUR_MS % HOURS)]++;
        int kind = KINDS.indexOf(event.event());
        if (kind >= 0) {
            counts[kind]++;
            lastOf[kind] = millis;
        }
        if (event.properties().product_id() != null) {
            if (recent.size() == RECENT_MAX) recent.remove(0);
            recent.add(new Item(millis, event.properties().product_id()));
        }
        return event.isOrder() ? order(event, at) : null;
    }

    private Decision order(Event event, long at) {
        orders++;
        cents += event.cents();
        if (orders % 2 != 0) return null;
        if (decided.size() == DECIDED) decided.remove(0);
        var decision = new Decision(at, orders, cents);
        decided.add(decision);
        return decision;
    }

    long offset() {
        return offset;
    }

    /** Events, orders and their value: what the oracle compares. */
    String summary() {
        return events + "\t" + orders + "\t" + cents;
    }

    byte[] encode() {
        var to = ByteBuffer.allocate(2_048);
        for (long value : new long[] {offset, events, firstMillis, lastMillis, sessions, orders, cents}) to.putLong(value);
        for (var values : new long[][] {counts, lastOf, seen}) {
            for (long value : values) to.putLong(value);
        }
        for (int value : hours) to.putInt(value);
        to.put((byte) recent.size());
        for (var item : recent) {
            byte[] product = item.product().getBytes(UTF_8);
            to.putLong(item.millis()).put((byte) product.length).put(product);
        }
        to.put((byte) decided.size());
        for (var one : decided) to.putLong(one.offset()).putLong(one.orders()).putLong(one.cents());
        var bytes = new byte[to.position()];
        to.flip().get(bytes);
        return bytes;
    }

    static Profile decode(ByteBuffer from) {
        var profile = new Profile();
        profile.offset = from.getLong();
        profile.events = from.getLong();
        profile.firstMillis = from.getLong();
        profile.lastMillis = from.getLong();
        profile.sessions = from.getLong();
        profile.orders = from.getLong();
        profile.cents = from.getLong();
        for (var values : new long[][] {profile.counts, profile.lastOf, profile.seen}) {
            for (int i = 0; i < values.length; i++) values[i] = from.getLong();
        }
        for (int i = 0; i < HOURS; i++) profile.hours[i] = from.getInt();
        for (int left = from.get(); left > 0; left--) {
            long millis = from.getLong();
            var product = new byte[from.get()];
            from.get(product);
            profile.recent.add(new Item(millis, new String(product, UTF_8)));
        }
        for (int left = from.get(); left > 0; left--) {
            profile.decided.add(new Decision(from.getLong(), from.getLong(), from.getLong()));
        }
        return profile;
    }

    /** How the stores of Kafka Streams keep it. */
    static Serde<Profile> serde() {
        Deserializer<Profile> decode = (topic, bytes) -> bytes == null ? null : decode(ByteBuffer.wrap(bytes));
        return Serdes.serdeFrom((topic, profile) -> profile == null ? null : profile.encode(), decode);
    }

    private static long hash(String text) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < text.length(); i++) hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
        return hash;
    }
}
